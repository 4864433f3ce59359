// The table of a session's states, with a session for each entry; and the core lost, or the storage failing,
// in every state. Needs dist/, but no browser.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { closePages, FakeStorage, page } from "./fakes.js";
import { openSession } from "./sessions.js";

const { TABLE, next } = await page("lab/session/machine");

/** Table entries that a session has used, as "state event". */
const taken = new Set();
const entries = Object.entries(TABLE).flatMap(([state, row]) =>
  Object.entries(row).map(([event, [following]]) => ({ state, event, following, name: `${state} ${event}` })),
);
for (const [state, row] of Object.entries(TABLE)) {
  TABLE[state] = new Proxy(row, {
    get(row, /** @type {string} */ event) {
      if (event in row) taken.add(`${state} ${event}`);
      return row[event];
    },
  });
}

after(() => {
  const left = entries.map(({ name }) => name).filter((name) => !taken.has(name));
  assert.deepEqual(left, [], "a session has used every entry of the table");
});

test("every state can be reached from idle and leads back there", () => {
  const states = Object.keys(TABLE);
  assert.ok(entries.every(({ following }) => states.includes(following)));
  for (const direction of [
    (/** @type {any} */ { state, following }) => [state, following],
    (/** @type {any} */ { state, following }) => [following, state],
  ]) {
    const reached = new Set(["idle"]);
    for (let before = 0; before < reached.size;) {
      before = reached.size;
      for (const [from, to] of entries.map(direction)) if (reached.has(from)) reached.add(to);
    }
    assert.deepEqual([...reached].sort(), [...states].sort());
  }
});

test("events that are not in the table change nothing", () => {
  assert.deepEqual(next("idle", "kept"), { state: "idle", effects: [] });
  assert.deepEqual(next("running", "start"), { state: "running", effects: [] });
});

const odd = () => new Error("odd");

/** A page with a session that the test steps through. @param {Parameters<typeof openSession>[0]} [options] */
async function open(options) {
  closePages();
  const lab = await openSession(options);
  const { session, engine, settings, until } = lab;
  const held = (/** @type {string} */ name) => until(() => engine.gate.held.some((one) => one.name === name));
  const hold = (/** @type {string} */ name) => engine.gate.closed.add(name);
  return {
    ...lab,
    hold,
    held,
    /** Lets a held call do its work, or fail. @param {string} name @param {Error} [error] */
    release: (name, error) => engine.gate.open(name, error),
    /** Starts a run of this many steps in total. @param {number} [total] */
    begin(total = 100) {
      engine.imagesPerEpoch = total * 10;
      session.start(settings);
    },
    is: (/** @type {string} */ state) => until(() => session.state.value === state),
  };
}
/** @typedef {Awaited<ReturnType<typeof open>>} Lab */

/** Ways into each state, which then lasts. @type {Record<string, (lab: Lab) => Promise<void>>} */
const WAYS = {
  async idle({ begin, is, session }) {
    begin(2);
    await is("starting");
    await is("idle");
    assert.equal(session.run.value.end, "finished");
  },
  async starting({ hold, begin, held, session }) {
    hold("createTrainer");
    begin();
    await held("createTrainer");
    assert.equal(session.state.value, "starting");
  },
  async running({ steps, hold, held, session }) {
    await steps(2);
    hold("train");
    session.resume();
    await held("train");
    assert.equal(session.state.value, "running");
  },
  async pausing(lab) {
    await WAYS.running(lab);
    lab.session.pause();
    assert.equal(lab.session.state.value, "pausing");
  },
  async paused({ steps, still }) {
    await steps(2);
    await still();
  },
  async stopping(lab) {
    await WAYS.running(lab);
    lab.session.stop();
    assert.equal(lab.session.state.value, "stopping");
  },
};

/** A page with a session in this state. @param {string} state @param {Parameters<typeof openSession>[0]} [options] */
async function reach(state, options) {
  const lab = await open(options);
  await WAYS[state](lab);
  return lab;
}

test("a run from start to the end of its last epoch, followed by a full evaluation", async () => {
  const { session, hold, held, release, until } = await reach("idle");
  assert.equal(session.problem.value, null);
  session.run.value.evaluations.at(-1).total = 40; // as for a sample
  assert.ok(session.canEvaluateAll.value);
  hold("evaluate");
  const looked = session.evaluateAll();
  await held("evaluate");
  release("evaluate");
  await looked;
  assert.equal(session.run.value.evaluations.at(-1).total, 100);
  await until(() => session.evaluating.value === null);
  assert.equal(session.state.value, "idle");
});

