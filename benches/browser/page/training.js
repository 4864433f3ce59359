// A worker that times training steps of ours: answers each {variant, threads} or {width, batch, steps} in turn.

let core;

const methods = {
  async start({ variant, threads }) {
    core = await import(`/pkg/${variant}/mobilenetv2.js`);
    await core.default();
    if (threads > 1) await core.initThreadPool(threads);
    return core.variant();
  },

  /** Milliseconds of each of so many steps, after one that warms up. */
  step({ width, batch, steps }) {
    const config = { width, resolution: 32, stem: "cifar", classes: 10 };
    const trainer = new core.Trainer(config, { batch }, batch);
    const images = Uint8Array.from({ length: batch * 32 * 32 * 3 }, (_, i) => (i * 7919) % 251);
    const labels = Uint32Array.from({ length: batch }, (_, i) => i % 10);
    trainer.train_step(images, labels);
    const times = Array.from({ length: steps }, () => {
      const start = performance.now();
      trainer.train_step(images, labels);
      return performance.now() - start;
    });
    trainer.free();
    return times;
  },
};

onmessage = async ({ data: { method, args } }) => {
  try {
    postMessage({ result: await methods[method](args) });
  } catch (error) {
    postMessage({ error: String(error?.stack ?? error) });
  }
};
