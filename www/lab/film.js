/**
 * The tensors that must exist while each layer runs, alone and as part of its block. Follows the core's count of memory
 * (src/arch/cost.rs), which only tells the sum. Knows no DOM.
 *
 * @typedef {import("../engine/protocol.js").LayerCost} Layer
 *
 * @typedef {object} Tensor
 * @property {number} from the layer that made it; -1: it is the image
 * @property {number} bytes
 * @property {"waits" | "input" | "output"} role waits: something later still needs it
 *
 * @typedef {object} Inner the wide tensor inside a fused block, of which a few rows exist at a time
 * @property {number} rows in all
 * @property {number} bytes of one row
 *
 * @typedef {{layer: number, operation: Tensor[], block: Tensor[], inner: Inner | null}} Frame
 */
import { selectedLayer, selecting } from "./selection.js";

const FLOAT = 4;

/** The last layer that needs each one's output. @param {Layer[]} layers */
function lastUses(layers) {
  const last = layers.map((_, i) => i);
  layers.forEach(({ input, adds }, i) => {
    if (input !== null) last[input] = i;
    if (adds !== null) last[adds] = i;
  });
  return last;
}

/**
 * What exists while the layers from `first` to `end` run as one operation.
 *
 * @param {Layer[]} layers @param {number[]} last @param {number} first @param {number} end
 * @returns {Tensor[]}
 */
function tensorsOf(layers, last, first, end) {
  const { input, size_in, c_in } = layers[first];
  const held = (/** @type {"waits" | "output"} */ role, /** @type {(i: number) => boolean} */ is) =>
    layers.flatMap(({ output_bytes }, from) => (is(from) ? [{ from, bytes: output_bytes, role }] : []));
  return [
    ...held("waits", (i) => i < first && i !== input && last[i] >= first),
    { from: input ?? -1, bytes: size_in ** 2 * c_in * FLOAT, role: "input" },
    ...held("output", (i) => i >= first && (i === end || (i < end && last[i] > end))),
  ];
}

/** The frames of the film: one for each layer that can be selected. @param {Layer[]} layers @returns {Frame[]} */
export function framesOf(layers) {
  const last = lastUses(layers);
  const selectable = layers.map((layer, i) => selectedLayer(layers, { block: 1, ...selecting(layer) }) === i);
  return layers.flatMap(({ block }, layer) => {
    if (!selectable[layer]) return [];
    const own = (/** @type {Layer} */ other) => block !== null && other.block === block;
    const [first, end] = block === null ? [layer, layer] : [layers.findIndex(own), layers.findLastIndex(own)];
    const wide = layers.slice(first, end + 1).find(({ kind }) => kind === "depthwise");
    return [
      {
        layer,
        operation: tensorsOf(layers, last, layer, layer),
        block: tensorsOf(layers, last, first, end),
        inner: wide ? { rows: wide.size_out, bytes: wide.size_out * wide.c_out * FLOAT } : null,
      },
    ];
  });
}

/** @param {Tensor[]} tensors */
export const bytesOf = (tensors) => tensors.reduce((sum, { bytes }) => sum + bytes, 0);
