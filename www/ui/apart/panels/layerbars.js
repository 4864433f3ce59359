/** Zeros and effective rank of every layer's output, as bars, as trained and changed. */
import { h } from "../../shared/dom.js";
import { number, percent } from "../../shared/i18n.js";
import { titleOf } from "./mapfigure.js";

/** @typedef {{zeros: number, rank: number}} Statistics */
/** @typedef {import("../../../engine/protocol.js").LayerCost} Layer */

export function createLayerBars() {
  const charts = ["zeros", "rank"].map((name) => {
    const bars = h("div", { class: "layerbars", role: "img", "t-aria-label": `relu.${name}` });
    return { bars, element: h("figure", {}, h("figcaption", { t: `relu.${name}` }), bars) };
  });
  const axis = h("p", { class: "curves-legend", t: "relu.axis" });
  const body = h("div", { class: "table-place", tabindex: 0, role: "region", "t-aria-label": "apart.figures" });
  const fold = h("details", { class: "figures" }, h("summary", { t: "apart.figures" }), body);

  /** @param {Layer[]} layers @param {Statistics[]} before @param {Statistics[]} after */
  function draw(layers, before, after) {
    /** @param {(one: Statistics, layer: Layer) => number} share */
    const barsOf = (share) =>
      before.map((one, i) => {
        const layer = layers[i];
        const [trained, changed] = [share(one, layer), share(after[i], layer)];
        const style = `--trained: ${trained}; --changed: ${changed}`;
        const linear = layer.activation === "linear";
        return h("span", { "data-kind": layer.kind, "data-linear": linear, style }, h("i"));
      });
    charts[0].bars.replaceChildren(...barsOf(({ zeros }) => zeros));
    charts[1].bars.replaceChildren(...barsOf(({ rank }, { c_out }) => rank / c_out));
    body.replaceChildren(table(layers, before, after));
  }
  return {
    element: h("div", { class: "layerbars-charts" }, ...charts.map(({ element }) => element), axis),
    fold,
    draw,
  };
}

/** @param {Layer[]} layers @param {Statistics[]} before @param {Statistics[]} after */
function table(layers, before, after) {
  const columns = ["layer", "channels", "zeros.before", "zeros.after", "rank.before", "rank.after"];
  const head = h("tr", {}, ...columns.map((column) => h("th", { scope: "col", t: `relu.column.${column}` })));
  const short = (/** @type {number} */ value) => number(value, { maximumSignificantDigits: 3 });
  const rows = before.map((one, i) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, titleOf(layers[i])),
      h("td", {}, String(layers[i].c_out)),
      h("td", {}, percent(one.zeros)),
      h("td", {}, percent(after[i].zeros)),
      h("td", {}, short(one.rank)),
      h("td", {}, short(after[i].rank)),
    ),
  );
  return h("table", {}, h("thead", {}, head), h("tbody", {}, ...rows));
}
