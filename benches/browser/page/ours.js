// A worker that times our inference.

import { startCore, untrained } from "./core.js";
import { serve } from "./serve.js";

let core;
let weights;
let classifier;
let resolution;

serve({
  async start(options) {
    core = await startCore(options);
  },

  /** Loads random weights of this network, and returns its cost. */
  load(config) {
    classifier?.free();
    resolution = config.resolution;
    weights = untrained(core, config);
    classifier = new core.Classifier(weights);
    return core.describe(config);
  },

  /** The network as an ONNX model, in base 64. */
  onnx() {
    return core.to_onnx(weights).toBase64();
  },

  /** Milliseconds of the network without the picture's crop, which the peers' times exclude too. */
  run({ runs }) {
    const rgba = Uint8Array.from({ length: resolution ** 2 * 4 }, (_, i) => (i * 7919) % 251);
    return Array.from({ length: runs }, () => classifier.classify(rgba, resolution, resolution, 5).network_ms);
  },
});
