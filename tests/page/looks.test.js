// Looks into a training: they cost at most their share of its time, are thinned when there are too many, and never disturb it.
// Needs dist/, but no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { page } from "./fakes.js";

const [{ Looks, MOST, SHARE, stepsFor, thinned }, { batch, signal }] = await Promise.all(
  ["lab/looks", "lab/signals"].map(page),
);

const BATCH = 10;

/** A session whose steps take `step` milliseconds and whose looks take `look()` milliseconds. */
function training({ step = 10, look = () => 5 } = {}) {
  const run = { settings: { batch: BATCH }, evaluations: [{ step: 0 }] };
  const session = {
    trainer: signal(null),
    steps: signal(0),
    state: signal("running"),
    rate: signal((1000 * BATCH) / step),
    run: signal(run),
    judged: signal(null),
  };
  const looks = new Looks(session);
  /** @type {number[]} */
  const taken = [];
  let spent = 0;
  const trainer = {
    inside: async () => {
      const at = session.steps.value;
      const milliseconds = look();
      taken.push(at);
      spent += milliseconds;
      return { statistics: [], gradients: [], filters: [], position: at * BATCH, milliseconds };
    },
  };
  return {
    session,
    looks,
    taken,
    trainer,
    get spent() {
      return spent;
    },
    start: () => batch(() => ((session.trainer.value = trainer), (session.steps.value = 0))),
    judge: () => (session.judged.value = { predictions: Uint32Array.from({ length: 200 }, (_, i) => i % 10) }),
    /** @param {number} steps */
    async train(steps) {
      for (let i = 0; i < steps; i++) {
        session.steps.value++;
        await null; // the look's answer
        await null;
        await null;
      }
    },
  };
}

test("so many steps pay for looks, and one less does not", () => {
  for (const spent of [0.1, 5, 134, 4000]) {
    for (const step of [0.2, 3, 30, 900]) {
      const steps = stepsFor(spent, step);
      assert.ok(spent / (spent + steps * step) <= SHARE + 1e-12);
      if (steps > 1) assert.ok(spent / (spent + (steps - 1) * step) > SHARE);
    }
  }
});

test("after the first look the share stays below two per cent, on a slow and on a fast machine", async () => {
  let n = 0;
  for (const [step, look] of /** @type {[number, () => number][]} */ ([
    [1, () => 20],
    [30, () => 134],
    [400, () => 3],
    [10, () => 20 + 20 * (n++ % 2)], // one takes twice as long as another
  ])) {
    const one = training({ step, look });
    one.start();
    one.judge();
    await one.train(1);
    assert.equal(one.taken.length, 1, "the first comes at once");
    for (let i = 0; i < 6000; i++) {
      const before = one.taken.length;
      await one.train(1);
      if (one.taken.length === before) continue;
      const trained = step * one.taken[one.taken.length - 1];
      assert.ok(one.spent / (one.spent + trained) <= SHARE, `${one.taken.length}: ${one.spent} of ${trained}`);
      const { looks, training: told } = one.looks.spent.value;
      assert.ok(Math.abs(looks - one.spent) < 1e-6 && Math.abs(told - trained) < 1e-6, "as it is told");
    }
    assert.ok(one.taken.length > 2, `${one.taken.length} looks at ${step} ms`);
  }
});

test("there are never more than can be kept, from the first to the last and evenly", async () => {
  const one = training({ step: 1000, look: () => 0.01 });
  one.start();
  one.judge();
  for (let i = 0; i < 1000; i++) {
    await one.train(1);
    assert.ok(one.looks.all.value.length <= MOST);
  }
  const steps = one.looks.all.value.map((/** @type {any} */ { step }) => step);
  assert.equal(steps[0], 1);
  assert.ok(steps.at(-1) >= 950);
  const gaps = steps.slice(1).map((/** @type {number} */ step, /** @type {number} */ i) => step - steps[i]);
  assert.ok(Math.max(...gaps) <= 3 * Math.min(...gaps), `gaps ${gaps}`);
  assert.ok(one.taken.length < 300, "fewer are taken once some were dropped");
  assert.deepEqual(thinned([1, 2, 3, 4, 5]), [1, 3, 5]);
  assert.deepEqual(thinned([1, 2, 3, 4]), [1, 3, 4]);
});

test("guesses are those of the last evaluation, and nothing is looked at before one", async () => {
  const one = training();
  one.start();
  await one.train(5);
  assert.equal(one.taken.length, 0);
  one.session.run.value.evaluations.push({ step: 4 });
  one.judge();
  await one.train(1);
  const [look] = one.looks.all.value;
  assert.equal(look.guesses.step, 4);
  assert.deepEqual([...look.guesses.predictions.slice(0, 3)], [0, 1, 2]);
  assert.equal(look.guesses.predictions.length, 40, "of the pictures on show");
});

test("another run starts anew, and an answer that comes too late is dropped", async () => {
  const one = training();
  one.start();
  one.judge();
  await one.train(3);
  assert.equal(one.looks.all.value.length, 1);
  /** @type {(found: any) => void} */
  let answer = () => {};
  const slow = { inside: () => new Promise((resolve) => (answer = resolve)) };
  batch(() => {
    one.session.trainer.value = slow;
    one.session.steps.value = 0;
  });
  assert.deepEqual(one.looks.all.value, []);
  await one.train(2);
  one.start();
  answer({ statistics: [], gradients: [], filters: [], position: 20, milliseconds: 5 });
  await one.train(1);
  assert.deepEqual(
    one.looks.all.value.map((/** @type {any} */ { step }) => step),
    [1],
  );
});

test("a training that fails, ends or stops is left alone", async () => {
  const one = training();
  let asked = 0;
  one.trainer.inside = async () => {
    asked++;
    throw new Error("the loss is NaN");
  };
  one.start();
  one.judge();
  await one.train(50);
  assert.equal(asked, 1);
  for (const state of ["idle", "starting", "pausing", "stopping"]) {
    const other = training();
    other.session.state.value = state;
    other.start();
    other.judge();
    await other.train(20);
    assert.equal(other.taken.length, 0, state);
  }
});
