/** Width or resolution: the accuracy of Google's weights on ImageNet against multiply-adds, or time here, per picture. */
import { PUBLISHED } from "../../../lab/published.js";
import { computed, effect, signal, untracked } from "../../../lab/signals.js";
import { strokeOf, swatch } from "../../shared/curves.js";
import { h, keepFocus, setWords, showProblem } from "../../shared/dom.js";
import { count, milliseconds, number, percent, t } from "../../shared/i18n.js";
import { axisStyle, colour, fitPlot, rem } from "../../shared/plot.js";
import { createPanel } from "./panel.js";

/** Range of the axis of accuracy. @type {[number, number]} */
const ACCURACY = [0.42, 0.78];
/** Factor by which a logarithmic axis reaches beyond its points. */
const MARGIN = 1.2;
/** Labels on the logarithmic axes. */
const TICKS = { macs: [10e6, 30e6, 100e6, 300e6], time: [1, 3, 10, 30, 100, 300, 1000] };
/** Factor within which work counts as about the same. */
const ABOUT = 1.25;
/** Pixels around a point that a click may miss it by. */
const NEAR = 24;

/** @typedef {{width: number, resolution: number, accuracy: number}} Point */
/** What a point costs, once known. @typedef {{macs: number, time?: number}} Cost */
/** @type {Point[]} */
const POINTS = PUBLISHED.flatMap(({ width, measured }) => measured.map((one) => ({ width, ...one })));
const RESOLUTIONS = [...new Set(POINTS.map(({ resolution }) => resolution))].sort((a, b) => b - a);
/** The network of a point. @param {Point} point @returns {import("../../../engine/protocol.js").Config} */
const configOf = ({ width, resolution }) => ({ width, resolution, classes: 1000, stem: "imagenet" });

/** @param {import("../../context.js").Context} context */
export function createTradeoff({ engine, core, state, model }) {
  const isOpen = computed(() => state.room.value === "apart" && state.values.apart.value.panel === "tradeoff");
  const axis = h(
    "select",
    { id: "tradeoff-axis", onchange: () => state.set("apart", { axis: axis.value }) },
    ...["macs", "time"].map((value) => h("option", { value, t: `tradeoff.axis.${value}` })),
  );
  const measure = h("button", { type: "button", onclick: () => (measuring.peek() ? stop() : measureAll()) });
  const place = h("div", { class: "large-place tradeoff-place", role: "img", "t-aria-label": "tradeoff.label" });
  const keys = h("ul", { class: "curves-keys" });
  const shows = h("p", { role: "status" });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const body = h("div", { class: "table-place", tabindex: 0, role: "region", "t-aria-label": "tradeoff.table" });
  const caption = h("strong");
  const element = createPanel(
    "tradeoff",
    h(
      "div",
      { class: "maps-choices" },
      h("label", { class: "field inline" }, h("span", { t: "tradeoff.axis" }), axis),
      measure,
    ),
    h("figure", { class: "chart" }, h("figcaption", {}, caption), place),
    keys,
    shows,
    problem,
    body,
  );

  /** By point. @type {import("../../../lab/signals.js").Signal<Cost[]>} */
  const costs = signal([]);
  /** How many have been timed, while that goes on. @type {import("../../../lab/signals.js").Signal<number | null>} */
  const measuring = signal(null);
  const width = computed(() => model.network.value.config.width ?? 1);
  const resolution = computed(() => model.network.value.config.resolution ?? 224);
  /** The index of the point of the network in the bar, if it was published; else -1. */
  const findChosen = () =>
    POINTS.findIndex((point) => point.width === width.value && point.resolution === resolution.value);
  const by = computed(() => /** @type {"macs" | "time"} */ (state.values.apart.value.axis));
  /** @param {Point} point */
  const choose = ({ width, resolution }) =>
    state.set("apart", { network: "paper", width, resolution, stem: "imagenet" });

  const redraw = fitPlot(place, (uPlot, size) => {
    const known = costs.peek();
    const along = by.peek();
    const places = POINTS.map((point, i) => ({ ...point, x: known[i]?.[along] ?? NaN }));
    const shown = places.filter(({ x }) => x > 0);
    if (!shown.length) return null;
    const chosen = places[findChosen()];
    const [first, ...others] = PUBLISHED.map(({ width }) => table(shown.filter((point) => point.width === width)));
    // the chosen one last, on top of the lines
    const data = uPlot.join([first, ...others, table(chosen?.x > 0 ? [chosen] : [])]);
    const all = shown.map(({ x }) => x);
    const range = /** @type {[number, number]} */ ([Math.min(...all) / MARGIN, Math.max(...all) * MARGIN]);
    const plot = new uPlot({ ...options(along, range), ...size }, data);
    plot.over.addEventListener("click", ({ offsetX, offsetY }) => {
      const distances = shown.map(({ x, accuracy }) =>
        Math.hypot(plot.valToPos(x, "x") - offsetX, plot.valToPos(accuracy, "y") - offsetY),
      );
      const nearest = Math.min(...distances);
      if (nearest < NEAR) choose(shown[distances.indexOf(nearest)]);
    });
    return plot;
  });

  async function countAll() {
    const all = await Promise.all(POINTS.map((point) => engine.describe(configOf(point))));
    costs.value = all.map(({ macs }, i) => ({ ...costs.peek()[i], macs }));
  }

  let turn = 0;
  /** Times the networks one after another, until the panel is left. */
  async function measureAll() {
    const mine = ++turn;
    showProblem(problem, null);
    state.set("apart", { axis: "time" });
    for (let i = 0; i < POINTS.length; i++) {
      measuring.value = i + 1;
      try {
        const { milliseconds: time } = await engine.measure(configOf(POINTS[i]));
        costs.value = costs.peek().map((cost, at) => (at === i ? { ...cost, time } : cost));
      } catch (error) {
        if (mine !== turn) return;
        showProblem(problem, error);
        break;
      }
      if (mine !== turn) return; // it was stopped and started anew
      if (measuring.peek() === null || !isOpen.peek()) break;
    }
    stop();
  }
  const stop = () => (measuring.value = null);

  function say() {
    const known = costs.value;
    const chosen = findChosen();
    const [one, cost] = [POINTS[chosen], known[chosen]];
    axis.value = by.value;
    setWords(caption, t(`tradeoff.axes.${by.value}`));
    const at = measuring.value;
    measure.textContent = at ? t("tradeoff.measuring", { n: at, of: POINTS.length }) : t("tradeoff.measure");
    const alike = POINTS.filter((_, i) => {
      const ratio = cost && i !== chosen ? known[i].macs / cost.macs : Infinity;
      return Math.max(ratio, 1 / ratio) < ABOUT;
    });
    const words = [
      !one
        ? t("tradeoff.none", { width: number(width.value), resolution: resolution.value })
        : cost
          ? t("tradeoff.chosen", { ...wordsOf(one), macs: count(cost.macs) })
          : "",
    ];
    if (cost?.time) words.push(t("tradeoff.timed", { time: milliseconds(cost.time) }));
    const others = alike.map((point) => t("tradeoff.other", wordsOf(point))).join(", ");
    if (others) words.push(t("tradeoff.alike", { others }));
    setWords(shows, words.join(" "));
    keys.replaceChildren(
      ...PUBLISHED.map(({ width }, i) =>
        h("li", {}, swatch({ number: i + 1 }), t("tradeoff.width", { width: number(width) })),
      ),
    );
    keepFocus(body, () => body.replaceChildren(tableOf(chosen, known, choose)));
  }

  effect(() => {
    core.loss.value; // a restarted core is asked again
    if (isOpen.value && !costs.peek().length) countAll().catch((error) => showProblem(problem, error));
  });
  effect(() => {
    if (!isOpen.value) return;
    say();
    untracked(redraw);
  });
  return element;
}