test("a stop while data are prepared, or just after", async () => {
  const early = await reach("starting");
  early.session.stop();
  assert.equal(early.session.state.value, "stopping");
  await early.is("idle");
  assert.equal(early.session.problem.value, null, "no problem is shown after a deliberate stop");
  assert.equal(early.runs.all.value.length, 0);

  // which wait for data that are still being fetched
  const waiting = await open();
  waiting.hold("heldOut");
  waiting.begin();
  await waiting.held("heldOut");
  waiting.session.stop();
  await waiting.is("idle");
  assert.equal(waiting.session.problem.value, null);
  assert.equal(waiting.runs.all.value.length, 0);
  waiting.release("heldOut");

  const storage = new FakeStorage();
  const late = await open({ storage });
  storage.gate.closed.add("list"); // by which the run gets its number
  late.begin();
  await late.until(() => storage.gate.held.some(({ name }) => name === "list"));
  late.session.stop();
  storage.gate.open("list");
  await late.is("idle");
  assert.equal(late.session.run.value.end, "stopped");
  assert.equal(late.session.run.value.steps.step.length, 0);
});

test("a run that is given up while it is prepared", async () => {
  const { session, is } = await reach("starting");
  session.stop();
  await session.giveUp();
  await is("idle");
  assert.equal(session.problem.value, null);
});

test("data that cannot be prepared are reported", async () => {
  const { session, release, is } = await reach("starting");
  release("createTrainer", odd());
  await is("idle");
  assert.equal(/** @type {Error} */ (session.problem.value).message, "odd");
});

test("a pause and its continuation", async () => {
  const { session, release, still, is, hold, held } = await reach("pausing");
  release("train");
  await still();
  assert.equal(session.run.value.steps.step.length, 3);
  hold("evaluate");
  session.evaluateAll();
  await held("evaluate");
  session.resume(); // aborts that
  assert.equal(session.state.value, "running");
  release("evaluate");
  await is("idle");
  assert.equal(session.run.value.end, "finished");
  assert.equal(session.problem.value, null);
});

test("a pause or a stop at the last step comes too late", async () => {
  for (const [ask, state] of /** @type {const} */ ([
    ["pause", "pausing"],
    ["stop", "stopping"],
  ])) {
    const { session, begin, hold, held, release, is } = await open();
    hold("train");
    begin(1);
    await held("train");
    session[ask]();
    assert.equal(session.state.value, state);
    release("train");
    await is("idle");
    assert.equal(session.run.value.end, "finished");
  }
});

test("a stop while it pauses, trains, is stored, or is paused", async () => {
  for (const state of ["pausing", "running", "paused"]) {
    const { session, release, is } = await reach(state);
    session.stop();
    assert.equal(session.state.value, "stopping");
    release("train");
    await is("idle");
    assert.equal(session.run.value.end, "stopped");
    assert.equal(session.problem.value, null);
  }
  const { session, hold, held, release, is } = await reach("running");
  hold("snapshot");
  session.pause();
  release("train");
  await held("snapshot");
  session.stop();
  release("snapshot");
  await is("idle");
  assert.equal(session.run.value.end, "stopped");
});

test("the score is by 1,000 held-out pictures, however fast the machine; a second stop does without", async () => {
  for (const twice of [false, true]) {
    const lab = await open();
    lab.engine.heldOut = 3000;
    await WAYS.running(lab);
    const { session, release, hold, held, is } = lab;
    session.stop();
    hold("evaluate");
    release("train");
    await held("evaluate"); // the sample
    release("evaluate");
    hold("evaluate");
    await held("evaluate");
    if (twice) session.stop();
    release("evaluate");
    await is("idle");
    const { end, evaluations } = session.run.value;
    assert.equal(end, "stopped");
    assert.equal(session.problem.value, null);
    assert.equal(evaluations.at(-1).total, twice ? 200 : 1000);
    assert.ok(evaluations.slice(0, -1).every((/** @type {any} */ { total }) => total === 200));
  }
});

