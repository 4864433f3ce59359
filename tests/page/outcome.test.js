// The statistics of a comparison, against values computed by hand or printed in books. Needs dist/, but no browser.

import assert from "node:assert/strict";
import test from "node:test";
import { page } from "./fakes.js";

const { holm, isClear, mcnemar, outcomeOf, pairedInterval, studentP, studentQuantile } = await page("lab/duel/outcome");

/** @param {number} found @param {number} expected @param {number} [within] */
const near = (found, expected, within = 1e-9) =>
  assert.ok(Math.abs(found - expected) <= within, `${found}: ${expected}`);

/**
 * Two sides' answers: `both` right, only the first, only the second, neither.
 *
 * @param {number} both @param {number} first @param {number} second @param {number} neither
 */
const sides = (both, first, second, neither) => {
  const cell = (/** @type {number} */ count, /** @type {number} */ value) => Array(count).fill(value);
  return [
    [...cell(both, 1), ...cell(first, 1), ...cell(second, 0), ...cell(neither, 0)],
    [...cell(both, 1), ...cell(first, 0), ...cell(second, 1), ...cell(neither, 0)],
  ];
};

test("McNemar's exact test is a binomial test of the pictures that differ", () => {
  near(mcnemar(10, 2), (2 * (1 + 12 + 66)) / 2 ** 12);
  near(mcnemar(2, 10), mcnemar(10, 2));
  near(mcnemar(0, 5), 2 / 2 ** 5);
  assert.equal(mcnemar(0, 0), 1);
  assert.equal(mcnemar(7, 7), 1, "twice a tail beyond a half");
  // Agresti's approval ratings: 86 and 150 of 1600 changed; χ² without correction is 17.36, p = 0.00003
  near(mcnemar(86, 150), 3.7e-5, 0.4e-5);
  assert.ok(mcnemar(900, 1100) > 0 && mcnemar(900, 1100) < 1e-4, "no number under- or overflows");
});

test("the interval of a paired difference", () => {
  // by hand: (86.5 - 150.5) / 1602 = -0.03995; error √(237/1602 - 0.001596) / √1602 = 0.009558
  const [low, high] = pairedInterval(86, 150, 1600);
  near(low, -0.03995 - 1.96 * 0.009558, 2e-5);
  near(high, -0.03995 + 1.96 * 0.009558, 2e-5);
  const [least, most] = pairedInterval(0, 0, 200);
  near(least, -most);
  assert.ok(most > 0.005 && most < 0.01, "no difference seen is not no difference");
});

test("Student's t agrees with the printed tables", () => {
  for (const [freedom, t] of [
    [1, 12.706],
    [2, 4.303],
    [3, 3.182],
    [4, 2.776],
    [9, 2.262],
    [10, 2.228],
    [30, 2.042],
  ]) {
    near(studentP(t, freedom), 0.05, 5e-5);
    near(studentQuantile(freedom), t, 6e-4);
  }
  near(studentP(3.169, 10), 0.01, 2e-5);
  assert.equal(studentP(0, 5), 1);
});

test("Holm's correction keeps the order and never exceeds one", () => {
  assert.deepEqual(
    holm([0.01, 0.04, 0.03]).map((p) => Number(p.toFixed(6))),
    [0.03, 0.06, 0.06],
  );
  assert.deepEqual(holm([0.7, 0.8]), [1, 1]);
  assert.deepEqual(holm([0.02]), [0.02]);
});

test("one seed is judged by the pictures, and fewer than 200 decide nothing", () => {
  const clear = outcomeOf([sides(814, 80, 33, 73)]);
  assert.equal(clear.method, "mcnemar");
  const [difference] = clear.differences;
  near(difference.first, 0.894);
  near(difference.other, 0.847);
  assert.ok(isClear(difference) && difference.low > 0 && difference.low < 0.047 && difference.high > 0.047);
  const close = outcomeOf([sides(800, 60, 55, 85)]);
  assert.ok(!isClear(close.differences[0]) && close.differences[0].low < 0 && close.differences[0].high > 0);
  assert.equal(outcomeOf([sides(20, 150, 0, 29)]).method, "few");
  assert.equal(outcomeOf([sides(20, 150, 0, 30)]).method, "mcnemar");
});

test("three sides are each compared with the first, with correction", () => {
  const [first, second] = sides(100, 12, 3, 100);
  const alone = outcomeOf([[first, second]]).differences[0].p;
  const [one, other] = outcomeOf([[first, second, first]]).differences;
  near(one.p, 2 * alone);
  assert.equal(other.p, 1);
});

test("several seeds are judged by their differences", () => {
  const of = (/** @type {number} */ right) => Array.from({ length: 1000 }, (_, i) => (i < right ? 1 : 0));
  // differences 0.04, 0.05, 0.06: mean 0.05, deviation 0.01, t = 0.05 / (0.01 / √3) = 8.66 at two degrees, p = 0.0131
  const { method, seeds, differences } = outcomeOf([
    [of(840), of(800)],
    [of(850), of(800)],
    [of(860), of(800)],
  ]);
  assert.deepEqual([method, seeds], ["seeds", 3]);
  const [{ first, other, low, high, p }] = differences;
  near(first, 0.85);
  near(other, 0.8);
  near(p, 0.0131, 1e-4);
  near(low, 0.05 - (4.3027 * 0.01) / Math.sqrt(3), 1e-5);
  near(high, 0.05 + (4.3027 * 0.01) / Math.sqrt(3), 1e-5);
  const same = outcomeOf([
    [of(800), of(800)],
    [of(820), of(820)],
  ]);
  assert.equal(same.differences[0].p, 1, "without any spread or difference");
});
