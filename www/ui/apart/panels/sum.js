/** The magnifier's sum: products, batch norm, activation, shortcut, and the number that the network computed. */
import { largest } from "../../../lab/magnifier.js";
import { h, setWords } from "../../shared/dom.js";
import { number, t, tiny } from "../../shared/i18n.js";

/** Products that are written out: all of a depthwise convolution, or the largest. */
const ALL = 9;
const WRITTEN = 7;

/** Four digits; 0 has no sign. @param {number} value */
const digits = (value) =>
  value && Math.abs(value) < 1e-3 ? tiny(value) : number(value || 0, { maximumSignificantDigits: 4 });

export function createSum() {
  const products = h("ul", { class: "magnifier-products number" });
  const steps = h("dl", { class: "magnifier-steps number" });
  const result = h("p", { class: "magnifier-result number", role: "status" });
  const body = h("div", { class: "table-place", tabindex: 0, role: "region", "t-aria-label": "magnifier.table" });
  const fold = h("details", { class: "figures" }, h("summary", { t: "magnifier.table" }), body);
  /** The products of the number shown, for the table once it is open. @type {import("../../../lab/magnifier.js").Term[]} */
  let terms = [];
  fold.addEventListener("toggle", fill);

  function fill() {
    if (fold.open) body.replaceChildren(table(terms));
  }

  /**
   * @param {import("../../../engine/protocol.js").LayerCost} layer
   * @param {import("../../../lab/magnifier.js").Found} found
   * @param {number} computed by the network
   * @param {import("../../../engine/protocol.js").Filters} filters
   * @param {number} channel
   */
  function draw(layer, found, computed, { scale, shift }, channel) {
    terms = found.terms;
    const { first, others, rest } = largest(found.terms, found.terms.length > ALL ? WRITTEN : ALL);
    const lines = first.map(({ value, weight, product }) =>
      h("li", {}, `${digits(value)} × ${signed(weight)} = `, h("b", {}, digits(product))),
    );
    if (others) lines.push(h("li", {}, `${t("magnifier.others", { n: others })} = `, h("b", {}, digits(rest))));
    products.replaceChildren(...lines);
    const norm = `${digits(scale[channel])} × ${signed(found.sum)} + ${signed(shift[channel])} = ${digits(found.normed)}`;
    steps.replaceChildren(
      ...row("magnifier.sum", digits(found.sum)),
      ...row("magnifier.norm", norm),
      ...row("magnifier.activation", `${t(`setting.bottleneck.${layer.activation}`)} → ${digits(found.clamped)}`),
      ...(found.added === null ? [] : row("magnifier.shortcut", `+ ${signed(found.added)}`)),
    );
    setWords(result, t("magnifier.result", { value: digits(found.output), computed: digits(computed) }));
    fill();
  }
  return { element: h("div", { class: "magnifier-sum" }, products, steps, result), fold, draw };
}

/** A negative number in brackets. @param {number} value */
const signed = (value) => (value < 0 ? `(${digits(value)})` : digits(value));

/** @param {string} key @param {string} words */
const row = (key, words) => [h("dt", { t: key }), h("dd", {}, words)];

/** @param {import("../../../lab/magnifier.js").Term[]} terms */
function table(terms) {
  const columns = ["channel", "row", "column", "input", "weight", "product"];
  const head = h("tr", {}, ...columns.map((column) => h("th", { scope: "col", t: `magnifier.column.${column}` })));
  const rows = terms.map(({ channel, x, y, outside, value, weight, product }) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, String(channel + 1)),
      ...(outside ? ["–", "–"] : [String(y + 1), String(x + 1)]).map((words) => h("td", {}, words)),
      ...[value, weight, product].map((one) => h("td", {}, digits(one))),
    ),
  );
  return h("table", {}, h("thead", {}, head), h("tbody", {}, ...rows));
}
