/**
 * One selection for all of Take apart: a layer, one of its channels, and one of its pixels. It is part of the state, so a
 * link has it. A layer is named by its block and its place in there, which every network has, whatever its list of layers.
 */

/** Places of a layer: within its block or, of the three others, in the network. */
export const PARTS = ["stem", "expand", "depthwise", "project", "last", "classifier"];
/** Parts that are in no block. */
const OUTSIDE = ["stem", "last", "classifier"];

/** @typedef {import("../engine/protocol.js").LayerCost} Layer */

/**
 * The index of the selected layer. A block without such a layer stands for its output.
 *
 * @param {Layer[]} layers
 * @param {Record<string, string | number | boolean>} values the state's
 */
export function selectedLayer(layers, { block, part }) {
  const outside = layers.findIndex(({ kind }) => OUTSIDE.includes(String(part)) && kind === part);
  if (outside >= 0) return outside;
  const own = layers.findIndex((layer) => layer.block === Number(block) - 1 && layer.kind === part);
  return own >= 0 ? own : outputOf(layers, Number(block) - 1);
}

/** The index of the layer that ends a block, or the network's last block. @param {Layer[]} layers @param {number} block */
export function outputOf(layers, block) {
  const own = layers.findLastIndex((layer) => layer.block === block && layer.kind !== "shortcut");
  return own >= 0 ? own : layers.findLastIndex((layer) => layer.block !== null && layer.kind !== "shortcut");
}

/**
 * The values that select a layer. The pixel stays where it is in the picture; the channel of another layer is another one.
 *
 * @param {Layer} layer
 */
export function selecting({ kind, block }) {
  const part = PARTS.includes(kind) ? kind : "project";
  return { part, channel: 1, ...(block !== null && { block: block + 1 }) };
}

/** The selected pixel of a map of this size. @param {Record<string, any>} values @param {number} size */
export const selectedPixel = ({ x, y }, size) => ({ x: Math.floor(x * size), y: Math.floor(y * size) });

/** The values that select a pixel, by its centre. @param {{x: number, y: number}} pixel @param {number} size */
export function selectingPixel({ x, y }, size) {
  const share = (/** @type {number} */ at) => {
    const inside = Math.min(Math.max(at, 0), size - 1);
    return Math.round(((inside + 0.5) / size) * 1e4) / 1e4;
  };
  return { x: share(x), y: share(y) };
}
