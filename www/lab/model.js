/**
 * The model bar's network: loads the classifier that the state names, and finds out the network's cost. Knows no DOM.
 */
import { CIFAR_NAMES } from "../engine/constants.js";
import { imagenetStart, usualNames } from "./classnames.js";
import { latest } from "./latest.js";
import { PHOTO_WEIGHTS } from "./library.js";
import { networkOf } from "./network.js";
import { batch, computed, follow, signal } from "./signals.js";

/**
 * Milliseconds that a network is shown before it is timed. The worker does one thing after another, and the picture
 * that a person waits for comes first.
 */
const SETTLE = 250;

/**
 * The cost of a network; null if not known yet.
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
  /**
   * The classifier; published anew when its resolution changes.
   *
   * @type {import("./signals.js").Signal<Loaded | null>}
   */
  loaded = signal(null);
  /** The picture that Classify shows. @type {import("./signals.js").Signal<import("../engine/engine.js").Picture | null>} */
  picture = signal(null);
  /** How Classify feeds it to networks. @type {import("./signals.js").Signal<import("../engine/protocol.js").Framing>} */
  framing = signal({});
  /** Why the last weights were refused. @type {import("./signals.js").Signal<unknown>} */
  problem = signal(null);
  /** @type {import("./signals.js").Signal<Cost>} */
  cost = signal({ key: "", description: null, measured: null, measurable: true });
  /** The entry being loaded. @type {import("./signals.js").Signal<import("./library.js").Entry | null>} */
  #loading = signal(null);
  /** The id of what is used in place of weights that were not to be had, whose problem still stands. */
  #instead = "";
  network = computed(() => networkOf(this.#state, this.#library, this.#project));
  /** Whether the loaded classifier is about to be replaced. */
  outdated = computed(() => !!this.loaded.value && !!this.#loading.value);
  /** Whether the cost still belongs to the network shown before: a training step may have to end first. */
  costOutdated = computed(() => this.cost.value.key !== keyOf(this.network.value.config));
  /** The description of the network shown, once known. */
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
    // a person who goes elsewhere has read what was wrong with a choice
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

  /** Follows the state, and gives up work for an older state. */
  #update() {
    const loading = this.#loading.value;
    if (loading && loading.id !== this.#wanted?.id) this.#library.cancel(loading.id);
    this.#classifier.ask();
    this.#price.ask();
  }

  /** Shows why weights were refused, or that all is well. @param {unknown} problem */
  report(problem) {
    this.problem.value = problem;
  }

  /** Loads the classifier of the wanted entry at its resolution. */
  async #load() {
    const entry = this.#wanted;
    if (entry && entry !== this.loaded.value?.entry) {
      batch(() => {
        if (entry.id !== this.#instead) this.problem.value = null;
        this.#loading.value = entry;
      });
      try {
        const loss = this.#core.loss.value;
        const loaded = await this.load(entry);
        if (loss === this.#core.loss.value) {
          this.loaded.value?.classifier.close();
          this.loaded.value = loaded;
        } // else the core has lost what it had loaded
      } catch (error) {
        this.problem.value = /** @type {Error} */ (error).name === "AbortError" ? null : error;
        if (this.#wanted === entry) {
          this.#instead = this.loaded.value?.entry.id ?? PHOTO_WEIGHTS;
          this.#state.set("classify", { weights: this.#instead });
        }
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
   * Loads a classifier of these weights, with names for its classes, the index of ImageNet's first class or -1, and the kind of
   * matching sample pictures.
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
    const names = labels.length ? labels : await usualNames(config.classes);
    return { entry, classifier, samples, names, imagenet: imagenetStart(names) };
  }

  /**
   * Describes and measures the network shown; gives up when another one is requested meanwhile.
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
      if (!cost.description) throw error; // this is not a network, or the core has stopped
    }
  }

  /** Whether a person named the loaded classes. */
  get ownNames() {
    return this.loaded.value?.entry.origin === "project";
  }
}

/** @param {import("../engine/protocol.js").Config} config */
const keyOf = (config) => JSON.stringify(config);
