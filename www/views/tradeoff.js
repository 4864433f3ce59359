/** Width or resolution: what Google's weights of each reach on ImageNet, against the work of a picture. */
import { h, setWords } from "../dom.js";
import { count, number, percent, t } from "../i18n.js";
import { PUBLISHED } from "../published.js";
import { axisStyle, colour, loadUPlot, lookOf, swatch } from "./curves.js";

/**
 * @typedef {object} Point
 * @property {number} width
 * @property {number} resolution
 * @property {number} macs
 * @property {number} accuracy
 */

const HEIGHT = 320;
/** Ends of the axes: multiply-adds, and the share that is right. */
const MACS = [10e6, 650e6];
const ACCURACY = [0.42, 0.78];
/** Where the axis of multiply-adds, each step of which multiplies, is labelled. */
const TICKS = [10e6, 30e6, 100e6, 300e6];
/** How much more or less is about the same work. */
const ABOUT = 1.25;

const POINTS = PUBLISHED.flatMap(({ width, measured }) => measured.map((one) => ({ width, ...one })));
const RESOLUTIONS = [...new Set(POINTS.map(({ resolution }) => resolution))].sort((a, b) => b - a);

/** @param {import("../main.js").Context} context */
export function createTradeoff({ state, model }) {
  const place = h("div", { class: "tradeoff-place", role: "img", "t-aria-label": "tradeoff.label" });
  const keys = h("ul", { class: "curves-keys" });
  const shows = h("p", { role: "status" });
  const body = h("div", { class: "table-place", tabindex: 0, role: "region", "t-aria-label": "tradeoff.table" });
  const element = h(
    "article",
    { class: "panel" },
    h("h2", { t: "apart.tradeoff" }),
    h("p", { t: "tradeoff.idea" }),
    h("p", { class: "muted", t: "tradeoff.try" }),
    h("figure", { class: "chart" }, h("figcaption", {}, h("strong", { t: "tradeoff.axes" })), place),
    keys,
    shows,
    body,
    h("p", { class: "muted", t: "tradeoff.paper" }),
  );
  /** @type {import("uplot") | null} */
  let plot = null;

  async function draw() {
    const { default: uPlot } = await loadUPlot();
    const width = place.clientWidth;
    if (!width || (plot && plot.width === width)) return;
    plot?.destroy();
    const [first, ...others] = PUBLISHED.map(({ measured }) => table(measured));
    // last the chosen one, on top of the lines
    plot = new uPlot(options(width), uPlot.join([first, ...others, table(chosenOf(model))]), place);
  }

  /** @param {number} width @returns {import("uplot").Options} */
  function options(width) {
    const ink = colour("--ink");
    const lines = PUBLISHED.map((_, i) => {
      const { colour: name, dash } = lookOf({ number: i + 1 });
      const stroke = colour(name);
      return { stroke, dash, width: 2, spanGaps: true, points: { show: true, size: 7, fill: stroke } };
    });
    return {
      width,
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: false, distr: 3, range: () => /** @type {[number, number]} */ (MACS) },
        y: { range: () => /** @type {[number, number]} */ (ACCURACY) },
      },
      axes: [
        { ...axisStyle(), size: 28, splits: () => TICKS, filter: () => TICKS, values: () => TICKS.map(count) },
        { ...axisStyle(), size: 48, values: (_, ticks) => ticks.map((tick) => `${number(100 * tick)} %`) },
      ],
      series: [{}, ...lines, { points: { show: true, size: 15, width: 3, stroke: ink, fill: "transparent" } }],
    };
  }

  function say() {
    const { width = 1, resolution = 224 } = model.network.config;
    const [chosen] = chosenOf(model);
    const alike = POINTS.filter(
      (point) => chosen && point !== chosen && Math.max(point.macs / chosen.macs, chosen.macs / point.macs) < ABOUT,
    );
    const words = [
      chosen
        ? t("tradeoff.chosen", { ...wordsOf(chosen), macs: count(chosen.macs) })
        : t("tradeoff.none", { width: number(width), resolution }),
    ];
    if (alike.length) {
      const others = alike.map((point) => t("tradeoff.other", wordsOf(point)));
      words.push(t("tradeoff.alike", { others: others.join(", ") }));
    }
    setWords(shows, words.join(" "));
    keys.replaceChildren(
      ...PUBLISHED.map((one, i) =>
        h("li", {}, swatch({ number: i + 1 }), t("tradeoff.width", { width: number(one.width) })),
      ),
    );
    body.replaceChildren(tableOf(chosen));
  }

  let shown = "";
  function update() {
    if (state.room !== "apart" || state.values.apart.panel !== "tradeoff") return;
    const { width, resolution } = model.network.config;
    if (shown !== `${width} ${resolution}`) redraw();
    shown = `${width} ${resolution}`;
  }
  function redraw() {
    plot?.destroy();
    plot = null;
    say();
    draw();
  }
  model.addEventListener("change", update);
  state.addEventListener("change", update);
  for (const event of ["theme", "language"]) document.addEventListener(event, redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  new ResizeObserver(draw).observe(place);
  redraw();
  return element;
}

/** The point of the network in the bar, if it was published. @param {import("../model.js").Model} model */
function chosenOf({ network: { config } }) {
  return POINTS.filter(({ width, resolution }) => width === config.width && resolution === config.resolution);
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

/** All figures, for those who would rather read than look. @param {Point | undefined} chosen */
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
