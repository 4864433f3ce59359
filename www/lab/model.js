/**
 * The network of the model bar: loads the classifier that the state names, and finds out what the network costs. Knows
 * no DOM.
 */
import { CIFAR_NAMES } from "../engine/constants.js";
import { usualNames } from "./library.js";
import { networkOf } from "./network.js";
import { batch, computed, follow, signal } from "./signals.js";

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

/** @typedef {Awaited<ReturnType<Model["load"]>>} Loaded */

export class Model {
  /** @type {import("../engine/engine.js").Engine} */
  #engine;
  #state;
  #library;
  #project;
  #core;
  /** The classifier, anew when its resolution is another one. @type {import("./signals.js").Signal<Loaded | null>} */
  loaded = signal(null);
  /** The picture that Classify shows. @type {import("./signals.js").Signal<import("../engine/engine.js").Picture | null>} */
  picture = signal(null);
  /** Why the last weights were not taken. @type {import("./signals.js").Signal<unknown>} */
  problem = signal(null);
  /** @type {import("./signals.js").Signal<Cost>} */
  cost = signal({ key: "", description: null, measured: null, measurable: true });
  /** The entry being loaded. @type {import("./signals.js").Signal<import("./library.js").Entry | null>} */
  #loading = signal(null);
  network = computed(() => networkOf(this.#state, this.#library, this.#project));
  /** Whether what is loaded is about to give way to something else. */
  outdated = computed(() => !!this.loaded.value && !!this.#loading.value);
  /** Whether the cost is still that of the network shown before: a training's step may have to end first. */
  costOutdated = computed(() => this.cost.value.key !== keyOf(this.network.value.config));
  /** The description of the network shown, once that is known. */
  description = computed(() => (this.costOutdated.value ? null : this.cost.value.description));
  #classifier = latest(() => this.#load().catch((error) => this.report(error)));
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
   * @param {import("./core.js").Core} core
   */
  constructor(engine, state, library, project, core) {
    this.#engine = engine;
    this.#state = state;
    this.#library = library;
    this.#project = project;
    this.#core = core;
    follow(
      () => core.loss.value,
      (loss) => {
        if (!loss) return;
        if (!loss.alive) return this.report(loss.reason);
        batch(() => {
          this.loaded.value = null;
          this.picture.value = null;
        });
        this.#update();
      },
    );
    // what went wrong with a choice has been read by who goes elsewhere
    follow(
      () => state.room.value,
      () => this.report(null),
    );
    follow(
      () => this.network.value,
      () => this.#update(),
    );
  }

  /** The entry that Classify uses. */
  get #wanted() {
    return this.#library.find(this.#state.values.classify.value.weights) ?? this.#library.entries.value[0];
  }

  /** Follows the state; what it was doing for an older state is given up. */
  #update() {
    const loading = this.#loading.value;
    if (loading && loading.id !== this.#wanted?.id) this.#library.cancel(loading.id);
    this.#classifier.ask();
    this.#price.ask();
  }

  /** Tells the person why weights were not taken, or that all is well. @param {unknown} problem */
  report(problem) {
    this.problem.value = problem;
  }

  /** Makes the classifier of the entry that is wanted, at its resolution. */
  async #load() {
    const entry = this.#wanted;
    if (entry && entry !== this.loaded.value?.entry) {
      batch(() => {
        this.problem.value = null;
        this.#loading.value = entry;
      });
      try {
        const loss = this.#core.loss.value;
        const loaded = await this.load(entry);
        if (loss === this.#core.loss.value) {
          this.loaded.value?.classifier.close();
          this.loaded.value = loaded;
        } // else what the core had loaded is gone
      } catch (error) {
        this.problem.value = /** @type {Error} */ (error).name === "AbortError" ? null : error;
        if (this.#wanted === entry) this.#state.set("classify", { weights: this.loaded.value?.entry.id ?? "" });
      }
      this.#loading.value = null;
    }
    const loaded = this.loaded.value;
    if (loaded) {
      const { classifier, entry } = loaded;
      const resolution = Number(this.#state.values.classify.value.resolution) || (entry.config.resolution ?? 224);
      if (resolution !== classifier.config.resolution) {
        await classifier.setResolution(resolution);
        if (loaded === this.loaded.value) this.loaded.value = { ...loaded };
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
    if (are(this.#project.classes.value.map(({ name }) => name))) samples = "own";
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
    const { config, entry } = this.network.value;
    const key = keyOf(config);
    if (key === this.cost.value.key && this.cost.value.measured) return;
    const known = this.#measured.get(key);
    /** @type {Cost} */
    const cost = { key, description: null, measured: null, measurable: true };
    try {
      cost.description = await this.#engine.describe(config);
      if (!current) return;
      this.cost.value = known ? { ...cost, measured: await known } : cost;
      if (known) return;
      await Promise.race([superseded, new Promise((resolve) => setTimeout(resolve, SETTLE))]);
      if (current && this.#state.room.value === "classify") await Promise.race([superseded, this.#classifier.done]);
      if (!current) return;
      const loaded = this.#state.room.value === "classify" ? this.loaded.value : null;
      const own = entry === loaded?.entry ? loaded?.classifier : undefined;
      const measuring = own?.measure() ?? this.#engine.measure(config);
      this.#measured.set(key, measuring);
      const measured = await measuring;
      if (current) this.cost.value = { ...cost, measured };
    } catch (error) {
      this.#measured.delete(key);
      this.cost.value = { ...cost, measurable: false };
      if (!cost.description) throw error; // this is no network, or the core has stopped
    }
  }

  /** Whether a person has named the classes of what is loaded. */
  get ownNames() {
    return this.loaded.value?.entry.origin === "project";
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
