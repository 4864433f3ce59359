// Fakes for the page's logic: an engine whose training is numbers, a storage in memory, a library, a project.

import { pathToFileURL } from "node:url";
import { pageFolder } from "../../pkg-config/server.js";

/** A module of the built page, with the libraries that it imports. @param {string} name its path in www/, without ".js" */
export const page = (name) => import(pathToFileURL(`${pageFolder()}/${name}.js`).href);

/** Browser locks, as far as the page needs them: all pages of a test share them, like tabs. */
const locks = new Map();
const request = async (
  /** @type {string} */ name,
  /** @type {any} */ { ifAvailable, signal },
  /** @type {any} */ hold,
) => {
  const left = new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
  left.catch(() => {});
  while (locks.has(name)) {
    if (ifAvailable) return hold(null);
    await Promise.race([locks.get(name), left]);
  }
  const held = Promise.resolve(hold({ name })).finally(() => locks.delete(name));
  locks.set(name, held);
  return held;
};
Object.defineProperty(globalThis, "navigator", { value: { locks: { request } }, configurable: true });

/** Closes all pages so far, which frees their locks. */
export const closePages = () => locks.clear();

/** Holds calls until the test releases them, in order. */
export class Gate {
  /** @type {{name: string, open: () => void, fail: (error: Error) => void}[]} */
  held = [];
  /** Names of calls that wait for `open`. @type {Set<string>} */
  closed = new Set();
  /** Errors of calls by name. @type {Map<string, Error>} */
  broken = new Map();

  /** @template T @param {string} name @param {() => T} act @param {AbortSignal} [signal] @returns {Promise<T>} */
  async pass(name, act, signal) {
    if (this.closed.has(name))
      await new Promise((open, fail) => {
        this.held.push({ name, open: () => open(null), fail });
        signal?.addEventListener("abort", () => fail(signal.reason));
      });
    const error = this.broken.get(name);
    if (error) throw error;
    return act();
  }

  /** @param {string} name @param {Error} [error] */
  open(name, error) {
    this.closed.delete(name);
    const held = this.held.filter((one) => one.name === name);
    this.held = this.held.filter((one) => one.name !== name);
    for (const one of held) error ? one.fail(error) : one.open();
  }
}

const coded = (/** @type {string} */ code) => Object.assign(new Error(code), { code });

/**
 * An engine whose trainings are numbers. Their weights are the number of steps trained and the learning rates,
 * as text; tests set `loss(step)` and `accuracy(step, how)`, where `how` is what the training was created with. Answers come in the order of the calls.
 */
export class FakeEngine extends EventTarget {
  gate = new Gate();
  loss = (/** @type {number} */ _step) => 2;
  accuracy = (/** @type {number} */ step, /** @type {any} */ _how) => Math.min(0.9, step / 100);
  /** @type {Set<any>} */
  trainings = new Set();
  /** Calls of trainings that were answered, by the number of the training. @type {{name: string, training: number}[]} */
  answered = [];
  heldOut = 100;
  batch = 10;
  imagesPerEpoch = 1000;
  /** The arguments of the trainers created. @type {any[]} */
  made = [];

  /** @param {any} how */
  async createTrainer({ config, recipe, snapshot, signal }) {
    await this.gate.pass("createTrainer", () => {}, signal);
    this.made.push({ config, recipe, snapshot });
    const training = snapshot
      ? { ...JSON.parse(new TextDecoder().decode(snapshot.bytes)), recipe: snapshot.recipe }
      : { rates: [], recipe, config };
    const position = snapshot ? snapshot.position : 0;
    const made = { ...training, position, number: this.made.length };
    this.trainings.add(made);
    return new FakeTrainer(this, made);
  }

  async describe() {
    return { parameters: 1000, macs: 1e6, layers: [{ output_bytes: this.outputBytes }] };
  }
  outputBytes = 1000;

  /** Loses the core: pending calls fail, and so does every further call to its trainings. */
  crash() {
    const error = coded("engine-stopped");
    this.trainings.clear();
    for (const { name } of [...this.gate.held]) this.gate.open(name, error);
    this.dispatchEvent(new CustomEvent("restart", { detail: error }));
  }

  async restart() {
    this.crash();
  }
}

class FakeTrainer {
  labels = ["circle", "ring"];
  ahead = 0;
  #engine;
  #training;

  /** @param {FakeEngine} engine @param {any} training */
  constructor(engine, training) {
    this.#engine = engine;
    this.#training = training;
    this.images_per_epoch = engine.imagesPerEpoch;
    this.held_out = engine.heldOut;
  }

