/** Zeros, sixes and gradients of every layer at one look, as bars and as a table. */
import { h } from "../shared/dom.js";
import { number, percent, t, tiny } from "../shared/i18n.js";

/** @typedef {import("../../lab/looks.js").Look} Look @typedef {import("../../engine/protocol.js").LayerCost} Layer */

export function createLayers() {
  const activations = h("div", { class: "inside-bars activations", role: "img" });
  const gradients = h("div", { class: "inside-bars gradients", role: "img" });
  const [high, low] = [h("span", { class: "number" }), h("span", { class: "number" })];
  const body = h("div", { class: "table-place", tabindex: 0, role: "region", "t-aria-label": "inside.figures" });
  const fold = h("details", { ontoggle: () => fold.open && fill() }, h("summary", { t: "inside.figures" }), body);
  const element = h(
    "div",
    { class: "inside-layers" },
    h(
      "figure",
      {},
      h("figcaption", { t: "inside.activations" }),
      h("div", { class: "inside-axis" }, h("span", {}, "100 %"), h("span", {}, "0 %")),
      activations,
    ),
    h(
      "figure",
      {},
      h("figcaption", { t: "inside.gradients" }),
      h("div", { class: "inside-axis" }, high, low),
      gradients,
    ),
    h("p", { class: "curves-legend", t: "inside.axis" }),
  );
  /** @type {Layer[]} */
  let layers = [];
  /** @type {Look | null} */
  let shown = null;

  /** @param {HTMLElement} place @param {number} count @param {(i: number) => Record<string, number>} of values of a bar */
  function bars(place, count, of) {
    if (place.childElementCount !== count || place.dataset.named !== String(layers.length)) {
      place.dataset.named = String(layers.length);
      const made = Array.from({ length: count }, (_, i) => {
        const { kind = "", activation = "" } = layers[i] ?? {};
        return h("span", { "data-kind": kind, "data-linear": activation === "linear" });
      });
      place.replaceChildren(...made);
    }
    [...place.children].forEach((bar, i) => {
      for (const [name, value] of Object.entries(of(i)))
        /** @type {HTMLElement} */ (bar).style.setProperty(name, String(value));
    });
  }

  /** @param {Look} look @param {Look[]} all of the run: the gradients' axis fits them */
  function draw(look, all) {
    shown = look;
    const { statistics, gradients: lengths } = look;
    bars(activations, statistics.length, (i) => ({ "--zeros": statistics[i].zeros, "--sixes": statistics[i].sixes }));
    const positive = all.flatMap((one) => [...one.gradients].filter((length) => length > 0));
    const [least, most] = [Math.min(...positive, 1), Math.max(...positive, 1e-9)].map(Math.log10);
    const [from, to] = [Math.floor(least), Math.max(Math.ceil(most), Math.floor(least) + 1)];
    bars(gradients, lengths.length, (i) => ({
      "--length": lengths[i] > 0 ? Math.max((Math.log10(lengths[i]) - from) / (to - from), 0.01) : 0,
    }));
    high.textContent = tiny(10 ** to);
    low.textContent = tiny(10 ** from);
    const zeros = statistics.reduce((sum, one) => sum + one.zeros, 0) / statistics.length;
    activations.setAttribute("aria-label", t("inside.activations.label", { zeros: percent(zeros) }));
    const [first, last] = [lengths[0], lengths[lengths.length - 1]].map(tiny);
    gradients.setAttribute("aria-label", t("inside.gradients.label", { first, last }));
    if (fold.open) fill();
  }

  /** The table; only while it is on show. */
  function fill() {
    if (!shown) return;
    const { statistics, gradients: lengths } = shown;
    const columns = ["layer", "zeros", "sixes", "gradient"];
    // the classifier has a gradient, but no activation
    const rows = Array.from(lengths, (length, i) => {
      const { zeros, sixes } = statistics[i] ?? {};
      const cells = [zeros, sixes].map((share) => (share === undefined ? "–" : percent(share)));
      const told = [...cells, tiny(length)].map((cell) => h("td", {}, cell));
      return h("tr", {}, h("th", { scope: "row" }, nameOf(layers[i], i)), ...told);
    });
    const head = columns.map((column) => h("th", { scope: "col", t: `inside.column.${column}` }));
    body.replaceChildren(h("table", {}, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...rows)));
  }

  return {
    element,
    fold,
    draw,
    /** Names the bars. @param {Layer[]} found */
    describe(found) {
      layers = found;
    },
  };
}

/** @param {Layer | undefined} layer @param {number} index */
function nameOf(layer, index) {
  if (!layer) return number(index + 1);
  const kind = t(`layer.${layer.kind}`);
  return layer.block === null ? kind : t("inside.layer", { n: layer.block + 1, kind });
}
