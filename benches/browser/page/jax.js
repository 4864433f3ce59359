// A worker that times training steps of jax-js on its wasm backend, which synthesises and runs its kernels on one thread.

import {
  blockUntilReady,
  defaultDevice,
  init,
  jit,
  lax,
  nn,
  numpy as np,
  random,
  tree,
  valueAndGrad,
} from "/jax/index.js";
import { startCore } from "./core.js";
import { serve, time } from "./serve.js";

/** The same as for the other peers (../step.py). */
const LEARNING_RATE = 0.045;
const MOMENTUM = 0.9;
const WEIGHT_DECAY = 4e-5;
const EPSILON = 1e-5;
const CLASSES = 10;

/** Random weights, a tree of arrays per layer. @param {{kind: string, c_in: number, c_out: number}} layer @param {number} seed */
function initialise({ kind, c_in, c_out }, seed) {
  const kernel = { stem: [c_out, c_in, 3, 3], depthwise: [c_out, 1, 3, 3], classifier: [c_in, c_out] }[kind];
  const shape = kernel ?? [c_out, c_in, 1, 1];
  const inputs = kind === "classifier" ? c_in : shape[1] * shape[2] * shape[3];
  const weights = random.normal(random.key(seed), shape).mul(Math.sqrt(2 / inputs));
  return kind === "classifier" ? [weights, np.zeros([c_out])] : [weights, np.ones([c_out]), np.zeros([c_out])];
}

/** Batch norm by the batch's statistics. @param {any} x @param {any} scale @param {any} shift */
function normalise(x, scale, shift) {
  const mean = np.mean(x.ref, [0, 2, 3], { keepdims: true });
  const centred = x.sub(mean);
  const variance = np.mean(np.square(centred.ref), [0, 2, 3], { keepdims: true });
  const factor = scale.reshape([1, -1, 1, 1]).div(np.sqrt(variance.add(EPSILON)));
  return centred.mul(factor).add(shift.reshape([1, -1, 1, 1]));
}

/** The loss of a batch. @param {any[]} layers @param {any[]} weights of each @param {any} images @param {any} labels one-hot */
function loss(layers, weights, images, labels) {
  let x = images;
  let start = null;
  layers.forEach(({ kind, block, c_in, stride, activation, shortcut }, i) => {
    const [kernel, ...rest] = weights[i];
    if (kind === "classifier") {
      x = np.matmul(np.mean(x, [2, 3]), kernel).add(rest[0]);
      return;
    }
    // a block with a shortcut adds its input
    const ends = layers.some((layer) => layer.shortcut && layer.block === block);
    if (ends && layers[i - 1].block !== block) start = x.ref;
    const padding = kind === "stem" || kind === "depthwise" ? 1 : 0;
    const options = { featureGroupCount: kind === "depthwise" ? c_in : 1 };
    const pads = [
      [padding, padding],
      [padding, padding],
    ];
    x = normalise(lax.convGeneralDilated(x, kernel, [stride, stride], pads, options), rest[0], rest[1]);
    if (activation === "relu6") x = nn.relu6(x);
    if (shortcut) x = x.add(start);
  });
  return nn
    .logSoftmax(x, -1)
    .mul(labels)
    .sum()
    .mul(-1 / images.shape[0]);
}

/**
 * A network with its optimiser, and the function that takes a step.
 *
 * @param {number} width @param {number} batch
 */
async function prepare(width, batch) {
  const core = await startCore({ variant: "simd128", threads: 1 });
  const { layers } = core.describe({ width, resolution: 32, stem: "cifar", classes: CLASSES });
  let weights = layers.map(initialise);
  let velocity = tree.map((array) => np.zerosLike(array.ref), weights);
  const images = random.normal(random.key(0), [batch, 3, 32, 32]);
  const labels = nn.oneHot(np.arange(batch).mod(CLASSES), CLASSES);
  const update = jit((weights, velocity, images, labels) => {
    const [value, gradients] = valueAndGrad((weights) => loss(layers, weights, images, labels))(tree.ref(weights));
    const faster = (velocity, gradient, weight) => velocity.mul(MOMENTUM).add(gradient).add(weight.mul(WEIGHT_DECAY));
    velocity = tree.map(faster, velocity, gradients, tree.ref(weights));
    weights = tree.map((weight, velocity) => weight.sub(velocity.mul(LEARNING_RATE)), weights, tree.ref(velocity));
    return [value, weights, velocity];
  });
  return async () => {
    let value;
    [value, weights, velocity] = update(weights, velocity, images.ref, labels.ref);
    await blockUntilReady([value, weights, velocity]);
    value.dispose();
  };
}

/** The step of the worker's network. */
let step;

serve({
  async start() {
    await init("wasm");
    defaultDevice("wasm");
  },

  /** Milliseconds of each of `steps` steps, the first time after one that compiles. */
  async step({ width, batch, steps }) {
    if (!step) await (step = await prepare(width, batch))();
    return time(steps, step);
  },
});
