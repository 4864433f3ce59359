// Whatever the browser's storage refuses: the page keeps it, nothing stored is lost, the person is told once, and
// the next change stores it after all. Needs dist/, but no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { atEachRequest, clearStorage, contents, failAt, heal, until } from "./failing.js";
import { closePages, page } from "./fakes.js";

const [{ Runs }, { newRun }, { Project }, { effect }] = await Promise.all(
  ["lab/runs", "lab/run", "lab/project", "lab/signals"].map(page),
);

const RUNS = "mobilenetv2-runs";
const PROJECT = "mobilenetv2-project";
const config = { classes: 2, width: 0.35, resolution: 32 };
const bytes = (/** @type {number} */ of) => new Uint8Array(10).fill(of);

// The worker that shrinks pictures leaves them unchanged here.
globalThis.Worker = /** @type {any} */ (
  class {
    /** @type {(event: any) => void} */
    onmessage = () => {};
    /** @param {any} message */
    postMessage({ id, source: blob }) {
      setImmediate(() => this.onmessage({ data: { id, blob } }));
    }
    terminate() {}
  }
);

/** The storage problems shown: each as it comes, and null when it is over. @param {{problem: {value: any}}} one */
function toldBy({ problem }) {
  const /** @type {any[]} */ told = [];
  let last = problem.value;
  effect(() => {
    const { value } = problem;
    if (value !== last) told.push(value instanceof DOMException ? value.name : (value?.code ?? null));
    last = value;
  });
  return told;
}

/** A page with the stored runs. */
async function openRuns() {
  const runs = new Runs();
  await runs.open();
  return runs;
}

/** A run that has ended. @param {number} number @param {any} [more] */
const ended = (number, more = {}) => ({
  ...newRun(number, {}, config, ["a", "b"], 10),
  id: `run-${number}`,
  steps: { step: [1, 2], loss: [1, 1], accuracy: [0, 1], learning_rate: [1, 1] },
  best: { step: 1 },
  end: "stopped",
  weights: bytes(number),
  bestWeights: bytes(number + 100),
  ...more,
});

/** A page with two runs, and one in progress. */
async function runsWithSome() {
  closePages();
  clearStorage();
  const runs = await openRuns();
  for (const run of [ended(1), ended(2, { best: undefined, bestWeights: null })]) {
    runs.add(run);
    runs.keep(run);
  }
  const under = ended(3, { end: "active", weights: null, best: undefined, bestWeights: null });
  runs.add(under);
  runs.checkpoint(under, { bytes: bytes(3), recipe: {}, position: 20 });
  await runs.settled;
  return runs;
}

/** The weights of every ended run, from the page. @param {any} runs */
async function weightsOfAll(runs) {
  const all = /** @type {Record<string, Uint8Array>} */ ({});
  for (const run of runs.all.value.filter((/** @type {any} */ { end }) => end !== "active")) {
    for (const which of ["last", "best"]) {
      const weights = await runs.weightsOf(run, which).catch(() => null);
      if (weights) all[`${run.number} ${which}`] = weights;
    }
  }
  return all;
}

/** Actions on runs. @type {Record<string, (runs: any) => void>} */
const WITH_RUNS = {
  "a run that has ended": (runs) => {
    const run = ended(4);
    runs.add(run);
    runs.keep(run);
  },
  "how far a run has come": (runs) => {
    const run = runs.all.value[2];
    run.steps.step.push(3);
    runs.checkpoint(run, { bytes: bytes(33), recipe: {}, position: 30 });
  },
  "a run under way that ends": (runs) => {
    const run = runs.all.value[2];
    Object.assign(run, { end: "finished", weights: bytes(34) });
    runs.keep(run);
  },
  "a run that is taken out": (runs) => runs.forget(runs.all.value[0]),
  "a run that is brought back": (runs) => {
    runs.forget(runs.all.value[0]);
    runs.restore();
  },
  "a run that is not drawn": (runs) => runs.show(runs.all.value[1], false),
};

