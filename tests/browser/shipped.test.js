// The shipped CIFAR-10 weights classify every test image as they do natively (tests/shipped.rs): the
// first 1,000, or all 10,000 if the environment variable ALL_IMAGES is set.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";
import { sharedData, startLab } from "./lab.js";

const PER_MOSAIC = 1000;
const MINUTE = 60_000;
const root = new URL("../../", import.meta.url);

const manifest = JSON.parse(await readFile(new URL("www/weights/manifest.json", root), "utf8"));
const ours = manifest.filter((/** @type {any} */ { training }) => training);

test("the page states their accuracy at the chosen resolution, and offers CIFAR-10's pictures if they are available", async (t) => {
  const there = sharedData("cifar-10");
  const lab = await startLab();
  t.after(() => lab.close());
  const [{ id, accuracy, training }] = ours;
  const { page, check } = await lab.open(`#classify?classify.weights=${id}`);
  await page.locator("#panel-classify .predictions li").first().waitFor();
  assert.equal(await page.locator(".samples-list canvas").count(), there ? 10 : 0);
  assert.equal(await page.locator(".samples-list img").count(), there ? 1 : 5);
  for (const resolution of [32, 48, 64]) {
    await page.locator(`input[name=resolution][value="${resolution}"]`).click();
    const stated = `accuracy ${(100 * accuracy[resolution]).toFixed(1)} % after ${training.epochs} epochs`;
    await page.locator(".cost", { hasText: stated }).waitFor();
  }
  if (there) check(); // else the console reports that they are missing
});

test("shipped weights give the same classes as natively", { timeout: 30 * MINUTE }, async (t) => {
  if (!sharedData("cifar-10")) return t.skip("CIFAR-10 is absent");
  const lab = await startLab();
  t.after(() => lab.close());
  const { page, check } = await lab.open();
  const mosaics = process.env.ALL_IMAGES ? 10 : 1;
  assert.ok(ours.length);
  for (const { id, file } of ours) {
    const stored = await readFile(new URL(`tests/golden/shipped/${id}.txt`, root), "utf8");
    const expected = stored
      .trim()
      .split("\n")
      .slice(0, mosaics * PER_MOSAIC)
      .map(Number);
    const found = await page.evaluate(classes, { file, mosaics });
    const differing = expected.flatMap((best, i) => (found[i] === best ? [] : [i]));
    assert.deepEqual(differing, [], `${id}: different classes for these images`);
  }
  check();
});

/** Runs in the page: the best class of each picture. @param {{file: string, mosaics: number}} options */
async function classes({ file, mosaics }) {
  const { createEngine } = await import(/** @type {any} */ ("/engine/engine.js"));
  const engine = await createEngine();
  const classifier = await engine.loadClassifier(`weights/${file}`);
  const found = [];
  for (let i = 0; i < mosaics; i++) {
    const blob = await (await fetch(`data/cifar-10/test_0${i}.webp`)).blob();
    const mosaic = await createImageBitmap(blob, { colorSpaceConversion: "none" });
    const canvas = new OffscreenCanvas(mosaic.width, mosaic.height);
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.drawImage(mosaic, 0, 0);
    for (let tile = 0; tile < 1000; tile++) {
      const picture = context.getImageData((tile % 40) * 32, Math.floor(tile / 40) * 32, 32, 32);
      found.push((await classifier.classify(picture, { k: 1 })).predictions[0].class);
    }
  }
  engine.close();
  return found;
}
