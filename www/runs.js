/**
 * The runs kept, in the browser's storage too, so that they outlive the page: those that have ended, and checkpoints of the
 * one under way. Knows no DOM.
 *
 * @typedef {import("./session.js").Run} Run
 * @typedef {import("./settings.js").Values} Values
 */
import { EngineError } from "./errors.js";
import { openRunStorage } from "./runstorage.js";

/** @param {Run} a @param {Run} b */
const byNumber = (a, b) => a.number - b.number;

/** Events: `change` when a run came, ended or went; `shown` when its curves are to be drawn or not. */
export class Runs extends EventTarget {
  /** In the order of their numbers. @type {Run[]} */
  all = [];
  /** The run that was taken out last, where it can be brought back. @type {Run | null} */
  forgotten = null;
  /** Why the last change is not in the storage. @type {unknown} */
  problem = null;
  /** @type {Awaited<ReturnType<typeof openRunStorage>> | null} */
  #storage = null;
  /** Changes are written one after the other. @type {Promise<void>} */
  #written = Promise.resolve();

  /** Reads what the storage holds; without storage, runs live as long as the page. */
  async open() {
    try {
      this.#storage = await openRunStorage();
      this.all = (await this.#storage.list()).sort(byNumber);
    } catch (error) {
      this.problem = error;
    }
  }

  /** The last run that can go on. */
  get interrupted() {
    return this.all.findLast(({ end }) => end === "interrupted");
  }

  /** The number of the next run. */
  get next() {
    return (this.all.at(-1)?.number ?? 0) + 1;
  }

  /** @param {Run} run of the next number */
  add(run) {
    this.all = [...this.all, run];
    this.forgotten = null; // its number may be another's now
    this.#changed();
  }

  /** Stores a run that has ended as it is now. @param {Run} run */
  async keep(run) {
    if (run.end === "active" || !this.all.includes(run)) return;
    this.#changed();
    await this.#write((storage) => storage.keep(run));
  }

  /**
   * Stores how far a run under way has come: without its page, it is one that was interrupted.
   *
   * @param {Run} run
   * @param {Uint8Array} weights a checkpoint, which is a file of weights, too
   */
  async checkpoint(run, weights) {
    const checkpoint = run.steps.step.length;
    const stored = { ...structuredClone(run), end: /** @type {const} */ ("interrupted"), weights };
    await this.#write(async (storage) => {
      await storage.keep(stored);
      run.checkpoint = checkpoint;
    });
  }

  /** Reads anew how far an interrupted run has come: another tab may have gone on with it. @param {Run} run */
  async refresh(run) {
    await this.#written;
    const stored = await this.#storage?.run(run.id);
    if (stored) Object.assign(run, stored);
    this.#changed();
    const { number } = run;
    if (run.end !== "interrupted") throw new EngineError("run-over", `run ${number} is ${run.end}`, { number });
  }

  /** Notes what of a run's settings is different from the next step on. @param {Run} run @param {Values} before */
  note(run, before) {
    const step = run.steps.step.length;
    const { changes = [], settings } = run;
    const last = changes.filter((change) => change.step === step);
    // nothing was trained by what was chosen in between
    const from = { ...before, ...Object.fromEntries(last.map((change) => [change.key, change.from])) };
    const keys = Object.keys(settings).filter((key) => settings[key] !== from[key]);
    run.changes = [
      ...changes.filter((change) => change.step !== step),
      ...keys.map((key) => ({ step, key, from: from[key], to: settings[key] })),
    ];
    this.#changed();
  }

  /** A run is under way again. @param {Run} run */
  reopen(run) {
    run.end = "active";
    this.#changed();
    return run;
  }

  /** Takes a run out that has ended, until that is undone. @param {Run} run */
  forget(run) {
    this.all = this.all.filter((other) => other !== run);
    this.forgotten = run;
    this.#changed();
    this.#write(async (storage) => {
      run.weights ??= (await storage.weights(run.id)) ?? null;
      await storage.remove(run.id);
    });
  }

  /** Brings back the run that was taken out last. */
  restore() {
    const { forgotten } = this;
    if (!forgotten) return;
    this.forgotten = null;
    this.all = [...this.all, forgotten].sort(byNumber);
    this.keep(forgotten);
  }

  /** Has a run's curves drawn or left out. @param {Run} run @param {boolean} shown */
  show(run, shown) {
    run.hidden = !shown;
    this.dispatchEvent(new Event("shown"));
    this.#write((storage) => storage.hide(run.id, !shown));
  }

  /** The weights that a run has ended with, or its last checkpoint, as a file. @param {Run} run */
  async weightsOf(run) {
    const weights = run.weights ?? (await this.#storage?.weights(run.id));
    if (weights) return weights;
    const { number } = run;
    throw new EngineError("run-gone", `run ${number} is no longer in the storage`, { number });
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }

  /** @param {(storage: Awaited<ReturnType<typeof openRunStorage>>) => Promise<unknown>} change */
  #write(change) {
    const storage = this.#storage;
    if (!storage) return;
    this.#written = this.#written
      .then(() => change(storage))
      .then(
        () => this.#tell(null),
        (error) => this.#tell(error),
      );
    return this.#written;
  }

  /** @param {unknown} problem */
  #tell(problem) {
    if (problem === this.problem) return;
    this.problem = problem;
    this.#changed();
  }
}
