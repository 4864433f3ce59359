// Why the held-out loss jumps early in a training: batch norm's running averages against the batch's own statistics, on the
// same held-out drawings with the same weights, over the first steps at several learning rates. docs/performance.md has the
// outcome. Needs dist/ (`cargo xtask build`), but no browser.
//
//     node benches/averages.js [STEPS]

import { readFileSync } from "node:fs";

const [most = "100"] = process.argv.slice(2);
const STEPS = Number(most);
const RATES = [0.01, 0.03, 0.1];
const BATCH = 32;
const HELD_OUT = 192;
/** Steps without learning after which the averages have forgotten all but 0.9⁶⁰ = 0.2 % of what they were. */
const CATCH_UP = 60;
const MARKS = [1, 2, 5, 10, 15, 20, 30, 40, 60, 80, 100, 150, 200, 300].filter((step) => step <= STEPS);

const pkg = new URL("../dist/engine/pkg/simd128/", import.meta.url);
const core = await import(new URL("mobilenetv2.js", pkg).href);
core.initSync({ module: readFileSync(new URL("mobilenetv2_bg.wasm", pkg)) });

const config = { width: 0.35, resolution: 32, classes: 10, stem: "cifar" };
const drawn = (/** @type {number} */ seed, /** @type {number} */ first, /** @type {number} */ count) =>
  core.shapes(seed, first, count, 32);
const held = drawn(2 ** 31, 0, HELD_OUT);

/** Mean of a value over the held-out images, batch by batch. @param {(images: Uint8Array, labels: Uint32Array) => number} of */
function overHeldOut(of) {
  let sum = 0;
  for (let first = 0; first < HELD_OUT; first += BATCH) {
    const images = held.images.subarray(first * 3072, (first + BATCH) * 3072);
    sum += of(images, held.labels.subarray(first, first + BATCH));
  }
  return (sum * BATCH) / HELD_OUT;
}

for (const rate of RATES) {
  const recipe = { batch: BATCH, learning_rate: rate, schedule: "constant", weight_decay: 0, flip: false, seed: 1 };
  const still = { ...recipe, learning_rate: 1e-12, momentum: 0 };
  const trainer = new core.Trainer(config, recipe, 5000);
  console.log(`\nlearning rate ${rate}, batch ${BATCH}, width ${config.width}: held-out loss`);
  console.log("step  training batch  batch's statistics  running averages  averages after", CATCH_UP, "still steps");
  for (let step = 1; step <= STEPS; step++) {
    const { images, labels } = drawn(1, (step - 1) * BATCH, BATCH);
    const { loss } = trainer.train_step(images, labels);
    if (!MARKS.includes(step)) continue;
    const snapshot = trainer.snapshot();
    const running = trainer.evaluate(held.images, held.labels).loss;
    const own = overHeldOut((images, labels) => {
      const copy = core.Trainer.from_snapshot(snapshot);
      const { loss } = copy.train_step(images, labels); // of the weights before the step
      copy.free();
      return loss;
    });
    const copy = core.Trainer.from_snapshot(snapshot);
    copy.set_recipe(still);
    for (let i = 0; i < CATCH_UP; i++) {
      const { images, labels } = drawn(1, (STEPS + i) * BATCH, BATCH);
      copy.train_step(images, labels);
    }
    const later = copy.evaluate(held.images, held.labels).loss;
    copy.free();
    console.log([step, ...[loss, own, running, later].map((value) => value.toFixed(3))].join("\t"));
  }
  trainer.free();
}
