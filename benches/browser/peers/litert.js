// Times LiteRT.js on the networks made by tflite.py.

import { Tensor, loadAndCompile, loadLiteRt } from "@litertjs/core";
import { serve, time } from "../page/serve.js";

let cpuOptions;
let model;
let input;

serve({
  async start({ threads }) {
    cpuOptions = { numThreads: threads };
    await loadLiteRt("/litert/", { threads: threads > 1 });
  },

  async load({ width, resolution }) {
    model?.delete();
    model = await loadAndCompile(`/tflite/${width}-${resolution}.tflite`, { accelerator: "wasm", cpuOptions });
    input = new Float32Array(resolution ** 2 * 3).map((_, i) => ((i * 7919) % 251) / 128 - 1);
    input = new Tensor(input, [1, resolution, resolution, 3]);
  },

  run({ runs }) {
    return time(runs, async () => {
      const [logits] = await model.run(input);
      logits.toTypedArray();
      logits.delete();
    });
  },
});