  /** @template T @param {string} name @param {() => T} act @returns {Promise<T>} */
  async #ask(name, act) {
    await new Promise(setImmediate); // answers are messages
    return this.#engine.gate.pass(name, () => {
      if (!this.#engine.trainings.has(this.#training)) throw coded("closed");
      this.#engine.answered.push({ name, training: this.#training.number });
      return act();
    });
  }

  get #bytes() {
    return new TextEncoder().encode(JSON.stringify({ rates: this.#training.rates, config: this.#training.config }));
  }

  /** @param {{steps?: number, signal?: AbortSignal}} options */
  async *run({ steps = Infinity, signal } = {}) {
    for (let taken = 0; taken < steps; taken++) {
      signal?.throwIfAborted();
      yield await this.#ask("train", () => {
        const { rates, recipe } = this.#training;
        rates.push(recipe.learning_rate);
        this.#training.position += this.#engine.batch;
        const step = rates.length;
        return { step, loss: this.#engine.loss(step), accuracy: 0.5, learning_rate: recipe.learning_rate };
      });
    }
  }

  /** @param {any} options */
  evaluate({ images: most = this.held_out, signal, weightsIf }) {
    return this.#ask("evaluate", () => {
      signal?.throwIfAborted();
      const images = Math.min(most, this.held_out);
      const step = this.#training.rates.length;
      const accuracy = this.#engine.accuracy(step, this.#training);
      const found = { loss: this.#engine.loss(step), accuracy, total: images };
      const labels = Uint32Array.from({ length: images }, (_, i) => i % 2);
      const predictions = labels.map((label, i) => (i < accuracy * images ? label : 1 - label));
      const each = { labels, predictions, confidences: new Float32Array(images) };
      return { ...found, ...each, weights: weightsIf?.(found) ? this.#bytes : null };
    });
  }

  snapshot() {
    return this.#ask("snapshot", () => {
      const { recipe, position } = this.#training;
      return { bytes: this.#bytes, recipe: { ...recipe }, position };
    });
  }

  /** @param {any} recipe */
  setRecipe(recipe) {
    return this.#ask("setRecipe", () => {
      this.#training.recipe = { ...this.#training.recipe, ...recipe };
      return { position: this.#training.position };
    });
  }

  weights = () => this.#ask("weights", () => this.#bytes);
  heldOut = () => this.#ask("heldOut", () => ({ images: new Uint8Array(), labels: new Uint32Array(), resolution: 1 }));
  async close() {
    this.#engine.trainings.delete(this.#training);
  }
}

/** The storage of runs, which outlives a page; every page opens it for itself. */
export class FakeStorage {
  gate = new Gate();
  /** @type {Map<string, any>} */
  runs = new Map();
  /** @type {Map<string, Uint8Array>} */
  weights = new Map();
  /** @type {Set<() => void>} */
  #pages = new Set();

  async open() {
    const { runs, weights, gate } = this;
    const copy = (/** @type {any} */ run) => ({ ...structuredClone(run), weights: null, bestWeights: null });
    let mine = () => {};
    const tell = () => this.#pages.forEach((page) => page !== mine && page());
    return {
      list: () => gate.pass("list", () => [...runs.values()].map(copy)),
      read: (/** @type {string} */ id) =>
        gate.pass("read", () =>
          runs.has(id) ? { ...copy(runs.get(id)), weights: weights.get(id) ?? null } : undefined,
        ),
      weights: async (/** @type {string} */ id, /** @type {string} */ which) =>
        weights.get(`${id}${which === "best" ? " best" : ""}`),
      keep: (/** @type {any} */ { weights: last, bestWeights, ...run }) => {
        const stored = structuredClone(run);
        return gate.pass("keep", () => {
          runs.set(run.id, stored);
          if (last) weights.set(run.id, last);
          if (run.end === "failed") weights.delete(run.id);
          if (bestWeights) weights.set(`${run.id} best`, bestWeights);
          if (!run.best) weights.delete(`${run.id} best`);
          tell();
        });
      },
      mark: async () => {},
      remove: async (/** @type {string} */ id) => {
        runs.delete(id);
        weights.delete(id);
        weights.delete(`${id} best`);
        tell();
      },
      listen: (/** @type {() => void} */ hear) => void this.#pages.add((mine = hear)),
    };
  }
}

export class FakeLibrary {
  /** @type {any[]} */
  kept = [];
  /** @param {any} entry @param {Uint8Array} bytes */
  keep(entry, bytes) {
    this.kept.push({ ...entry, bytes });
  }
}
