// A worker that times TensorFlow.js on its wasm backend: batch norm folded by hand, fused operations, random weights.

import * as tf from "@tensorflow/tfjs-core";
import { setThreadsCount, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { startCore } from "../page/core.js";
import { serve, time } from "../page/serve.js";

let layers;
let image;

/** @param {{name: string, kind: string, c_in: number, c_out: number, stride: number, activation: string}} layer */
function build({ kind, c_in, c_out, stride, activation, ...rest }) {
  const shape = { stem: [3, 3, 3, c_out], depthwise: [3, 3, c_in, 1], classifier: [c_in, c_out] }[kind];
  const weights = tf.randomNormal(shape ?? [1, 1, c_in, c_out], 0, 0.1);
  return { ...rest, kind, stride, activation, weights, bias: tf.zeros([c_out]) };
}

function forward() {
  return tf.tidy(() => {
    let x = image;
    let start = x;
    for (const { name, kind, stride, activation, shortcut, weights, bias } of layers) {
      const options = { bias, strides: stride, pad: "same", activation };
      if (name.endsWith("expand")) start = x;
      if (kind === "classifier") x = tf.add(tf.matMul(tf.mean(x, [1, 2]), weights), bias);
      else if (kind === "depthwise") x = tf.fused.depthwiseConv2d({ ...options, x, filter: weights });
      else x = tf.fused.conv2d({ ...options, x, filter: weights });
      if (shortcut) x = tf.add(x, start);
    }
    return x;
  });
}

serve({
  async start({ threads }) {
    // TensorFlow.js uses at most half of the processor's threads; the benchmark decides how many it sees.
    Object.defineProperty(navigator, "hardwareConcurrency", { value: 2 * threads });
    setThreadsCount(threads);
    setWasmPaths("/tensorflow/");
    await tf.setBackend("wasm");
  },

  async load(config) {
    const core = await startCore({ variant: "simd128", threads: 1 });
    tf.disposeVariables();
    layers = core.describe(config).layers.map(build);
    image = tf.randomNormal([1, config.resolution, config.resolution, 3]);
  },

  run({ runs }) {
    return time(runs, () => {
      const logits = forward();
      logits.dataSync();
      logits.dispose();
    });
  },
});
