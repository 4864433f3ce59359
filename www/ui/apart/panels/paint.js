/** Shared by the panels that draw feature maps: orange above 0, blue below, each channel on its own scale. */
import { colour } from "../../shared/plot.js";

/** Minimum side of a drawing in pixels: each value is drawn as a square of pixels. */
const SIDE = 800;

/** @typedef {import("../../../engine/protocol.js").FeatureMaps} FeatureMaps */
/** Lowest and highest number of a channel. @typedef {{low: number, high: number}} Range */

/** @param {FeatureMaps} maps @returns {Range[]} */
export function rangesOf({ channels, size, values }) {
  return Array.from({ length: channels }, (_, channel) => {
    const own = values.subarray(channel * size * size, (channel + 1) * size * size);
    return { low: own.reduce((a, b) => Math.min(a, b)), high: own.reduce((a, b) => Math.max(a, b)) };
  });
}

/**
 * Paints a channel's values as colours: from none at 0 to full at the channel's largest value.
 *
 * @param {FeatureMaps & {ranges: Range[]}} maps
 * @returns {(image: ImageData, channel: number) => void}
 */
export function painter({ size, values, ranges }) {
  const [zero, above, below] = ["--surface", "--run-2", "--run-1"].map(rgb);
  return ({ data }, channel) => {
    const { low, high } = ranges[channel];
    const most = Math.max(high, -low) || 1;
    for (let i = 0; i < size * size; i++) {
      const value = values[channel * size * size + i];
      const full = value > 0 ? above : below;
      const share = Math.abs(value) / most;
      for (let c = 0; c < 3; c++) data[4 * i + c] = zero[c] + share * (full[c] - zero[c]);
      data[4 * i + 3] = 255;
    }
  };
}

/** A colour of style.css as red, green and blue. @param {string} name */
export const rgb = (name) => (colour(name, "none").match(/\d+/g) ?? []).map(Number);

/** Shows one channel on a canvas, a pixel for each value. @param {HTMLCanvasElement} canvas @param {FeatureMaps} maps @param {number} channel */
export function paintChannel(canvas, maps, channel) {
  const { size, values } = maps;
  const own = values.subarray(channel * size * size, (channel + 1) * size * size);
  const one = { channels: 1, size, values: own };
  const image = new ImageData(size, size);
  painter({ ...one, ranges: rangesOf(one) })(image, 0);
  canvas.width = canvas.height = size;
  canvas.getContext("2d")?.putImageData(image, 0, 0);
}

/** Shows the network's input, R × R RGBA bytes. @param {HTMLCanvasElement} canvas @param {Uint8Array} crop */
export function paintCrop(canvas, crop) {
  canvas.width = canvas.height = Math.sqrt(crop.length / 4);
  canvas.getContext("2d")?.putImageData(new ImageData(new Uint8ClampedArray(crop), canvas.width), 0, 0);
}

/** Channels are arranged in a square, or nearly so. @param {number} channels */
export const columnsOf = (channels) => Math.ceil(Math.sqrt(channels));

/**
 * The layout of `count` maps of a size in rows, in pixels of the drawing.
 *
 * @param {number} count
 * @param {number} size
 */
export function gridOf(count, size) {
  const columns = columnsOf(count);
  const side = size * Math.ceil(SIDE / (columns * size));
  const margin = count > 1 ? Math.min(Math.ceil(side / 20), 8) : 0;
  const cell = side + 2 * margin;
  /** The upper left corner of a map. @param {number} index */
  const at = (index) => [index % columns, Math.floor(index / columns)].map((place) => margin + place * cell);
  return { side, margin, at, whole: columns * cell };
}

/**
 * Paints `count` maps in rows.
 *
 * @param {number} count
 * @param {number} size height and width of a map
 * @param {(image: ImageData, index: number) => void} paint
 */
export function tile(count, size, paint) {
  const { side, at, whole } = gridOf(count, size);
  const drawing = new OffscreenCanvas(whole, whole);
  const map = new OffscreenCanvas(size, size);
  const image = new ImageData(size, size);
  const [from, to] = [map.getContext("2d"), drawing.getContext("2d")];
  if (!from || !to) return drawing;
  to.imageSmoothingEnabled = false; // each value is a square
  for (let index = 0; index < count; index++) {
    paint(image, index);
    from.putImageData(image, 0, 0);
    const [x, y] = at(index);
    to.drawImage(map, x, y, side, side);
  }
  return drawing;
}

/** Shows a painted drawing. @param {HTMLCanvasElement} canvas @param {OffscreenCanvas} drawing */
export function show(canvas, drawing) {
  canvas.width = canvas.height = drawing.width;
  canvas.getContext("2d")?.drawImage(drawing, 0, 0);
}
