// The second room: its controls, its runs, and the link that repeats it.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { hashIs, sharedData, startLab } from "./lab.js";
import { button, figure, message, MINUTE, step, stepsDone } from "./train.js";

/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
before(async () => {
  lab = await startLab();
});
after(() => lab?.close());

/** @typedef {import("playwright-core").Page} Page */

test("pause, single step, continue and stop work; runs are kept and overlaid", { timeout: 3 * MINUTE }, async () => {
  const { page, check } = await lab.open("#train");
  await button(page, "One step").click();
  await message(page, /is paused at step 1;/);
  assert.ok(await button(page, "Pause").isDisabled());
  await button(page, "One step").click();
  await message(page, /is paused at step 2;/);
  await page.keyboard.press("Enter");
  await message(page, /is paused at step 3;/);
  await button(page, "Resume").click();
  await stepsDone(page, 5);
  await button(page, "Pause").click();
  await message(page, /is paused at step/);
  const paused = await step(page);
  await page.waitForTimeout(500);
  assert.equal(await step(page), paused, "no steps while it pauses");
  await button(page, "Resume").click();
  await stepsDone(page, paused + 1);
  await button(page, "Stop").click();
  await message(page, /was stopped at step/);
  assert.ok(await button(page, "Stop").isDisabled());
  // the score is by 1,000 pictures, although they were 200 while it trained
  await page.locator(".runs li", { hasText: `of 1,000 held out, at step ${await step(page)}` }).waitFor();

  // a second run with another width, which its name shows
  await page.locator('input[name=width][value="0.5"]').click();
  await button(page, "One step").click();
  await message(page, /Run 2 is paused/);
  const names = await page.locator(".runs .run-name").allInnerTexts();
  assert.deepEqual(names, ["Run 1 width 0.35", "Run 2 width 0.5"]);
  const rows = page.locator(".runs li");
  await rows.nth(1).getByText("held out, at step 1").waitFor();
  await button(page, "Stop").click();
  await message(page, /Run 2 was stopped/);
  await rows.first().getByRole("button", { name: "Remove" }).click();
  assert.equal(await rows.count(), 1);
  await page.keyboard.press("Enter"); // the focus has moved to the undo button
  assert.equal(await rows.count(), 2);
  assert.ok(await rows.first().locator("input:focus").count(), "the focus moves to the restored run");

  // unticked runs are not drawn
  const keys = page.locator(".curves-keys li");
  assert.deepEqual(await keys.allInnerTexts(), ["Run 1", "Run 2"]);
  await page.keyboard.press("Space");
  assert.deepEqual(await keys.allInnerTexts(), ["Run 2"]);
  await page.evaluate(() => document.dispatchEvent(new Event("language"))); // all rows are redrawn
  assert.ok(await rows.first().locator("input:focus").count(), "the focus stays where it is");

  // runs survive a reload, with curves and weights; removed ones do not
  const told = await rows.allInnerTexts();
  await page.reload();
  await keys.getByText("Run 2").waitFor();
  assert.deepEqual(await rows.allInnerTexts(), told);
  assert.deepEqual(await rows.locator("input").evaluateAll((boxes) => boxes.map((box) => box.checked)), [false, true]);
  await page.getByRole("img", { name: /Held-out accuracy at step 1:/ }).waitFor();
  await rows.nth(1).getByRole("button", { name: "Remove" }).click();
  await button(page, "One step").click();
  await message(page, /Run 2 is paused at step 1;/);
  await button(page, "Stop").click();
  await message(page, /Run 2 was stopped/);
  await rows.filter({ hasText: "Run 1" }).getByRole("button", { name: "Use in Classify" }).click();
  await page.locator("#panel-classify").waitFor();
  check();
  await page.reload();
  await page.locator("#tab-train").click();
  await rows.nth(1).waitFor();
  assert.equal(await rows.count(), 2);
  check();
});

