// What a training is given and how it is seen: the planned rate and its handles, the wall of draws, the next batch, and looks
// inside the network while it learns.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { startLab } from "./lab.js";
import { button, message, MINUTE, stepsDone } from "./train.js";

/** @typedef {import("playwright-core").Page} Page */
/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
before(async () => {
  lab = await startLab({ cifar: false });
});
after(() => lab?.close());

/** @param {Page} page @param {string} name */
const handle = (page, name) => page.locator(".rate").getByRole("slider", { name, exact: true });
/** @param {Page} page @param {string} key */
const setting = (page, key) => page.locator(`#setting-${key}`).inputValue();

/** The drawn rate at a share of the run, as a share of the axis. @param {Page} page @param {number} share */
const drawn = (page, share) =>
  page.locator(".rate path:not(.area)").evaluate((path, share) => {
    const points = (path.getAttribute("d") ?? "")
      .slice(1)
      .split("L")
      .map((point) => point.split(" ").map(Number));
    const [, y] = points.reduce((best, one) =>
      Math.abs(one[0] - 100 * share) < Math.abs(best[0] - 100 * share) ? one : best,
    );
    return 1 - y / 100;
  }, share);

/** Waits until it is drawn there. @param {Page} page @param {number} share @param {number} expected */
async function isDrawn(page, share, expected) {
  let found = NaN;
  for (let i = 0; i < 100; i++) {
    found = await drawn(page, share);
    if (Math.abs(found - expected) < 0.01) return;
    await page.waitForTimeout(50);
  }
  assert.fail(`at ${share} the rate is drawn at ${found}, not at ${expected}`);
}

test("the planned rate is the core's, and its handles move by keys and by pointer", async () => {
  const { page, check } = await lab.open("#train");
  // 0.03 on an axis to 0.05; half a cosine over three epochs
  await isDrawn(page, 0, 0.6);
  await isDrawn(page, 0.5, 0.3);
  await isDrawn(page, 1, 0);
  await handle(page, "Hold the rate until epoch").focus();
  for (let i = 0; i < 3; i++) await page.keyboard.press("PageUp");
  assert.equal(await setting(page, "hold_until"), "1.5");
  await isDrawn(page, 0.5, 0.6);
  await isDrawn(page, 0.75, 0.3);
  await handle(page, "Warm-up").press("End");
  assert.equal(await setting(page, "warmup"), "3");
  await handle(page, "Warm-up").press("Home");
  assert.equal(await setting(page, "warmup"), "0");
  await handle(page, "Learning rate").press("ArrowUp");
  assert.equal(await setting(page, "learning_rate"), "0.033");
  assert.equal(await handle(page, "Learning rate").getAttribute("aria-valuetext"), "0.033");

  const zero = await handle(page, "Zero at epoch").boundingBox();
  const plane = await page.locator(".rate-plane").boundingBox();
  assert.ok(zero && plane);
  await page.mouse.move(zero.x + zero.width / 2, zero.y + zero.height / 2);
  await page.mouse.down();
  await page.mouse.move(plane.x + 0.8 * plane.width, zero.y, { steps: 4 });
  await page.mouse.up();
  const until = Number(await setting(page, "decay_until"));
  assert.ok(Math.abs(until - 2.4) <= 0.05, `the zero is at epoch ${until}`);
  await isDrawn(page, 0.9, 0);
  await handle(page, "Zero at epoch").press("End");
  assert.equal(await setting(page, "decay_until"), "0", "the last epoch, however many there are");

  await page.selectOption("#setting-schedule", "constant");
  assert.ok(await handle(page, "Hold the rate until epoch").isHidden());
  assert.ok(await page.locator("#setting-hold_until").isHidden());
  await isDrawn(page, 1, 0.66);
  check();
});

