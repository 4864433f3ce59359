/**
 * The network of the model bar: loads the classifier that the state names, and finds out what the network costs. Knows
 * no DOM.
 */
import { CIFAR_NAMES } from "../engine/datasets.js";
import { usualNames } from "./library.js";
import { networkOf } from "./network.js";

/**
 * How long a network is shown before it is timed, in milliseconds: the worker does one thing after the other, and the
 * picture that a person waits for comes first.
 */
const SETTLE = 250;

/**
 * What a network costs; null where it is not known yet.
 * @typedef {object} Cost
 * @property {string} key of its config
 * @property {import("../engine/protocol.js").Description | null} description
 * @property {import("../engine/protocol.js").Measured | null} measured
 * @property {boolean} measurable
 */

/**
 * Events: `change` of the network or its cost; `classifier` when another one, or another resolution, is ready; `picture`
 * when another one is at hand.
 */
export class Model extends EventTarget {
  /** @type {import("../engine/engine.js").Engine} */
  #engine;
  #state;
  #library;
  #project;
  /** @type {Awaited<ReturnType<Model["load"]>> | null} */
  loaded = null;
  /** The picture that Classify shows. @type {import("../engine/engine.js").Picture | null} */
  picture = null;
  /** Why the last weights were not taken. @type {unknown} */
  problem = null;
  /** @type {Cost} */
  cost = { key: "", description: null, measured: null, measurable: true };
  /** How often the core was started anew: what it had loaded before is gone. */
  #restarts = 0;
  /** The entry being loaded. @type {import("./library.js").Entry | null} */
  #loading = null;
  #follow = latest(() => this.#load().catch((error) => this.report(error)));
  #price = latest((superseded) => this.#findCost(superseded).catch((error) => this.report(error)));
  /** Names of the drawn shapes. @type {string[] | undefined} */
  #shapes;
  /** @type {Map<string, Promise<import("../engine/protocol.js").Measured>>} */
  #measured = new Map();

  /**
   * @param {import("../engine/engine.js").Engine} engine
   * @param {import("./state.js").PageState} state
   * @param {import("./library.js").Library} library
   * @param {import("./project.js").Project} project
   */
  constructor(engine, state, library, project) {
    super();
    this.#engine = engine;
    this.#state = state;
    this.#library = library;
    this.#project = project;
    state.addEventListener("change", () => this.update());
    library.addEventListener("change", () => this.update());
    project.addEventListener("change", () => state.room === "train" && this.update());
    engine.addEventListener("restart", () => {
      this.#restarts++;
      this.loaded = null;
      this.show(null);
      this.update();
    });
    engine.addEventListener("failure", (event) => this.report(/** @type {CustomEvent} */ (event).detail));
  }

  /** Whether what is loaded is about to give way to something else. */
  get outdated() {
    return !!this.loaded && !!this.#loading;
  }

  get network() {
    return networkOf(this.#state, this.#library, this.#project);
  }

  /** Whether the cost is still that of the network shown before: a training's step may have to end first. */
  get costOutdated() {
    return this.cost.key !== keyOf(this.network.config);
  }

  /** The description of the network shown, once that is known. */
  get description() {
    return this.costOutdated ? null : this.cost.description;
  }

  /** The entry that Classify uses. */
  get #wanted() {
    return this.#library.find(this.#state.values.classify.weights) ?? this.#library.entries[0];
  }

