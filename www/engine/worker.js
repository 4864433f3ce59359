/**
 * The thread on which the network runs: owns the wasm instance and maps each method of protocol.js to its
 * implementation. While a method waits for data, others run. engine.js splits long work into slices, so a message never
 * waits longer than a slice (or one training step). Knows no DOM.
 */
import { loadCore } from "./core.js";
import { Held } from "./held.js";
import { holdPicture } from "./heldpicture.js";
import { measure, measureUntrained, profile, timeConvolution, warmUp } from "./timing.js";
import { Trainings } from "./trainings.js";

/** @typedef {import("./protocol.js").Methods} Methods */

/** @type {import("./core.js").Core} */
let core;
/** Start of the core, for which everything else waits. @type {Promise<unknown>} */
let starting = Promise.resolve();
/** @type {Held<import("./pkg/simd128-threads/mobilenetv2.js").Classifier>} */
const classifiers = new Held();
/** @type {Held<import("./pkg/simd128-threads/mobilenetv2.js").Trace>} */
const traces = new Held();
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
    (traces.get(classifier) ?? classifiers.of(classifier)).set_resolution(resolution);
    return {};
  },

  setRowTile({ classifier, rows }) {
    classifiers.of(classifier).set_row_tile(rows || undefined);
    return {};
  },

  measure: ({ classifier, config = {} }) =>
    classifier === undefined ? measureUntrained(core, config) : measure(classifiers.of(classifier)),

  timeConvolutions: ({ from, to, size }) => ({
    plain: timeConvolution(new core.Convolution(false, from, to, size)),
    separable: timeConvolution(new core.Convolution(true, from, to, size)),
  }),

  profile: ({ config, batch }) => profile(core, config, batch),

  async open({ picture, source }) {
    const { picture: opened, preview } = await holdPicture(source);
    pictures.set(picture, opened);
    return { ...opened.size, preview };
  },

  async classify({ classifier, picture, k, crop, framing }) {
    const start = performance.now();
    const { network, rows } = await see(classifiers, classifier, picture, framing);
    const seen = performance.now() - start;
    const result = network.classify_rows(rows, k);
    return { ...result, preprocess_ms: seen + result.preprocess_ms, crop: crop ? network.crop() : null };
  },

  async featureMaps({ classifier, picture, block, framing }) {
    const { network, rows } = await see(classifiers, classifier, picture, framing);
    return { ...network.feature_maps_rows(rows, block), crop: network.crop() };
  },

  loadTrace({ trace, weights, options }) {
    const network = new core.Trace(weights, options);
    traces.set(trace, network);
    return { config: /** @type {any} */ (network.config), labels: network.labels };
  },

  async runTrace({ trace, picture, k, framing, changes }) {
    change(traces.of(trace), changes);
    const { network, rows } = await see(traces, trace, picture, framing);
    return network.run(rows, k);
  },

  maps: ({ trace, layer }) => traces.of(trace).maps(layer),
  filters: ({ trace, layer }) => traces.of(trace).filters(layer),
  statistics: ({ trace }) => traces.of(trace).statistics(),
  correct({ trace, images, labels, changes }) {
    change(traces.of(trace), changes);
    return traces.of(trace).correct(images, labels);
  },

  prepare: (start) => trainings.prepare(start),
  ready: (args) => trainings.ready(args),
  train: (args) => trainings.train(args),
  halt: (args) => trainings.halt(args),
  evaluate: (args) => trainings.evaluate(args),
  heldOut: (args) => trainings.heldOut(args),
  predict: (args) => trainings.predict(args),
  setRecipe: (args) => trainings.setRecipe(args),
  nextBatch: (args) => trainings.nextBatch(args),
  inside: (args) => trainings.inside(args),
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

  augmented: ({ config, recipe, images, count }) =>
    core.augmented(config, recipe, BigInt(recipe.seed ?? 1), images, count),
  learningRates: ({ recipe, epochs }) => core.learning_rates(recipe, epochs),

  toOnnx: ({ weights, options }) => ({ bytes: core.to_onnx(weights, options) }),

  shapes({ seed, first, count, resolution }) {
    return { ...core.shapes(seed, first, count, resolution), resolution, names: core.shape_names() };
  },

  manifold: ({ dimensions, relu, seed }) => core.manifold(dimensions, relu, seed),

  drop({ handle }) {
    classifiers.get(handle)?.free();
    traces.get(handle)?.free();
    pictures.get(handle)?.close();
    for (const held of [classifiers, traces, pictures]) held.delete(handle);
    trainings.drop(handle);
    return {};
  },
};

/**
 * A network, and its input from a picture. Either may be closed, or the resolution change, meanwhile.
 *
 * @template {{config: import("./pkg/simd128-threads/mobilenetv2.js").Config}} Network
 * @param {Held<Network>} networks
 * @param {number} handle @param {number} picture @param {import("./protocol.js").Framing} framing
 */
async function see(networks, handle, picture, framing) {
  for (;;) {
    const { config } = networks.of(handle);
    const rows = await pictures.of(picture).see(core, config, framing);
    const network = networks.get(handle);
    if (network && network.config.resolution === config.resolution) return { network, rows };
    rows.free();
  }
}

/** @param {import("./pkg/simd128-threads/mobilenetv2.js").Trace} trace @param {import("./protocol.js").Changes} changes */
function change(trace, { reluFrom = 0, weightBits = 0, activationBits = 0 }) {
  trace.change(reluFrom ? reluFrom - 1 : undefined, weightBits, activationBits);
}

/** Buffers of an answer that can be transferred instead of copied. @param {object} result */
function buffers(result) {
  if (ArrayBuffer.isView(result)) return [result.buffer];
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
