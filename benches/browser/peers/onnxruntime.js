// A worker that times onnxruntime-web on our own ONNX export.

import * as ort from "onnxruntime-web/wasm";
import { startCore, untrained } from "../page/core.js";
import { serve, time } from "../page/serve.js";

let session;
let image;

serve({
  start({ threads }) {
    ort.env.wasm.numThreads = threads;
    ort.env.wasm.wasmPaths = "/onnxruntime/";
  },

  async load(config) {
    await session?.release();
    const core = await startCore({ variant: "simd128", threads: 1 });
    const model = core.to_onnx(untrained(core, config));
    session = await ort.InferenceSession.create(model, {
      executionProviders: ["wasm"],
      graphOptimizationLevel: "all",
    });
    const { resolution } = config;
    const values = new Float32Array(resolution ** 2 * 3).map((_, i) => ((i * 7919) % 251) / 128 - 1);
    image = new ort.Tensor("float32", values, [1, 3, resolution, resolution]);
  },

  run({ runs }) {
    return time(runs, async () => (await session.run({ image })).logits.data);
  },
});
