// A worker that times our training steps.

import { startCore } from "./core.js";
import { serve, time } from "./serve.js";

let core;

serve({
  async start(options) {
    core = await startCore(options);
  },

  /** Milliseconds of each of `steps` steps, after three that warm up. */
  async step({ width, batch, steps }) {
    const config = { width, resolution: 32, stem: "cifar", classes: 10 };
    const trainer = new core.Trainer(config, { batch }, batch);
    const images = Uint8Array.from({ length: batch * 32 * 32 * 3 }, (_, i) => (i * 7919) % 251);
    const labels = Uint32Array.from({ length: batch }, (_, i) => i % 10);
    const step = () => trainer.train_step(images, labels);
    const times = (await time(3 + steps, step)).slice(3);
    trainer.free();
    return times;
  },
});