test("a run is renamed; curves are saved as CSV and JSON, and opened again", { timeout: MINUTE }, async () => {
  const { page, check } = await lab.open("#train");
  await button(page, "One step").click();
  await message(page, /is paused at step 1;/);
  await button(page, "Stop").click();
  await message(page, /Run 1 was stopped/);
  const rows = page.locator(".runs li");
  await rows.getByRole("button", { name: "Rename" }).focus();
  await page.keyboard.press("Enter");
  await page.keyboard.type("first try");
  await page.keyboard.press("Enter");
  await rows.getByText("first try", { exact: true }).waitFor();
  assert.ok(await rows.getByRole("button", { name: "Rename" }).evaluate((one) => one === document.activeElement));
  await page.keyboard.press("Enter");
  await page.keyboard.type("no");
  await page.keyboard.press("Escape");
  await rows.getByText("first try", { exact: true }).waitFor();

  const files = [];
  for (const name of ["Save curves as CSV", "Save curves as JSON"]) {
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name }).click()]);
    files.push({ name: download.suggestedFilename(), text: await readFile(await download.path(), "utf8") });
  }
  assert.deepEqual(
    files.map(({ name }) => name),
    ["mobilenetv2-curves.csv", "mobilenetv2-curves.json"],
  );
  assert.match(files[0].text, /^run,name,step,.*\n1,"first try",1,[\d.]+,.*,1000\n$/);

  const open = (/** @type {string} */ text) =>
    page
      .locator(".runs-panel input[type=file]")
      .setInputFiles({ name: "curves.json", mimeType: "application/json", buffer: Buffer.from(text) });
  await open("{}");
  await page.locator(".runs-panel .problem", { hasText: "file holds no curves" }).waitFor();
  await open(files[1].text);
  await rows.nth(1).getByText("from a file").waitFor();
  assert.ok(await page.locator(".runs-panel .problem").isHidden());
  assert.ok(await rows.nth(1).getByRole("button", { name: "Use in Classify" }).isDisabled());
  assert.deepEqual(await page.locator(".curves-keys li").allInnerTexts(), ["first try", "first try"]);
  await page.reload();
  await rows.nth(1).getByText("from a file").waitFor();
  assert.deepEqual(await page.locator(".run-name strong").allInnerTexts(), ["first try", "first try"]);
  check();
});

test("a changed learning rate acts at once; settings that need a new run say so", { timeout: 2 * MINUTE }, async () => {
  const { page, check } = await lab.open("#train?train.schedule=constant");
  await page.locator("#setting-batch").fill("0");
  await page.keyboard.press("Tab");
  await page.locator("#setting-batch-note", { hasText: /Enter a whole number from 1 to 4,?096/ }).waitFor();
  await page.locator("#setting-batch").fill("32");
  await page.keyboard.press("Tab");
  const height = () => page.locator(".settings").evaluate((panel) => panel.clientHeight);
  const before = await height();
  await button(page, "Start").click();
  await stepsDone(page, 2);
  assert.equal(await height(), before, "nothing moves at the start");
  await page.locator("#setting-learning_rate").fill("0.05");
  await page.keyboard.press("Tab");
  await page.waitForFunction(() => document.querySelectorAll(".figures dd")[4].textContent === "0.05");
  await page.locator("#setting-batch").fill("16");
  await page.keyboard.press("Tab");
  await page.locator("#setting-batch-note", { hasText: "Applies to the next run" }).waitFor();
  await page.locator("#setting-learning_rate").fill("99");
  await page.keyboard.press("Tab");
  await page.locator("#setting-learning_rate-note", { hasText: "Enter a number from 0 to 10" }).waitFor();
  // changes for another data set apply to the next run
  await page.selectOption("#setting-data", "pictures");
  await page.locator("#setting-epochs-note", { hasText: "Applies to the next run" }).waitFor();
  assert.equal(await page.locator("#setting-learning_rate").inputValue(), "99", "the input stays, with its error");
  assert.match(await page.locator("#setting-learning_rate-note").innerText(), /from 0 to 10/);
  const reached = await step(page);
  await stepsDone(page, reached + 2);
  assert.equal(await figure(page, "Learning rate"), "0.05");
  assert.match(await page.locator(".runs .run-name").innerText(), / · rate 0\.03 → 0\.05 after step \d+$/);
  assert.match(await figure(page, "Epoch"), / of 3$/);
  await button(page, "Stop").click();
  await message(page, /was stopped/);
  check();
});