  /** Follows the state; what it was doing for an older state is given up. */
  update() {
    this.dispatchEvent(new Event("change"));
    if (this.#loading && this.#loading.id !== this.#wanted?.id) this.#library.cancel(this.#loading.id);
    this.#follow.ask();
    this.#price.ask();
  }

  /** Another picture is at hand. @param {import("../engine/engine.js").Picture | null} picture */
  show(picture) {
    this.picture = picture;
    this.dispatchEvent(new Event("picture"));
  }

  /** Tells the person why weights were not taken, or that all is well. @param {unknown} problem */
  report(problem) {
    this.problem = problem;
    this.dispatchEvent(new Event("change"));
  }

  /** Makes the classifier of the entry that is wanted, at its resolution. */
  async #load() {
    const entry = this.#wanted;
    if (entry && entry !== this.loaded?.entry) {
      this.problem = null;
      this.#loading = entry;
      this.dispatchEvent(new Event("change"));
      try {
        const restarts = this.#restarts;
        const loaded = await this.load(entry);
        if (restarts === this.#restarts) {
          this.loaded?.classifier.close();
          this.loaded = loaded;
          this.dispatchEvent(new Event("classifier"));
        }
      } catch (error) {
        this.problem = /** @type {Error} */ (error).name === "AbortError" ? null : error;
        if (this.#wanted === entry) this.#state.set("classify", { weights: this.loaded?.entry.id ?? "" });
      }
      this.#loading = null;
      this.dispatchEvent(new Event("change"));
    }
    if (this.loaded) {
      const { classifier, entry } = this.loaded;
      const resolution = Number(this.#state.values.classify.resolution) || (entry.config.resolution ?? 224);
      if (resolution !== classifier.config.resolution) {
        await classifier.setResolution(resolution);
        this.dispatchEvent(new Event("classifier"));
      }
    }
  }

  /**
   * A classifier of these weights, with names for its classes, and what pictures there are of those.
   *
   * @param {import("./library.js").Entry} entry
   */
  async load(entry) {
    const classifier = await this.#engine.loadClassifier(await this.#library.load(entry), { options: entry.options });
    const { labels, config } = classifier;
    this.#shapes ??= (await this.#engine.shapes({ count: 1, resolution: 8 })).names;
    /** @type {"drawings" | "cifar-10" | "own" | "photos"} */
    let samples = "photos";
    const are = (/** @type {string[]} */ names) => labels.length > 0 && String(labels) === String(names);
    if (are(this.#shapes)) samples = "drawings";
    if (are(CIFAR_NAMES)) samples = "cifar-10";
    if (are(this.#project.classes.map(({ name }) => name))) samples = "own";
    return { entry, classifier, samples, names: labels.length ? labels : await usualNames(config.classes) };
  }

  /**
   * Describes and measures the network shown; gives up when another one is asked for meanwhile.
   *
   * @param {Promise<void>} superseded
   */
  async #findCost(superseded) {
    let current = true;
    superseded.then(() => (current = false));
    const { config, entry } = this.network;
    const key = keyOf(config);
    const known = this.#measured.get(key);
    /** @type {Cost} */
    const cost = { key, description: null, measured: null, measurable: true };
    try {
      cost.description = await this.#engine.describe(config);
      if (!current) return;
      this.cost = known ? { ...cost, measured: await known } : cost;
      this.dispatchEvent(new Event("change"));
      if (known) return;
      await Promise.race([superseded, new Promise((resolve) => setTimeout(resolve, SETTLE))]);
      if (current && this.#state.room === "classify") await Promise.race([superseded, this.#follow.done]);
      if (!current) return;
      const own = this.#state.room === "classify" && entry === this.loaded?.entry;
      const measuring = own && this.loaded ? this.loaded.classifier.measure() : this.#engine.measure(config);
      this.#measured.set(key, measuring);
      const measured = await measuring;
      if (current) this.cost = { ...cost, measured };
    } catch (error) {
      this.#measured.delete(key);
      this.cost = { ...cost, measurable: false };
      if (!cost.description) throw error; // this is no network, or the core has stopped
    }
    this.dispatchEvent(new Event("change"));
  }

  /** Whether a person has named the classes of what is loaded. */
  get ownNames() {
    return this.loaded?.entry.origin === "project";
  }
}

/** @param {import("../engine/protocol.js").Config} config */
const keyOf = (config) => JSON.stringify(config);

/**
 * Does a task, and does it once more if it is asked for meanwhile: what it reads last is the latest.
 *
 * @param {(superseded: Promise<void>) => Promise<void>} task hears by `superseded` that it is asked for again
 */
function latest(task) {
  let asked = false;
  let supersede = () => {};
  /** @type {Promise<void> | null} */
  let running = null;
  async function run() {
    while (asked) {
      asked = false;
      await task(new Promise((resolve) => (supersede = resolve)));
    }
    running = null;
  }
  return {
    ask() {
      asked = true;
      supersede();
      running ??= run();
    },
    /** Until it is done, with what was asked for last. */
    get done() {
      return running;
    },
  };
}
