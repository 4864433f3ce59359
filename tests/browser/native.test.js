// The same recipe, data and seed give the same training on the command line and in a browser, to the last digit.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { CIFAR_COLOURS } from "../../www/engine/constants.js";
import { sharedData, startLab } from "./lab.js";

const MINUTE = 60_000;
const STEPS = 10;
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Everything random, and a rate that changes with each step. @type {import("../../www/engine/protocol.js").Recipe} */
const RECIPE = {
  batch: 24,
  optimizer: "nesterov",
  learning_rate: 0.05,
  schedule: "cosine",
  decay_until: 2,
  hold_until: 0.5,
  warmup: 0.25,
  label_smoothing: 0.1,
  crop_padding: 4,
  flip: true,
  cutout: 8,
  sizes: [24, 32, 40],
  average: 0.9,
  seed: 7,
};
/** @type {import("../../www/engine/protocol.js").Config} */
const CONFIG = { ...CIFAR_COLOURS, width: 0.35, resolution: 32, classes: 10, stem: "cifar", dropout: 0.2, crop: 1 };

/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
/** @type {string} */
let folder;
before(async () => {
  lab = await startLab();
  folder = await mkdtemp(join(tmpdir(), "mobilenetv2-"));
});
after(async () => {
  await lab?.close();
  if (folder) await rm(folder, { recursive: true });
});

/** @typedef {{step: number, loss: number, learning_rate: number}} Step */

/** The steps of the command line. @param {string[]} data @returns {Promise<Step[]>} */
async function native(data) {
  const recipe = join(folder, "recipe.json");
  await writeFile(recipe, JSON.stringify(RECIPE));
  const words = [
    "train",
    "--json",
    "--steps",
    String(STEPS),
    "--out",
    join(folder, "w.safetensors"),
    "--recipe",
    recipe,
  ];
  const network = ["--input", "cifar", "--width", "0.35", "--dropout", "0.2"];
  const { stdout } = await promisify(execFile)(
    "cargo",
    ["run", "--quiet", "--bin", "mobilenetv2", "--", ...words, ...network, ...data],
    { cwd: ROOT, maxBuffer: 1 << 26 },
  );
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  return lines.filter((line) => "loss" in line);
}

/** Those of the engine. @param {import("../../www/engine/protocol.js").Data} data @returns {Promise<Step[]>} */
async function browser(data) {
  const { page } = await lab.open();
  const how = { config: CONFIG, recipe: RECIPE, data };
  const { steps, variant } = await page.evaluate(
    async ({ how, most }) => {
      const { createEngine } = await import(/** @type {any} */ ("/engine/engine.js"));
      const engine = await createEngine();
      const trainer = await engine.createTrainer(how);
      const steps = [];
      for await (const step of trainer.run({ steps: most })) steps.push(step);
      const { variant } = engine;
      engine.close();
      return { steps, variant };
    },
    { how, most: STEPS },
  );
  assert.match(variant, /^relaxed-simd/, "fused multiply-add, as natively");
  await page.close();
  return steps;
}

/** The values to compare: 32-bit numbers, which the command line writes as decimal fractions. @param {Step[]} steps */
const told = (steps) =>
  steps.map(({ step, loss, learning_rate }) => [step, Math.fround(loss), Math.fround(learning_rate)]);

test("drawings: ten steps are the same natively and in a browser", { timeout: 10 * MINUTE }, async () => {
  const expected = await native(["--data", "shapes", "--shapes", "100"]);
  assert.equal(expected.length, STEPS);
  assert.deepEqual(told(await browser({ kind: "shapes", images: 100 })), told(expected));
});

test("CIFAR-10: ten steps are the same natively and in a browser", { timeout: 10 * MINUTE }, async () => {
  const cifar = sharedData("cifar-10");
  if (!cifar) return;
  const expected = await native(["--data", cifar]);
  assert.deepEqual(told(await browser({ kind: "cifar-10", base: `${lab.url}data/cifar-10/` })), told(expected));
});
