/**
 * Times a network in this browser: one picture or one training step, as a whole and operation by operation.
 *
 * @typedef {import("./core.js").Core} Core
 * @typedef {import("./pkg/simd128-threads/mobilenetv2.js").Classifier} Classifier
 * @typedef {import("./pkg/simd128-threads/mobilenetv2.js").Trainer} Trainer
 * @typedef {import("./protocol.js").Config} Config
 */

/** Minimum number of runs for a median; more if they fit into the time. */
const RUNS = 3;
const MILLISECONDS = 150;

/**
 * Makes the browser compile code that runs for the first time, so that this does not count towards a person's picture.
 *
 * @param {Classifier} network
 */
export const warmUp = (network) => void grey(network)();

/** Times one picture through a network. @param {Classifier} network */
export function measure(network) {
  return { milliseconds: medianOf(grey(network)), working_bytes: network.working_bytes };
}

/** The same for an untrained network. @param {Core} core @param {Config} config */
export function measureUntrained(core, config) {
  const network = core.Classifier.untrained(config);
  const measured = measure(network);
  network.free();
  return measured;
}

/** Times a convolution; then frees it. @param {import("./pkg/simd128-threads/mobilenetv2.js").Convolution} convolution */
export function timeConvolution(convolution) {
  let repeats = 1;
  const run = () => {
    const start = performance.now();
    for (let i = 0; i < repeats; i++) convolution.run();
    return (performance.now() - start) / repeats;
  };
  // a small one takes less than the clock can tell
  while (run() * repeats < 10 && repeats < 4096) repeats *= 4;
  const milliseconds = medianOf(run);
  convolution.free();
  return milliseconds;
}

/**
 * Times an untrained network on one picture or, if `batch` is not 0, a training step on as many.
 *
 * @param {Core} core @param {Config} config @param {number} batch
 */
export function profile(core, config, batch) {
  if (!batch) {
    const network = core.Classifier.untrained(config);
    return byOperation(network, grey(network));
  }
  const trainer = new core.Trainer(config, { batch }, 1);
  const { images } = core.shapes(1, 0, batch, config.resolution ?? 224);
  const labels = new Uint32Array(batch); // the classes do not affect the time
  return byOperation(trainer, () => {
    const start = performance.now();
    trainer.train_step(images, labels);
    return performance.now() - start;
  });
}

/**
 * Times a network as a whole, and again operation by operation; then frees it.
 *
 * @param {Classifier | Trainer} network
 * @param {() => number} run uses it and returns the milliseconds taken
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
 * Classifies a grey picture of the network's own size, and returns the milliseconds taken.
 *
 * @param {Classifier} network
 */
function grey(network) {
  const side = network.config.resolution ?? 224;
  const pixels = new Uint8Array(side * side * 4).fill(128);
  return () => network.classify(pixels, side, side, 1).network_ms;
}

/** The first run warms up; returns the median of a few more. @param {() => number} run */
function medianOf(run) {
  run();
  const times = [];
  const end = performance.now() + MILLISECONDS;
  while (times.length < RUNS || performance.now() < end) times.push(run());
  return median(times);
}

/** @param {number[]} values */
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
