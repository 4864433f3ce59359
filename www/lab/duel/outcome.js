/**
 * What a comparison shows, and how surely. One seed: both networks answer the same pictures, so only pictures on which they
 * differ tell them apart (McNemar's exact test; the interval of the difference is Agresti and Min's). Several seeds: the
 * differences per seed (paired t-test). Several sides are compared with the first, by Holm's correction.
 *
 * @typedef {object} Difference between a side and the first one
 * @property {number} first accuracy of the first side
 * @property {number} other accuracy of this side
 * @property {number} low lower end of the 95 % interval of `first - other`
 * @property {number} high
 * @property {number} p after correction
 *
 * @typedef {object} Outcome
 * @property {"few" | "mcnemar" | "seeds"} method few: too few pictures for any verdict
 * @property {number} pictures judged by
 * @property {number} seeds
 * @property {Difference[]} differences one for each side but the first
 */

/** Fewer held-out pictures decide nothing. */
export const ENOUGH = 200;
/** Chance of a verdict where there is no difference. */
export const LEVEL = 0.05;
/** The normal distribution's 97.5 % quantile. */
const Z = 1.959964;

/**
 * @param {ArrayLike<number>[][]} seeds for each seed and side, whether each held-out picture was right: 1 or 0
 * @returns {Outcome}
 */
export function outcomeOf(seeds) {
  const [one] = seeds;
  const pictures = one[0].length;
  const single = seeds.length === 1;
  const differences = single
    ? corrected(one.slice(1).map((other) => ofPictures(one[0], other)))
    : differencesOfSeeds(seeds.map((sides) => sides.map(accuracyOf)));
  const method = pictures < ENOUGH ? "few" : single ? "mcnemar" : "seeds";
  return { method, pictures, seeds: seeds.length, differences };
}

/** The differences of several seeds. @param {number[][]} seeds accuracies of all sides of each seed @returns {Difference[]} */
export function differencesOfSeeds(seeds) {
  const others = seeds[0].slice(1).map((_, i) => i + 1);
  return corrected(others.map((side) => ofSeeds(seeds.map((sides) => [sides[0], sides[side]]))));
}

/** @param {Difference} difference */
export const isClear = ({ p }) => p < LEVEL;

/** Share of pictures that were right. @param {ArrayLike<number>} right */
export const accuracyOf = (right) => Array.from(right).reduce((sum, one) => sum + one, 0) / right.length;

/** @param {ArrayLike<number>} first @param {ArrayLike<number>} other @returns {Difference} */
function ofPictures(first, other) {
  let only = 0;
  let onlyOther = 0;
  for (let i = 0; i < first.length; i++) {
    if (first[i] && !other[i]) only++;
    if (other[i] && !first[i]) onlyOther++;
  }
  const [low, high] = pairedInterval(only, onlyOther, first.length);
  return { first: accuracyOf(first), other: accuracyOf(other), low, high, p: mcnemar(only, onlyOther) };
}

/** @param {[first: number, other: number][]} pairs accuracies, one pair for each of at least two seeds @returns {Difference} */
function ofSeeds(pairs) {
  const differences = pairs.map(([first, other]) => first - other);
  const freedom = pairs.length - 1;
  const middle = mean(differences);
  const variance = differences.reduce((sum, one) => sum + (one - middle) ** 2, 0) / freedom;
  const error = Math.sqrt(variance / pairs.length);
  const reach = error * studentQuantile(freedom);
  return {
    first: mean(pairs.map(([first]) => first)),
    other: mean(pairs.map(([, other]) => other)),
    low: middle - reach,
    high: middle + reach,
    p: error ? studentP(middle / error, freedom) : middle ? 0 : 1,
  };
}

/** @param {number[]} values */
export const mean = (values) => values.reduce((sum, one) => sum + one, 0) / values.length;

/**
 * The two-sided p of McNemar's exact test.
 *
 * @param {number} b pictures that only the first got right @param {number} c those that only the second did
 */
export function mcnemar(b, c) {
  const n = b + c;
  const fewer = Math.min(b, c);
  let logarithm = -n * Math.LN2; // of the probability that i of n fair coins show heads
  let tail = 0;
  for (let i = 0; i <= fewer; i++) {
    tail += Math.exp(logarithm);
    logarithm += Math.log((n - i) / (i + 1));
  }
  return Math.min(1, 2 * tail);
}

/**
 * The 95 % interval of the difference of two accuracies on the same n pictures (Agresti and Min 2005): Wald's, with half a
 * picture added to each of the four cells.
 *
 * @param {number} b as of {@link mcnemar} @param {number} c @param {number} n
 * @returns {[low: number, high: number]}
 */
export function pairedInterval(b, c, n) {
  const total = n + 2;
  const difference = (b - c) / total;
  const error = Math.sqrt((b + c + 1) / total - difference ** 2) / Math.sqrt(total);
  return [Math.max(-1, difference - Z * error), Math.min(1, difference + Z * error)];
}

/**
 * The 95 % interval of an accuracy on n pictures (Wilson 1927).
 *
 * @param {number} accuracy @param {number} n
 * @returns {[low: number, high: number]}
 */
export function intervalOf(accuracy, n) {
  const middle = (accuracy + Z ** 2 / (2 * n)) / (1 + Z ** 2 / n);
  const reach = (Z * Math.sqrt((accuracy * (1 - accuracy)) / n + Z ** 2 / (4 * n ** 2))) / (1 + Z ** 2 / n);
  return [middle - reach, middle + reach];
}

/**
 * The two-sided p of Student's t (Abramowitz and Stegun 26.7.3 and 26.7.4).
 *
 * @param {number} t @param {number} freedom degrees, a whole number
 */
export function studentP(t, freedom) {
  const angle = Math.atan(Math.abs(t) / Math.sqrt(freedom));
  const cosine = Math.cos(angle);
  const odd = freedom % 2;
  let term = odd ? cosine : 1;
  let sum = freedom === 1 ? 0 : term;
  for (let i = odd ? 3 : 2; i < freedom; i += 2) {
    term *= ((i - 1) / i) * cosine ** 2;
    sum += term;
  }
  const within = odd ? (2 / Math.PI) * (angle + Math.sin(angle) * sum) : Math.sin(angle) * sum;
  return Math.max(0, 1 - within);
}

/** The t beyond which, to both sides, 5 % lie. @param {number} freedom */
export function studentQuantile(freedom) {
  let [low, high] = [0, 13]; // 12.7 with one degree
  for (let i = 0; i < 50; i++) {
    const middle = (low + high) / 2;
    if (studentP(middle, freedom) > LEVEL) low = middle;
    else high = middle;
  }
  return high;
}

/** Holm's correction: the smallest p counts as many times as there are comparisons, the next one less, and so on. @param {number[]} ps */
export function holm(ps) {
  const order = [...ps.keys()].sort((a, b) => ps[a] - ps[b]);
  const adjusted = [...ps];
  let largest = 0;
  order.forEach((at, rank) => {
    largest = Math.max(largest, Math.min(1, ps[at] * (ps.length - rank)));
    adjusted[at] = largest;
  });
  return adjusted;
}

/** @param {Difference[]} differences */
function corrected(differences) {
  const ps = holm(differences.map(({ p }) => p));
  return differences.map((difference, i) => ({ ...difference, p: ps[i] }));
}
