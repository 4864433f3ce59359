/**
 * Loss and accuracy of every run shown, against steps: training thin, held-out thick, each with its name at its end.
 */
import { effect, follow } from "../../lab/signals.js";
import { h, onFrame, onResize, setWords, svg } from "./dom.js";
import { currentLanguage, figure, number, percent, t } from "./i18n.js";
import { besides, drawBand, markAbove, nameEnds } from "./marks.js";
import { axisStyle, colour, loadUPlot, rem } from "./plot.js";
import { presenting } from "./presenting.js";
import { isDark } from "./theme.js";

/** Maximum points drawn of a curve: each is then the mean of several steps. */
const POINTS = 400;
/** The format of each figure at the axis and in the reading, and the range of its axis if fixed. */
const FIGURES = {
  loss: {
    /** @param {number} value */
    tick: (value) => number(value, { maximumSignificantDigits: 2 }),
    exact: figure,
    range: undefined,
  },
  accuracy: {
    /** @param {number} value */
    tick: (value) => `${number(value * 100)} %`,
    exact: percent,
    range: /** @type {[number, number]} */ ([0, 1]),
  },
};
/** Tick distances: steps are whole numbers. */
const WHOLE = [1, 10, 100, 1e3, 1e4, 1e5].flatMap((power) => [power, 2 * power, 5 * power]);
/** Okabe and Ito's colours, which most eyes can tell apart, each with its own dashes. */
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3], [5, 2], [1, 2]];

/**
 * The drawn data of a run.
 *
 * @typedef {object} Drawn
 * @property {number} number from 1
 * @property {{step: number[], loss: number[], accuracy: number[]}} steps
 * @property {{step: number, loss: number, accuracy: number}[]} evaluations on held-out pictures
 * @property {string[]} [labels] class names, if known
 * @property {string} [name] written at the line's end
 * @property {boolean} [grey] whether it stands behind the others
 * @property {Record<"loss" | "accuracy", {step: number, low: number, high: number}[]>} [band] behind the held-out line
 */

/** A run's colour name and dashes. @param {{number: number, grey?: boolean}} run */
export function lookOf({ number, grey }) {
  const index = (number - 1) % DASHES.length;
  return { colour: grey ? "--edge" : `--run-${index + 1}`, dash: DASHES[index] };
}

/** A run's name. @param {{number: number, title?: string}} run */
export const titleOf = ({ number, title }) => title || t("runs.name", { number });

/** A run's line style for uPlot. @param {{number: number, grey?: boolean}} run */
export function strokeOf(run) {
  const { colour: name, dash } = lookOf(run);
  return { stroke: colour(name), dash };
}

/** A run's line as in the curves. @param {{number: number, grey?: boolean}} run */
export function swatch(run) {
  const { colour, dash } = lookOf(run);
  const line = { x1: 0, y1: 4, x2: 32, y2: 4, "stroke-dasharray": dash.join(" "), style: `stroke: var(${colour})` };
  return svg({ viewBox: "0 0 32 8", class: "swatch" }, ["line", line]);
}

/** @param {import("../context.js").Context} context */
export function createCurves({ session, state }) {
  const loss = createChart("loss");
  const accuracy = createChart("accuracy");
  const keys = h("ul", { class: "curves-keys" });
  const element = h(
    "div",
    {},
    h("div", { class: "curves" }, loss.element, accuracy.element),
    h("p", { class: "curves-legend", t: "curves.legend" }),
    keys,
  );

  const { all, shown } = session.runs;
  const draw = onFrame(async () => {
    if (state.room.value !== "train") return;
    const several = all.value.length > 1;
    const runs = shown.value.map((run) => ({ ...run, name: several ? titleOf(run) : "" }));
    await Promise.all([loss.draw(runs), accuracy.draw(runs)]);
  });
  // which line belongs to which run, if there are several
  effect(() => {
    const runs = all.value.length > 1 ? shown.value : [];
    keys.replaceChildren(...runs.map((run) => h("li", {}, swatch(run), titleOf(run))));
  });
  effect(() => {
    session.steps.value;
    session.judged.value;
    shown.value;
    if (state.room.value === "train") draw();
  });
  // text and colours are drawn with the axes
  follow(
    () => [currentLanguage(), isDark.value, presenting.value],
    () => {
      loss.forget();
      accuracy.forget();
      draw();
    },
  );
  onResize(element, draw);
  return element;
}