/** @param {"macs" | "time"} along @param {[number, number]} range @returns {Omit<import("uplot").Options, "width" | "height">} */
function options(along, range) {
  const ink = colour("--ink");
  const lines = PUBLISHED.map((_, i) => {
    const line = strokeOf({ number: i + 1 });
    return { ...line, width: 2, spanGaps: true, points: { show: true, size: 9, fill: line.stroke } };
  });
  const ticks = TICKS[along].filter((tick) => tick >= range[0] && tick <= range[1]);
  const words = along === "macs" ? count : milliseconds;
  return {
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: false, distr: 3, range: () => range }, y: { range: () => ACCURACY } },
    axes: [
      { ...axisStyle(), size: rem(1.75), splits: () => ticks, filter: () => ticks, values: () => ticks.map(words) },
      { ...axisStyle(), size: rem(3.25), values: (_, ticks) => ticks.map((tick) => `${number(100 * tick)} %`) },
    ],
    series: [{}, ...lines, { points: { show: true, size: 17, width: 3, stroke: ink, fill: "transparent" } }],
  };
}

/** @param {{x: number, accuracy: number}[]} points @returns {[number[], number[]]} */
function table(points) {
  const sorted = points.toSorted((a, b) => a.x - b.x);
  return [sorted.map(({ x }) => x), sorted.map(({ accuracy }) => accuracy)];
}

/** @param {Point} point */
const wordsOf = ({ width, resolution, accuracy }) => ({
  width: number(width),
  resolution,
  accuracy: percent(accuracy),
});

/**
 * All figures as a table, whose cells choose their network.
 *
 * @param {number} chosen @param {Cost[]} costs @param {(point: Point) => void} choose
 */
function tableOf(chosen, costs, choose) {
  const head = h(
    "tr",
    {},
    h("th", { scope: "col", t: "tradeoff.column" }),
    ...RESOLUTIONS.map((resolution) => h("th", { scope: "col" }, String(resolution))),
  );
  const rows = PUBLISHED.map(({ width }) => {
    const cells = RESOLUTIONS.map((resolution) => {
      const i = POINTS.findIndex((one) => one.width === width && one.resolution === resolution);
      if (i < 0) return h("td", {}, "–");
      const { macs, time } = costs[i] ?? {};
      const cost = [macs && count(macs), time && milliseconds(time)].filter(Boolean).map(String);
      const label = t("tradeoff.other", wordsOf(POINTS[i]));
      const button = h(
        "button",
        { type: "button", "data-key": i, "aria-pressed": String(i === chosen), onclick: () => choose(POINTS[i]) },
        h("span", { class: "visually-hidden" }, label),
        h("span", { "aria-hidden": "true" }, percent(POINTS[i].accuracy)),
        ...cost.map((words) => h("span", { class: "muted" }, words)),
      );
      return h("td", {}, button);
    });
    return h("tr", {}, h("th", { scope: "row" }, number(width)), ...cells);
  });
  return h("table", { class: "tradeoff" }, h("thead", {}, head), h("tbody", {}, ...rows));
}
