/** One number of a layer's output, taken apart: what it read, the products, and what follows their sum. Knows no DOM. */

/**
 * @typedef {import("../engine/protocol.js").LayerCost} Layer
 * @typedef {import("../engine/protocol.js").FeatureMaps} Maps
 * @typedef {import("../engine/protocol.js").Filters} Filters
 *
 * @typedef {object} Term a product
 * @property {number} channel of the input, from 0
 * @property {number} x column of the input
 * @property {number} y row of the input
 * @property {boolean} outside whether that is beyond the edge, where there are zeros
 * @property {number} value
 * @property {number} weight
 * @property {number} product
 *
 * @typedef {object} Found
 * @property {Term[]} terms
 * @property {number} sum of the products
 * @property {number} normed after batch norm
 * @property {number} clamped after the activation
 * @property {number | null} added by a shortcut
 * @property {number} output
 */

/**
 * Rows or columns of padding before the first: PyTorch's, or those of TensorFlow's SAME.
 *
 * @param {{size_in: number, size_out: number, stride: number}} layer @param {number} side of the filter @param {string} padding
 */
export function paddingBefore({ size_in, size_out, stride }, side, padding) {
  if (padding !== "same") return (side - 1) / 2;
  return Math.floor(Math.max((size_out - 1) * stride + side - size_in, 0) / 2);
}

/**
 * The part of the input that an output pixel reads.
 *
 * @param {Layer} layer @param {{x: number, y: number}} pixel @param {number} taps of the filter @param {string} padding
 */
export function windowOf(layer, { x, y }, taps, padding) {
  const side = Math.sqrt(taps);
  const before = paddingBefore(layer, side, padding);
  return { x: x * layer.stride - before, y: y * layer.stride - before, side };
}

/**
 * @param {object} parts
 * @param {Layer} parts.layer
 * @param {Filters} parts.filters
 * @param {Maps} parts.input
 * @param {Maps | null} parts.adds the maps that a shortcut adds
 * @param {string} parts.padding
 * @param {number} channel of the output, from 0
 * @param {{x: number, y: number}} pixel of the output
 * @returns {Found}
 */
export function takeApart({ layer, filters, input, adds, padding }, channel, pixel) {
  const { inputs, taps, scale, shift, low, high } = filters;
  const { x, y, side } = windowOf(layer, pixel, taps, padding);
  const { size } = input;
  /** @type {Term[]} */
  const terms = [];
  let sum = 0;
  for (let i = 0; i < inputs; i++) {
    const from = layer.kind === "depthwise" ? channel : i;
    for (let tap = 0; tap < taps; tap++) {
      const at = { x: x + (tap % side), y: y + Math.floor(tap / side) };
      const outside = at.x < 0 || at.y < 0 || at.x >= size || at.y >= size;
      const value = outside ? 0 : input.values[(from * size + at.y) * size + at.x];
      const weight = filters.filters[(channel * inputs + i) * taps + tap];
      const product = value * weight;
      sum += product;
      terms.push({ channel: from, ...at, outside, value, weight, product });
    }
  }
  const normed = scale[channel] * sum + shift[channel];
  const clamped = Math.min(Math.max(normed, low), high);
  const added = adds ? adds.values[(channel * adds.size + pixel.y) * adds.size + pixel.x] : null;
  return { terms, sum, normed, clamped, added, output: clamped + (added ?? 0) };
}

/**
 * The largest products, and the sum of the others.
 *
 * @param {Term[]} terms @param {number} most
 */
export function largest(terms, most) {
  const order = terms.toSorted((a, b) => Math.abs(b.product) - Math.abs(a.product));
  const others = order.slice(most);
  return {
    first: order.slice(0, most),
    others: others.length,
    rest: others.reduce((sum, { product }) => sum + product, 0),
  };
}

/**
 * What the first layer reads: the network's crop, normalised as in training.
 *
 * @param {Uint8Array} crop R × R RGBA bytes
 * @param {{mean: [number, number, number], std: [number, number, number]}} config
 * @returns {Maps}
 */
export function normalised(crop, { mean, std }) {
  const pixels = crop.length / 4;
  const values = new Float32Array(3 * pixels);
  for (let i = 0; i < pixels; i++)
    for (let c = 0; c < 3; c++) values[c * pixels + i] = (crop[4 * i + c] / 255 - mean[c]) / std[c];
  return { channels: 3, size: Math.sqrt(pixels), values };
}

/**
 * Multiply-adds up to and including a pixel, row by row, of all channels.
 *
 * @param {Layer} layer @param {{x: number, y: number}} pixel
 */
export const workUpTo = ({ macs, size_out }, { x, y }) => ((y * size_out + x + 1) * macs) / size_out ** 2;
