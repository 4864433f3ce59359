/**
 * The inverted residual: one block, its tensors drawn by channels and size, next to a block that is wide at its ends.
 */
import { preset } from "../../../lab/settings.js";
import { computed } from "../../../lab/signals.js";
import { goTo, h, reveal, setOptions } from "../../shared/dom.js";
import { bytes, count, number, t } from "../../shared/i18n.js";
import { createDrawing, tensorsOfBlock } from "./blockdrawing.js";
import { onDescription } from "./described.js";
import { createPanel } from "./panel.js";

/**
 * Experiments for Train, each a single setting of the network.
 *
 * @type {[key: string, values: Record<string, string | number>][]}
 */
const TRIALS = [
  ["block.trial.shortcut", { shortcut: "none" }],
  ["block.trial.bottleneck", { bottleneck: "relu6" }],
  ["block.trial.expansion", { expansion: 1 }],
];

/** @param {import("../../context.js").Context} context */
export function createBlock(context) {
  const { state } = context;
  /** Number of the block shown, from 1. */
  const index = computed(() => Number(state.values.apart.value.block));
  const chosen = h("select", { id: "block", onchange: () => state.set("apart", { block: Number(chosen.value) }) });
  const inverted = createDrawing("block.inverted");
  const classical = createDrawing("block.classical");
  const shows = h("p", { role: "status" });
  const trials = TRIALS.map(([key, values]) => h("button", { type: "button", t: key, onclick: () => attempt(values) }));
  const element = createPanel(
    "block",
    h("label", { class: "field inline" }, h("span", { t: "block.choose" }), chosen),
    h("div", { class: "blocks" }, inverted.element, classical.element),
    h("p", { class: "curves-legend", t: "block.legend" }),
    shows,
    h("div", { class: "actions" }, h("span", { t: "block.trials" }), ...trials),
  );

  /**
   * Opens Train with this setting, and the rest of the network unchanged.
   *
   * @param {Record<string, string | number>} values
   */
  function attempt(values) {
    const plain = preset("quick");
    const keys = TRIALS.flatMap(([, values]) => Object.keys(values));
    state.set("train", { from: "", ...Object.fromEntries(keys.map((key) => [key, plain[key]])), ...values });
    goTo(state, "train");
    reveal(`setting-${Object.keys(values)[0]}`);
  }

  /** @param {import("../../../engine/protocol.js").Description} description */
  function draw({ layers }) {
    const n = index.value;
    const blocks = new Set(layers.flatMap(({ block }) => block ?? []));
    const options = [...blocks].map((block) => h("option", { value: block + 1 }, String(block + 1)));
    setOptions(chosen, options);
    chosen.value = String(n);

    const own = layers.filter(({ block, kind }) => block === n - 1 && kind !== "shortcut");
    const [first] = own;
    const tensors = tensorsOfBlock(own);
    const joined = layers.some(({ block, adds }) => block === n - 1 && adds !== null);
    inverted.draw(tensors, joined);
    const wide = first.output_bytes;
    const narrow = first.memory.by_operation - wide; // its input: no other tensor is kept yet
    const values = { narrow: bytes(narrow), wide: bytes(wide), times: number(wide / narrow) };
    const words = [t(wide > narrow ? "block.widens" : "block.flat", values)];
    if (!layers.some(({ adds }) => adds !== null)) words.push(t("block.none"));
    else if (!joined) words.push(t(own.some(({ stride }) => stride > 1) ? "block.strided" : "block.wider"));
    const comparable = joined && first.kind === "expand";
    classical.element.hidden = !comparable;
    if (comparable) {
      const other = wideAtItsEnds(first);
      classical.draw(other.tensors, true);
      const macs = count(own.reduce((sum, { macs }) => sum + macs, 0));
      words.push(t("block.carries", values), t("block.compared", { ...values, macs, more: count(other.macs) }));
    }
    shows.textContent = words.join(" ");
  }

  onDescription(context, draw);
  return element;
}

/**
 * A residual block with the same channels in the earlier order: wide at its ends, with a plain 3 × 3 convolution
 * between the narrow tensors (the paper's figure 3).
 *
 * @param {import("../../../engine/protocol.js").LayerCost} expand of the block to compare with, which has a shortcut
 */
function wideAtItsEnds({ c_in: narrow, c_out: wide, size_in: size }) {
  const relu = t("setting.activation.relu");
  /** @type {import("./blockdrawing.js").Tensor[]} */
  const tensors = [
    { name: t("block.input"), kind: "input", channels: wide, size, after: "" },
    { name: t("block.reduce"), kind: "project", channels: narrow, size, after: relu },
    { name: t("block.plain"), kind: "convolution", channels: narrow, size, after: relu },
    { name: t("layer.expand"), kind: "expand", channels: wide, size, after: relu },
  ];
  return {
    tensors,
    macs: size * size * (wide * narrow + 9 * narrow * narrow + narrow * wide),
  };
}
