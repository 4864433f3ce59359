// Browsers that falsify the pixels read from a canvas, to protect against fingerprinting.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { pictureInput, startLab, waitForPicture } from "./lab.js";
import { addClasses, card, counted, filesOf } from "./ownpictures.js";

const MINUTE = 60_000;
const photo = new URL("../../www/samples/coffee.jpg", import.meta.url).pathname;

/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
before(async () => {
  lab = await startLab({ cifar: false });
});
after(() => lab?.close());

/** Every tenth value is off by one, as in protections that must not be visible. */
const FALSIFY = `
  const { getImageData } = OffscreenCanvasRenderingContext2D.prototype;
  OffscreenCanvasRenderingContext2D.prototype.getImageData = function (...args) {
    const image = getImageData.apply(this, args);
    for (let i = 0; i < image.data.length; i += 10) image.data[i] ^= 1;
    return image;
  };
`;

/** Opens the page with workers that run this script first. @param {string} script */
async function open(script) {
  const opened = await lab.open();
  for (const name of ["worker.js", "shrinker.js"]) {
    await opened.context.route(`**/${name}`, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: script + (await response.text()) });
    });
  }
  await opened.page.reload();
  return opened;
}

/** The classification of the photo. @param {import("playwright-core").Page} page */
async function said(page) {
  await page.setInputFiles(pictureInput, photo);
  await waitForPicture(page, "coffee.jpg");
  await page.locator("#panel-classify .predictions li").first().waitFor(); // the network may still be loading
  return page.locator("#panel-classify .predictions li").allInnerTexts();
}

test("pixels are read in a way that is not falsified, if there is one", { timeout: MINUTE }, async () => {
  const found = [];
  for (const script of ["", FALSIFY]) {
    const { page, context, check } = await open(script);
    found.push(await said(page));
    check();
    await context.close();
  }
  assert.ok(found[0].length);
  assert.deepEqual(found[1], found[0]);
});

test("without one the page says so, and neither classifies nor trains", { timeout: MINUTE }, async () => {
  const words = "This browser alters the pixels that a page reads";
  const { page, context } = await open(`${FALSIFY} delete globalThis.VideoFrame;`);
  await page.locator("#panel-classify .problem", { hasText: words }).waitFor();
  assert.equal(await page.locator("#panel-classify .predictions li").count(), 0);
  await page.setInputFiles(pictureInput, photo);
  await page.locator("#panel-classify .problem", { hasText: words }).waitFor();

  await page.goto(`${lab.url}#train?train.data=pictures&train.epochs=1`);
  await page.reload();
  await addClasses(page, 2);
  for (const i of [0, 1]) {
    await filesOf(page, i).setInputFiles(Array(5).fill(photo));
    await counted(page, i, 5);
  }
  const side = await card(page, 0)
    .locator(".thumbnails img")
    .first()
    .evaluate(async (image) => {
      await /** @type {HTMLImageElement} */ (image).decode();
      return /** @type {HTMLImageElement} */ (image).naturalHeight;
    });
  assert.ok(side > 320, "the file is kept, since a canvas would write noise");
  await page.locator(".control .primary").click();
  await page.locator(".control .problem", { hasText: words }).waitFor();
  await context.close();
});
