/** A plain 3×3 convolution against a separable one, multiply-add by multiply-add. Knows no DOM. */

/** Taps of a 3 × 3 filter. */
const TAPS = 9;

/**
 * Multiply-adds of one output pixel, in all of its channels.
 *
 * @param {number} from channels read @param {number} to channels written
 */
export const perPixel = (from, to) => ({ plain: TAPS * from * to, separable: TAPS * from + from * to });

/**
 * How far both are when each has done so many multiply-adds: pixels that are finished.
 *
 * @param {{from: number, to: number, side: number}} shape @param {number} done
 */
export function progress({ from, to, side }, done) {
  const each = perPixel(from, to);
  const pixels = side * side;
  const of = (/** @type {number} */ work) => ({
    pixels: Math.min(pixels, Math.floor(done / work)),
    macs: Math.min(pixels * work, done),
    all: pixels * work,
  });
  return { plain: of(each.plain), separable: of(each.separable) };
}
