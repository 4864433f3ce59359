// A worker that times our inference.

import { serve } from "./serve.js";

let core;
let classifier;
let resolution;

serve({
  async start({ variant, threads }) {
    core = await import(`/pkg/${variant}/mobilenetv2.js`);
    await core.default();
    if (threads > 1) await core.initThreadPool(threads);
  },

  /** Random weights of this network, and what it costs. */
  load(config) {
    classifier?.free();
    resolution = config.resolution;
    classifier = new core.Classifier(new core.Trainer(config, { batch: 1 }, 1).weights(false));
    return core.describe(config);
  },

  /** The same network as an ONNX model, in base 64. */
  onnx(config) {
    return core.to_onnx(new core.Trainer(config, { batch: 1 }, 1).weights(false)).toBase64();
  },

  /** Milliseconds that the network takes, without the picture's crop, as the peers' do not see to that either. */
  run({ runs }) {
    const rgba = Uint8Array.from({ length: resolution ** 2 * 4 }, (_, i) => (i * 7919) % 251);
    return Array.from({ length: runs }, () => classifier.classify(rgba, resolution, resolution, 5).network_ms);
  },
});
