/**
 * What an activation makes of a layer's numbers. The network only keeps them after it, so what goes in is computed again, from
 * the maps before the layer and its filters. Knows no DOM.
 *
 * @typedef {import("../engine/protocol.js").LayerCost} Layer
 * @typedef {import("../engine/protocol.js").FeatureMaps} Maps
 * @typedef {import("../engine/protocol.js").Filters} Filters
 *
 * @typedef {object} Spread how many numbers there are of each size
 * @property {Float32Array} sorted all of them
 * @property {number} low where the first bin begins; smaller numbers are in it too
 * @property {number} high where the last bin ends
 * @property {number[]} bins counts
 */
import { paddingBefore } from "./magnifier.js";

/** Multiply-adds done at most; a larger layer is computed at every second row, or every third, and so on. */
const WORK = 60e6;
/** The left end of a histogram, at the least: all these numbers become 0 anyway. */
const LOWEST = -8;
/** Its right end, at the least: beyond the cut at 6 there is room for the lines' names. */
const HIGHEST = 10;
const BINS = 96;

/**
 * A layer's numbers after batch norm, before its activation, channel by channel.
 *
 * @param {{layer: Layer, filters: Filters, input: Maps, padding: string}} of
 * @returns {Float32Array} of every row, or of evenly spread ones
 */
export function beforeActivation({ layer, filters, input, padding }) {
  const { inputs, taps, scale, shift } = filters;
  const { size_out: out, stride, c_out: channels } = layer;
  const side = Math.sqrt(taps);
  const before = paddingBefore(layer, side, padding);
  const every = Math.ceil(layer.macs / WORK);
  const rows = Math.ceil(out / every);
  const values = new Float32Array(channels * rows * out);
  const sums = new Float64Array(rows * out);
  for (let channel = 0; channel < channels; channel++) {
    sums.fill(0);
    for (let i = 0; i < inputs; i++) {
      const plane = (layer.kind === "depthwise" ? channel : i) * input.size ** 2;
      for (let tap = 0; tap < taps; tap++) {
        const weight = filters.filters[(channel * inputs + i) * taps + tap];
        const [dx, dy] = [(tap % side) - before, Math.floor(tap / side) - before];
        const first = Math.max(0, Math.ceil(-dx / stride));
        const last = Math.min(out - 1, Math.floor((input.size - 1 - dx) / stride));
        for (let row = 0; row < rows; row++) {
          const y = row * every * stride + dy;
          if (y < 0 || y >= input.size) continue;
          const [from, to] = [plane + y * input.size + dx, row * out];
          for (let x = first; x <= last; x++) sums[to + x] += weight * input.values[from + x * stride];
        }
      }
    }
    sums.forEach((sum, at) => (values[channel * sums.length + at] = scale[channel] * sum + shift[channel]));
  }
  return values;
}

/** @param {Float32Array} values which get sorted @returns {Spread} */
export function spreadOf(values) {
  const sorted = values.sort();
  const low = Math.max(LOWEST, Math.min(-1, Math.floor(sorted[0])));
  const high = Math.max(HIGHEST, Math.ceil(sorted[sorted.length - 1]));
  const edges = Array.from({ length: BINS + 1 }, (_, i) => low + ((high - low) * i) / BINS);
  const below = edges.map((edge, i) => (i === 0 ? 0 : i === BINS ? sorted.length : countBelow(sorted, edge)));
  return { sorted, low, high, bins: below.slice(1).map((count, i) => count - below[i]) };
}

/** How many numbers are smaller. @param {Float32Array} sorted @param {number} value */
function countBelow(sorted, value) {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The shares of numbers that become 0, that stay as they are, and that are cut off. @param {Spread} spread @param {number} cut */
export function sharesOf({ sorted }, cut) {
  const zeroed = countBelow(sorted, 0) / sorted.length;
  const kept = countBelow(sorted, cut) / sorted.length - zeroed;
  return { zeroed, kept, above: 1 - zeroed - kept };
}

/** How far apart the values are that so many bits can tell from 0 to the largest. @param {number} largest @param {number} bits */
export const stepOf = (largest, bits) => largest / (2 ** bits - 1);
