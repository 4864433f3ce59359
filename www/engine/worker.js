/**
 * The thread on which the network runs: owns the wasm instance and answers the methods of protocol.js; a method that waits
 * for data lets others in. Long work is asked for in slices by engine.js, so a message never waits longer than a slice (or
 * one training step). Knows no DOM.
 */
import { loadCore } from "./core.js";
import { cifar10, shapes } from "./datasets.js";
import { EngineError } from "./errors.js";
import { holdPicture } from "./heldpicture.js";
import { ownImages, ownPictures } from "./owndata.js";

/** @typedef {import("./protocol.js").Methods} Methods */

/** Of torchvision's `features`: where all are frozen, the classifier alone learns. */
const FEATURES = 19;
/** Pictures of a step where the recipe does not say. */
const BATCH = 96;
/** Held-out pictures evaluated between two looks at the clock. */
const EVALUATION_CHUNK = 25;
/** A median is taken of at least so many runs, and of as many as fit into the time. */
const MEASURE_RUNS = 3;
const MEASURE_MILLISECONDS = 150;

/** @type {import("./core.js").Core} */
let core;
/** What starts it; everything else waits for that. @type {Promise<unknown>} */
let starting = Promise.resolve();
/** @type {Map<number, import("./pkg/simd128-threads/mobilenetv2.js").Classifier>} */
const classifiers = new Map();
/**
 * A training and its data; `features` are what the classifier is given of each picture, where it alone learns and the
 * pictures are always the same, and `ready` counts the pictures that are decoded and have theirs.
 *
 * @typedef {{trainer: import("./pkg/simd128-threads/mobilenetv2.js").Trainer, data: import("./datasets.js").Dataset,
 *   recipe: import("./protocol.js").Recipe, position: number, waiting: AbortController,
 *   features: Float32Array[] | null, ready: number}} Training
 */
/** @type {Map<number, Training>} */
const trainers = new Map();
/** @type {Map<number, import("./heldpicture.js").HeldPicture>} */
const pictures = new Map();

