// A stored training is consistent, whatever fails: the core, the page, the storage. Needs dist/, but no browser.

import assert from "node:assert/strict";
import test from "node:test";
import { closePages, FakeStorage, page } from "./fakes.js";
import { openSession as open } from "./sessions.js";

const { effect } = await page("lab/signals");

/** The record of the only run, and the content of its weights. @param {FakeStorage} storage */
function stored(storage) {
  const [run] = storage.runs.values();
  const trained = (/** @type {string} */ key) => {
    const bytes = storage.weights.get(key);
    return bytes && JSON.parse(new TextDecoder().decode(bytes)).rates;
  };
  return { run, rates: trained(run.id), best: trained(`${run.id} best`) };
}

/** Checks that a stored run and its weights belong together. @param {FakeStorage} storage @param {number} steps */
function isWhole(storage, steps) {
  const { run, rates } = stored(storage);
  assert.equal(run.end, "interrupted");
  assert.deepEqual(
    run.steps.step,
    Array.from({ length: steps }, (_, i) => i + 1),
  );
  assert.equal(rates.length, steps, "weights and curves have the same step");
  assert.equal(run.snapshot.position, steps * 10);
  assert.deepEqual(rates, run.steps.learning_rate, "and the same settings");
  assert.ok(run.evaluations.every((/** @type {any} */ { step }) => step <= steps));
}

test("a continued run survives the loss of the core before its next checkpoint", async () => {
  const { storage, steps } = await open();
  await steps(1);
  isWhole(storage, 1);
  closePages();
  const second = await open({ storage });
  second.engine.gate.closed.add("train");
  second.session.recover(second.runs.interrupted.value);
  await second.until(() => second.engine.gate.held.length);
  second.engine.crash();
  await second.until(() => second.session.state.value === "idle");
  await second.runs.settled;
  assert.equal(second.session.run.value.end, "interrupted");
  isWhole(storage, 1);
  // and again, on the same page
  second.engine.gate.closed.clear();
  second.session.recover(second.runs.interrupted.value);
  await second.until(() => second.session.run.value.steps.step.length >= 4);
  second.session.pause();
  await second.still();
  await second.runs.settled;
  isWhole(storage, second.session.run.value.steps.step.length);
});

test("the last of several checkpoints is complete: no step is missing or repeated", async () => {
  const { storage, steps } = await open();
  await steps(2);
  await steps(3);
  isWhole(storage, 5);
  closePages();
  const second = await open({ storage });
  second.session.recover(second.runs.interrupted.value);
  await second.until(
    () => second.session.run.value.end === "active" && second.session.run.value.steps.step.length >= 9,
  );
  second.engine.crash();
  await second.until(() => second.session.state.value === "idle");
  assert.equal(second.session.run.value.steps.step.length, 5, "back at the checkpoint");
  second.session.recover(second.session.run.value);
  await second.until(() => second.session.run.value.end === "finished");
  await second.runs.settled;
  const { run, rates } = stored(storage);
  assert.deepEqual(
    run.steps.step,
    Array.from({ length: 100 }, (_, i) => i + 1),
  );
  assert.equal(rates.length, 100, "it ends as it would have");
});

test("a change of settings is stored only with the steps trained with it", async () => {
  const { session, storage, engine, runs, steps, until } = await open();
  await steps(2);
  // requested after the snapshot, answered before the run is stored
  engine.gate.closed.add("snapshot");
  session.resume(1);
  await until(() => engine.gate.held.length);
  const change = session.change({ learning_rate: 0.5 });
  assert.equal(session.running.value.learning_rate, 0.5, "the form shows the requested value");
  engine.gate.open("snapshot");
  await change;
  await until(() => session.state.value === "paused" && session.run.value.evaluations.at(-1).step === 3);
  await new Promise((done) => setTimeout(done, 5));
  await runs.settled;
  isWhole(storage, 3);
  await steps(1);
  isWhole(storage, 4);
  const { run } = stored(storage);
  assert.equal(run.settings.learning_rate, 0.5);
  assert.deepEqual(run.changes, [{ step: 3, key: "learning_rate", from: 0.03, to: 0.5 }]);
});

test("two quick changes both act, and a failing one changes nothing", async () => {
  const { session, engine, steps } = await open();
  await steps(1);
  await Promise.all([session.change({ learning_rate: 0.5 }), session.change({ momentum: 0.5 })]);
  const [training] = engine.trainings;
  assert.deepEqual([training.recipe.learning_rate, training.recipe.momentum], [0.5, 0.5]);
  engine.gate.closed.add("setRecipe");
  const refused = session.change({ learning_rate: 7 }).catch((/** @type {Error} */ error) => error.message);
  await new Promise((done) => setTimeout(done, 5));
  engine.gate.open("setRecipe", new Error("refused"));
  assert.equal(await refused, "refused");
  assert.equal(session.running.value.learning_rate, 0.5);
  assert.equal(session.run.value.settings.learning_rate, 0.5);
});

test("the core is lost while a checkpoint is being written, or taken", async () => {
  const { session, storage, engine, runs, steps, until } = await open();
  await steps(2);
  storage.gate.closed.add("keep");
  session.resume(3);
  await until(() => storage.gate.held.length);
  engine.crash();
  await until(() => session.state.value === "idle");
  assert.equal(session.run.value.steps.step.length, 5, "it returns to the one being written");
  storage.gate.open("keep");
  await runs.settled;
  isWhole(storage, 5);

  session.recover(session.run.value);
  await until(() => session.run.value.end === "active");
  engine.gate.closed.add("snapshot");
  session.pause();
  await until(() => engine.gate.held.length);
  engine.crash();
  await until(() => session.state.value === "idle");
  await runs.settled;
  assert.equal(session.run.value.steps.step.length, 5);
  isWhole(storage, 5);
});

