/** Width or resolution: the accuracy of Google's weights on ImageNet against multiply-adds per picture. */
import { PUBLISHED } from "../../../lab/published.js";
import { computed, effect, untracked } from "../../../lab/signals.js";
import { strokeOf, swatch } from "../../shared/curves.js";
import { h, setWords } from "../../shared/dom.js";
import { count, number, percent, t } from "../../shared/i18n.js";
import { axisStyle, colour, fitPlot, rem } from "../../shared/plot.js";
import { createPanel } from "./panel.js";

/** Ranges of the axes: multiply-adds, and accuracy. @type {[number, number]} */
const MACS = [10e6, 650e6];
/** @type {[number, number]} */
const ACCURACY = [0.42, 0.78];
/** Labels on the logarithmic axis of multiply-adds. */
const TICKS = [10e6, 30e6, 100e6, 300e6];
/** Factor within which work counts as about the same. */
const ABOUT = 1.25;

/** @typedef {(typeof POINTS)[number]} Point */
const POINTS = PUBLISHED.flatMap(({ width, measured }) => measured.map((one) => ({ width, ...one })));
const RESOLUTIONS = [...new Set(POINTS.map(({ resolution }) => resolution))].sort((a, b) => b - a);

/** @param {import("../../context.js").Context} context */
export function createTradeoff({ state, model }) {
  const place = h("div", { class: "large-place", role: "img", "t-aria-label": "tradeoff.label" });
  const keys = h("ul", { class: "curves-keys" });
  const shows = h("p", { role: "status" });
  const body = h("div", { class: "table-place", tabindex: 0, role: "region", "t-aria-label": "tradeoff.table" });
  const element = createPanel(
    "tradeoff",
    shows,
    h("figure", { class: "chart" }, h("figcaption", {}, h("strong", { t: "tradeoff.axes" })), place),
    keys,
    body,
  );

  const width = computed(() => model.network.value.config.width ?? 1);
  const resolution = computed(() => model.network.value.config.resolution ?? 224);
  /** The point of the network in the bar, if it was published. */
  const findChosen = () => POINTS.find((point) => point.width === width.value && point.resolution === resolution.value);

  const redraw = fitPlot(place, (uPlot, size) => {
    const chosen = findChosen();
    const [first, ...others] = PUBLISHED.map(({ measured }) => table(measured));
    // the chosen one last, on top of the lines
    return new uPlot({ ...options(), ...size }, uPlot.join([first, ...others, table(chosen ? [chosen] : [])]));
  });

  function say() {
    const chosen = findChosen();
    const alike = POINTS.filter(
      (point) => chosen && point !== chosen && Math.max(point.macs / chosen.macs, chosen.macs / point.macs) < ABOUT,
    );
    const words = [
      chosen
        ? t("tradeoff.chosen", { ...wordsOf(chosen), macs: count(chosen.macs) })
        : t("tradeoff.none", { width: number(width.value), resolution: resolution.value }),
    ];
    const others = alike.map((point) => t("tradeoff.other", wordsOf(point))).join(", ");
    if (others) words.push(t("tradeoff.alike", { others }));
    setWords(shows, words.join(" "));
    keys.replaceChildren(
      ...PUBLISHED.map(({ width }, i) =>
        h("li", {}, swatch({ number: i + 1 }), t("tradeoff.width", { width: number(width) })),
      ),
    );
    body.replaceChildren(tableOf(chosen));
  }

  effect(() => {
    if (state.room.value !== "apart") return;
    say();
    untracked(redraw);
  });
  return element;
}

/** @returns {Omit<import("uplot").Options, "width" | "height">} */
function options() {
  const ink = colour("--ink");
  const lines = PUBLISHED.map((_, i) => {
    const line = strokeOf({ number: i + 1 });
    return { ...line, width: 2, spanGaps: true, points: { show: true, size: 7, fill: line.stroke } };
  });
  return {
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: false, distr: 3, range: () => MACS }, y: { range: () => ACCURACY } },
    axes: [
      { ...axisStyle(), size: rem(1.75), splits: () => TICKS, filter: () => TICKS, values: () => TICKS.map(count) },
      { ...axisStyle(), size: rem(3.25), values: (_, ticks) => ticks.map((tick) => `${number(100 * tick)} %`) },
    ],
    series: [{}, ...lines, { points: { show: true, size: 15, width: 3, stroke: ink, fill: "transparent" } }],
  };
}

/** @param {{macs: number, accuracy: number}[]} points @returns {[number[], number[]]} */
function table(points) {
  const sorted = points.toSorted((a, b) => a.macs - b.macs);
  return [sorted.map(({ macs }) => macs), sorted.map(({ accuracy }) => accuracy)];
}

/** @param {Point} point */
const wordsOf = ({ width, resolution, accuracy }) => ({
  width: number(width),
  resolution,
  accuracy: percent(accuracy),
});

/** All figures as a table, for people who prefer to read. @param {Point | undefined} chosen */
function tableOf(chosen) {
  const head = h(
    "tr",
    {},
    h("th", { scope: "col", t: "tradeoff.column" }),
    ...RESOLUTIONS.map((resolution) => h("th", { scope: "col" }, String(resolution))),
  );
  const rows = PUBLISHED.map(({ width }) => {
    const cells = RESOLUTIONS.map((resolution) => {
      const point = POINTS.find((one) => one.width === width && one.resolution === resolution);
      const words = point ? [percent(point.accuracy), h("span", { class: "muted" }, count(point.macs))] : ["–"];
      return h("td", { "aria-current": point && point === chosen ? "true" : null }, ...words);
    });
    return h("tr", {}, h("th", { scope: "row" }, number(width)), ...cells);
  });
  return h("table", { class: "tradeoff" }, h("thead", {}, head), h("tbody", {}, ...rows));
}
