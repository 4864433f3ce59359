/**
 * The n numbers of each point of the spiral in What ReLU destroys. The core tells where the points come back to; the matrix that
 * it draws for a seed is drawn here again, in the same way (src/explain/manifold.rs). Knows no DOM.
 */

/** Dimensions that must let a point of the plane through to tell it from its neighbours. */
export const NEEDED = 2;
/** Numbers so close are the same on the screen. */
const SAME = 0.01;
/** Points of the spiral so far apart are different ones. */
const APART = 0.1;

/** A generator of whole numbers of 64 bits: wyrand, as in the library fastrand. @param {number} seed */
function wyrand(seed) {
  let state = BigInt(seed);
  return () => {
    state = BigInt.asUintN(64, state + 0x2d358dccaa6c78a5n);
    const product = state * (state ^ 0x8bb84b93962eacc9n);
    return BigInt.asUintN(64, product) ^ (product >> 64n);
  };
}

/**
 * The matrix of a seed: `dimensions` rows of two, whose two columns are orthonormal.
 *
 * @param {number} dimensions @param {number} seed @returns {[number, number][]}
 */
export function matrixOf(dimensions, seed) {
  const next = wyrand(seed);
  const uniform = () => Number(next() >> 1n) / 2 ** 63;
  const normal = () => {
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    return radius * Math.cos(2 * Math.PI * uniform());
  };
  /** @type {[number, number][]} */
  const rows = Array.from({ length: dimensions }, () => [normal(), normal()]);
  const dot = (/** @type {0 | 1} */ a, /** @type {0 | 1} */ b) => rows.reduce((sum, row) => sum + row[a] * row[b], 0);
  const along = dot(0, 1) / dot(0, 0);
  for (const row of rows) row[1] -= along * row[0];
  const [first, second] = [Math.sqrt(dot(0, 0)), Math.sqrt(dot(1, 1))];
  return rows.map(([x, y]) => [x / first, y / second]);
}

/**
 * Each point's numbers before the activation, (points, dimensions).
 *
 * @param {Float32Array} curve pairs of x and y @param {[number, number][]} matrix
 */
export function embed(curve, matrix) {
  const values = new Float32Array((curve.length / 2) * matrix.length);
  for (let i = 0, at = 0; i < curve.length; i += 2)
    for (const [a, b] of matrix) values[at++] = a * curve[i] + b * curve[i + 1];
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
