/** Curves of the report, as a drawing that prints. */
import { lookOf } from "../shared/curves.js";
import { h, svg } from "../shared/dom.js";

/** Points of a curve. */
const POINTS = 120;
/** Size of a drawing, in its own units. */
const [WIDE, HIGH] = [320, 120];

/**
 * Some curves on one pair of axes from 0, with words below.
 *
 * @param {{number: number, step: number[], value: number[]}[]} curves `number`: as of a run, for its colour and dashes
 * @param {string} words @param {number} [top] of the axis; otherwise the highest value
 */
export function curveFigure(curves, words, top) {
  const most = top ?? Math.max(...curves.flatMap(({ value }) => value.filter(Number.isFinite)));
  const last = Math.max(...curves.flatMap(({ step }) => step.slice(-1)));
  const lines = curves.map(({ number, step, value }) => {
    const every = Math.ceil(step.length / POINTS);
    const points = value.flatMap((one, i) =>
      i % every && i !== value.length - 1
        ? []
        : `${((WIDE * step[i]) / last).toFixed(1)},${(HIGH * (1 - Math.min(one, most) / most)).toFixed(1)}`,
    );
    const { colour, dash } = lookOf({ number });
    const attributes = {
      points: points.join(" "),
      style: `stroke: var(${colour})`,
      "stroke-dasharray": dash.join(" "),
    };
    return /** @type {[string, Record<string, string>]} */ (["polyline", attributes]);
  });
  return h(
    "figure",
    {},
    svg(
      { viewBox: `0 0 ${WIDE} ${HIGH}`, class: "report-curve" },
      ["path", { d: `M0 0V${HIGH}H${WIDE}`, class: "axes" }],
      ...lines,
    ),
    h("figcaption", {}, words),
  );
}
