/**
 * The inverted residual: one block, its tensors drawn by channels and size, next to a block that is wide at its ends. A
 * network that has none shows its own block, and what else could stand there.
 */
import { perPixel } from "../../../lab/race.js";
import { preset } from "../../../lab/settings.js";
import { computed } from "../../../lab/signals.js";
import { goTo, h, reveal, setOptions } from "../../shared/dom.js";
import { bytes, count, number, t } from "../../shared/i18n.js";
import { createDrawing, tensorsBetween, tensorsOfBlock } from "./blockdrawing.js";
import { onDescription } from "./described.js";
import { createPanel, followArchitecture } from "./panel.js";

/** @typedef {import("../../../engine/protocol.js").LayerCost} Layer */

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
  const separable = createDrawing("map.v1");
  const plain = createDrawing("race.plain");
  const drawings = h("div", { class: "blocks" });
  const shows = h("p", { role: "status" });
  const trials = TRIALS.map(([key, values]) => h("button", { type: "button", t: key, onclick: () => attempt(values) }));
  const actions = h("div", { class: "actions" }, h("span", { t: "block.trials" }), ...trials);
  const element = createPanel(
    "block",
    h("label", { class: "field inline" }, h("span", { t: "block.choose" }), chosen),
    drawings,
    h("p", { class: "curves-legend", t: "block.legend" }),
    shows,
    actions,
  );

  /**
   * Opens Train with this setting, and the rest of the network unchanged.
   *
   * @param {Record<string, string | number>} values
   */
  function attempt(values) {
    const usual = preset("quick");
    const keys = TRIALS.flatMap(([, values]) => Object.keys(values));
    state.set("train", { from: "", ...Object.fromEntries(keys.map((key) => [key, usual[key]])), ...values });
    goTo(state, "train");
    reveal(`setting-${Object.keys(values)[0]}`);
  }

  /** @param {import("../../../engine/protocol.js").Description} description */
  function draw({ layers }) {
    const blocks = new Set(layers.flatMap(({ block }) => block ?? []));
    const n = Math.min(index.value, blocks.size);
    const options = [...blocks].map((block) => h("option", { value: block + 1 }, String(block + 1)));
    setOptions(chosen, options);
    chosen.value = String(n);

    const own = layers.filter(({ block, kind }) => block === n - 1 && kind !== "shortcut");
    const isInverted = own[own.length - 1].kind === "project";
    actions.hidden = !isInverted;
    shows.textContent = (isInverted ? drawInverted(own, layers) : drawOther(own)).join(" ");
  }

  /** @param {Layer[]} own those of the block @param {Layer[]} layers @returns {string[]} what the drawings show */
  function drawInverted(own, layers) {
    const [first] = own;
    const joined = layers.some(({ block, adds }) => block === first.block && adds !== null);
    inverted.draw(tensorsOfBlock(own), joined);
    const wide = first.output_bytes;
    const narrow = first.memory.by_operation - wide; // its input: no other tensor is kept yet
    const values = { narrow: bytes(narrow), wide: bytes(wide), times: number(wide / narrow) };
    const words = [t(wide > narrow ? "block.widens" : "block.flat", values)];
    if (!layers.some(({ adds }) => adds !== null)) words.push(t("block.none"));
    else if (!joined) words.push(t(own.some(({ stride }) => stride > 1) ? "block.strided" : "block.wider"));
    const comparable = joined && first.kind === "expand";
    drawings.replaceChildren(inverted.element, ...(comparable ? [classical.element] : []));
    if (!comparable) return words;
    const other = wideAtItsEnds(first);
    classical.draw(other.tensors, true);
    const figures = { ...values, macs: count(macsOf(own)), more: count(other.macs) };
    return [...words, t("block.carries", values), t("block.compared", figures)];
  }

  /** MobileNetV1's block beside the plain convolution, or the other way round. @param {Layer[]} own @returns {string[]} */
  function drawOther(own) {
    const [first, last] = [own[0], own[own.length - 1]];
    const isPlain = last.kind === "convolution";
    const [mine, other] = isPlain ? [plain, separable] : [separable, plain];
    const tensors = tensorsOfBlock(own);
    mine.draw(tensors, false);
    other.draw(tensorsBetween(own, !isPlain), false, tensors);
    drawings.replaceChildren(mine.element, other.element);
    const macs = last.size_out ** 2 * perPixel(first.c_in, last.c_out)[isPlain ? "separable" : "plain"];
    const figures = { macs: count(macsOf(own)), other: count(macs) };
    return [t("block.none"), t(isPlain ? "block.as-separable" : "block.as-plain", figures)];
  }

  followArchitecture(element, "block", context);
  onDescription(context, draw);
  return element;
}

/** @param {Layer[]} layers */
const macsOf = (layers) => layers.reduce((sum, { macs }) => sum + macs, 0);

/**
 * A residual block with the same channels in the earlier order: wide at its ends, with a plain 3 × 3 convolution
 * between the narrow tensors (the paper's figure 3).
 *
 * @param {Layer} expand of the block to compare with, which has a shortcut
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