/** @type {{[M in keyof Methods]: (args: Methods[M][0]) => Methods[M][1] | Promise<Methods[M][1]>}} */
const methods = {
  async init({ variant, threads, locks }) {
    core = await loadCore(variant, threads, locks, () => postMessage({ threads }));
    return {};
  },

  ping: () => ({}),

  describe: ({ config }) => core.describe(config),

  load({ classifier, weights, options }) {
    const network = new core.Classifier(weights, options);
    classifiers.set(classifier, network);
    // the browser compiles what runs for the first time: that is no part of what a person's picture takes
    grey(network)();
    return { config: /** @type {any} */ (network.config), labels: network.labels };
  },

  resize({ classifier, resolution }) {
    held(classifiers, classifier).set_resolution(resolution);
    return {};
  },

  measure({ classifier, config }) {
    if (classifier !== undefined) return measure(held(classifiers, classifier));
    const network = untrained(config ?? {});
    const measured = measure(network);
    network.free();
    return measured;
  },

  profile({ config, batch }) {
    if (!batch) {
      const network = untrained(config);
      return profile(network, grey(network));
    }
    const trainer = new core.Trainer(config, { batch }, 1);
    const { images } = core.shapes(1, 0, batch, config.resolution ?? 224);
    const labels = new Uint32Array(batch); // of whichever classes, a step takes as long
    return profile(trainer, () => {
      const start = performance.now();
      trainer.train_step(images, labels);
      return performance.now() - start;
    });
  },

  async open({ picture, source }) {
    const { picture: opened, preview } = await holdPicture(source);
    pictures.set(picture, opened);
    return { ...opened.size, preview };
  },

  async classify({ classifier, picture, k, crop }) {
    const start = performance.now();
    const { network, rows } = await see(classifier, picture);
    const seen = performance.now() - start;
    const result = network.classify_rows(rows, k);
    return { ...result, preprocess_ms: seen + result.preprocess_ms, crop: crop ? network.crop() : null };
  },

  async featureMaps({ classifier, picture, block }) {
    const { network, rows } = await see(classifier, picture);
    return { ...network.feature_maps_rows(rows, block), crop: network.crop() };
  },

  async prepare({ trainer, ...start }) {
    const { set, network, recipe, position } = await (start.snapshot ? goOn(start.snapshot, start.data) : begin(start));
    trainers.set(trainer, {
      trainer: network,
      data: set,
      recipe,
      position,
      waiting: new AbortController(),
      features: recipe.freeze === FEATURES && set.fixed ? [] : null,
      ready: 0,
    });
    const { names, images_per_epoch, held_out } = set;
    return { names, images_per_epoch, held_out };
  },

  async ready({ trainer, milliseconds }) {
    const training = held(trainers, trainer);
    const { trainer: network, data, features } = training;
    const { fixed } = data;
    if (!fixed) return { done: 0, total: 0 };
    const end = performance.now() + milliseconds;
    for (; training.ready < fixed.count && performance.now() < end; training.ready++) {
      await fixed.load?.(training.ready, async (picture) => (await picture.see(core, network.config)).finish());
      features?.push(network.features((await fixed.at(training.ready)).images, 1));
    }
    return { done: training.ready, total: fixed.count };
  },

  async train({ trainer, steps: most, milliseconds }) {
    const training = held(trainers, trainer);
    const { signal } = (training.waiting = new AbortController());
    const count = training.recipe.batch ?? BATCH;
    const end = performance.now() + milliseconds;
    /** @type {import("./protocol.js").Step[]} */
    const steps = [];
    do {
      const batch = await training.data.train(training.position, count, signal).catch((error) => {
        if (!signal.aborted && !steps.length) throw error; // what is done is told first; the next call finds out again
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
  },

  halt({ trainer }) {
    held(trainers, trainer).waiting.abort();
    return {};
  },

  async evaluate({ trainer, first, count, milliseconds }) {
    const training = held(trainers, trainer);
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
  },

  heldOut: ({ trainer, first, count }) => heldOutOf(held(trainers, trainer), first, count),

  async predict({ trainer, index, k }) {
    const training = held(trainers, trainer);
    const { images, resolution } = await heldOutOf(training, index, 1);
    const rgba = new Uint8Array(resolution * resolution * 4).fill(255);
    for (let i = 0; i < resolution * resolution; i++) rgba.set(images.subarray(i * 3, i * 3 + 3), i * 4);
    const network = new core.Classifier(training.trainer.weights(false));
    network.set_crop(1); // held-out pictures are cut already, if they are to be
    const result = network.classify(rgba, resolution, resolution, k);
    network.free();
    return result;
  },

  setRecipe({ trainer, recipe }) {
    const training = held(trainers, trainer);
    const changed = { ...training.recipe, ...recipe };
    training.trainer.set_recipe(changed);
    training.recipe = changed;
    return { position: training.position };
  },

  toOnnx: ({ weights, options }) => ({ bytes: core.to_onnx(weights, options) }),

  weights: ({ trainer, half }) => ({ bytes: held(trainers, trainer).trainer.weights(half) }),

  snapshot({ trainer }) {
    const training = held(trainers, trainer);
    return { bytes: training.trainer.snapshot(), recipe: training.recipe, position: training.position };
  },

  shapes({ seed, first, count, resolution }) {
    return { ...core.shapes(seed, first, count, resolution), resolution, names: core.shape_names() };
  },

  manifold: ({ dimensions, relu, seed }) => core.manifold(dimensions, relu, seed),

  drop({ handle }) {
    classifiers.get(handle)?.free();
    pictures.get(handle)?.close();
    trainers.get(handle)?.trainer.free();
    for (const map of [classifiers, trainers, pictures]) map.delete(handle);
    return {};
  },
};

/**
 * @template T
 * @param {Map<number, T>} map
 * @param {number} handle
 * @returns {T}
 */
function held(map, handle) {
  const value = map.get(handle);
  if (!value) throw new EngineError("closed", "this classifier, trainer or picture was closed");
  return value;
}

/**
 * A classifier, and what it sees of a picture. Either may be closed, or the resolution change, while that is found out.
 *
 * @param {number} classifier @param {number} picture
 */
async function see(classifier, picture) {
  for (;;) {
    const { resolution, crop } = held(classifiers, classifier).config;
    const rows = await held(pictures, picture).see(core, { resolution, crop });
    const network = classifiers.get(classifier);
    if (network && network.config.resolution === resolution) return { network, rows };
    rows.free();
  }
}

/** @param {Training} training @param {number} first @param {number} count */
function heldOutOf({ data }, first, count) {
  if (first >= 0 && first + count <= data.held_out) return data.heldOut(first, count);
  throw new EngineError("core", `${data.held_out} pictures are held out; none is number ${first + count}`);
}

/** Features of a batch's pictures, where there are some. @param {Training} training @param {import("./protocol.js").Batch} batch */
function featuresOf({ features }, { indices }) {
  if (!features || !indices) return null;
  const channels = features[0].length;
  const all = new Float32Array(indices.length * channels);
  indices.forEach((index, i) => all.set(features[index], i * channels));
  return all;
}

/**
 * @param {import("./protocol.js").Data} data
 * @param {number} resolution
 * @param {number} seed
 */
function dataset(data, resolution, seed) {
  switch (data.kind) {
    case "shapes":
      return shapes(core, { images: data.images ?? 5000, resolution, seed });
    case "cifar-10":
      return cifar10({ base: data.base, seed, onLoading: (loading) => postMessage({ loading }) });
    case "images":
      return ownImages(data, seed);
    case "pictures":
      return ownPictures(data, seed);
  }
}

/**
 * A training from its beginning: its data and its network.
 *
 * @param {Omit<import("./protocol.js").Methods["prepare"][0], "trainer" | "snapshot">} start
 */
async function begin({ config, recipe, data, weights, options }) {
  const resolution = config.resolution ?? (weights ? about(weights, options).resolution : 224);
  const set = await dataset(data, resolution, recipe.seed ?? 1);
  const network = weights
    ? core.Trainer.from_weights(weights, options, recipe, set.images_per_epoch, config.resolution, set.names)
    : new core.Trainer({ ...config, classes: set.names.length }, recipe, set.images_per_epoch);
  network.set_labels(set.names);
  return { set, network, recipe, position: 0 };
}

/**
 * A training from where a snapshot was taken of it.
 *
 * @param {import("./protocol.js").Snapshot} snapshot
 * @param {import("./protocol.js").Data} data
 */
async function goOn({ bytes, recipe, position }, data) {
  const { resolution, labels } = about(bytes);
  const set = await dataset(data, resolution, recipe.seed ?? 1);
  if (String(set.names) !== String(labels)) {
    const [had, has] = [labels, set.names].map((names) => names.join(", "));
    throw new EngineError("other-classes", `the training learned ${had}, and the data have ${has}`, { had, has });
  }
  return { set, network: core.Trainer.from_snapshot(bytes), recipe, position };
}

/** What a file of weights says of its network. @param {Uint8Array} weights @param {import("./protocol.js").Config} [options] */
function about(weights, options) {
  const network = new core.Classifier(weights, options);
  const { config, labels } = network;
  network.free();
  return { resolution: config.resolution ?? 224, labels };
}

/** A network as it is before any training. @param {import("./protocol.js").Config} config */
function untrained(config) {
  const trainer = new core.Trainer(config, { batch: 1 }, 1);
  const network = new core.Classifier(trainer.weights(false));
  trainer.free();
  return network;
}

/**
 * Times a network on one picture.
 *
 * @param {import("./pkg/simd128-threads/mobilenetv2.js").Classifier} network
 */
function measure(network) {
  return { milliseconds: medianOf(grey(network)), working_bytes: network.working_bytes };
}

/**
 * Times a network, which is freed then, as a whole, and once more operation by operation.
 *
 * @param {import("./pkg/simd128-threads/mobilenetv2.js").Classifier | import("./pkg/simd128-threads/mobilenetv2.js").Trainer} network
 * @param {() => number} run uses it and gives the milliseconds that took
 */
function profile(network, run) {
  const milliseconds = medianOf(run);
  const profiles = Array.from({ length: MEASURE_RUNS }, () => {
    network.watch();
    run();
    return network.profile();
  });
  network.free();
  const rows = profiles[0].map((row, i) => ({ ...row, seconds: median(profiles.map((rows) => rows[i].seconds)) }));
  return { milliseconds, rows };
}

/**
 * Classifies a grey picture of the network's own size, and gives the milliseconds that took.
 *
 * @param {import("./pkg/simd128-threads/mobilenetv2.js").Classifier} network
 */
function grey(network) {
  const side = network.config.resolution ?? 224;
  const pixels = new Uint8Array(side * side * 4).fill(128);
  return () => network.classify(pixels, side, side, 1).network_ms;
}

/** The first run warms up, then the median of a few. @param {() => number} run */
function medianOf(run) {
  run();
  const times = [];
  const end = performance.now() + MEASURE_MILLISECONDS;
  while (times.length < MEASURE_RUNS || performance.now() < end) times.push(run());
  return median(times);
}

/** @param {number[]} values */
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

/** Buffers of an answer that can be handed over instead of copied. @param {object} result */
function buffers(result) {
  return Object.values(result).flatMap((value) => (ArrayBuffer.isView(value) ? [value.buffer] : []));
}

/** @param {any} error @returns {import("./protocol.js").Failure} */
function failure(error) {
  const fatal = error instanceof WebAssembly.RuntimeError;
  const code = typeof error?.code === "string" ? error.code : "core"; // of the browser's own, some have numbers
  return { code, message: error?.message ?? String(error), values: error?.values ?? {}, fatal };
}

/** @param {MessageEvent<import("./protocol.js").Request>} event */
onmessage = async ({ data: { id, method, args } }) => {
  try {
    const act = () => methods[method](/** @type {any} */ (args));
    const result = await (method === "init" ? (starting = Promise.resolve(act())) : starting.then(act));
    postMessage({ id, result }, { transfer: buffers(result) });
  } catch (error) {
    postMessage({ id, failure: failure(error) });
  }
};
