/** Accuracy of the twins against the number of bits: filled in point by point. */
import { strokeOf, swatch } from "../../shared/curves.js";
import { h } from "../../shared/dom.js";
import { number, percent, t } from "../../shared/i18n.js";
import { axisStyle, colour, fitPlot, rem } from "../../shared/plot.js";

/** @typedef {ReturnType<typeof import("../../../lab/duel/twins.js").compare>[number]} Point */

/** The lines, in the order of their colours. */
const LINES = /** @type {const} */ (["relu6", "relu"]);

export function createBitsChart() {
  const place = h("div", { class: "bits-place", role: "img" });
  const keys = h("ul", { class: "curves-keys" });
  const body = h("div", { class: "table-place", tabindex: 0, role: "region", "t-aria-label": "bits.figures" });
  /** @type {Point[]} */
  let points = [];
  let chosen = 0;
  /** @type {import("uplot") | undefined} */
  let plot;
  let told = "";

  const redraw = fitPlot(place, (uPlot, size) => {
    const axis = axisStyle();
    /** @type {import("uplot").Options} */
    const options = {
      ...size,
      legend: { show: false },
      cursor: { show: false },
      hooks: { drawAxes: [mark] },
      scales: { x: { time: false, range: [1.5, 16.5] }, y: { range: [0, 1] } },
      axes: [
        {
          ...{ ...axis, size: rem(1.75), label: t("bits.axis"), labelSize: rem(1.25), labelFont: axis.font },
          splits: () => [2, 4, 6, 8, 10, 12, 14, 16],
          values: (_, ticks) => ticks.map((tick) => number(tick)),
        },
        { ...axis, size: rem(3.25), values: (_, ticks) => ticks.map((tick) => `${number(100 * tick)} %`) },
      ],
      series: [{}, ...LINES.map((_, i) => lineOf(i))],
    };
    const data = LINES.map((name) => points.map((point) => point[name]));
    plot = new uPlot(options, [points.map(({ bits }) => bits), ...data]);
    return plot;
  });

  /** A line where the slider is. @param {import("uplot")} plot */
  function mark({ ctx, bbox, valToPos }) {
    const x = valToPos(chosen, "x", true);
    ctx.save();
    ctx.strokeStyle = colour("--edge");
    ctx.lineWidth = devicePixelRatio;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.restore();
  }

  return {
    element: h("figure", { class: "chart" }, h("figcaption", {}, h("strong", { t: "bits.caption" }), keys), place),
    fold: h("details", { class: "figures" }, h("summary", { t: "bits.figures" }), body),
    /** @param {Point[]} found @param {number} bits where the slider is */
    draw(found, bits) {
      chosen = bits;
      const words = t("bits.caption");
      if (found === points && words === told) return plot?.redraw(false);
      [points, told] = [found, words];
      keys.replaceChildren(
        ...LINES.map((name, i) => h("li", {}, swatch({ number: i + 1 }), t(`setting.activation.${name}`))),
      );
      place.ariaLabel = words;
      body.replaceChildren(table(points));
      redraw();
    },
  };
}

/** @param {number} i */
function lineOf(i) {
  const stroke = strokeOf({ number: i + 1 });
  return { ...stroke, width: 2.5, spanGaps: true, points: { show: true, size: 9, fill: stroke.stroke } };
}

/** @param {Point[]} points */
function table(points) {
  const columns = ["bits.column", ...LINES.map((name) => `setting.activation.${name}`), "bits.difference", "bits.p"];
  const head = h("tr", {}, ...columns.map((column) => h("th", { scope: "col", t: column })));
  const signed = (/** @type {number} */ value) =>
    number(100 * value, { maximumFractionDigits: 1, signDisplay: "exceptZero" });
  const rows = points.map(({ bits, relu6, relu, difference: { low, high, p } }) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, number(bits)),
      h("td", {}, percent(relu6)),
      h("td", {}, percent(relu)),
      h("td", {}, t("bits.range", { low: signed(low), high: signed(high) })),
      h("td", {}, p < 0.001 ? `< ${number(0.001)}` : number(p, { maximumSignificantDigits: 2 })),
    ),
  );
  return h("table", {}, h("thead", {}, head), h("tbody", {}, ...rows));
}