test("a failure in a step, a checkpoint, an evaluation or at the end leaves the run paused, to be continued", async () => {
  /** @type {[string, string, (lab: Lab) => unknown][]} */
  const failures = [
    ["running", "train", () => {}],
    ["pausing", "snapshot", (lab) => lab.release("train")],
    ["pausing", "evaluate", (lab) => lab.release("train")],
    ["stopping", "weights", (lab) => lab.release("train")],
  ];
  for (const [state, name, lead] of failures) {
    const lab = await reach(state);
    const { session, hold, held, release, until } = lab;
    hold(name);
    await lead(lab);
    await held(name);
    release(name, odd());
    await until(() => session.state.value === "paused" && session.problem.value);
    assert.equal(/** @type {Error} */ (session.problem.value).message, "odd", `${state} ${name}`);
    session.resume(1);
    assert.equal(session.problem.value, null);
    await until(() => session.state.value === "paused" && session.run.value.steps.step.length > 2);
    assert.equal(session.problem.value, null);
  }
});

test("a step that takes too long is given up, and the run returns to its checkpoint", async () => {
  for (const state of ["pausing", "stopping"]) {
    const { session, engine, is, until } = await reach(state);
    await session.giveUp();
    await is("idle");
    assert.equal(session.run.value.end, "interrupted");
    assert.equal(session.run.value.steps.step.length, 2);
    engine.gate.closed.clear();
    session.recover(session.run.value);
    await until(() => session.run.value.end === "finished");
    assert.equal(session.run.value.steps.step.length, 100);
  }
});

for (const state of Object.keys(TABLE)) {
  test(`the core is lost: ${state}`, async () => {
    const { session, engine, runs, is, until } = await reach(state);
    const { end } = session.run.value ?? {};
    engine.crash();
    await is("idle");
    await new Promise((done) => setTimeout(done, 5));
    assert.equal(session.state.value, "idle", "calls in progress change nothing afterwards");
    if (state === "idle") {
      assert.equal(session.run.value.end, end);
      assert.equal(session.problem.value, null);
    } else {
      assert.equal(/** @type {any} */ (session.problem.value).code, "engine-stopped");
      assert.equal(session.trainer.value, null);
    }
    engine.gate.closed.clear();
    if (state !== "starting" && state !== "idle") {
      assert.equal(session.run.value.end, "interrupted");
      assert.equal(session.run.value.steps.step.length, 2, "back at its checkpoint");
      session.recover(session.run.value);
    } else session.start({ ...session.run.value?.settings, ...(await openSession()).settings });
    await until(() => session.state.value === "idle" && session.run.value?.end === "finished");
    assert.equal(session.problem.value, null);
    assert.equal(runs.all.value.at(-1), session.run.value);
  });

  test(`the storage fails: ${state}`, async () => {
    const storage = new FakeStorage();
    for (const name of ["keep", "read"]) storage.gate.broken.set(name, odd());
    const lab = await reach(state, { storage });
    const { session, engine, runs, settings, until } = lab;
    engine.gate.closed.clear();
    for (const name of ["createTrainer", "train"]) lab.release(name);
    const ended = () => session.state.value === "idle" && session.run.value && session.run.value.end !== "active";
    if (state === "pausing") await lab.still();
    if (session.state.value === "paused") session.resume();
    await until(ended);
    await runs.settled;
    assert.equal(session.problem.value, null, "the training is not affected");
    assert.equal(runs.problem.value?.message, "odd");
    assert.equal(session.run.value.end, state === "stopping" ? "stopped" : "finished");
    const steps = JSON.parse(new TextDecoder().decode(await runs.weightsOf(session.run.value, "last"))).rates.length;
    assert.equal(steps, session.run.value.steps.step.length, "the page has what it ended with");
    // refused changes come with the next one that succeeds
    const before = session.run.value;
    storage.gate.broken.clear();
    session.start(settings, undefined, 1);
    await until(
      () => session.state.value === "paused" && session.run.value !== before && session.run.value.evaluations.length,
    );
    await until(() => storage.runs.size === 2);
    assert.equal(storage.runs.get(before.id).end, before.end);
    await runs.settled;
    assert.equal(runs.problem.value, null);
  });
}

test("a run with an unreadable checkpoint is not continued, until it can be read", async () => {
  const storage = new FakeStorage();
  await reach("paused", { storage });
  const { session, runs, is, until } = await open({ storage });
  storage.gate.broken.set("read", odd());
  await session.recover(runs.interrupted.value);
  await is("idle");
  assert.equal(/** @type {Error} */ (session.problem.value).message, "odd");
  storage.gate.broken.clear();
  session.recover(runs.interrupted.value);
  await until(() => session.run.value.end === "finished");
});
