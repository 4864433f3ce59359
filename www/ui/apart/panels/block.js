/**
 * The inverted residual: one block, its tensors drawn by channels and size, next to a block that is wide at its ends.
 */
import { preset } from "../../../lab/settings.js";
import { computed } from "../../../lab/signals.js";
import { goTo, h, reveal, setOptions } from "../../shared/dom.js";
import { bytes, count, number, t } from "../../shared/i18n.js";
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
    /** @type {Tensor[]} */
    const tensors = [
      { name: t("block.input"), channels: first.c_in, size: first.size_in, after: "" },
      ...own.map(({ kind, c_out, size_out, activation }) => ({
        name: t(`layer.${kind}`),
        channels: c_out,
        size: size_out,
        after: t(`setting.bottleneck.${activation}`),
      })),
    ];
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

/** @typedef {{name: string, channels: number, size: number, after: string}} Tensor `after`: the activation it passed */

/** @param {Tensor} tensor */
const shapeOf = ({ size, channels }) => `${size}² × ${channels}`;

/** @param {Tensor} tensor */
const wordsOf = (tensor) => [tensor.name, shapeOf(tensor), tensor.after].filter(Boolean).join(", ");

/**
 * A residual block with the same channels in the earlier order: wide at its ends, with a plain 3 × 3 convolution
 * between the narrow tensors (the paper's figure 3).
 *
 * @param {import("../../../engine/protocol.js").LayerCost} expand of the block to compare with, which has a shortcut
 */
function wideAtItsEnds({ c_in: narrow, c_out: wide, size_in: size }) {
  const relu = t("setting.activation.relu");
  return {
    tensors: [
      { name: t("block.input"), channels: wide, size, after: "" },
      { name: t("block.reduce"), channels: narrow, size, after: relu },
      { name: t("block.plain"), channels: narrow, size, after: relu },
      { name: t("layer.expand"), channels: wide, size, after: relu },
    ],
    macs: size * size * (wide * narrow + 9 * narrow * narrow + narrow * wide),
  };
}

/** A drawing of a block. @param {string} caption key */
function createDrawing(caption) {
  const figure = h("div", { class: "block-figure", role: "img" });
  return {
    element: h("figure", {}, h("figcaption", { t: caption }), figure),
    /** @param {Tensor[]} tensors @param {boolean} joined whether a shortcut joins the first and the last */
    draw(tensors, joined) {
      const bypass = h("div", { class: "bypass", style: `--tensors: ${tensors.length}` }, t("block.shortcut"));
      figure.replaceChildren(...(joined ? [bypass] : []), ...columns(tensors));
      figure.setAttribute("aria-label", tensors.map(wordsOf).join("; "));
    },
  };
}

/** Tensors, each drawn by its share of the maximum channels and of the largest size. @param {Tensor[]} tensors */
function columns(tensors) {
  const most = Math.max(...tensors.map(({ channels }) => channels));
  const largest = Math.max(...tensors.map(({ size }) => size));
  return tensors.map((tensor) =>
    h(
      "div",
      { class: "tensor" },
      h("div", { class: "slab", style: `--channels: ${tensor.channels / most}; --size: ${tensor.size / largest}` }),
      h("strong", {}, tensor.name),
      h("span", { class: "number" }, shapeOf(tensor)),
      h("span", { class: "muted" }, tensor.after),
    ),
  );
}