test("a drag changes a run in progress once, the charts show plan and steps, and epochs have their time of day", async () => {
  const { page, check } = await lab.open("#train?train.schedule=constant&train.batch=8");
  assert.match(await page.locator(".rate .hint").innerText(), /once the time per step is known/);
  await button(page, "Start").click();
  await stepsDone(page, 4);
  await handle(page, "Learning rate").scrollIntoViewIfNeeded();
  const height = await handle(page, "Learning rate").boundingBox();
  assert.ok(height);
  await page.mouse.move(height.x + 10, height.y + height.height / 2);
  await page.mouse.down();
  await page.mouse.move(height.x + 10, height.y + 40, { steps: 6 });
  await page.mouse.up();
  const rate = await setting(page, "learning_rate");
  assert.ok(Number(rate) < 0.03);
  await page.waitForFunction((rate) => document.querySelectorAll(".figures dd")[4].textContent === rate, rate);
  await page.locator(".rate-times span").nth(2).waitFor();
  assert.match(await page.locator(".rate-times").innerText(), /^(\w+ )?\d\d:\d\d/);
  assert.ok(await page.locator(".rate-now").isVisible());
  await button(page, "Pause").click();
  await message(page, /is paused at step/);
  assert.match(
    await page.locator(".runs .run-name").innerText(),
    new RegExp(`· rate 0\\.03 → ${rate} after step \\d+$`),
  );
  const chart = page.locator(".single .chart.low .chart-place");
  await page.locator(`.single .chart.low [aria-label$=": ${rate}."]`).waitFor();
  await chart.locator("canvas").waitFor();
  // the nearest point: the plan, where no step has been
  await chart.scrollIntoViewIfNeeded();
  const box = await chart.locator(".u-over").boundingBox();
  assert.ok(box);
  await page.mouse.move(box.x + 0.95 * box.width, box.y + box.height / 2);
  await page.locator(".chart.low .chart-reading", { hasText: new RegExp(`, planned: ${rate}$`) }).waitFor();
  await button(page, "Stop").click();
  await message(page, /was stopped/);
  check();
});

test("windows and cut-outs lie where the core has looked", async () => {
  const { page, check } = await lab.open("#train");
  const wrong = await page.evaluate(async () => {
    const module = (/** @type {string} */ name) => import(/** @type {any} */ (`/${name}.js`));
    const [{ createEngine }, { onOriginal, coloursOf, repeated }] = await Promise.all([
      module("engine/engine"),
      module("lab/feed"),
    ]);
    const [side, count] = [32, 64];
    // red is the column, green the row; none is black
    const picture = new Uint8Array(side * side * 3);
    for (let i = 0; i < side * side; i++) picture.set([1 + (i % side), 101 + Math.floor(i / side), 200], 3 * i);
    const config = {
      width: 0.35,
      resolution: side,
      classes: 10,
      stem: "cifar",
      mean: [0.5, 0.4, 0.3],
      std: [0.2, 0.2, 0.2],
    };
    const recipe = { crop_padding: 5, flip: true, cutout: 9, sizes: [], seed: 3 };
    const engine = await createEngine();
    const { inputs, windows } = await engine.augmented(repeated(picture, count), count, { config, recipe });
    engine.close();
    const colours = coloursOf(inputs, config, false);
    let wrong = 0;
    windows.forEach((/** @type {any} */ window, /** @type {number} */ n) => {
      const { seen, cutout } = onOriginal(window, side, side);
      for (let y = 0; y < side; y++) {
        for (let x = 0; x < side; x++) {
          const [px, py] = [seen.x + (window.mirrored ? side - 1 - x : x), seen.y + y];
          const cut = px >= cutout.x && px < cutout.x + cutout.width && py >= cutout.y && py < cutout.y + cutout.height;
          const inside = px >= 0 && px < side && py >= 0 && py < side;
          const expected = cut ? [128, 102, 77] : inside ? [1 + px, 101 + py, 200] : [0, 0, 0];
          const found = colours.subarray(3 * ((n * side + y) * side + x), 3 * ((n * side + y) * side + x) + 3);
          if (expected.some((value, c) => Math.abs(value - found[c]) > 1)) wrong++;
        }
      }
    });
    return { wrong, mirrored: windows.filter((/** @type {any} */ { mirrored }) => mirrored).length };
  });
  assert.equal(wrong.wrong, 0);
  assert.ok(wrong.mirrored > 10 && wrong.mirrored < 54);
  check();
});

