// A comparison in training: its order, its states, what is kept of it, with a fake engine. Needs dist/, but no browser.

import assert from "node:assert/strict";
import test from "node:test";
import { closePages, FakeEngine, Gate, page } from "./fakes.js";
import { openSession } from "./sessions.js";

const [{ Duel }, { Records }, { coreOf }, { judgedOf }] = await Promise.all(
  ["lab/duel/duel", "lab/duel/records", "lab/core", "lab/duel/record"].map(page),
);

/** The storage of comparisons, which outlives a page. */
class FakeDuelStorage {
  gate = new Gate();
  /** @type {Map<string, {record: any, snapshots: any}>} */
  kept = new Map();
  async open() {
    const { kept, gate } = this;
    const whole = (/** @type {string} */ id) => structuredClone(kept.get(id)) ?? null;
    return {
      list: async () => structuredClone([...kept.values()].map(({ record }) => record)),
      read: async (/** @type {string} */ id) => whole(id),
      keep: (/** @type {any} */ record, /** @type {any} */ snapshots) =>
        gate.pass("keep", () => void kept.set(record.id, structuredClone({ record, snapshots }))),
    };
  }
  /** The steps in a stored comparison's curves and in its snapshots. @param {string} id */
  steps(id) {
    const { record, snapshots } = /** @type {any} */ (this.kept.get(id));
    return {
      curves: record.rounds.at(-1).sides.map(({ steps }) => steps.step.length),
      snapshots: snapshots?.map(({ bytes }) => JSON.parse(new TextDecoder().decode(bytes)).rates.length),
    };
  }
}

const CONTEST = {
  name: "bottleneck",
  settings: { data: "shapes", steps: 30, width: 0.35, resolution: 32, batch: 10, schedule: "cosine", seed: 5 },
  sides: [{ bottleneck: "linear" }, { bottleneck: "relu6", decay_until_share: 0.5 }],
};

/** A page with a comparison. */
async function open({ storage = new FakeDuelStorage(), engine = new FakeEngine() } = {}) {
  closePages();
  engine.heldOut = 2000;
  const { session, settings } = await openSession({ engine });
  const records = new Records();
  await records.open(() => storage.open());
  const duel = new Duel(engine, { project: {} }, session, records, coreOf(engine));
  /** @param {() => unknown} holds */
  const until = async (holds) => {
    for (let i = 0; !holds(); i++) {
      assert.ok(i < 5000, `never: ${holds}; ${duel.state.value}; ${duel.problem.value?.stack}`);
      await new Promise(setImmediate);
    }
  };
  return {
    storage,
    engine,
    session,
    settings,
    records,
    duel,
    until,
    is: (/** @type {string} */ state) => until(() => duel.state.value === state),
    held: (/** @type {string} */ name) => until(() => engine.gate.held.some((one) => one.name === name)),
  };
}

test("the sides take steps in turn, and are evaluated at the same steps by the same pictures", async () => {
  const { engine, duel, is } = await open();
  engine.accuracy = (step, { config }) => (config.bottleneck === "linear" ? 0.9 : 0.8) * (step > 0 ? 1 : 0);
  await duel.start(CONTEST);
  await is("idle");
  const order = engine.answered.filter(({ name }) => name === "train").map(({ training }) => training);
  assert.deepEqual(
    order,
    Array.from({ length: 60 }, (_, i) => 1 + (i % 2)),
  );
  const record = duel.record.value;
  assert.equal(record.end, "finished");
  const [{ seed, sides }] = record.rounds;
  assert.equal(seed, 5);
  for (const { steps, evaluations, final, right } of sides) {
    assert.equal(steps.step.length, 30);
    assert.deepEqual(
      evaluations.map(({ step }) => step),
      Array.from({ length: 15 }, (_, i) => 2 * (i + 1)),
      "not by the clock",
    );
    assert.ok(evaluations.every(({ total }) => total === 200));
    assert.equal(final.total, 1000);
    assert.equal(right.length, 1000);
  }
  assert.deepEqual(
    judgedOf(record)[0].map((right) => right.reduce((sum, one) => sum + one, 0)),
    [900, 800],
  );
});

test("the sides differ in what was chosen and in nothing else; a falling rate ends at the last step or earlier", async () => {
  const { engine, duel, is } = await open();
  /** @type {any} */
  let recipes = null;
  const { createTrainer } = engine;
  engine.createTrainer = async function (how) {
    const trainer = await createTrainer.call(this, how);
    recipes = [...engine.trainings];
    return trainer;
  };
  await duel.start(CONTEST, 1);
  await is("paused");
  const [one, other] = engine.made.map(({ config, recipe }) => ({ ...config, ...recipe }));
  assert.deepEqual(
    Object.keys(one).filter((key) => JSON.stringify(one[key]) !== JSON.stringify(other[key])),
    ["bottleneck"],
  );
  // 30 steps of 10 are 0.3 epochs of 1,000
  assert.deepEqual(
    recipes.map(({ recipe }) => recipe.decay_until),
    [0.3, 0.15],
  );
});

test("one step, pause, and on: no side is ahead", async () => {
  const { engine, storage, records, duel, is, held } = await open();
  await duel.start(CONTEST, 1);
  await is("paused");
  await records.settled;
  assert.deepEqual(storage.steps("bottleneck"), { curves: [1, 1], snapshots: [1, 1] });
  engine.gate.closed.add("train");
  duel.resume();
  await held("train"); // the first side's step; the pause waits for the second's
  duel.pause();
  engine.gate.open("train");
  await is("paused");
  await records.settled;
  assert.deepEqual(storage.steps("bottleneck"), { curves: [2, 2], snapshots: [2, 2] });
  duel.resume();
  await is("idle");
  assert.equal(duel.record.value.end, "finished");
});