for (const [what, act] of Object.entries(WITH_RUNS)) {
  test(`${what}, whatever the storage refuses of it`, async () => {
    const well = await runsWithSome();
    act(well);
    await well.settled;
    const after = { stored: await contents(RUNS), weights: await weightsOfAll(well) };
    await atEachRequest(async (way, at) => {
      const runs = await runsWithSome();
      const before = await contents(RUNS);
      const told = toldBy(runs);
      failAt(at, way);
      act(runs);
      await runs.settled;
      const failed = heal();
      const where = `request ${at} ${way}`;
      // the same action's second change succeeds, and brings the first along
      const mended = failed && runs.problem.value === null;
      assert.equal(told.filter((one) => one !== null).length, Number(failed), `${where}: a person is told once`);
      if (failed && !mended && what !== "a run that is brought back")
        assert.deepEqual(await contents(RUNS), before, `${where}: nothing half`);
      assert.deepEqual(await weightsOfAll(runs), after.weights, `${where}: the page has everything`);
      if (failed && !mended) {
        runs.show(runs.all.value.at(-1), true);
        await runs.settled;
        assert.deepEqual(told.slice(1), [null], `${where}: and that it is over`);
      }
      const stored = await contents(RUNS);
      for (const run of Object.values(stored.runs)) run.hidden ||= undefined;
      for (const run of Object.values(after.stored.runs)) run.hidden ||= undefined;
      assert.deepEqual(stored, after.stored, `${where}: the next change stores it too`);
      return failed;
    });
  });
}

test("a storage that refuses everything is reported once, and the page works on", async () => {
  const runs = await runsWithSome();
  const before = await contents(RUNS);
  const told = toldBy(runs);
  failAt(1, "refuses", Infinity);
  for (let number = 4; number < 10; number++) {
    const run = ended(number);
    runs.add(run);
    runs.keep(run);
    runs.show(run, false);
    runs.forget(runs.all.value[0]);
    runs.restore();
    await runs.settled;
  }
  heal();
  assert.deepEqual(told, ["QuotaExceededError"]);
  assert.deepEqual(await contents(RUNS), before);
  assert.equal(runs.all.value.length, 9);
  runs.show(runs.all.value[1], true);
  await runs.settled;
  assert.deepEqual(told, ["QuotaExceededError", null]);
  const again = await openRuns();
  assert.deepEqual(await weightsOfAll(again), { ...(await weightsOfAll(runs)), "3 last": bytes(3) });
  assert.equal(again.all.value.length, 9);
});

test("unreadable runs are not lost: nothing overwrites them", async () => {
  await runsWithSome();
  const before = await contents(RUNS);
  await atEachRequest(async (way, at) => {
    closePages();
    failAt(at, way);
    const runs = await openRuns();
    const failed = heal();
    assert.equal(runs.problem.value !== null, failed);
    if (!failed) return false;
    const run = ended(1, { weights: bytes(9) });
    runs.add(run);
    runs.keep(run);
    await runs.settled;
    assert.deepEqual(await contents(RUNS), before, `request ${at} ${way}`);
    assert.deepEqual(await runs.weightsOf(run, "last"), bytes(9), "the page has it");
    return true;
  });
});

/** A page with the stored project. */
async function openProject() {
  const project = new Project();
  await project.open();
  return project;
}

const blobs = (/** @type {number} */ count, of = 0) =>
  Array.from({ length: count }, (_, i) => new Blob([bytes(of + i)], { type: "image/png" }));

/** A project's content in comparable form. @param {any} project */
const saidOf = async (project) => ({
  classes: structuredClone(project.classes.value),
  pictures: await Promise.all(
    project.pictures.value.map(async (/** @type {any} */ { blob, ...rest }) => ({
      ...rest,
      bytes: [...new Uint8Array(await blob.arrayBuffer())],
    })),
  ),
  trained: project.trained.value,
});

/** Whether the storage matches the page. @param {any} project */
async function isStored(project) {
  const { classes, pictures, trained } = await contents(PROJECT);
  const byOrder = (/** @type {any} */ a, /** @type {any} */ b) => a.order - b.order;
  const stored = {
    classes: Object.values(classes).sort(byOrder),
    pictures: Object.values(pictures)
      .sort(byOrder)
      .map(({ bytes, type: _, ...rest }) => ({ ...rest, bytes: [...new Uint8Array(bytes)] })),
    trained: trained.weights ?? null,
  };
  try {
    assert.deepEqual(stored, await saidOf(project));
    return true;
  } catch {
    return false;
  }
}

/** A page with two classes of pictures and a network. */
async function projectWithSome() {
  closePages();
  clearStorage();
  const project = await openProject();
  for (const name of ["cat", "dog"]) await project.add(project.addClass(name), blobs(5, name.length));
  project.keep({ bytes: bytes(1), config, labels: ["cat", "dog"] });
  await until(() => isStored(project));
  return project;
}

