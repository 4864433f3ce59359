/** The share that ReLU destroys against the number of dimensions: the formula as a curve, the matrix at hand as a dot. */
import { expectedLoss } from "../../../lab/spiral.js";
import { DIMENSIONS } from "../../../lab/state.js";
import { h, svg } from "../../shared/dom.js";
import { number, percent, t } from "../../shared/i18n.js";

const { least, most } = DIMENSIONS;
/** The numbers of dimensions in the paper's figure, and the most. */
const TICKS = [2, 3, 5, 15, 30, 64];
/** What is at the top. */
const TOP = 1;

/** Per cent from the left: the axis is logarithmic. @param {number} n */
const across = (n) => (100 * Math.log(n / least)) / Math.log(most / least);
/** @param {number} share */
const down = (share) => 100 - (100 * share) / TOP;

export function createLossCurve() {
  const points = Array.from({ length: most - least + 1 }, (_, i) => least + i);
  const d = points.map((n, i) => `${i ? "L" : "M"}${across(n)} ${down(expectedLoss(n))}`).join("");
  const drawing = svg({ viewBox: "0 0 100 100", preserveAspectRatio: "none" }, ["path", { d }]);
  const dot = h("span", { class: "losscurve-dot" });
  const says = h("figcaption", { class: "number" });
  const axis = h("div", { class: "losscurve-axis number", "aria-hidden": "true" });
  axis.append(...TICKS.map((n) => h("span", { style: `left: ${across(n)}%` }, number(n))));
  const plot = h("div", { class: "losscurve-plot" }, drawing, dot);
  return {
    element: h("figure", { class: "losscurve" }, says, plot, axis, h("p", { class: "hint", t: "manifold.curve.axis" })),
    /** @param {number} n @param {number} lost the share that this matrix loses */
    draw(n, lost) {
      dot.style.cssText = `left: ${across(n)}%; top: ${down(lost)}%`;
      const expected = `${number(100 * expectedLoss(n), { maximumSignificantDigits: 2 })} %`;
      says.textContent = t("manifold.curve", { n, lost: percent(lost), expected });
    },
  };
}
