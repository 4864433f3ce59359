/**
 * The runs, also kept in the browser's storage, so that they outlive the page: ended runs, and a consistent record of
 * the one in progress. Without storage they live as long as the page. Only reads wait for the storage. Knows no DOM.

 *
 * @typedef {import("./run.js").Run} Run
 * @typedef {import("./run.js").Which} Which
 * @typedef {import("./settings.js").Values} Values
 * @typedef {(storage: Storage) => Promise<unknown>} Change
 * @typedef {Pick<Awaited<ReturnType<typeof openRunStorage>>, "list" | "read" | "weights" | "keep" | "mark" | "remove" | "listen">} Storage
 */
import { EngineError } from "../engine/errors.js";
import { copyOf, newId } from "./run.js";
import { batch, computed, signal } from "./signals.js";
import { openRunStorage } from "./storage/runstorage.js";
import { answered } from "./storage/storage.js";

/** @param {Run} a @param {Run} b */
const byNumber = (a, b) => a.number - b.number;

/** @template T @typedef {import("./signals.js").Signal<T>} Signal */

/** @param {Run[]} runs */
const drawn = (runs) => runs.filter(({ hidden }) => !hidden);

export class Runs {
  /**
   * In order of their numbers; published anew when one is added, removed, ends or changes its settings.
   *
   * @type {Signal<Run[]>}
   */
  all = signal([]);
  /** Runs whose curves are drawn. @type {Signal<Run[]>} */
  shown = signal([]);
  /** The run removed last, if it can be brought back. @type {Signal<Run | null>} */
  forgotten = signal(null);
  /** Why the last change is not stored. @type {Signal<any>} */
  problem = signal(null);
  /** The last run that can continue. */
  interrupted = computed(() => this.all.value.findLast(({ end }) => end === "interrupted"));
  /** Whether changes are being written. */
  writing = false;
  /**
   * State to which the run in progress returns if the core loses it; keeps its weights in memory until they are stored.
   *
   * @type {Run | null}
   */
  #record = null;
  /** Ids found in the storage at the last look. */
  #stored = new Set();
  /** @type {Storage | null} */
  #storage = null;
  /** Resolves when all changes so far are written, one after another. @type {Promise<void>} */
  #written = Promise.resolve();
  /**
   * Per run, the change that the storage refused; the next one that succeeds brings it along.
   *
   * @type {Map<string, Change>}
   */
  #unkept = new Map();

  /** Reads the storage. @param {() => Promise<Storage>} [openStorage] */
  async open(openStorage = openRunStorage) {
    try {
      const storage = await answered(openStorage);
      const runs = await answered(storage.list);
      this.#publish(runs);
      this.#stored = new Set(runs.map(({ id }) => id));
      storage.listen(() => this.#refresh());
      this.#storage = storage;
    } catch (error) {
      this.problem.value = error;
    }
  }

  /**
   * Claims the number of the next run, which no other tab has. A tab holds the locks of its numbers, and runs that it
   * left behind are in the storage. Pages from insecure origins have no locks.
   */
  async claimNumber() {
    for (let number = (this.all.peek().at(-1)?.number ?? 0) + 1; ; number++) {
      const release = await lock(`mobilenetv2-run-number-${number}`);
      if (!release) continue;
      const stored = this.#storage ? await answered(this.#storage.list).catch(() => []) : [];
      if (!stored.some((run) => run.number === number)) return number;
      release();
    }
  }

  /** Adds a run, which has the next number. @param {Run} run */
  add(run) {
    batch(() => {
      this.forgotten.value = null; // its number may now belong to another run
      this.#publish([...this.all.peek(), run]);
    });
  }

  /** Stores the current state of a run that has ended. @param {Run} run */
  keep(run) {
    if (run.end === "active" || !this.all.peek().includes(run)) return;
    if (this.#record?.id === run.id) this.#record = null;
    this.#publish();
    this.#write(run.id, async (storage) => {
      await storage.keep(run);
      this.#stored.add(run.id);
      if (run.end === "interrupted") run.weights = run.bestWeights = null; // another tab may continue it
    });
  }

