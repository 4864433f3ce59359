/**
 * The worker's trainings: each is one of the core's trainers with its data. Knows no DOM.
 *
 * @typedef {import("./protocol.js").Methods} Methods
 * @typedef {import("./core.js").Core} Core
 *
 * `features` are the classifier's inputs for each picture: kept if only the classifier learns and the pictures are
 * always the same. `ready` counts the pictures that are decoded and have features; `leave` ends what the data wait for.
 * @typedef {{trainer: import("./pkg/simd128-threads/mobilenetv2.js").Trainer, data: import("./datasets.js").Dataset,
 *   recipe: import("./protocol.js").Recipe, position: number, waiting: AbortController,
 *   features: Float32Array[] | null, ready: number, leave: AbortController}} Training
 */
import { BATCH, FEATURES, SHAPES_PER_EPOCH } from "./constants.js";
import { cifar10, shapes } from "./datasets.js";
import { EngineError } from "./errors.js";
import { Held } from "./held.js";
import { ownImages, ownPictures } from "./owndata.js";

/** Held-out pictures evaluated between two checks of the clock. */
const EVALUATION_CHUNK = 25;

/** The worker's methods for trainings, as described in protocol.js. */
export class Trainings {
  #core;
  #onLoading;
  /** @type {Held<Training>} */
  #held = new Held();
  /** Aborts trainings that are being prepared. @type {Map<number, AbortController>} */
  #making = new Map();
  /** @type {Promise<import("./storedcifar.js").StoredCifar> | undefined} */
  #cifar;

  /** @param {Core} core @param {(file: string | null) => void} onLoading hears which file of a data set is being fetched */
  constructor(core, onLoading) {
    this.#core = core;
    this.#onLoading = onLoading;
  }

