// When a training counts as failed. Needs dist/, but no browser.

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

test("an exploding finite loss is reported, unless it is just a spike", () => {
  assert.equal(troubleOf(run([])), null);
  assert.equal(troubleOf(run([2.3, 1e5])), null, "too early to tell");
  assert.equal(troubleOf(run([2.3, 40, 1e3, 1e5, 9e4, 1e5, 1e5, 1e5])), "exploded");
  assert.equal(troubleOf(run([2.3, ...again(2.2), 30, 12, 7, ...again(2.2, 5)])), null, "a spike at a high rate");
  assert.equal(troubleOf(run([2.3, ...again(3.5)])), null, "worse than guessing, as at the start with a high rate");
  assert.equal(troubleOf(run([0.1, ...again(0.9)])), null, "continued on other pictures");
  assert.equal(troubleOf(run([15, ...again(14)])), null, "it started there");
  assert.equal(troubleOf(run([0.7, ...again(2.5)], [], 2)), null);
  assert.equal(troubleOf(run([0.7, ...again(6)], [], 2)), "exploded");
  assert.equal(troubleOf(run([2.3, ...again(1e5), ...again(1)])), null, "it has recovered");
});

test("accuracy that falls back to guessing is reported, but not after one evaluation", () => {
  const loss = again(2.3);
  assert.equal(troubleOf(run(loss, [0.1, 0.11, 0.1])), null, "it has not learnt yet");
  assert.equal(troubleOf(run(loss, [0.1, 0.6, 0.1])), null, "batch norm's averages lag");
  assert.equal(troubleOf(run(loss, [0.1, 0.6, 0.1, 0.11])), "collapsed");
  assert.equal(troubleOf(run(loss, [0.1, 0.6, 0.1, 0.11, 0.4])), null, "it has recovered");
});

test("the best evaluation is good if it beats guessing, also with unbalanced classes", () => {
  assert.equal(guessing(Uint32Array.from([0, 0, 0, 1])), 0.75);
  const best = (/** @type {number} */ accuracy) => ({ step: 1, loss: 1, accuracy, total: 100, guessing: 0.75 });
  assert.equal(goodBest({ ...run(again(1)), best: best(0.78) }), undefined);
  assert.equal(goodBest({ ...run(again(1)), best: best(0.9) })?.step, 1);
});
