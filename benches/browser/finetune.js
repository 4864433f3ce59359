// Time to learn three classes of 20 photos with the classifier alone, at width 1.0 and 160², in Chromium:
// decoding, features, 30 epochs and the evaluation. Needs dist/ (`cargo xtask build`) and the shared ImageNet data.
//
//     CHROME=/usr/bin/chromium node benches/browser/finetune.js

import { readdir, readFile } from "node:fs/promises";
import { sharedData, startLab } from "../../tests/browser/lab.js";

const RUNS = 5;
const folder = sharedData("imagenet");
if (!folder) process.exit(0);
const names = (await readdir(`${folder}/photos`)).sort();
const photos = await Promise.all(
  names.map(async (name) => (await readFile(`${folder}/photos/${name}`)).toString("base64")),
);
const weights = (await readFile(`${folder}/mobilenet_v2_1.0_224.safetensors`)).toString("base64");

const lab = await startLab({ cifar: false });
const { page } = await lab.open();
const times = [];
for (let run = 0; run < RUNS; run++) {
  const { total, features, accuracy, variant, threads } = await page.evaluate(
    async ({ photos, weights }) => {
      const { createEngine } = await import(/** @type {any} */ ("/engine/engine.js"));
      const { shrink } = await import(/** @type {any} */ ("/lab/shrink.js"));
      const blob = (/** @type {string} */ base64) => fetch(`data:image/jpeg;base64,${base64}`).then((r) => r.blob());
      const bytes = new Uint8Array(await (await blob(weights)).arrayBuffer());
      // four photos per class, five crops of each, as kept in a person's project
      const pictures = [];
      const labels = [];
      for (let cut = 0; cut < 5; cut++) {
        for (const [i, photo] of photos.entries()) {
          const bitmap = await createImageBitmap(await blob(photo));
          const { width, height } = bitmap;
          const share = 1 - 0.05 * cut;
          const canvas = new OffscreenCanvas(Math.round(width * share), Math.round(height * share));
          canvas.getContext("2d")?.drawImage(bitmap, -(width - canvas.width) / 2, -(height - canvas.height) / 2);
          pictures.push(await shrink(await canvas.convertToBlob({ type: "image/jpeg" })));
          labels.push(Math.floor(i / 4));
        }
      }
      const engine = await createEngine();
      const began = performance.now();
      const trainer = await engine.createTrainer({
        config: { resolution: 160 },
        recipe: { freeze: 19, batch: 16, learning_rate: 0.01, schedule: "cosine", decay_until: 30 },
        data: { kind: "pictures", pictures, labels: Uint32Array.from(labels), names: ["a", "b", "c"], held_out: 12 },
        weights: bytes,
      });
      const ready = performance.now();
      for await (const _ of trainer.run({ steps: (30 * 48) / 16 }));
      const { accuracy } = await trainer.evaluate();
      const end = performance.now();
      engine.close();
      return {
        total: (end - began) / 1000,
        features: (ready - began) / 1000,
        accuracy,
        variant: engine.variant,
        threads: engine.threads,
      };
    },
    { photos, weights },
  );
  times.push(total);
  console.log(
    `${total.toFixed(2)} s in total, ${features.toFixed(2)} s of it for decoding and features; ` +
      `held out ${(100 * accuracy).toFixed(0)} % right (${variant}, ${threads} threads)`,
  );
}
times.sort((a, b) => a - b);
console.log(`median of ${RUNS}: ${times[RUNS >> 1].toFixed(2)} s; target 15 s`);
await lab.close();