/** Actions on a project. @type {Record<string, (project: any) => unknown>} */
const WITH_PROJECT = {
  "a class that comes": (project) => project.addClass("bird"),
  "a class that gets a name": (project) => project.renameClass(project.classes.value[0], "lion"),
  "a class that goes": (project) => project.removeClass(project.classes.value[0]),
  "pictures that come": (project) => project.add(project.classes.value[0], blobs(6)),
  "pictures that go": (project) =>
    project.remove(new Set([project.pictures.value[0].id, project.pictures.value[7].id])),
  "pictures that move": (project) => project.move(new Set([project.pictures.value[0].id]), project.classes.value[1]),
  "a network": (project) => project.keep({ bytes: bytes(2), config, labels: ["a", "b"] }),
  "another project": (project) =>
    project.replace({ classes: [{ id: "x", name: "x", order: 0 }], pictures: [], trained: null }),
};

for (const [what, act] of Object.entries(WITH_PROJECT)) {
  test(`${what}, whatever the storage refuses of it`, async () => {
    await atEachRequest(async (way, at) => {
      const project = await projectWithSome();
      const before = await contents(PROJECT);
      const told = toldBy(project);
      failAt(at, way);
      await act(project);
      const here = await saidOf(project);
      await until(async () => project.problem.value || (await isStored(project)));
      const failed = heal();
      const where = `request ${at} ${way}`;
      if (!failed) return false;
      assert.deepEqual(told, [way === "throws" ? "storage" : "quota"], `${where}: a person is told once`);
      assert.deepEqual(await contents(PROJECT), before, `${where}: nothing half`);
      assert.deepEqual(await saidOf(project), here, `${where}: the page has everything`);
      project.renameClass(project.classes.value[0], "another name");
      await until(() => isStored(project));
      await until(() => project.problem.value === null);
      assert.deepEqual(told.slice(1), [null], `${where}: and that it is over`);
      closePages();
      assert.deepEqual(await saidOf(await openProject()), await saidOf(project), `${where}: the next page has it too`);
      return true;
    });
  });
}

test("a storage that refuses every project change is reported once, and the page works on", async () => {
  const project = await projectWithSome();
  const before = await contents(PROJECT);
  const told = toldBy(project);
  failAt(1, "refuses", Infinity);
  for (const name of ["a", "b", "c"]) {
    project.addClass(name);
    for (let i = 0; i < 50; i++) await new Promise(setImmediate);
  }
  heal();
  assert.deepEqual(told, ["quota"]);
  assert.deepEqual(await contents(PROJECT), before);
  project.addClass("d");
  await until(() => isStored(project));
  await until(() => project.problem.value === null);
  assert.deepEqual(told, ["quota", null]);
  assert.equal(project.classes.value.length, 6);
});

test("undoing restores everything, whatever the storage refused meanwhile", async () => {
  for (const what of ["a class that goes", "pictures that go", "another project"]) {
    await atEachRequest(async (way, at) => {
      const project = await projectWithSome();
      const before = await saidOf(project);
      failAt(at, way);
      await WITH_PROJECT[what](project);
      await until(async () => project.problem.value || (await isStored(project)));
      const failed = heal();
      project.undo();
      await until(() => isStored(project));
      assert.deepEqual(await saidOf(project), before, `${what}, request ${at} ${way}`);
      return failed;
    });
  }
});

test("an unreadable project is not lost: nothing overwrites it", async () => {
  await projectWithSome();
  const before = await contents(PROJECT);
  await atEachRequest(async (way, at) => {
    closePages();
    failAt(at, way);
    const project = await openProject();
    const failed = heal();
    assert.equal(project.problem.value !== null, failed);
    if (!failed) return false;
    await project.add(project.addClass("mine"), blobs(3));
    for (let i = 0; i < 100; i++) await new Promise(setImmediate);
    assert.deepEqual(await contents(PROJECT), before, `request ${at} ${way}`);
    assert.equal(project.pictures.value.length, 3, "the page has it");
    return true;
  });
});

test("a second tab shows the project, says that another has it, and writes nothing", { timeout: 20_000 }, async () => {
  const first = await projectWithSome();
  const second = new Project();
  const before = await contents(PROJECT);
  const told = toldBy(second);
  await second.open();
  assert.deepEqual(told, ["other-tab"]);
  assert.deepEqual(await saidOf(second), await saidOf(first));
  second.addClass("of the second");
  second.remove(new Set(second.pictures.value.map(({ id }) => id)));
  for (let i = 0; i < 100; i++) await new Promise(setImmediate);
  assert.deepEqual(await contents(PROJECT), before);
});