  /**
   * Stores the progress of a run: without its page, it is an interrupted one.
   *
   * @param {Run} run as it was when the snapshot was taken
   * @param {import("../engine/protocol.js").Snapshot} snapshot
   */
  checkpoint(run, { bytes, ...snapshot }) {
    const record = { ...copyOf(run), end: /** @type {const} */ ("interrupted"), snapshot, weights: bytes };
    this.#record = record;
    this.#write(run.id, async (storage) => {
      if (record !== this.#record) return; // there is a later one
      const { bestWeights } = record;
      await storage.keep(record);
      this.#stored.add(run.id);
      for (const one of [record, run]) {
        if (one.weights === bytes) one.weights = null;
        if (one.bestWeights === bestWeights) one.bestWeights = null;
      }
    });
  }

  /**
   * Takes a run back to its last checkpoint, from which it can continue. Returns whether there is one.
   *
   * @param {Run} run
   */
  goBack(run) {
    if (this.#record?.id !== run.id) return false;
    Object.assign(run, copyOf(this.#record), { hidden: run.hidden, title: run.title });
    this.#publish();
    return true;
  }

  /**
   * Reads an interrupted run's progress again, since another tab may have continued it, and its checkpoint.
   *
   * @param {Run} run
   * @returns {Promise<Uint8Array>}
   */
  async reread(run) {
    await this.#written;
    const { number } = run;
    const gone = new EngineError("run-gone", `run ${number} is no longer in the storage`, { number });
    if (run.weights) return run.weights; // the storage refused them
    const storage = this.#storage;
    const stored = storage && (await answered(() => storage.read(run.id)));
    if (!stored) throw gone;
    const { weights, ...known } = stored;
    Object.assign(run, known);
    this.#publish();
    if (run.end !== "interrupted") throw new EngineError("run-over", `run ${number} is ${run.end}`, { number });
    if (!weights) throw gone;
    return weights;
  }

  /** Makes a run active again, from its last checkpoint. @param {Run} run */
  reopen(run) {
    this.#record = copyOf(run);
    run.end = "active";
    run.weights = null;
    this.#publish();
    return run;
  }

  /**
   * Records which of a run's settings change after this step.
   *
   * @param {Run} run
   * @param {Values} before
   * @param {number} step
   */
  note(run, before, step) {
    const { changes = [], settings } = run;
    const last = changes.filter((change) => change.step === step);
    // values chosen in between trained nothing
    const from = { ...before, ...Object.fromEntries(last.map((change) => [change.key, change.from])) };
    const keys = Object.keys(settings).filter((key) => settings[key] !== from[key]);
    run.changes = [
      ...changes.filter((change) => change.step !== step),
      ...keys.map((key) => ({ step, key, from: from[key], to: settings[key] })),
    ];
    this.#publish();
  }

  /** Removes a run that has ended; can be undone. @param {Run} run */
  forget(run) {
    batch(() => {
      this.forgotten.value = run;
      this.#publish(this.all.peek().filter((other) => other !== run));
    });
    this.#write(run.id, async (storage) => {
      run.weights ??= (await storage.weights(run.id, "last")) ?? null;
      run.bestWeights ??= (await storage.weights(run.id, "best")) ?? null;
      await storage.remove(run.id);
      this.#stored.delete(run.id);
    });
  }

  /** Brings back the run removed last. */
  restore() {
    const forgotten = this.forgotten.peek();
    if (!forgotten) return;
    batch(() => {
      this.forgotten.value = null;
      this.#publish([...this.all.peek(), forgotten]);
      this.keep(forgotten);
    });
  }

  /** Shows or hides a run's curves. @param {Run} run @param {boolean} shown */
  show(run, shown) {
    run.hidden = !shown;
    this.shown.value = drawn(this.all.peek());
    this.#write(`${run.id} shown`, (storage) => storage.mark(run.id, { hidden: !shown }));
  }

  /** Gives a run a name; "": none of its own. @param {Run} run @param {string} title */
  rename(run, title) {
    run.title = title || undefined;
    this.#publish();
    this.#write(`${run.id} title`, (storage) => storage.mark(run.id, { title: run.title }));
  }

  /** Adds runs whose curves were read from a file. @param {Omit<Run, "id" | "number">[]} runs */
  async import(runs) {
    for (const run of runs) {
      const number = await this.claimNumber();
      const imported = { ...run, id: newId(number), number };
      this.add(imported);
      this.keep(imported);
    }
  }

  /**
   * Some of a run's weights as a file; the last ones of a run that can continue are its checkpoint.
   *
   * @param {Run} run
   * @param {Which} which
   */
  async weightsOf(run, which) {
    const storage = this.#storage;
    const here = which === "last" ? run.weights : run.bestWeights;
    const weights = here ?? (storage && (await answered(() => storage.weights(run.id, which))));
    if (weights) return weights;
    const { number } = run;
    throw new EngineError("run-gone", `run ${number} is no longer in the storage`, { number });
  }

  /** Resolves when all changes so far have been written, or failed. */
  get settled() {
    return this.#written;
  }

  /** Picks up runs that other tabs have added, continued or removed; leaves the run in progress here alone. */
  async #refresh() {
    /** @type {Run[] | null | undefined} */
    let stored;
    do {
      await this.#written;
      stored = await this.#storage?.list().catch(() => null);
    } while (this.writing); // else runs removed meanwhile would come back
    if (!stored) return;
    const ids = new Set(stored.map(({ id }) => id));
    const gone = (/** @type {Run} */ { id, end }) => end !== "active" && this.#stored.has(id) && !ids.has(id);
    const here = this.all.peek().filter((run) => !gone(run));
    for (const run of stored) {
      const known = here.find(({ id }) => id === run.id);
      if (!known) here.push(run);
      else if (known.end === "interrupted" && !known.weights) Object.assign(known, run);
    }
    this.#stored = ids;
    this.#publish(here);
  }

  /** Publishes a new list, or the current one after a run has changed. */
  #publish(runs = this.all.peek()) {
    batch(() => {
      this.all.value = [...runs].sort(byNumber);
      this.shown.value = drawn(this.all.value);
    });
  }

  /** @param {string} what is written; a later change replaces an earlier one of the same @param {Change} change */
  #write(what, change) {
    const storage = this.#storage;
    if (!storage) return;
    this.writing = true;
    const written = this.#written
      .then(async () => {
        this.#unkept.delete(what);
        this.#unkept.set(what, change);
        for (const [what, change] of [...this.#unkept].reverse()) {
          await change(storage);
          this.#unkept.delete(what);
        }
      })
      .then(
        () => this.#tell(null),
        (error) => this.#tell(error),
      )
      .then(() => void (this.writing = written !== this.#written));
    this.#written = written;
  }

  /** Reports each kind of failure once. @param {any} problem */
  #tell(problem) {
    const before = this.problem.peek();
    if (problem?.name === before?.name && problem?.code === before?.code) return;
    this.problem.value = problem;
  }
}

/**
 * Holds a lock until it is released or the page is closed; null if another tab has it.
 *
 * @param {string} name
 * @returns {Promise<(() => void) | null>}
 */
async function lock(name) {
  if (!navigator.locks) return () => {};
  return new Promise((resolve, reject) => {
    /** @param {Lock | null} lock */
    const hold = (lock) => lock && new Promise((release) => resolve(() => release(null)));
    navigator.locks.request(name, { ifAvailable: true }, hold).then(() => resolve(null), reject);
  });
}
