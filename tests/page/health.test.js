// When a training is said to have come to nothing, and when not. Needs no browser, but dist/.

import assert from "node:assert/strict";
import test from "node:test";
import { page } from "./fakes.js";

const { goodBest, guessing, troubleOf } = await page("lab/session/health");

/** @param {number[]} loss @param {number[]} [accuracies] of evaluations @param {number} [classes] */
function run(loss, accuracies = [], classes = 10) {
  const steps = { step: loss.map((_, i) => i + 1), loss };
  const evaluations = accuracies.map((accuracy, i) => ({ step: i, accuracy, total: 500, guessing: 0.1, loss: 1 }));
  return { steps, evaluations, labels: Array.from({ length: classes }, String), end: "active" };
}
/** @param {number} value @param {number} [times] */
const again = (value, times = 20) => Array(times).fill(value);

test("a finite loss that explodes is told, once it is more than a leap", () => {
  assert.equal(troubleOf(run([])), null);
  assert.equal(troubleOf(run([2.3, 1e5])), null, "too soon to tell");
  assert.equal(troubleOf(run([2.3, 40, 1e3, 1e5, 9e4, 1e5, 1e5, 1e5])), "exploded");
  assert.equal(troubleOf(run([2.3, ...again(2.2), 30, 12, 7, ...again(2.2, 5)])), null, "a leap at a high rate");
  assert.equal(troubleOf(run([2.3, ...again(3.5)])), null, "worse than guessing, as in the beginning at a high rate");
  assert.equal(troubleOf(run([0.1, ...again(0.9)])), null, "trained further, on other pictures");
  assert.equal(troubleOf(run([15, ...again(14)])), null, "it began there");
  assert.equal(troubleOf(run([0.7, ...again(2.5)], [], 2)), null);
  assert.equal(troubleOf(run([0.7, ...again(6)], [], 2)), "exploded");
  assert.equal(troubleOf(run([2.3, ...again(1e5), ...again(1)])), null, "it has come back");
});

test("accuracy that falls back to guessing is told, but not at one evaluation", () => {
  const loss = again(2.3);
  assert.equal(troubleOf(run(loss, [0.1, 0.11, 0.1])), null, "it has not begun to learn");
  assert.equal(troubleOf(run(loss, [0.1, 0.6, 0.1])), null, "batch norm's averages lag");
  assert.equal(troubleOf(run(loss, [0.1, 0.6, 0.1, 0.11])), "collapsed");
  assert.equal(troubleOf(run(loss, [0.1, 0.6, 0.1, 0.11, 0.4])), null, "it has come back");
});

test("the best is good where it is better than guessing, of pictures that are not as many in each class", () => {
  assert.equal(guessing(Uint32Array.from([0, 0, 0, 1])), 0.75);
  const best = (/** @type {number} */ accuracy) => ({ step: 1, loss: 1, accuracy, total: 100, guessing: 0.75 });
  assert.equal(goodBest({ ...run(again(1)), best: best(0.78) }), undefined);
  assert.equal(goodBest({ ...run(again(1)), best: best(0.9) })?.step, 1);
});