test("a link reproduces settings and losses", { timeout: 2 * MINUTE }, async () => {
  const first = await lab.open("#train");
  await first.page.locator("#setting-seed").fill("7");
  await first.page.keyboard.press("Tab");
  await first.page.locator("#setting-batch").fill("8");
  await first.page.keyboard.press("Tab");
  const link = "#train?train.batch=8&train.seed=7";
  await hashIs(first.page, link);
  const losses = [];
  for (const { page, check } of [first, await lab.open(link)]) {
    assert.equal(await page.locator("#setting-seed").inputValue(), "7");
    await button(page, "One step").click();
    await message(page, /is paused at step 1;/);
    await button(page, "One step").click();
    await message(page, /is paused at step 2;/);
    losses.push(await figure(page, "Loss"));
    check();
  }
  assert.equal(losses[0], losses[1]);
});

/** The settings of the quick start. @param {Page} page */
const defaults = (page) =>
  page.evaluate(async () => (await import(/** @type {any} */ ("/lab/settings.js"))).preset("quick"));

test("a link with nonsense falls back to defaults", async () => {
  const { page, check } = await lab.open(
    "#train?train.batch=-4&train.schedule=sideways&train.width=0.6&train.resolution=40&nonsense=1&train.seed=3" +
      "&train.flip=maybe&train.cutout=0x10&train.constructor=x&__proto__.toString=x&constructor.entries=x",
  );
  assert.equal(await page.locator("#setting-batch").inputValue(), "32");
  assert.equal(await page.locator("#setting-schedule").inputValue(), "cosine");
  assert.equal(await page.locator("input[name=width]:checked").getAttribute("value"), "0.35");
  assert.equal(await page.locator("input[name=resolution]:checked").getAttribute("value"), "40");
  assert.equal(await page.locator("#setting-seed").inputValue(), "3");
  assert.equal(await page.locator("#setting-flip").isChecked(), (await defaults(page)).flip);
  assert.equal(await page.locator("#setting-cutout").inputValue(), "0");
  assert.equal(await page.evaluate(() => String({})), "[object Object]");
  await page.locator("#setting-seed").fill("4");
  await page.keyboard.press("Tab");
  await hashIs(page, "#train?train.resolution=40&train.seed=4");
  check();
});

