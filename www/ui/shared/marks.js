/**
 * What a chart shows besides its lines: their names, the range of several seeds, and where a line leaves it.
 *
 * @typedef {import("./curves.js").Drawn} Drawn
 */
import { h } from "./dom.js";
import { rem } from "./plot.js";

/** Half the width of a mark, in pixels. */
const MARK = 4;
/** The font of the names at the lines' ends. */
const nameFont = () => `600 ${rem(0.875)}px system-ui, sans-serif`;
/** At least as wide, a chart has room for names beside it. */
const WIDE = 26;
/** Of the chart's width, at most this share for the names. */
const FOR_NAMES = 0.4;
/** The context of a canvas for measuring text. @type {CanvasRenderingContext2D | null | undefined} */
let measuring;

/** Room for the names to the right of the lines' ends; null: none. @param {Drawn[]} runs @param {number} width */
export function besides(runs, width) {
  if (width < rem(WIDE) || !runs.some(({ name }) => name)) return null;
  measuring ??= h("canvas").getContext("2d");
  if (!measuring) return null;
  measuring.font = nameFont();
  const widths = runs.map(({ name = "" }) => measuring?.measureText(name).width ?? 0);
  return Math.min(Math.max(...widths) + rem(1), FOR_NAMES * width);
}

/**
 * Writes each run's name beside the end of its line, if there is room, without two of them overlapping.
 *
 * @param {import("uplot")} plot @param {Drawn[]} runs @param {"loss" | "accuracy"} key
 */
export function nameEnds(plot, runs, key) {
  const { ctx, bbox, width } = plot;
  if (width < rem(WIDE)) return;
  const size = rem(0.875) * devicePixelRatio;
  const [top, bottom] = [bbox.top + size / 2, bbox.top + bbox.height - size / 2];
  const ends = runs.flatMap(({ name, evaluations, steps }, i) => {
    const value = evaluations.at(-1)?.[key] ?? steps[key].at(-1);
    if (!name || value === undefined) return [];
    return { name, y: Math.min(Math.max(plot.valToPos(value, "y", true), top), bottom), series: 2 * i + 1 };
  });
  ends.sort((a, b) => a.y - b.y);
  ends.forEach((end, i) => (end.y = Math.max(end.y, i ? ends[i - 1].y + 1.2 * size : top)));
  ends.reverse().forEach((end, i) => (end.y = Math.min(end.y, i ? ends[i - 1].y - 1.2 * size : bottom)));
  const x = bbox.left + bbox.width + size / 2;
  ctx.save();
  ctx.font = nameFont().replace(/\d+px/, `${size}px`);
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  for (const { name, y, series } of ends) {
    ctx.fillStyle = /** @type {any} */ (plot.series[series].stroke)(plot, series); // uPlot turns it into a function
    ctx.fillText(name, x, y, width * devicePixelRatio - x); // condensed where it would be cut off
  }
  ctx.restore();
}

/**
 * Fills the range of several seeds.
 *
 * @param {import("uplot")} plot @param {{step: number, low: number, high: number}[]} band @param {string} fill
 */
export function drawBand(plot, band, fill) {
  const { ctx } = plot;
  const x = (/** @type {number} */ step) => plot.valToPos(step, "x", true);
  const y = (/** @type {number} */ value) => plot.valToPos(value, "y", true);
  ctx.save();
  ctx.beginPath();
  ctx.rect(plot.bbox.left, plot.bbox.top, plot.bbox.width, plot.bbox.height);
  ctx.clip(); // what leaves the chart is cut off there, like the lines
  ctx.globalAlpha = 0.18;
  ctx.fillStyle = fill;
  ctx.beginPath();
  for (const { step, high } of band) ctx.lineTo(x(step), y(high));
  for (const { step, low } of [...band].reverse()) ctx.lineTo(x(step), y(low));
  ctx.fill();
  ctx.restore();
}

/**
 * Marks the upper edge where a curve leaves the chart. Returns its highest value there.
 *
 * @param {import("uplot")} plot
 */
export function markAbove(plot) {
  const { ctx, bbox, data, scales, series } = plot;
  const size = MARK * devicePixelRatio;
  /** @type {number | null} */
  let highest = null;
  series.forEach(({ stroke }, i) => {
    let last = -Infinity;
    for (const [at, value] of i ? data[i].entries() : []) {
      if (typeof value !== "number" || value <= (scales.y.max ?? Infinity)) continue;
      highest = Math.max(highest ?? value, value);
      const x = plot.valToPos(data[0][at], "x", true);
      if (x < last + 2 * size) continue;
      last = x;
      ctx.fillStyle = /** @type {any} */ (stroke)(plot, i); // uPlot turns it into a function
      ctx.beginPath();
      ctx.moveTo(x - size, bbox.top + size);
      ctx.lineTo(x, bbox.top);
      ctx.lineTo(x + size, bbox.top + size);
      ctx.fill();
    }
  });
  return highest;
}