  /** @param {Methods["prepare"][0]} args */
  async prepare({ trainer, ...start }) {
    const leave = new AbortController();
    this.#making.set(trainer, leave);
    const made = start.snapshot
      ? this.#goOn(start.snapshot, start.data, leave.signal)
      : this.#begin(start, leave.signal);
    const { set, network, recipe, position } = await made.finally(() => this.#making.delete(trainer));
    if (leave.signal.aborted) network.free();
    leave.signal.throwIfAborted();
    this.#held.set(trainer, {
      trainer: network,
      data: set,
      recipe,
      position,
      waiting: new AbortController(),
      features: recipe.freeze === FEATURES && set.fixed ? [] : null,
      ready: 0,
      leave,
    });
    const { names, images_per_epoch, held_out } = set;
    return { names, images_per_epoch, held_out };
  }

  /** @param {Methods["ready"][0]} args */
  async ready({ trainer, milliseconds }) {
    const training = this.#held.of(trainer);
    const { trainer: network, data, features } = training;
    const { fixed } = data;
    if (!fixed) return { done: 0, total: 0 };
    const end = performance.now() + milliseconds;
    for (; training.ready < fixed.count && performance.now() < end; training.ready++) {
      const see = async (/** @type {import("./heldpicture.js").HeldPicture} */ picture) =>
        (await picture.see(this.#core, network.config)).finish();
      const index = (await fixed.load?.(training.ready, see)) ?? training.ready;
      this.#held.of(trainer); // throws if it was closed meanwhile
      if (features) features[index] = network.features((await fixed.at(index)).images, 1);
    }
    return { done: training.ready, total: fixed.count };
  }

  /** @param {Methods["train"][0]} args */
  async train({ trainer, steps: most, milliseconds }) {
    const training = this.#held.of(trainer);
    const { signal } = (training.waiting = new AbortController());
    const count = training.recipe.batch ?? BATCH;
    const end = performance.now() + milliseconds;
    /** @type {import("./protocol.js").Step[]} */
    const steps = [];
    do {
      const batch = await training.data.train(training.position, count, signal).catch((error) => {
        if (!signal.aborted && !steps.length) throw error; // report what is done first; the next call fails again
      });
      if (!batch) break;
      const { images, labels } = batch;
      const features = featuresOf(training, batch);
      steps.push(
        features ? training.trainer.train_step_features(features, labels) : training.trainer.train_step(images, labels),
      );
      training.position += count;
    } while (steps.length < most && performance.now() < end);
    return { steps };
  }

  /** @param {Methods["halt"][0]} args */
  halt({ trainer }) {
    this.#held.of(trainer).waiting.abort();
    return {};
  }

  /** @param {Methods["evaluate"][0]} args */
  async evaluate({ trainer, first, count, milliseconds }) {
    const training = this.#held.of(trainer);
    const end = performance.now() + milliseconds;
    const parts = [];
    const sum = { loss: 0, correct: 0, total: 0 };
    do {
      const size = Math.min(EVALUATION_CHUNK, count - sum.total);
      const batch = await heldOutOf(training, first + sum.total, size);
      const features = featuresOf(training, batch);
      const part = features
        ? training.trainer.evaluate_features(features, batch.labels)
        : training.trainer.evaluate(batch.images, batch.labels);
      parts.push({ ...part, labels: batch.labels });
      sum.loss += part.loss * part.total;
      sum.correct += part.correct;
      sum.total += part.total;
    } while (sum.total < count && performance.now() < end);
    return {
      ...sum,
      loss: sum.loss / sum.total,
      predictions: Uint32Array.from(parts.flatMap(({ predictions }) => [...predictions])),
      confidences: Float32Array.from(parts.flatMap(({ confidences }) => [...confidences])),
      labels: Uint32Array.from(parts.flatMap(({ labels }) => [...labels])),
    };
  }

  /** @param {Methods["heldOut"][0]} args */
  heldOut({ trainer, first, count }) {
    return heldOutOf(this.#held.of(trainer), first, count);
  }

  /** @param {Methods["predict"][0]} args */
  async predict({ trainer, index, k }) {
    const training = this.#held.of(trainer);
    const { images } = await heldOutOf(training, index, 1);
    return training.trainer.predict(images, k);
  }

  /** @param {Methods["setRecipe"][0]} args */
  setRecipe({ trainer, recipe }) {
    const training = this.#held.of(trainer);
    const changed = { ...training.recipe, ...recipe };
    training.trainer.set_recipe(changed);
    training.recipe = changed;
    return { position: training.position };
  }

  /** @param {Methods["nextBatch"][0]} args */
  async nextBatch({ trainer, count }) {
    const { data, position, leave } = this.#held.of(trainer);
    const batch = await data.train(position, count, leave.signal);
    const { trainer: network, recipe } = this.#held.of(trainer);
    return { ...batch, ...this.#core.augmented(network.config, recipe, network.random, batch.images, count) };
  }

  /** @param {Methods["inside"][0]} args */
  async inside({ trainer }) {
    const { images, labels } = await heldOutOf(this.#held.of(trainer), 0, 1);
    const { trainer: network, position } = this.#held.of(trainer);
    const from = performance.now();
    const trace = new this.#core.Trace(network.weights(true));
    try {
      trace.correct(images, labels); // runs the network; how well it does is asked elsewhere
      const { filters } = trace.filters(0);
      const found = { statistics: trace.statistics(), gradients: network.gradient_norms(), filters };
      return { ...found, position, milliseconds: performance.now() - from };
    } finally {
      trace.free();
    }
  }

  /** @param {Methods["weights"][0]} args */
  weights({ trainer, half }) {
    return { bytes: this.#held.of(trainer).trainer.weights(half) };
  }

  /** @param {Methods["snapshot"][0]} args */
  snapshot({ trainer }) {
    const training = this.#held.of(trainer);
    return { bytes: training.trainer.snapshot(), recipe: training.recipe, position: training.position };
  }

  /** CIFAR-10 as a person opened or fetched it. @returns {Promise<import("./storedcifar.js").StoredCifar>} */
  cifar() {
    this.#cifar ??= import("./storedcifar.js").then(({ StoredCifar }) => new StoredCifar()); // rarely needed
    return this.#cifar;
  }

  /** Frees a training, or aborts its preparation, if one has this number. @param {number} handle */
  drop(handle) {
    this.#making.get(handle)?.abort();
    this.#held.get(handle)?.leave.abort();
    this.#held.get(handle)?.trainer.free();
    this.#held.delete(handle);
  }

  /**
   * A training from its start: its data and its network.
   *
   * @param {Omit<Methods["prepare"][0], "trainer" | "snapshot">} start
   * @param {AbortSignal} signal
   */
  async #begin({ config, recipe, data, weights, options }, signal) {
    const file = weights && this.#core.about(weights, options).config;
    const resolution = config.resolution ?? file?.resolution ?? 224;
    const set = await this.#dataset(data, resolution, recipe.seed ?? 1, signal);
    const network = weights
      ? this.#core.Trainer.from_weights(weights, options, recipe, set.images_per_epoch, config.resolution, set.names)
      : new this.#core.Trainer({ ...config, classes: set.names.length }, recipe, set.images_per_epoch);
    network.set_labels(set.names);
    return { set, network, recipe, position: 0 };
  }

  /**
   * A training that continues from a snapshot.
   *
   * @param {import("./protocol.js").Snapshot} snapshot
   * @param {import("./protocol.js").Data} data
   * @param {AbortSignal} signal
   */
  async #goOn({ bytes, recipe, position }, data, signal) {
    const { config, labels } = this.#core.about(bytes);
    const set = await this.#dataset(data, config.resolution, recipe.seed ?? 1, signal);
    if (String(set.names) !== String(labels)) {
      const [had, has] = [labels, set.names].map((names) => names.join(", "));
      throw new EngineError("other-classes", `the training has the classes ${had}, the data ${has}`, { had, has });
    }
    return { set, network: this.#core.Trainer.from_snapshot(bytes), recipe, position };
  }

  /**
   * @param {import("./protocol.js").Data} data
   * @param {number} resolution
   * @param {number} seed
   * @param {AbortSignal} signal
   */
  async #dataset(data, resolution, seed, signal) {
    switch (data.kind) {
      case "shapes":
        return shapes(this.#core, { images: data.images ?? SHAPES_PER_EPOCH, resolution, seed });
      case "cifar-10":
        return "base" in data
          ? cifar10(this.#core, { base: data.base, seed, onLoading: this.#onLoading })
          : (await this.cifar()).dataset(this.#core, { seed, onLoading: this.#onLoading });
      case "hub": {
        const { hubData } = await import("./hubdata.js"); // rarely needed
        return hubData(this.#core, data, { resolution, seed, onLoading: this.#onLoading, signal });
      }
      case "images":
        return ownImages(this.#core, data, seed);
      case "pictures":
        return ownPictures(this.#core, data, seed);
    }
  }
}

/** @param {Training} training @param {number} first @param {number} count */
function heldOutOf({ data }, first, count) {
  if (first >= 0 && first + count <= data.held_out) return data.heldOut(first, count);
  throw new EngineError("core", `${data.held_out} pictures are held out; none is number ${first + count}`);
}

/**
 * Features of a batch's pictures, if there are any.
 *
 * @param {Training} training
 * @param {import("./protocol.js").Batch} batch
 */
function featuresOf({ features }, { indices }) {
  if (!features || !indices) return null;
  const channels = features[0].length;
  const all = new Float32Array(indices.length * channels);
  indices.forEach((index, i) => all.set(features[index], i * channels));
  return all;
}
