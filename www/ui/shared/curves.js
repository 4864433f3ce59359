/**
 * Loss, accuracy or learning rate of some runs, against steps: training thin and held-out thick, each with its name at its end;
 * of the rate, the plan dashed and what the steps reported thick.
 */
import { h, setWords, svg } from "./dom.js";
import { figure, number, percent, t, tiny } from "./i18n.js";
import { besides, drawBand, markAbove, nameEnds } from "./marks.js";
import { axisStyle, colour, loadUPlot, rem } from "./plot.js";

/** Maximum points drawn of a curve: each is then the mean of several steps. */
const POINTS = 400;
/** A plan's dashes. */
const PLANNED = [4, 4];
/** @typedef {"loss" | "accuracy" | "learning_rate"} Key */
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
  learning_rate: { tick: tiny, exact: tiny, range: undefined },
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
 * @property {{step: number[], loss: number[], accuracy: number[], learning_rate?: number[]}} steps
 * @property {{step: number, loss: number, accuracy: number}[]} evaluations on held-out pictures
 * @property {string[]} [labels] class names, if known
 * @property {string} [name] written at the line's end
 * @property {boolean} [grey] whether it stands behind the others
 * @property {import("../../lab/schedule.js").Plan} [plan] of the learning rate
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

/** One of the figures of some runs; shows the nearest value to the pointer. @param {Key} key */
export function createChart(key) {
  const { tick, exact, range } = FIGURES[key];
  const place = h("div", { class: "chart-place", role: "img" });
  const reading = h("span", { class: "chart-reading number" });
  const above = h("span", { class: "chart-above number" });
  const isRate = key === "learning_rate";
  const caption = h("figcaption", {}, h("strong", { t: `curves.${key}` }), above, reading);
  const element = h("figure", { class: isRate ? "chart low" : "chart" }, caption, place);
  /** @type {import("uplot") | null} */
  let plot = null;
  let shown = "";
  /** As last drawn; uPlot's hooks read it later. @type {Drawn[]} */
  let drawn = [];
  /** @type {number | undefined} */
  let last;

  function forget() {
    plot?.destroy();
    plot = null;
    reading.replaceChildren();
  }

  /** @param {Drawn[]} runs @param {number} [end] of the axis; by default the last step */
  async function draw(runs, end) {
    const { default: uPlot } = await loadUPlot();
    const { clientWidth: width, clientHeight: height } = place;
    if (!width) return;
    [drawn, last] = [runs, end];
    const tables = runs.flatMap((run) =>
      isRate ? [planned(run), training(run, key)] : [training(run, key), held(run, key)],
    );
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
    const { step, value } = latestOf(runs.at(-1), key);
    const label = t(value === undefined ? "curves.empty" : `curves.${key}.label`, {
      value: value === undefined ? "" : exact(value),
      step: step ?? 0,
    });
    place.setAttribute("aria-label", label);
  }

  /** @param {Drawn[]} runs @returns {Omit<import("uplot").Options, "width" | "height">} */
  function options(runs) {
    const axis = axisStyle();
    const series = runs.flatMap((run) => {
      const shared = { ...strokeOf(run), spanGaps: true };
      return [
        { ...shared, width: isRate ? 1.5 : 1, alpha: 0.8, points: { show: false }, ...(isRate && { dash: PLANNED }) },
        { ...shared, width: 2.5, points: { show: !isRate, size: 5, fill: shared.stroke } },
      ];
    });
    return {
      padding: [null, besides(runs, place.clientWidth), null, null],
      legend: { show: false },
      cursor: { y: false, drag: { setScale: false, x: false } },
      hooks: {
        setCursor: [(plot) => reading.replaceChildren(...read(plot, drawn))],
        drawAxes: [
          (plot) => isRate || drawn.forEach((run) => drawBand(plot, run.band?.[key] ?? [], strokeOf(run).stroke)),
        ],
        draw: [
          (plot) => isRate || nameEnds(plot, drawn, key), // the lines may be one
          (plot) => {
            const highest = markAbove(plot);
            setWords(above, highest === null ? "" : t("curves.above", { value: exact(highest) }));
          },
        ],
      },
      scales: {
        x: { time: false, range: (_, low, high) => (last ? [0, last] : [low, high]) },
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
    const kind = isRate ? (series % 2 ? "planned" : "actual") : series % 2 ? "training" : "held";
    const words = t(`curves.reading.${kind}`, { step: number(step), value: exact(value) });
    return [swatch(runs[(series - 1) >> 1]), words];
  }
  return { element, draw, forget };
}

/** A run's last value of a figure, on held-out pictures where there are. @param {Drawn | undefined} run @param {Key} key */
function latestOf(run, key) {
  if (key === "learning_rate") return { step: run?.steps.step.at(-1), value: run?.steps.learning_rate?.at(-1) };
  const evaluated = run?.evaluations.at(-1);
  return { step: evaluated?.step, value: evaluated?.[key] };
}

/**
 * Cuts off a curve that exceeds twice its run's start and twice the loss of guessing, since it would flatten everything
 * else.
 *
 * @param {Drawn[]} runs @param {Key} key
 */
function ceiling(runs, key) {
  if (key === "learning_rate") return Infinity;
  const first = runs.flatMap(({ steps, labels = [] }) => [...steps[key].slice(0, 1), Math.log(labels.length || 1)]);
  return 2 * Math.max(0, ...first) || Infinity; // before the first step
}

/**
 * Means of several steps each, so that a long run draws as fast as a short one.
 *
 * @param {Drawn} run
 * @param {Key} key
 * @returns {import("uplot").AlignedData}
 */
function training({ steps }, key) {
  const all = steps[key] ?? [];
  const size = Math.ceil(steps.step.length / POINTS) || 1;
  const x = [];
  const y = [];
  for (let from = 0; from < all.length; from += size) {
    const values = all.slice(from, from + size);
    x.push(steps.step[Math.min(from + size, all.length) - 1]);
    y.push(values.reduce((sum, value) => sum + value, 0) / values.length);
  }
  return [x, y];
}

/** @param {Drawn} run @param {"loss" | "accuracy"} key @returns {import("uplot").AlignedData} */
function held({ evaluations }, key) {
  return [evaluations.map(({ step }) => step), evaluations.map((evaluation) => evaluation[key])];
}

/** @param {Drawn} run @returns {import("uplot").AlignedData} */
function planned({ plan }) {
  return [plan?.step ?? [], plan?.rate ?? []];
}
