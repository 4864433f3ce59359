// A run that lost its page or its core continues from its last checkpoint.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { crash, startLab, watchWorkers } from "./lab.js";
import { button, figure, message, MINUTE, step, stepsDone } from "./train.js";

/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
before(async () => {
  lab = await startLab({ cifar: false });
});
after(() => lab?.close());

/** The steps of the runs in the browser's storage. @param {import("playwright-core").Page} page @returns {Promise<number[][]>} */
const storedSteps = (page) =>
  page.evaluate(async () => {
    const { openDB } = await import(/** @type {any} */ ("/vendor/idb/index.js"));
    const runs = await (await openDB("mobilenetv2-runs")).getAll("runs");
    return runs.map((/** @type {any} */ run) => run.steps.step);
  });

test("a run outlives its page, and only one tab continues it", { timeout: 2 * MINUTE }, async () => {
  const { page, context, check } = await lab.open("#train?train.batch=8&train.schedule=constant");
  await button(page, "One step").click();
  await message(page, /is paused at step 1;/);
  await button(page, "One step").click();
  await message(page, /is paused at step 2;/);
  const loss = await figure(page, "Loss");

  const other = await context.newPage();
  await other.goto(`${lab.url}#train`);
  await message(other, /Run 1 was interrupted: it can resume from step 2/);
  assert.equal(await figure(other, "Loss"), loss);
  assert.match(await other.locator(".runs li").innerText(), /interrupted/);
  await other.locator(".runs .actions", { hasText: /^Best weights: [\d.]+.% ?, step [12]/ }).waitFor();
  await button(other, "Resume run 1").click();
  await other.locator(".control .problem", { hasText: "Run 1 is in progress in another tab." }).waitFor();
  check();

  // it reads changes that it was not told of
  await button(page, "One step").click();
  await message(page, /is paused at step 3;/);
  await page.close();
  await button(other, "Resume run 1").click();
  await stepsDone(other, 4);
  assert.equal(await other.locator("#setting-batch").inputValue(), "8", "with the settings that it was started with");
  assert.ok(await button(other, "Resume run 1").isHidden());
  await button(other, "Pause").click();
  await message(other, /is paused at step/);
  await button(other, "Stop").click();
  await message(other, /Run 1 was stopped/);
  const done = await step(other);
  assert.deepEqual(
    await storedSteps(other),
    [Array.from({ length: done }, (_, i) => i + 1)],
    "no step is missing or done twice",
  );
  await other.locator(".runs").getByRole("button", { name: "Use in Classify" }).click();
  await other.locator("#panel-classify .predictions li").first().waitFor();
});

test("a run that was ended in another tab is no longer continued", { timeout: 2 * MINUTE }, async () => {
  const { page, context, check } = await lab.open("#train");
  await button(page, "One step").click();
  await message(page, /is paused at step 1;/);
  const other = await context.newPage();
  await other.goto(`${lab.url}#train`);
  await message(other, /Run 1 was interrupted/);
  await other.locator(".runs input[type=checkbox]").click();
  await button(page, "Stop").click();
  await message(page, /Run 1 was stopped/);
  // it hears of that at once
  await message(other, /Run 1 was stopped/);
  assert.ok(await button(other, "Resume run 1").isHidden());
  assert.equal(await other.locator(".runs input[type=checkbox]").isChecked(), false);
  await other.locator(".runs").getByRole("button", { name: "Use in Classify" }).click();
  await other.locator("#panel-classify .predictions li").first().waitFor();
  check();
});

test("a run whose core was restarted continues, or can be removed instead", { timeout: 2 * MINUTE }, async () => {
  const { page, check } = await lab.open("#train", { script: watchWorkers });
  await button(page, "One step").click();
  await message(page, /is paused at step 1;/);
  await page.locator(".runs li", { hasText: "held out, at step 1" }).waitFor(); // the evaluation is over
  await crash(page);
  await page.locator(".control .problem", { hasText: "The engine ran out of memory or was stopped" }).waitFor();
  await message(page, /Run 1 was interrupted: it can resume from step 1/);
  await button(page, "Resume run 1").click();
  await stepsDone(page, 2);
  await crash(page);
  await message(page, /Run 1 was interrupted: it can resume from step 1/);
  assert.equal(await step(page), 1, "steps after the checkpoint are lost");
  await button(page, "One step").click();
  await message(page, /Run 2 is paused at step 1;/);
  await page.locator(".runs li").first().getByRole("button", { name: "Remove" }).click();
  await button(page, "Stop").click();
  await message(page, /Run 2 was stopped/);
  assert.ok(await button(page, "Resume run 1").isHidden());
  check();
});

test("a run that was continued after a reload survives the loss of the core", { timeout: 2 * MINUTE }, async () => {
  const { page, check } = await lab.open("#train", { script: watchWorkers });
  await button(page, "One step").click();
  await message(page, /is paused at step 1;/);
  await page.reload();
  await button(page, "Resume run 1").click();
  await stepsDone(page, 3);
  await crash(page);
  await message(page, /Run 1 was interrupted: it can resume from step 1/);
  assert.deepEqual(await storedSteps(page), [[1]]);
  await button(page, "Resume run 1").click();
  await stepsDone(page, 2);
  check();
});

test("runs started in two tabs get different numbers, and both tabs list both", { timeout: 2 * MINUTE }, async () => {
  const { page, context, check } = await lab.open("#train");
  const other = await context.newPage();
  await other.goto(`${lab.url}#train`);
  await button(other, "One step").waitFor();
  await Promise.all([page, other].map((tab) => button(tab, "One step").click()));
  await Promise.all([page, other].map((tab) => message(tab, /is paused at step 1;/)));
  for (const tab of [page, other]) {
    await tab.locator(".runs li").nth(1).waitFor();
    assert.deepEqual(await tab.locator(".runs strong").allInnerTexts(), ["Run 1", "Run 2"]);
  }
  check();
});