/** One of the two figures of some runs; shows the nearest value to the pointer. @param {"loss" | "accuracy"} key */
export function createChart(key) {
  const { tick, exact, range } = FIGURES[key];
  const place = h("div", { class: "chart-place", role: "img" });
  const reading = h("span", { class: "chart-reading number" });
  const above = h("span", { class: "chart-above number" });
  const caption = h("figcaption", {}, h("strong", { t: `curves.${key}` }), above, reading);
  const element = h("figure", { class: "chart" }, caption, place);
  /** @type {import("uplot") | null} */
  let plot = null;
  let shown = "";
  /** As last drawn; uPlot's hooks read it later. @type {Drawn[]} */
  let drawn = [];

  function forget() {
    plot?.destroy();
    plot = null;
    reading.replaceChildren();
  }

  /** @param {Drawn[]} runs */
  async function draw(runs) {
    const { default: uPlot } = await loadUPlot();
    const { clientWidth: width, clientHeight: height } = place;
    if (!width) return;
    drawn = runs;
    const tables = runs.flatMap((run) => [training(run, key), held(run, key)]);
    const data = tables.length
      ? uPlot.join(tables)
      : /** @type {import("uplot").AlignedData} */ ([
          [0, 1],
          [null, null],
        ]);
    const names = runs.map(({ number, name, grey }) => `${number} ${name} ${!!grey}`).join();
    if (names !== shown) forget();
    shown = names;
    if (plot) {
      plot.batch(() => {
        if (plot?.width !== width || plot.height !== height) plot?.setSize({ width, height });
        plot?.setData(data);
      });
    } else plot = new uPlot({ ...options(runs), width, height }, data, place);
    const last = runs.at(-1);
    const value = last?.evaluations.at(-1);
    const label = t(value ? `curves.${key}.label` : "curves.empty", {
      value: value ? exact(value[key]) : "",
      step: value?.step ?? 0,
    });
    place.setAttribute("aria-label", label);
  }

  /** @param {Drawn[]} runs @returns {Omit<import("uplot").Options, "width" | "height">} */
  function options(runs) {
    const axis = axisStyle();
    const series = runs.flatMap((run) => {
      const shared = { ...strokeOf(run), spanGaps: true };
      return [
        { ...shared, width: 1, alpha: 0.8, points: { show: false } },
        { ...shared, width: 2.5, points: { show: true, size: 5, fill: shared.stroke } },
      ];
    });
    return {
      padding: [null, besides(runs, place.clientWidth), null, null],
      legend: { show: false },
      cursor: { y: false, drag: { setScale: false, x: false } },
      hooks: {
        setCursor: [(plot) => reading.replaceChildren(...read(plot, drawn))],
        drawAxes: [(plot) => drawn.forEach((run) => run.band && drawBand(plot, run.band[key], strokeOf(run).stroke))],
        draw: [
          (plot) => nameEnds(plot, drawn, key),
          (plot) => {
            const highest = markAbove(plot);
            setWords(above, highest === null ? "" : t("curves.above", { value: exact(highest) }));
          },
        ],
      },
      scales: {
        x: { time: false },
        y: { range: range ?? ((_, low, high) => [Math.min(0, low ?? 0), Math.min(high || 1, ceiling(drawn, key))]) },
      },
      axes: [
        {
          ...axisStyle(4.5),
          size: rem(1.75),
          incrs: WHOLE,
          values: (_, ticks) => ticks.map((tick) => number(tick)),
          label: t("curves.step"),
          labelFont: axis.font,
          labelSize: rem(1.25),
        },
        { ...axis, size: rem(3.25), values: (_, ticks) => ticks.map(tick) },
      ],
      series: [{}, ...(series.length ? series : [{}])],
    };
  }

  /** The point nearest to the pointer: its run, curve and step. @param {import("uplot")} plot @param {Drawn[]} runs */
  function read(plot, runs) {
    const { left = -1, top = -1, idxs = [] } = plot.cursor;
    const points = plot.data.flatMap((values, series) => {
      const at = idxs[series] ?? -1; // -1: no point
      const value = values[at];
      if (!series || typeof value !== "number") return [];
      return { series, step: plot.data[0][at], value, distance: Math.abs(plot.valToPos(value, "y") - top) };
    });
    if (left < 0 || !points.length) return [];
    const { series, step, value } = points.reduce((best, one) => (one.distance < best.distance ? one : best));
    const kind = series % 2 ? "training" : "held";
    const words = t(`curves.reading.${kind}`, { step: number(step), value: exact(value) });
    return [swatch(runs[(series - 1) >> 1]), words];
  }
  return { element, draw, forget };
}

/**
 * Cuts off a curve that exceeds twice its run's start and twice the loss of guessing, since it would flatten everything
 * else.
 *
 * @param {Drawn[]} runs @param {"loss" | "accuracy"} key
 */
function ceiling(runs, key) {
  const first = runs.flatMap(({ steps, labels = [] }) => [...steps[key].slice(0, 1), Math.log(labels.length || 1)]);
  return first.length ? 2 * Math.max(...first) : Infinity;
}

/**
 * Means of several steps each, so that a long run draws as fast as a short one.
 *
 * @param {Drawn} run
 * @param {"loss" | "accuracy"} key
 * @returns {import("uplot").AlignedData}
 */
function training({ steps }, key) {
  const size = Math.ceil(steps.step.length / POINTS) || 1;
  const x = [];
  const y = [];
  for (let from = 0; from < steps.step.length; from += size) {
    const values = steps[key].slice(from, from + size);
    x.push(steps.step[Math.min(from + size, steps.step.length) - 1]);
    y.push(values.reduce((sum, value) => sum + value, 0) / values.length);
  }
  return [x, y];
}

/** @param {Drawn} run @param {"loss" | "accuracy"} key @returns {import("uplot").AlignedData} */
function held({ evaluations }, key) {
  return [evaluations.map(({ step }) => step), evaluations.map((evaluation) => evaluation[key])];
}