/** What is on the wall. @param {Page} page */
const wall = (page) =>
  page
    .locator(".wall canvas")
    .evaluateAll((canvases) => canvases.map((canvas) => /** @type {HTMLCanvasElement} */ (canvas).toDataURL()));

test("the wall draws one picture sixteen times and follows the settings while they are dragged", async () => {
  const { page, check } = await lab.open("#train?train.flip=false");
  assert.equal(await page.locator(".wall").count(), 0, "it is fetched when it is asked for");
  await page.locator("[data-control=group-augmentation] > summary").press("Enter");
  const grid = page.getByRole("img", { name: /^Sixteen augmentations/ });
  await grid.waitFor();
  const plain = await wall(page);
  assert.equal(plain.length, 16);
  assert.equal(new Set(plain).size, 1, "without augmentation all are the same");
  await page.getByRole("slider", { name: "Shift", exact: true }).press("ArrowRight");
  await page.getByRole("slider", { name: "Shift", exact: true }).press("ArrowRight");
  await page.getByRole("img", { name: /shifted by up to 2 pixels/ }).waitFor();
  assert.equal(await setting(page, "crop_padding"), "2");
  const shifted = await wall(page);
  assert.ok(new Set(shifted).size > 8);
  await page.locator("#setting-flip").check();
  await page.getByRole("img", { name: /^Sixteen augmentations: [1-9]\d? mirrored/ }).waitFor();
  await page.selectOption("#setting-sizes", "all");
  await page.getByRole("img", { name: /resized to 24, 32, 40, 48 pixels/ }).waitFor();
  const before = await wall(page);
  await page.getByRole("button", { name: "Augment again" }).click();
  await page.waitForFunction(
    (before) => /** @type {any} */ (document.querySelector(".wall canvas")).toDataURL() !== before,
    before[0],
  );
  // grey where it is cut out, once it is as the network sees it
  await page.locator("#setting-cutout").fill("32");
  await page.keyboard.press("Tab");
  await page.getByRole("img", { name: /, 16 with a part cut out/ }).waitFor();
  await page.getByLabel("As the network sees it").check();
  await page.locator(".wall .hint", { hasText: "grey is 0" }).waitFor();
  const grey = await page
    .locator(".wall canvas")
    .first()
    .evaluate((canvas) => {
      const { width, height } = /** @type {HTMLCanvasElement} */ (canvas);
      const pen = /** @type {HTMLCanvasElement} */ (canvas).getContext("2d");
      const { data } = /** @type {CanvasRenderingContext2D} */ (pen).getImageData(0, 0, width, height);
      let count = 0;
      for (let i = 0; i < data.length; i += 4) if ([0, 1, 2].every((c) => Math.abs(data[i + c] - 128) <= 1)) count++;
      return count / (width * height);
    });
  assert.ok(grey >= 0.25, `${grey} of it is grey`); // a quarter, if it is centred at a corner
  await page.getByLabel("Image", { exact: true }).selectOption("classify");
  assert.equal(await page.locator(".wall .problem:visible").count(), 0);
  check();
});

