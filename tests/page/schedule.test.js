// The learning rate's plan: its axes, handles and times. Needs dist/, but no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { page } from "./fakes.js";

const [schedule, { parse, preset, SETTINGS }] = await Promise.all([page("lab/schedule"), page("lab/settings")]);
const { axisEnd, createPlans, epochsOf, gridOf, HANDLES, isShown, moved, nudged, sameWork, timesOf, topOf, valueOf } =
  schedule;

const values = { ...preset("quick"), epochs: 10 };

test("every handle is a setting, and every place it can be moved to can be entered in the form", () => {
  for (const epochs of [1, 3, 10, 150, 1000]) {
    for (const key of HANDLES) {
      const setting = SETTINGS.find((/** @type {any} */ one) => one.key === key);
      for (const to of [-5, 0, 1e-9, 0.0123456, 0.7, 1.23456, 77.7, 1e7]) {
        const value = moved(key, to, { ...values, epochs });
        assert.equal(parse(setting, String(value)), value, `${key} to ${to} of ${epochs}`);
        if (key !== "learning_rate") assert.ok(value >= 0 && value <= epochs);
      }
    }
  }
});

test("an epoch snaps to a grid of a hundred or fewer places, and each key press reaches the next one", () => {
  for (const epochs of [1, 3, 7, 10, 150, 1000]) {
    const grid = gridOf(epochs);
    assert.ok(epochs / grid <= 100.001 && epochs / grid >= 20, `${epochs}: ${grid}`);
    for (const key of ["hold_until", "warmup"]) {
      let now = { ...values, epochs };
      const seen = new Set();
      for (let i = 0; i < 101 && now[key] < epochs; i++) {
        seen.add(now[key]);
        now = { ...now, [key]: nudged(key, 1, now) };
      }
      assert.equal(now[key], epochs, `${key} of ${epochs}`);
      assert.ok(seen.size >= 20);
      assert.ok(nudged(key, -1, now) < epochs);
    }
  }
});

test("the zero at the last epoch follows the number of epochs, and the hold ends before the zero", () => {
  assert.equal(valueOf("decay_until", { ...values, decay_until: 0 }), 10);
  assert.equal(moved("decay_until", 10, values), 0);
  assert.equal(moved("decay_until", 99, values), 0);
  assert.equal(moved("decay_until", 6.02, values), 6);
  assert.ok(moved("decay_until", 0, values) > 0, "0 would be the last epoch");
  assert.equal(moved("hold_until", 9, { ...values, decay_until: 6 }), 6);
  assert.equal(moved("hold_until", 9, values), 9);
});

test("a key always changes the rate, and never beyond the core's range", () => {
  for (let rate = 1e-5, i = 0; rate < 9 && i < 999; i++) {
    const next = nudged("learning_rate", 1, { ...values, learning_rate: rate });
    assert.ok(next > rate && next < rate * 1.25, `${rate} → ${next}`);
    assert.ok(nudged("learning_rate", -1, { ...values, learning_rate: next }) < next);
    rate = next;
  }
  assert.equal(nudged("learning_rate", 10, { ...values, learning_rate: 9.9 }), 10);
  assert.ok(nudged("learning_rate", 1, { ...values, learning_rate: 0 }) > 0);
});

test("the axis has room above the rate, and not much", () => {
  for (let rate = 1e-6; rate < 10; rate *= 1.3) {
    const top = topOf(rate);
    assert.ok(top >= 1.14 * rate && top <= 2 * rate, `${rate}: ${top}`);
  }
});

test("handles that change nothing are not shown", () => {
  const shown = (/** @type {string} */ kind) =>
    HANDLES.filter((/** @type {any} */ key) => isShown(key, { schedule: kind }));
  assert.deepEqual(shown("constant"), ["learning_rate", "warmup"]);
  assert.deepEqual(shown("exponential"), ["learning_rate", "hold_until", "warmup"]);
  for (const kind of ["linear", "cosine"]) assert.deepEqual(shown(kind), HANDLES);
});

test("rates are asked for from the first epoch to the last, and at every bend", () => {
  const epochs = epochsOf({ ...values, warmup: 0.123, hold_until: 4.567, decay_until: 99 }, 20);
  assert.deepEqual([epochs[0], epochs.at(-1)], [0, 10]);
  assert.ok(epochs.includes(0.123) && epochs.includes(4.567) && !epochs.includes(99));
  assert.deepEqual(
    epochs,
    [...epochs].sort((a, b) => a - b),
  );
});

test("epochs are reached at a constant pace from where the run is", () => {
  assert.deepEqual(timesOf([0, 5, 10], { now: 1000, done: 5, perEpoch: 100 }), [500, 1000, 1500]);
  assert.ok(sameWork(values, { ...values, learning_rate: 1, seed: 2 }));
  for (const change of [{ width: 1 }, { batch: 64 }, { data: "cifar-10" }, { expansion: 1 }, { from: "x" }])
    assert.ok(!sameWork(values, { ...values, ...change }), JSON.stringify(change));
});

test("a chart's axis covers what is done, is rarely changed, and ends with the run", () => {
  for (const total of [1, 50, 469, 15_625, 234_375]) {
    const ends = new Set();
    for (let done = 0; done <= total; done += Math.max(1, Math.floor(total / 500))) {
      const end = axisEnd(done, total);
      assert.ok(end >= done && end <= total);
      assert.ok(end <= 130 || done >= end / 2.5 || end === total / 2 ** Math.round(Math.log2(total / end)));
      ends.add(end);
    }
    assert.equal(axisEnd(total, total), total);
    assert.ok(ends.size <= 1 + Math.max(0, Math.log2(total / 60)), `${ends.size} ends of ${total}`);
  }
  assert.equal(axisEnd(70, 50), 70, "more steps than were planned");
});

test("a plan is asked for once, at the epochs of its steps; one that fails is not asked for again", async () => {
  /** @type {any[]} */
  const calls = [];
  let changes = 0;
  let fails = false;
  const engine = {
    learningRates: async (/** @type {any} */ recipe, /** @type {number[]} */ epochs) => {
      calls.push([recipe, epochs]);
      if (fails) throw new Error("refused");
      return Float32Array.from(epochs, (epoch) => 1 - epoch / 4);
    },
  };
  const plans = createPlans(engine, () => changes++);
  assert.equal(plans({ seed: 1 }, 5, 2), undefined);
  plans({ seed: 1 }, 5, 2);
  await new Promise(setImmediate);
  assert.deepEqual([calls.length, changes], [1, 1]);
  assert.deepEqual(calls[0][1], [0, 0.5, 1, 1.5, 2], "the first step is taken at epoch 0");
  assert.deepEqual(plans({ seed: 1 }, 5, 2), { step: [1, 2, 3, 4, 5], rate: [1, 0.875, 0.75, 0.625, 0.5] });
  const long = () => plans({ seed: 2 }, 100_000, 500);
  long();
  await new Promise(setImmediate);
  const { step } = long();
  assert.ok(step.length <= 240 && step[0] === 1 && step.at(-1) === 100_000);
  fails = true;
  for (let i = 0; i < 3; i++) {
    assert.equal(plans({ seed: 3 }, 5, 2), undefined);
    await new Promise(setImmediate);
  }
  assert.equal(calls.length, 3);
  assert.equal(plans({ seed: 1 }, NaN, 2), undefined);
  assert.equal(plans({ seed: 1 }, 0, 2), undefined);
});
