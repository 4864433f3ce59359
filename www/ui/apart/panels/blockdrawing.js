/** A block as a drawing: a column for each of its tensors, by channels and size, and its shortcut above them. */
import { h } from "../../shared/dom.js";
import { t } from "../../shared/i18n.js";

/**
 * @typedef {object} Tensor
 * @property {string} name
 * @property {import("../../../engine/protocol.js").LayerCost["kind"] | "input"} kind
 * @property {number} channels
 * @property {number} size
 * @property {string} after the activation it passed
 * @property {boolean} [linear]
 */

/** @param {Tensor} tensor */
const shapeOf = ({ size, channels }) => `${size}² × ${channels}`;

/** @param {Tensor} tensor */
const wordsOf = (tensor) => [tensor.name, shapeOf(tensor), tensor.after].filter(Boolean).join(", ");

/** @param {string} caption key */
export function createDrawing(caption) {
  const figure = h("div", { class: "block-figure", role: "img" });
  return {
    element: h("figure", {}, h("figcaption", { t: caption }), figure),
    /**
     * @param {Tensor[]} tensors
     * @param {boolean} joined whether a shortcut joins the first and the last
     * @param {Tensor[]} scale tensors to whose size these are drawn
     */
    draw(tensors, joined, scale = tensors) {
      const bypass = h("div", { class: "bypass", style: `--tensors: ${tensors.length}` }, t("block.shortcut"));
      figure.replaceChildren(...(joined ? [bypass] : []), ...columns(tensors, scale));
      figure.setAttribute("aria-label", tensors.map(wordsOf).join("; "));
    },
  };
}

/** Tensors, each drawn by its share of the maximum channels and of the largest size. @param {Tensor[]} tensors @param {Tensor[]} scale */
function columns(tensors, scale) {
  const most = Math.max(...scale.map(({ channels }) => channels));
  const largest = Math.max(...scale.map(({ size }) => size));
  return tensors.map((tensor) => {
    const { kind, linear, channels, size } = tensor;
    const style = `--channels: ${channels / most}; --size: ${size / largest}`;
    return h(
      "div",
      { class: "tensor" },
      h("div", { class: "slab", "data-kind": kind, "data-linear": linear, style }),
      h("strong", {}, tensor.name),
      h("span", { class: "number" }, shapeOf(tensor)),
      h("span", { class: "muted" }, tensor.after),
    );
  });
}

/**
 * The tensors of MobileNetV1's block, or of the plain convolution in its place, between the ends of a chain of layers.
 *
 * @param {import("../../../engine/protocol.js").LayerCost[]} chain
 * @param {boolean} [plain]
 * @returns {Tensor[]}
 */
export function tensorsBetween(chain, plain = false) {
  const [first, last] = [chain[0], chain[chain.length - 1]];
  const shared = { size: last.size_out, after: t(`setting.bottleneck.${first.activation}`) };
  /** @type {Tensor[]} */
  const made = plain
    ? [{ name: t("layer.convolution"), kind: "convolution", channels: last.c_out, ...shared }]
    : [
        { name: t("layer.depthwise"), kind: "depthwise", channels: first.c_in, ...shared },
        { name: t("layer.pointwise"), kind: "pointwise", channels: last.c_out, ...shared },
      ];
  return [{ name: t("block.input"), kind: "input", channels: first.c_in, size: first.size_in, after: "" }, ...made];
}

/**
 * The tensors of a block: what it reads, and what each of its layers puts out.
 *
 * @param {import("../../../engine/protocol.js").LayerCost[]} layers those of the block
 * @returns {Tensor[]}
 */
export function tensorsOfBlock(layers) {
  const [first] = layers;
  return [
    { name: t("block.input"), kind: "input", channels: first.c_in, size: first.size_in, after: "" },
    ...layers.map(({ kind, c_out, size_out, activation }) => ({
      name: t(`layer.${kind}`),
      kind,
      channels: c_out,
      size: size_out,
      after: t(`setting.bottleneck.${activation}`),
      linear: activation === "linear",
    })),
  ];
}