test(
  "the next batch shows eight pictures before and after; looks inside are taken while it trains",
  { timeout: 3 * MINUTE },
  async () => {
    // looks may take half of the time here, so that the second one need not be waited for; tests/page/looks.test.js has the share
    const source = await readFile(new URL("../../www/lab/looks.js", import.meta.url), "utf8");
    const often = source.replace("SHARE = 0.02", "SHARE = 0.5");
    assert.notEqual(often, source);
    const { page, check } = await lab.open("#train?train.crop_padding=4&train.cutout=8&train.batch=16");
    await page.route("**/lab/looks.js", (route) => route.fulfill({ body: often, contentType: "text/javascript" }));
    const [batch, inside] = ["batch", "inside"].map((name) => page.locator(`[data-control=${name}]`));
    await batch.locator("summary").first().click();
    await batch.getByText("Start a run or take one step").waitFor();
    await inside.locator("summary").first().click();
    await inside.getByText("Nothing yet").waitFor();
    await button(page, "One step").click();
    await message(page, /is paused at step 1;/);
    const tiles = batch.locator("li");
    await tiles.nth(7).waitFor();
    assert.equal(await tiles.count(), 8);
    for (const words of await tiles.allInnerTexts()) assert.match(words, /\w+ · 32 pixels( · mirrored)? · cut-out/);
    const first = () =>
      tiles
        .locator("canvas")
        .nth(1)
        .evaluate((one) => /** @type {any} */ (one).toDataURL());
    const before = await first();
    // the batch that was shown is the one that is taken: after a step it is another
    await button(page, "One step").click();
    await message(page, /is paused at step 2;/);
    await page.waitForFunction(
      (before) =>
        /** @type {any} */ (document.querySelectorAll("[data-control=batch] canvas")[1])?.toDataURL() !== before,
      before,
    );

    await inside.locator(".inside-filters canvas").nth(15).waitFor();
    await inside.getByRole("img", { name: /of 40 held-out images predicted correctly at step \d/ }).waitFor();
    await inside.getByText("Figures of every layer").click();
    await inside.getByRole("rowheader", { name: "Block 17, Project" }).waitFor();
    assert.equal(await inside.locator("tbody tr").count(), 53);
    await button(page, "Resume").click();
    await page.waitForFunction(
      () => Number(/** @type {any} */ (document.querySelector("#inside-step"))?.max) >= 1,
      undefined,
      {
        timeout: 2 * MINUTE,
      },
    );
    assert.match(
      await inside.locator(".hint").innerText(),
      /Measured here: a snapshot takes [\d.]+.(ms|s);.* took [\d.]+.% of/,
    );
    await button(page, "Stop").click();
    await message(page, /was stopped/);
    const slider = inside.getByRole("slider", { name: "Look back" });
    const latest = await slider.getAttribute("aria-valuetext");
    await slider.press("Home");
    await page.waitForFunction(
      (latest) => document.querySelector("#inside-step")?.getAttribute("aria-valuetext") !== latest,
      latest,
    );
    assert.match((await slider.getAttribute("aria-valuetext")) ?? "", /^step [12]$/);
    check();
  },
);

test("a training is the same whether it is looked at or not", async () => {
  const { page, check } = await lab.open("#train");
  const [plain, seen] = await page.evaluate(async () => {
    const { createEngine } = await import(/** @type {any} */ ("/engine/engine.js"));
    const engine = await createEngine();
    const config = { width: 0.35, resolution: 32, classes: 10, stem: "cifar", dropout: 0.2 };
    const how = { config, recipe: { batch: 8, seed: 5, cutout: 8 }, data: { kind: "shapes", images: 100 } };
    const runs = [];
    for (const looks of [false, true]) {
      const trainer = await engine.createTrainer(how);
      const losses = [];
      for (let i = 0; i < 5; i++) {
        if (looks) {
          const { position, milliseconds } = await trainer.inside();
          if (position !== 8 * i || !(milliseconds > 0)) throw new Error(`${position} pictures in ${milliseconds} ms`);
          await trainer.nextBatch(8);
        }
        for await (const { loss } of trainer.run({ steps: 1 })) losses.push(loss);
      }
      runs.push(losses);
      await trainer.close();
    }
    engine.close();
    return runs;
  });
  assert.equal(plain.length, 5);
  assert.deepEqual(seen, plain);
  check();
});