test("weights to start from show the settings they determine, and leave with the data set that proposed them", async () => {
  const { page, check } = await lab.open("#train?train.from=shapes-0.35&train.bottleneck=relu6");
  const bottleneck = page.locator("#setting-bottleneck");
  await page.waitForFunction(() => /** @type {any} */ (document.querySelector("#setting-bottleneck"))?.disabled);
  assert.equal(await bottleneck.inputValue(), "linear");

  await page.goto(`${lab.url}#train`);
  await page.locator("#setting-bottleneck:enabled").waitFor({ state: "attached" }); // the address takes effect a little later
  const data = page.locator("#setting-data");
  const from = page.locator("#weights");
  await data.selectOption("pictures");
  assert.notEqual(await from.inputValue(), "");
  await data.selectOption("shapes");
  assert.equal(await from.inputValue(), "");
  await page.waitForURL(/#train$/);
  check();
});

test("CIFAR-10 trains if available, and is explained if not", { timeout: 3 * MINUTE }, async (t) => {
  const hash = "#train?train.data=cifar-10&train.batch=16";
  if (sharedData("cifar-10")) {
    const { page, check } = await lab.open(hash);
    await button(page, "Start").click();
    await stepsDone(page, 3);
    await button(page, "Stop").click();
    await message(page, /was stopped/);
    assert.match(
      (await page.locator(".heldout-grid button").first().getAttribute("aria-label")) ?? "",
      /airplane|automobile|bird|cat|deer|dog|frog|horse|ship|truck/,
    );
    check();
  } else t.diagnostic("the shared CIFAR-10 data are missing");
  const bare = await startLab({ cifar: false });
  const { page } = await bare.open(hash);
  await page.locator(".train-why", { hasText: "CIFAR-10 is not here yet" }).waitFor();
  assert.ok(await button(page, "Start").isDisabled());
  await page.locator(".cifar", { hasText: "This page’s host does not have it" }).waitFor();
  await page.selectOption("#setting-data", "shapes");
  assert.ok(await button(page, "Start").isEnabled(), "other data have no problem");
  assert.ok(await page.locator(".cifar").isHidden());
  await bare.close();
});

test(
  "a training pauses while pictures do not arrive, and continues when they do",
  { timeout: 3 * MINUTE },
  async (t) => {
    if (!sharedData("cifar-10")) return t.skip("the shared CIFAR-10 data are missing");
    const { page, context } = await lab.open("#train?train.data=cifar-10&train.batch=16");
    await context.route("**/train_*.webp", (route) =>
      route.request().method() === "HEAD" ? route.continue() : route.abort(),
    );
    await button(page, "Start").click();
    await page.locator(".control .problem", { hasText: "Training stopped" }).waitFor();
    await message(page, /is paused at step 0;/);
    await context.unroute("**/train_*.webp");
    await button(page, "Resume").click();
    await stepsDone(page, 2);
    assert.ok(await page.locator(".control .problem").isHidden());
    await button(page, "Stop").click();
    await message(page, /was stopped/);
  },
);

test("an exploding loss is reported, and the best weights before it can be used", { timeout: 2 * MINUTE }, async () => {
  const { page, check } = await lab.open("#train?train.from=shapes-0.35&train.schedule=constant&train.batch=16");
  await button(page, "Start").click();
  await page.waitForFunction(
    () => parseFloat(document.querySelectorAll(".figures dd")[7]?.textContent ?? "") > 30,
    undefined,
    { timeout: MINUTE },
  );
  await page.locator("#setting-learning_rate").fill("10");
  await page.keyboard.press("Tab");
  await page
    .locator(".train-trouble", { hasText: "The loss is far above 2.30, which is what guessing among 10 classes" })
    .waitFor();
  assert.equal(await page.locator(".runs li").count(), 1, "it continues: a lower rate may help");
  const kept = page.locator(".train-best", {
    hasText: /best weights of this run are kept: held-out accuracy [\d.]+(.%| of \d+)/,
  });
  await kept.waitFor();
  await page.locator(".chart-above", { hasText: "off the chart, up to" }).waitFor();
  await button(page, "Stop").click();
  await message(page, /Run 1 was stopped/);
  // useless weights are not offered
  const at = (/** @type {string | null} */ text) => Number(/step ([\d,]+)/.exec(text ?? "")?.[1].replace(",", ""));
  const best = at(await kept.textContent());
  assert.ok(best < (await step(page)));
  const options = await page.locator("#weights option").allInnerTexts();
  assert.deepEqual(options.filter((name) => name.startsWith("Run 1")).map(at), [best]);
  const choice = page.locator(".runs select");
  assert.equal(await choice.inputValue(), "best", "and the choice is shown");
  assert.equal(at(await choice.locator("option:checked").textContent()), best);
  await kept.getByRole("button", { name: "Start the next run from the best" }).click();
  await page.waitForFunction(
    (name) => document.querySelector("#weights option:checked")?.textContent?.includes(name),
    `step ${best}`,
  );
  await page.locator("#setting-learning_rate").fill("0.001");
  await page.keyboard.press("Tab");
  await button(page, "One step").click();
  await message(page, /Run 2 is paused at step 1;/);
  assert.ok(Number(await figure(page, "Loss")) < 3, "it starts from there");
  assert.ok(await page.locator(".train-trouble").isHidden());
  await page.locator(".runs li").first().getByRole("button", { name: "Use in Classify" }).click();
  await page.locator("#panel-classify .predictions li").first().waitFor();
  check();
});

test("a diverging training ends, and its weights are not kept", { timeout: 2 * MINUTE }, async () => {
  const { page, check } = await lab.open(
    "#train?train.schedule=constant&train.warmup=0&train.weight_decay=1&train.learning_rate=10",
  );
  await button(page, "Start").click();
  await page.locator(".control .problem", { hasText: "the loss is no longer a number" }).waitFor({ timeout: MINUTE });
  assert.match(await page.locator(".runs li").innerText(), /ended early/);
  assert.ok(!(await page.locator("#weights option").allInnerTexts()).some((name) => name.startsWith("Run 1")));
  check();
});

test("a training too large for the memory is reported, and the next one runs", { timeout: 2 * MINUTE }, async () => {
  const { page } = await lab.open("#train?train.width=1.4&train.resolution=224&train.batch=1024");
  await button(page, "Start").click();
  await page
    .locator(".control .problem", { hasText: /Training stopped.* takes [\d.,]+ GB of memory/ })
    .waitFor({ timeout: MINUTE });
  await page.getByRole("button", { name: "Quick start" }).click();
  await page.locator('input[name=width][value="0.35"]').click();
  await page.locator('input[name=resolution][value="32"]').click();
  await button(page, "One step").click();
  await message(page, /is paused at step 1;/);
  assert.ok(await page.locator(".control .problem").isHidden());
});