test("a comparison outlives its page, and ends as it would have", async () => {
  const first = await open();
  await first.duel.start(CONTEST, 7);
  await first.is("paused");
  await first.records.settled;
  const second = await open({ storage: first.storage });
  const record = second.records.all.value.get("bottleneck");
  assert.equal(record.end, "interrupted");
  await second.duel.recover(record);
  await second.is("idle");
  await second.records.settled;
  assert.deepEqual(
    record.rounds[0].sides.map(({ steps }) => steps.step),
    Array(2).fill(Array.from({ length: 30 }, (_, i) => i + 1)),
    "no step is missing or done twice",
  );
  const { record: stored, snapshots } = /** @type {any} */ (first.storage.kept.get("bottleneck"));
  assert.deepEqual([stored.end, snapshots], ["finished", null]);
});

test("a lost core takes it back to one moment for all sides, from which it continues", async () => {
  const { engine, duel, is, held, records } = await open();
  await duel.start(CONTEST, 3);
  await is("paused");
  engine.gate.closed.add("train");
  duel.resume();
  await held("train");
  engine.gate.open("train");
  engine.gate.closed.add("train");
  await held("train");
  engine.crash();
  await is("idle");
  const record = duel.record.value;
  assert.equal(record.end, "interrupted");
  assert.deepEqual(
    record.rounds[0].sides.map(({ steps }) => steps.step.length),
    [3, 3],
  );
  assert.ok(duel.problem.value, "it says so");
  engine.gate.closed.clear();
  await duel.recover(records.all.value.get("bottleneck"));
  await is("idle");
  assert.equal(duel.record.value.end, "finished");
});

test("a side that diverges ends it; what was seen stays", async () => {
  const { engine, duel, is } = await open();
  engine.loss = (step) => (step > 4 ? NaN : 2);
  await duel.start(CONTEST);
  await is("idle");
  assert.equal(duel.problem.value.code, "diverged");
  assert.equal(duel.record.value.end, "failed");
  assert.equal(duel.record.value.rounds[0].sides[0].steps.step.length, 4);
});

test("a stop judges what there is; of further seeds, one that was cut off does not count", async () => {
  const { engine, duel, is, held } = await open();
  await duel.start(CONTEST, 5);
  await is("paused");
  await duel.stop();
  await is("idle");
  const record = duel.record.value;
  assert.equal(record.end, "stopped");
  assert.equal(record.rounds[0].sides[1].final.step, 5);

  await duel.start(CONTEST);
  await is("idle");
  await duel.repeat(duel.record.value, 2);
  await is("idle");
  const again = duel.record.value;
  assert.deepEqual(
    again.rounds.map(({ seed }) => seed),
    [5, 6, 7],
  );
  assert.equal(judgedOf(again).length, 3);
  engine.gate.closed.add("train");
  duel.repeat(again, 1);
  await held("train");
  duel.stop();
  engine.gate.open("train");
  await is("idle");
  assert.equal(judgedOf(again).length, 3);
  assert.equal(again.rounds.length, 3);
});

test("a pause between two seeds waits for the networks of the second", async () => {
  const { engine, duel, is, held } = await open();
  await duel.start(CONTEST);
  await is("idle");
  engine.gate.closed.add("train");
  duel.repeat(duel.record.value, 2);
  await held("train");
  engine.gate.closed.add("createTrainer");
  engine.gate.open("train");
  await held("createTrainer");
  duel.pause();
  engine.gate.open("createTrainer");
  await is("paused");
  assert.equal(duel.problem.value, null);
  assert.equal(duel.waiting.value, null);
  assert.equal(duel.record.value.rounds.length, 3);
  duel.resume();
  await is("idle");
  assert.equal(judgedOf(duel.record.value).length, 3);
});

test("a run and a comparison exclude each other", async () => {
  const { session, settings, duel, is, until } = await open();
  await duel.start(CONTEST, 1);
  await is("paused");
  assert.ok(Number(session.comparing.value) > 0);
  await session.start(settings, undefined, 1);
  assert.equal(session.state.value, "idle");
  await duel.stop();
  await is("idle");
  assert.equal(session.comparing.value, null);
  session.start(settings, undefined, 1);
  await until(() => session.state.value === "paused");
  await duel.start(CONTEST);
  assert.equal(duel.state.value, "idle");
});

test("what does not fit into the core's memory is refused before anything is created", async () => {
  const { engine, duel, is, records } = await open();
  engine.outputBytes = 100e6;
  await duel.start(CONTEST);
  await is("idle");
  assert.equal(duel.problem.value.code, "duel-memory");
  assert.deepEqual(duel.problem.value.values, { needs: 3.7, has: 1.7 });
  assert.equal(engine.made.length, 0);
  assert.equal(records.all.value.size, 0);
});

test("a storage that refuses keeps the comparison in the page", async () => {
  const { storage, engine, duel, is, records } = await open();
  storage.gate.broken.set("keep", new Error("full"));
  await duel.start(CONTEST, 4);
  await is("paused");
  await records.settled;
  assert.equal(/** @type {any} */ (records.problem.value).message, "full");
  engine.crash();
  await is("idle");
  await duel.recover(duel.record.value);
  await is("idle");
  assert.equal(duel.record.value.end, "finished");
});