test("the core is lost while a run pauses: it says so at once", async () => {
  const { session, engine, steps } = await open();
  await steps(2);
  engine.crash();
  assert.equal(session.state.value, "idle");
  assert.equal(session.run.value.end, "interrupted");
  assert.equal(session.problem.value.code, "engine-stopped");
});

test("a storage that refuses a write keeps the last complete checkpoint; the page has the newer one", async () => {
  const { session, storage, engine, runs, steps, until } = await open();
  await steps(2);
  let told = 0;
  effect(() => {
    runs.all.value; // also reacts to repeated lists
    if (runs.problem.value) told++;
  });
  storage.gate.closed.add("keep");
  const full = Object.assign(new Error("full"), { name: "QuotaExceededError" });
  session.resume(1);
  await until(() => session.state.value === "paused" && session.run.value.steps.step.length === 3);
  await until(() => storage.gate.held.length);
  const refuse = () => {
    storage.gate.open("keep", full);
    storage.gate.closed.add("keep");
  };
  refuse();
  await until(() => runs.problem.value);
  const heard = told;
  session.resume(1);
  await until(() => session.run.value.steps.step.length === 4 && storage.gate.held.length);
  refuse();
  await until(() => session.run.value.evaluations.at(-1).step === 4 && storage.gate.held.length);
  refuse();
  await runs.settled;
  assert.equal(told, heard, "reported once");
  isWhole(storage, 2);
  engine.crash();
  assert.equal(session.run.value.steps.step.length, 4, "the page still has what the storage refused");
  session.recover(session.run.value);
  await until(() => session.run.value.end === "active" && session.run.value.steps.step.length > 4);
  assert.equal(engine.made.at(-1).snapshot.position, 40);
});

test("without a storage a run still survives the loss of the core", async () => {
  const { session, engine, steps, until } = await open({ refuses: true });
  await steps(3);
  engine.crash();
  assert.equal(session.run.value.end, "interrupted");
  session.recover(session.run.value);
  await until(() => session.run.value.end === "active" && session.run.value.steps.step.length === 5);
});

test("a stop while a checkpoint is being taken or written ends the run for good", async () => {
  const { session, storage, engine, runs, steps, until } = await open();
  await steps(2);
  storage.gate.closed.add("keep");
  session.resume(1);
  await until(() => session.state.value === "paused" && storage.gate.held.length);
  await session.stop();
  assert.equal(session.state.value, "idle", "nothing waits for the storage");
  storage.gate.open("keep");
  await runs.settled;
  assert.equal(stored(storage).run.end, "stopped");
  assert.equal(stored(storage).rates.length, 3);

  session.start((await open()).settings, undefined, 1);
  await until(() => session.state.value === "paused" && session.run.value.evaluations.length);
  engine.gate.closed.add("snapshot");
  session.resume(1);
  await until(() => engine.gate.held.length);
  session.stop();
  engine.gate.open("snapshot");
  await until(() => session.state.value === "idle");
  await runs.settled;
  assert.equal(storage.runs.get(session.run.value.id).end, "stopped");
});

test("the best weights are kept beside the last, and a failed run leaves them", async () => {
  const { session, storage, engine, library, runs, steps, until } = await open();
  engine.accuracy = (step) => (step < 5 ? 0.7 + step / 100 : 0.5);
  await steps(2);
  await steps(1);
  assert.equal(stored(storage).best.length, 3);
  engine.loss = (step) => (step > 4 ? 1e5 : 2);
  await steps(20);
  const { run, rates, best } = stored(storage);
  assert.deepEqual([run.best.step, best.length, rates.length], [3, 3, 23]);
  // a page opened now has them
  const second = await open({ storage });
  assert.equal((await second.runs.weightsOf(second.runs.all.value[0], "best")).length > 0, true);

  session.stop();
  await until(() => session.state.value === "idle");
  await runs.settled;
  assert.equal(storage.weights.size, 2, "one best and one last");
  assert.deepEqual(
    library.kept.map(({ id, run }) => [id.endsWith("-best"), run.step]),
    [[true, 3]],
  );
});

test("a run whose best weights are its last stores them once", async () => {
  const { session, storage, runs, steps, until } = await open();
  await steps(2);
  session.stop();
  await until(() => session.state.value === "idle");
  await runs.settled;
  assert.equal(stored(storage).run.best, undefined);
  assert.deepEqual([...storage.weights.keys()], [session.run.value.id]);
});

test("a run that diverges keeps its best weights", async () => {
  const { session, storage, engine, runs, steps, until } = await open();
  await steps(4);
  engine.loss = () => NaN;
  session.resume();
  await until(() => session.state.value === "idle");
  await runs.settled;
  assert.equal(session.problem.value.code, "diverged");
  assert.equal(stored(storage).run.end, "failed");
  assert.deepEqual([...storage.weights.keys()], [`${session.run.value.id} best`]);
});

test("two tabs never share a number, and see each other's runs", async () => {
  const storage = new FakeStorage();
  const [one, other] = await Promise.all([open({ storage }), open({ storage })]);
  await Promise.all([one.steps(1), other.steps(1)]);
  await one.until(() => one.runs.all.value.length === 2 && other.runs.all.value.length === 2);
  assert.notEqual(one.session.run.value.number, other.session.run.value.number);
  for (const tab of [one, other]) tab.session.stop();
  await one.until(() => [one, other].every(({ session }) => session.state.value === "idle"));
  await Promise.all([one.runs.settled, other.runs.settled]);
  await one.until(() => one.runs.all.value.every((/** @type {any} */ { end }) => end === "stopped"));
  one.runs.forget(one.session.run.value);
  await other.until(() => other.runs.all.value.length === 1);
});
