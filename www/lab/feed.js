/**
 * What a network is fed: where its windows lie on the pictures, and its inputs as colours. Knows no DOM.
 *
 * @typedef {import("../engine/handles.js").Window} Window
 * @typedef {{x: number, y: number, width: number, height: number}} Rectangle
 */

/** Normalised values up to this far from 0 have a colour of their own. */
export const LIMIT = 2.7;

/**
 * A window and its cut-out on the picture that it shows, in the picture's pixels.
 *
 * @param {Window} window @param {number} resolution of the network's input @param {number} side of the picture
 * @returns {{seen: Rectangle, cutout: Rectangle | null}}
 */
export function onOriginal({ size, left, top, mirrored, cutout }, resolution, side) {
  const scale = side / size;
  /** @param {Rectangle} part of the network's input */
  const back = ({ x, y, width, height }) => ({
    x: scale * (left + (mirrored ? resolution - x - width : x)),
    y: scale * (top + y),
    width: scale * width,
    height: scale * height,
  });
  const seen = back({ x: 0, y: 0, width: resolution, height: resolution });
  return { seen, cutout: cutout && back(cutout) };
}

/**
 * The smallest square that shows pictures and all of their windows, from `from` to `to` in both directions.
 *
 * @param {Rectangle[]} windows @param {number} side of the pictures
 */
export const frameOf = (windows, side) => ({
  from: Math.min(0, ...windows.flatMap(({ x, y }) => [x, y])),
  to: Math.max(side, ...windows.flatMap(({ x, y, width, height }) => [x + width, y + height])),
});

/**
 * Inputs as RGB bytes: in the pictures' own colours or, as the network gets them, around grey, which is 0.
 *
 * @param {Float32Array} inputs (N, R, R, 3), normalised @param {{mean: number[], std: number[]}} colours @param {boolean} normalised
 */
export function coloursOf(inputs, { mean, std }, normalised) {
  const colours = new Uint8ClampedArray(inputs.length);
  for (let i = 0; i < inputs.length; i++) {
    const c = i % 3;
    colours[i] = normalised ? 127.5 * (1 + inputs[i] / LIMIT) : 255 * (inputs[i] * std[c] + mean[c]);
  }
  return new Uint8Array(colours.buffer);
}

/** The same picture so many times. @param {Uint8Array} picture @param {number} count */
export function repeated(picture, count) {
  const all = new Uint8Array(count * picture.length);
  for (let i = 0; i < count; i++) all.set(picture, i * picture.length);
  return all;
}

/**
 * What windows have in common, for those who do not see them.
 *
 * @param {Window[]} windows @param {number} resolution
 */
export function summaryOf(windows, resolution) {
  const shifts = windows.flatMap(({ size, left, top }) => {
    const middle = (size - resolution) / 2;
    return [Math.abs(left - middle), Math.abs(top - middle)];
  });
  return {
    mirrored: windows.filter(({ mirrored }) => mirrored).length,
    shift: Math.max(...shifts),
    sizes: [...new Set(windows.map(({ size }) => size))].sort((a, b) => a - b),
    cut: windows.filter(({ cutout }) => cutout).length,
  };
}
