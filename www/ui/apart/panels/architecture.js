/** The network in the bar as a table, layer by layer: shapes, parameters, multiply-adds and memory. */
import { selectedLayer, selecting } from "../../../lab/selection.js";
import { effect, untracked } from "../../../lab/signals.js";
import { h } from "../../shared/dom.js";
import { bytes, count, number, t, term } from "../../shared/i18n.js";
import { onDescription } from "./described.js";

/** The figures behind the map, folded. @param {import("../../context.js").Context} context */
export function createFold(context) {
  const { state, model } = context;
  const stem = h(
    "select",
    { id: "stem", onchange: () => state.set("apart", { stem: stem.value }) },
    ...["imagenet", "cifar"].map((value) => h("option", { value, t: `setting.stem.${value}` })),
  );
  const body = h("div", { class: "table-place", tabindex: 0, role: "region", "t-aria-label": "architecture.table" });
  const element = h(
    "details",
    { class: "figures", "data-control": "layers" },
    h("summary", { t: "apart.figures" }),
    h("label", { class: "field inline" }, h("span", { t: "architecture.stem" }), stem),
    body,
  );
  effect(() => (stem.value = model.network.value.config.stem ?? "imagenet"));
  onDescription(context, (description) => {
    const { layers } = description;
    const select = (/** @type {number} */ layer) => state.set("apart", selecting(layers[layer]));
    body.replaceChildren(table(description, select));
    untracked(mark);
  });

  /** Marks the selected layer. */
  function mark() {
    const layers = model.description.value?.layers;
    const selected = layers && selectedLayer(layers, state.values.apart.value);
    for (const row of /** @type {NodeListOf<HTMLElement>} */ (body.querySelectorAll("tr[data-layer]")))
      row.toggleAttribute("data-selected", row.dataset.layer === String(selected));
  }
  effect(() => {
    if (state.room.value === "apart") mark();
  });
  return element;
}

/** @param {import("../../../engine/protocol.js").Description} description @param {(layer: number) => void} select */
function table({ layers, parameters, macs }, select) {
  const columns = ["layer", "input", "output", "stride", "parameters", "macs", "bytes"];
  const head = h("tr", {}, ...columns.map((column) => h("th", { scope: "col", t: `architecture.column.${column}` })));
  /** @type {Map<string, import("../../../engine/protocol.js").LayerCost[]>} */
  const groups = new Map();
  for (const layer of layers) {
    const name =
      typeof layer.block === "number"
        ? t("architecture.block", { n: layer.block + 1 })
        : layer.kind === "stem"
          ? layer.kind
          : t("architecture.head");
    groups.set(name, [...(groups.get(name) ?? []), layer]);
  }
  const explained = new Set();
  const bodies = [...groups].map(([name, rows]) => {
    const title =
      rows.length > 1 && h("tr", { class: "block" }, h("th", { colspan: columns.length, scope: "rowgroup" }, name));
    return h("tbody", {}, title, ...rows.map((layer) => row(layer, layers.indexOf(layer), explained, select)));
  });
  const total = h(
    "tr",
    {},
    h("th", { scope: "row", colspan: 4, t: "architecture.total" }),
    h("td", {}, number(parameters)),
    h("td", {}, count(macs)),
    h("td", {}),
  );
  return h("table", { class: "architecture" }, h("thead", {}, head), ...bodies, h("tfoot", {}, total));
}

/**
 * The keyboard only stops at the first layer of each kind: fifty copies of an explanation would be in the way.
 *
 * @param {import("../../../engine/protocol.js").LayerCost} layer
 * @param {number} index
 * @param {Set<string>} explained kinds
 * @param {(layer: number) => void} select on a click; the map has the same by keyboard
 */
function row(layer, index, explained, select) {
  const words = t(`layer.${layer.kind}`);
  const name = explained.has(layer.kind)
    ? h("span", { class: "term", "data-explain": `term.${layer.kind}` }, words)
    : term(words, `term.${layer.kind}`);
  explained.add(layer.kind);
  /** @param {number} side @param {number} channels */
  const shape = (side, channels) => `${side} × ${side} × ${number(channels, { useGrouping: false })}`;
  return h(
    "tr",
    { "data-layer": index, onclick: () => select(index) },
    h("th", { scope: "row" }, name),
    h("td", {}, shape(layer.size_in, layer.c_in)),
    h("td", {}, shape(layer.size_out, layer.c_out)),
    h("td", {}, String(layer.stride)),
    h("td", {}, number(layer.parameters)),
    h("td", {}, count(layer.macs)),
    h("td", {}, bytes(layer.output_bytes)),
  );
}
