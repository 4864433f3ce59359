/**
 * How long a network takes in this browser: one picture or one training step, as a whole and operation by operation.
 *
 * @typedef {import("./core.js").Core} Core
 * @typedef {import("./pkg/simd128-threads/mobilenetv2.js").Classifier} Classifier
 * @typedef {import("./pkg/simd128-threads/mobilenetv2.js").Trainer} Trainer
 * @typedef {import("./protocol.js").Config} Config
 */

/** A median is taken of at least so many runs, and of as many as fit into the time. */
const RUNS = 3;
const MILLISECONDS = 150;

/** Has the browser compile what runs for the first time: that is no part of what a person's picture takes. @param {Classifier} network */
export const warmUp = (network) => void grey(network)();

/** Times a network on one picture. @param {Classifier} network */
export function measure(network) {
  return { milliseconds: medianOf(grey(network)), working_bytes: network.working_bytes };
}

/** The same of a network before any training. @param {Core} core @param {Config} config */
export function measureUntrained(core, config) {
  const network = untrained(core, config);
  const measured = measure(network);
  network.free();
  return measured;
}

/**
 * Times a network before any training on one picture or, where `batch` is not 0, a training step on so many.
 *
 * @param {Core} core @param {Config} config @param {number} batch
 */
export function profile(core, config, batch) {
  if (!batch) {
    const network = untrained(core, config);
    return byOperation(network, grey(network));
  }
  const trainer = new core.Trainer(config, { batch }, 1);
  const { images } = core.shapes(1, 0, batch, config.resolution ?? 224);
  const labels = new Uint32Array(batch); // of whichever classes, a step takes as long
  return byOperation(trainer, () => {
    const start = performance.now();
    trainer.train_step(images, labels);
    return performance.now() - start;
  });
}

/** @param {Core} core @param {Config} config */
function untrained(core, config) {
  const trainer = new core.Trainer(config, { batch: 1 }, 1);
  const network = new core.Classifier(trainer.weights(false));
  trainer.free();
  return network;
}

/**
 * Times a network, which is freed then, as a whole, and once more operation by operation.
 *
 * @param {Classifier | Trainer} network
 * @param {() => number} run uses it and gives the milliseconds that took
 */
function byOperation(network, run) {
  const milliseconds = medianOf(run);
  const profiles = Array.from({ length: RUNS }, () => {
    network.watch();
    run();
    return network.profile();
  });
  network.free();
  const rows = profiles[0].map((row, i) => ({ ...row, seconds: median(profiles.map((rows) => rows[i].seconds)) }));
  return { milliseconds, rows };
}

/**
 * Classifies a grey picture of the network's own size, and gives the milliseconds that took.
 *
 * @param {Classifier} network
 */
function grey(network) {
  const side = network.config.resolution ?? 224;
  const pixels = new Uint8Array(side * side * 4).fill(128);
  return () => network.classify(pixels, side, side, 1).network_ms;
}

/** The first run warms up, then the median of a few. @param {() => number} run */
function medianOf(run) {
  run();
  const times = [];
  const end = performance.now() + MILLISECONDS;
  while (times.length < RUNS || performance.now() < end) times.push(run());
  return median(times);
}

/** @param {number[]} values */
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
