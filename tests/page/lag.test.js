// Where the held-out loss leaps for want of fresh averages, and where it does not. Needs dist/, but no browser.

import assert from "node:assert/strict";
import test from "node:test";
import { page } from "./fakes.js";

const { freshSteps, lagOf } = await page("lab/lag");

/** A training whose loss is 2 at each of 100 steps, with these held-out losses by step. @param {Record<number, number>} held */
const training = (held, loss = 2) =>
  /** @type {const} */ ([
    { step: Array.from({ length: 100 }, (_, i) => i + 1), loss: Array(100).fill(loss) },
    Object.entries(held).map(([step, loss]) => ({ step: Number(step), loss })),
  ]);

test("the evaluation furthest above the training loss is told", () => {
  assert.deepEqual(lagOf(...training({ 20: 2.4, 40: 9, 60: 5, 100: 2 }), Infinity), { step: 40, held: 9, training: 2 });
  assert.equal(lagOf(...training({ 20: 2.9, 40: 1 }), Infinity), null);
  assert.equal(lagOf(...training({}), Infinity), null);
});

test("the training loss is that of the last ten steps", () => {
  const [steps, evaluations] = training({ 50: 4 });
  steps.loss.fill(3.9, 40, 50);
  assert.equal(lagOf(steps, evaluations, Infinity), null);
});

test("of small losses, twice as much is noise", () => {
  assert.equal(lagOf(...training({ 90: 0.3 }, 0.1), Infinity), null);
});

test("images seen twice may have been learnt by heart", () => {
  assert.equal(lagOf(...training({ 40: 9 }), 30), null);
  assert.equal(freshSteps({ data: "pictures", average: 0, from: "" }, 3), 3);
  assert.equal(freshSteps({ data: "cifar-10", average: 0, from: "" }, 1562.5), 1562.5);
  assert.equal(freshSteps({ data: "shapes", average: 0, from: "" }, 156), Infinity);
  assert.equal(freshSteps({ data: "shapes", average: 0.99, from: "" }, 156), 0);
  assert.equal(freshSteps({ data: "shapes", average: 0, from: "imagenet" }, 156), 0);
});
