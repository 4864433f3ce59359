// A training from start to finish, and its accuracy. It takes longest, so it has its own file, which starts early, and
// leaves a processor to the others: the number of threads does not affect what it learns.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { predictions, startLab, weightsInput } from "./lab.js";
import { button, figure, message, MINUTE, step, stepsDone } from "./train.js";

/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
before(async () => {
  lab = await startLab({ cifar: false });
});
after(() => lab?.close());

test("the quick start learns Shapes to 90 % of held-out pictures", { timeout: 10 * MINUTE }, async () => {
  const { page, check } = await lab.open("#train", {
    script: () => Object.defineProperty(navigator, "hardwareConcurrency", { value: 1 }),
  });
  const total = 469; // 3 epochs of 5,000 drawings in batches of 32
  const began = Date.now();
  await button(page, "Start").click();
  await stepsDone(page, 1);
  const first = Date.now() - began;
  assert.match(await page.title(), /^\d+ % · Train · MobileNetV2 Lab$/);
  await message(page, /Run 1 has finished/, 9 * MINUTE);
  assert.equal(await step(page), total);
  assert.equal(await page.title(), "Train · MobileNetV2 Lab");
  const accuracy = parseFloat(await figure(page, "held-out"));
  console.log(
    `Shapes: first step after ${first} ms; held-out accuracy ${accuracy} % after ${total} steps, ` +
      `${Math.round((Date.now() - began) / 1000)} s`,
  );
  assert.ok(accuracy >= 90, `held-out accuracy ${accuracy} %`);

  // the grid, and one picture in full
  assert.equal(await page.locator(".heldout-grid button").count(), 40);
  const marks = await page.locator(".heldout-grid .mark").allInnerTexts();
  assert.equal(await page.locator(".heldout-grid .wrong").count(), marks.filter((mark) => mark === "✕").length);
  await page.locator(".heldout-grid button").first().click();
  await page.locator("dialog[open] .predictions li").nth(9).waitFor();
  await page.keyboard.press("Escape");

  // the score is by more pictures than the curve uses
  await page
    .locator(".panel", { hasText: /[0-9,]+ of 1,000 correct/ })
    .last()
    .waitFor();

  // to disk and back
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Save", exact: true }).click(),
  ]);
  assert.match(download.suggestedFilename(), /^mobilenetv2-shapes-run1\.safetensors$/);
  const bytes = await readFile(await download.path());

  // into Classify, where the network recognises the drawings
  await page.getByRole("button", { name: "Use in Classify" }).click();
  await page.locator("#panel-classify .predictions li").first().waitFor();
  assert.match(await page.locator("#weights option:checked").innerText(), /Run 1, step 469/);
  await page.setInputFiles(weightsInput, {
    name: "mine.safetensors",
    mimeType: "application/octet-stream",
    buffer: bytes,
  });
  await page.waitForFunction(
    () => /** @type {any} */ (document.querySelector("#weights")).value === "file:mine.safetensors",
  );
  assert.equal(await page.locator("#bar .problem:visible").count(), 0);
  assert.equal((await predictions(page)).length, 5);
  check();
});
