/**
 * The thread on which the network runs: owns the wasm instance and maps each method of protocol.js to its
 * implementation. While a method waits for data, others run. engine.js splits long work into slices, so a message never
 * waits longer than a slice (or one training step). Knows no DOM.
 */
import { loadCore } from "./core.js";
import { Held } from "./held.js";
import { holdPicture } from "./heldpicture.js";
import { measure, measureUntrained, profile, warmUp } from "./timing.js";
import { Trainings } from "./trainings.js";

/** @typedef {import("./protocol.js").Methods} Methods */

/** @type {import("./core.js").Core} */
let core;
/** Start of the core, for which everything else waits. @type {Promise<unknown>} */
let starting = Promise.resolve();
/** @type {Held<import("./pkg/simd128-threads/mobilenetv2.js").Classifier>} */
const classifiers = new Held();
/** @type {Held<import("./heldpicture.js").HeldPicture>} */
const pictures = new Held();
/** @type {Trainings} */
let trainings;

/** @type {{[M in keyof Methods]: (args: Methods[M][0]) => Methods[M][1] | Promise<Methods[M][1]>}} */
const methods = {
  async init({ variant, threads, locks }) {
    core = await loadCore(variant, threads, locks, () => postMessage({ threads }));
    trainings = new Trainings(core, (loading) => postMessage({ loading }));
    return {};
  },

  ping: () => ({}),

  describe: ({ config }) => core.describe(config),

  load({ classifier, weights, options }) {
    const network = new core.Classifier(weights, options);
    classifiers.set(classifier, network);
    warmUp(network);
    return { config: /** @type {any} */ (network.config), labels: network.labels };
  },

  about: ({ weights, options }) => core.about(weights, options),

  resize({ classifier, resolution }) {
    classifiers.of(classifier).set_resolution(resolution);
    return {};
  },

  measure: ({ classifier, config = {} }) =>
    classifier === undefined ? measureUntrained(core, config) : measure(classifiers.of(classifier)),

  profile: ({ config, batch }) => profile(core, config, batch),

  async open({ picture, source }) {
    const { picture: opened, preview } = await holdPicture(source);
    pictures.set(picture, opened);
    return { ...opened.size, preview };
  },

  async classify({ classifier, picture, k, crop, framing }) {
    const start = performance.now();
    const { network, rows } = await see(classifier, picture, framing);
    const seen = performance.now() - start;
    const result = network.classify_rows(rows, k);
    return { ...result, preprocess_ms: seen + result.preprocess_ms, crop: crop ? network.crop() : null };
  },

  async featureMaps({ classifier, picture, block, framing }) {
    const { network, rows } = await see(classifier, picture, framing);
    return { ...network.feature_maps_rows(rows, block), crop: network.crop() };
  },

  prepare: (start) => trainings.prepare(start),
  ready: (args) => trainings.ready(args),
  train: (args) => trainings.train(args),
  halt: (args) => trainings.halt(args),
  evaluate: (args) => trainings.evaluate(args),
  heldOut: (args) => trainings.heldOut(args),
  predict: (args) => trainings.predict(args),
  setRecipe: (args) => trainings.setRecipe(args),
  weights: (args) => trainings.weights(args),
  snapshot: (args) => trainings.snapshot(args),

  async storeCifar({ source }) {
    await (await trainings.cifar()).begin(source);
    return {};
  },
  cifarState: async () => (await trainings.cifar()).state(),
  async forgetCifar() {
    await (await trainings.cifar()).forget();
    return {};
  },

  toOnnx: ({ weights, options }) => ({ bytes: core.to_onnx(weights, options) }),

  shapes({ seed, first, count, resolution }) {
    return { ...core.shapes(seed, first, count, resolution), resolution, names: core.shape_names() };
  },

  manifold: ({ dimensions, relu, seed }) => core.manifold(dimensions, relu, seed),

  drop({ handle }) {
    classifiers.get(handle)?.free();
    pictures.get(handle)?.close();
    for (const held of [classifiers, pictures]) held.delete(handle);
    trainings.drop(handle);
    return {};
  },
};

/**
 * A classifier, and its input from a picture. Either may be closed, or the resolution change, meanwhile.
 *
 * @param {number} classifier @param {number} picture @param {import("./protocol.js").Framing} framing
 */
async function see(classifier, picture, framing) {
  for (;;) {
    const { config } = classifiers.of(classifier);
    const rows = await pictures.of(picture).see(core, config, framing);
    const network = classifiers.get(classifier);
    if (network && network.config.resolution === config.resolution) return { network, rows };
    rows.free();
  }
}

/** Buffers of an answer that can be transferred instead of copied. @param {object} result */
function buffers(result) {
  return Object.values(result).flatMap((value) => (ArrayBuffer.isView(value) ? [value.buffer] : []));
}

/** @param {any} error @returns {import("./protocol.js").Failure} */
function failure(error) {
  const fatal = error instanceof WebAssembly.RuntimeError;
  // some of the browser's own errors have numeric codes
  const code = typeof error?.code === "string" ? error.code : `browser.${error?.name}`;
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
