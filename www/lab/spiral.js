/** The n numbers of each point of the spiral in What ReLU destroys, and what ReLU makes of them. Knows no DOM. */

/** Dimensions that must let a point of the plane through to tell it from its neighbours. */
export const NEEDED = 2;
/** Numbers so close are the same on the screen. */
const SAME = 0.01;
/** Points of the spiral so far apart are different ones. */
const APART = 0.1;

/**
 * Each point's numbers before the activation, (points, dimensions).
 *
 * @param {{curve: Float32Array, matrix: Float32Array}} spiral pairs of x and y; rows of two
 */
export function embed({ curve, matrix }) {
  const values = new Float32Array((curve.length * matrix.length) / 4);
  let at = 0;
  for (let i = 0; i < curve.length; i += 2)
    for (let k = 0; k < matrix.length; k += 2) values[at++] = matrix[k] * curve[i] + matrix[k + 1] * curve[i + 1];
  return values;
}

/**
 * Other points of the spiral that have the same numbers after ReLU as one of which fewer than two stay above 0.
 *
 * @param {{curve: Float32Array, alive: Uint32Array}} spiral @param {Float32Array} values of {@link embed} @param {number} point
 */
export function alike({ curve, alive }, values, point) {
  if (alive[point] >= NEEDED) return [];
  const n = values.length / alive.length;
  const after = (/** @type {number} */ i) => values.subarray(i * n, (i + 1) * n).map((value) => Math.max(value, 0));
  const own = after(point);
  return [...alive.keys()].filter((other) => {
    const far = Math.hypot(curve[2 * other] - curve[2 * point], curve[2 * other + 1] - curve[2 * point + 1]) > APART;
    return far && alive[other] < NEEDED && after(other).every((value, k) => Math.abs(value - own[k]) < SAME);
  });
}

/**
 * By how much what comes back is to be enlarged to lie on the spiral as well as it can, by least squares, within the unit
 * circle. ReLU lets about half of the dimensions through, so about half is left.
 *
 * @param {Float32Array} curve @param {Float32Array} returned
 */
export function enlargement(curve, returned) {
  const dot = (/** @type {Float32Array} */ other) => returned.reduce((sum, value, i) => sum + value * other[i], 0);
  const length = dot(returned);
  if (!length) return 1;
  const farthest = returned.reduce((most, x, i) => (i % 2 ? most : Math.max(most, Math.hypot(x, returned[i + 1]))), 0);
  return Math.min(dot(curve) / length, 1 / farthest);
}

/** The share that is lost, averaged over all matrices: each sign of a point embedded at random is a coin toss. @param {number} n */
export const expectedLoss = (n) => (n + 1) / 2 ** n;
