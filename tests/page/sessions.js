// A page's session with fakes around it.

import assert from "node:assert/strict";
import { FakeEngine, FakeLibrary, FakeStorage, page } from "./fakes.js";

const [{ Session }, { Runs }, { preset }, { coreOf }] = await Promise.all(
  ["lab/session/session", "lab/runs", "lab/settings", "lab/core"].map(page),
);

/** A page with a session and its stored runs. */
export async function openSession({ storage = new FakeStorage(), engine = new FakeEngine(), refuses = false } = {}) {
  const runs = new Runs();
  await runs.open(refuses ? () => Promise.reject(new Error("no storage")) : () => storage.open());
  const library = new FakeLibrary();
  const project = {
    generation: 0,
    kept: /** @type {any[]} */ ([]),
    keep: (/** @type {any} */ one) => project.kept.push(one),
  };
  const session = new Session(engine, { project }, library, runs, coreOf(engine));
  const settings = { ...preset("quick"), width: 0.35, resolution: 32, batch: 10, epochs: 1, schedule: "constant" };
  /** @param {() => unknown} holds */
  const until = async (holds) => {
    for (let i = 0; !holds(); i++) {
      assert.ok(
        i < 5000,
        `never: ${holds}; ${session.state.value} at ${session.run.value?.steps.step.length}; ${session.problem.value}`,
      );
      await new Promise(setImmediate);
    }
  };
  const still = () => until(() => session.state.value === "paused" && session.evaluating.value === null);
  return {
    engine,
    storage,
    runs,
    library,
    project,
    session,
    settings,
    until,
    /** Starts or continues for this many steps, and waits for the pause. @param {number} steps */
    async steps(steps) {
      const before = session.run.value?.end === "active" ? session.run.value.evaluations.length : 0;
      session.active.value ? session.resume(steps) : session.start(settings, undefined, steps);
      await until(() => session.state.value === "paused" && session.run.value.evaluations.length > before);
      await new Promise((done) => setTimeout(done, 5));
      await runs.settled;
    },
    still,
  };
}
