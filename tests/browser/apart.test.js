// The third room, whose panels show the network in the bar.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { hashIs, startLab } from "./lab.js";

/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
before(async () => {
  lab = await startLab({ cifar: false });
});
after(() => lab?.close());

test("the table follows width, resolution and stem, and its totals are the published ones", async () => {
  const { page, check } = await lab.open("#apart?apart.panel=architecture"); // as links said before
  await page.getByText("Figures, layer by layer").click();
  const total = page.locator("tfoot td").first();
  const rows = page.locator(".architecture tbody tr:not(.block)");
  await total.waitFor();
  assert.equal(
    await rows.count(),
    53,
    "a stem, 16 blocks of three layers, one of two, the last convolution, a classifier",
  );
  assert.equal(await page.locator(".architecture .block").count(), 18, "17 blocks, and the layers after them");
  // reference: 1,000 classes; parameters by width, from the paper's on
  for (const [width, parameters] of [
    ["1", "3,504,872"],
    ["0.35", "1,677,128"],
    ["0.5", "1,968,680"],
    ["0.75", "2,636,424"],
    ["1.4", "6,108,776"],
  ]) {
    await page.locator(`input[name=width][value="${width}"]`).click();
    await page.locator("tfoot td", { hasText: parameters }).waitFor();
    const millions = Number(parameters.replaceAll(",", "")) / 1e6;
    const rounded = millions < 1 ? `${(1000 * millions).toPrecision(3)} k` : `${Number(millions.toPrecision(3))} M`;
    await page.locator(".cost", { hasText: `${rounded} parameters` }).waitFor(); // the bar says the same
  }
  await page.locator('input[name=width][value="1"]').click();
  await page.locator('input[name=resolution][value="32"]').click();
  await page.selectOption("#stem", "cifar");
  await page.locator("tbody td", { hasText: "4 × 4 × 1280" }).first().waitFor();
  await page.locator('input[name=resolution][value="224"]').click();
  await page.selectOption("#stem", "imagenet");
  await page.locator("tbody td", { hasText: /^224 × 224 × 3$/ }).waitFor();
  await page.locator("tbody td", { hasText: "7 × 7 × 1280" }).first().waitFor();
  await hashIs(page, "#apart?apart.width=1&apart.resolution=224&apart.stem=imagenet");
  check();
});

test("two trainings, with ReLU6 and with ReLU, are compared as curves", async () => {
  const { page, check } = await lab.open("#apart");
  await page.getByRole("button", { name: "ReLU6 and few bits" }).click();
  await hashIs(page, "#apart?apart.panel=activation");
  await page.locator(".cost", { hasText: "3.5 M parameters" }).waitFor(); // the bar works as in any room
  await page.locator(".trainings .curves-keys li").nth(1).waitFor();
  assert.deepEqual(await page.locator(".trainings .curves-keys li").allInnerTexts(), ["ReLU6", "ReLU"]);
  const charts = page.locator("#panel-apart .chart-place[aria-label]");
  await charts.nth(1).waitFor();
  assert.equal(await charts.locator("canvas").count(), 2, "loss and accuracy");

  // A chart shows the value nearest to the pointer, here the curves' last.
  const [caption, figure] = [page.locator(".trainings figcaption").nth(1), charts.nth(1).locator(".u-over")];
  const words = await caption.innerText();
  const { width = 0 } = (await figure.boundingBox()) ?? {};
  await figure.hover({ position: { x: width - 2, y: 40 } });
  await page.waitForFunction(
    ([caption, words]) => /** @type {HTMLElement} */ (caption).innerText !== words,
    /** @type {const} */ ([await caption.elementHandle(), words]),
  );
  assert.match(await caption.innerText(), /^Accuracy\s+step [\d,]+, (training|held-out): 9\d\.\d\s%$/);
  await page.mouse.move(0, 0);
  await page.waitForFunction(
    ([caption, words]) => /** @type {HTMLElement} */ (caption).innerText === words,
    /** @type {const} */ ([await caption.elementHandle(), words]),
  );
  assert.match(await page.locator("#panel-apart").innerText(), /[\d.]+\s% with ReLU6 and [\d.]+\s% with ReLU/);
  check();
});

test("charts are drawn in a browser whose language is not a language tag", async () => {
  const { page, check } = await lab.open("#apart?apart.panel=tradeoff", {
    script: () => Object.defineProperty(Navigator.prototype, "language", { get: () => "C" }), // as in WebKit in the C locale
  });
  await page.locator("#panel-apart .large-place canvas").waitFor();
  await page.locator("#tab-train").click();
  await page.locator("#panel-train .chart-place canvas").nth(1).waitFor();
  check();
});

test("separable convolutions are compared with plain ones, block by block", async () => {
  const { page, check } = await lab.open("#apart?apart.width=1&apart.resolution=224&apart.stem=imagenet");
  await page.getByRole("button", { name: "Separable convolution" }).click();
  await page.getByText("Separable and plain convolutions, block by block").click();
  const rows = page.locator(".separable tbody tr");
  await rows.nth(16).waitFor();
  assert.equal(await rows.count(), 17);
  // 112² · 32 · (9 + 16) and 112² · 9 · 32 · 16, times 9 · 16 / (9 + 16)
  assert.match(await rows.first().innerText(), /^Block 1\t112 × 112\t32 → 16\t10\sM\t57\.8\sM\t5\.8$/);
  assert.match(
    await page.locator("#panel-apart").innerText(),
    /takes 301\sM multiply-adds\. .* it would take 1\.\d+\sG, \d\.\d times as many/,
  );
  check();
});

test("memory is shown in two ways, layer by layer, and follows the bar", async () => {
  const { page, check } = await lab.open(
    "#apart?apart.panel=memory&apart.width=1&apart.resolution=224&apart.stem=imagenet",
  );
  const panel = page.locator("#panel-apart");
  await panel.locator(".large-place canvas").waitFor();
  // 112² × 96 and 56² × 96 numbers of 4 bytes; 112² × (32 + 16)
  await panel.getByText("memory peaks at 6.02 MB: a layer").waitFor();
  await panel.getByText("the peak is 2.41 MB, 2.5 times less").waitFor();
  const label = await panel.locator(".large-place").getAttribute("aria-label");
  assert.match(label ?? "", /6\.02\sMB/);
  const over = panel.locator(".u-over");
  const { width = 0 } = (await over.boundingBox()) ?? {};
  await over.hover({ position: { x: (4.5 / 53) * width, y: 40 } }); // the fifth of 53 layers
  await panel.getByText("Block 2, Depthwise: 6.02 MB run alone, 1.1 MB in its fused block").waitFor();
  await page.mouse.move(0, 0);
  const chart = panel.getByRole("slider", { name: /Memory that each layer needs/ });
  await chart.press("ArrowRight");
  await panel.locator(".chart-reading").getByText("Block 4, Expand: ").waitFor(); // from the selected layer on
  assert.match((await chart.getAttribute("aria-valuetext")) ?? "", /^Block 4, Expand: /);
  await page.locator('input[name=resolution][value="96"]').click();
  await panel.getByText("memory peaks at 1.11 MB: a layer").waitFor();
  check();
});

test("a block is drawn with its shortcut, and Train can try it without one", async () => {
  const network = "apart.width=1&apart.resolution=224&apart.stem=imagenet";
  const { page, check } = await lab.open(`#apart?apart.panel=block&${network}&train.from=shapes-0.35`);
  const panel = page.locator("#panel-apart");
  const [figure, before] = [panel.locator(".block-figure").first(), panel.locator(".block-figure").last()];
  await panel.getByText("expands 301 kB to 1.81 MB, 6 times as much. Its shortcut carries only the 301 kB").waitFor();
  // 56² · (24 · 144 + 9 · 24² + 144 · 24) and 56² · (24 · 144 + 9 · 144 + 144 · 24)
  await panel
    .getByText("would carry 1.81 MB along its shortcut and take 37.9 M multiply-adds instead of 25.7 M")
    .waitFor();
  assert.equal(
    await before.getAttribute("aria-label"),
    "Input, 56² × 144; Reduce, 56² × 24, ReLU; 3 × 3, 56² × 24, ReLU; Expand, 56² × 144, ReLU",
  );
  assert.equal(await figure.locator(".bypass").count(), 1);
  assert.equal(
    await figure.getAttribute("aria-label"),
    "Input, 56² × 24; Expand, 56² × 144, ReLU6; Depthwise, 56² × 144, ReLU6; Project, 56² × 24, Linear",
  );
  await panel.locator("#block").selectOption("4");
  await panel.getByText("no shortcut: at stride 2").waitFor();
  assert.equal(await figure.locator(".bypass").count(), 0);
  assert.equal(await panel.locator(".block-figure").count(), 1, "nothing to compare it with");
  await panel.locator("#block").selectOption("1");
  await panel
    .getByText("does not expand its input. It has no shortcut: its output has a different number of channels")
    .waitFor();
  assert.equal(await figure.locator(".slab").count(), 3);
  await page.waitForURL(/apart\.block=1(&|$)/);

  await panel.getByRole("button", { name: "no shortcuts" }).click();
  await page.locator("#panel-train").waitFor();
  const setting = (/** @type {string} */ key) => page.locator(`#setting-${key}`);
  assert.ok(await setting("shortcut").isEnabled(), "it starts without weights, which would determine this");
  assert.equal(await setting("shortcut").inputValue(), "none");
  await page.goBack();
  await panel.getByText("does not expand its input").waitFor();
  await panel.getByRole("button", { name: "ReLU6 at the narrow ends" }).click();
  assert.equal(await setting("bottleneck").inputValue(), "relu6");
  assert.notEqual(await setting("shortcut").inputValue(), "none", "one thing is tried at a time");

  // a network that was trained without shortcuts shows none
  await setting("shortcut").selectOption("none");
  await page.locator(".control").getByRole("button", { name: "One step" }).click();
  await page.locator(".train-message").filter({ hasText: "is paused at step 1" }).waitFor();
  await page.locator(".control").getByRole("button", { name: "Stop" }).click();
  await page.locator(".runs").getByRole("button", { name: "Use in Classify" }).click();
  await page.locator("#panel-classify").waitFor();
  await page.locator("#tab-apart").click();
  await panel.locator("#block").selectOption("3");
  await panel.getByText("This network has no shortcuts.").waitFor();
  check();
});

test("feature maps are those of the current picture and weights, block by block", async () => {
  const { page, check } = await lab.open("#apart?apart.panel=maps");
  const panel = page.locator("#panel-apart");
  const [all, saw, one] = [0, 1, 2].map((n) => panel.locator(".maps canvas").nth(n));
  const drawing = (/** @type {typeof one} */ canvas) =>
    canvas.evaluate((canvas) => /** @type {HTMLCanvasElement} */ (canvas).toDataURL());
  await panel.getByText("Block 3 outputs 8 channels of 32 × 32 values").waitFor();
  assert.match(await panel.locator(".maps").innerText(), /32 × 32 pixels/);

  const block = panel.getByRole("slider", { name: "Block 3 of 17" });
  await block.press("End");
  await panel.getByText("Block 17 outputs 112 channels of 4 × 4 values").waitFor();
  await panel.getByRole("slider", { name: "Block 17 of 17" }).press("Home");
  await panel.getByText("Block 1 outputs 8 channels of 32 × 32 values").waitFor();
  const first = await drawing(one);
  await panel.getByRole("slider", { name: "Channel 1 of 8" }).press("ArrowRight");
  await panel.getByText("Channel 2 of 8").waitFor();
  assert.notEqual(await drawing(one), first);
  const { width = 0, height = 0 } = (await all.boundingBox()) ?? {};
  await all.click({ position: { x: width * 0.1, y: height * 0.9 } }); // three rows of three
  await panel.getByText("Channel 7 of 8").waitFor();
  await hashIs(page, "#apart?apart.panel=maps&apart.block=1&apart.channel=7");

  // more often than a browser allows the address to change
  await panel.getByRole("slider", { name: "Channel 7 of 8" }).evaluate((/** @type {HTMLInputElement} */ slider) => {
    for (let i = 0; i < 500; i++) {
      slider.value = String(1 + (i % 8));
      slider.dispatchEvent(new Event("input"));
    }
  });
  await panel.getByText("Channel 4 of 8").waitFor();
  await page.waitForURL(/apart\.channel=4/);

  // another picture has other maps
  const [picture, maps] = [await drawing(saw), await drawing(all)];
  await panel.getByRole("button", { name: "Choose image and weights" }).click();
  await page.locator("#panel-classify .samples button").last().click();
  await page.locator("#tab-apart").click();
  await page.waitForFunction(
    ([canvas, before]) => /** @type {HTMLCanvasElement} */ (canvas).toDataURL() !== before,
    /** @type {const} */ ([await saw.elementHandle(), picture]),
  );
  assert.notEqual(await drawing(all), maps);
  check();
});

test("a spiral comes back unchanged without ReLU, and loses less the more dimensions there are", async () => {
  const { page, check } = await lab.open("#apart");
  await page.getByRole("button", { name: "What ReLU destroys" }).click();
  const panel = page.locator("#panel-apart");
  /** The lost or kept parts of the spiral, before and after. @param {"lost" | "kept"} kind */
  const lines = (kind) =>
    panel.locator(`.plane .${kind}`).evaluateAll((paths) => paths.map((path) => path.getAttribute("d")));
  await panel.getByText(/^[\d.]+\s% of this spiral cannot be recovered.* for n = 2 dimensions, 75 %/).waitFor();
  const lost = await lines("lost");
  assert.ok(lost[0] && lost[0] !== lost[1], "two dimensions lose some of it");

  await panel.getByRole("button", { name: "Another matrix" }).click();
  await page.waitForFunction((before) => document.querySelector(".plane .lost")?.getAttribute("d") !== before, lost[0]);
  await hashIs(page, "#apart?apart.panel=manifold&apart.matrix=5");

  await panel.locator("#dimensions-input").fill("30");
  await panel.getByText(/^0\.0\s% of this spiral cannot be recovered.* for n = 30 dimensions, 0\.0000029 %/).waitFor();
  assert.deepEqual(await lines("lost"), ["", ""]);
  const kept = await lines("kept");
  assert.notEqual(kept[0], kept[1], "another curve comes back");

  await panel.locator("#through").selectOption("linear");
  await panel.getByText("Nothing is lost").waitFor();
  const [before, after] = await lines("kept");
  assert.ok(before && before === after, "the same curve");
  check();
});

test("published accuracies are drawn against multiply-adds, with the bar's network marked", async () => {
  const { page, check } = await lab.open("#apart?apart.panel=tradeoff&apart.width=1&apart.resolution=224");
  const panel = page.locator("#panel-apart");
  await panel.locator(".large-place canvas").waitFor();
  await panel.getByText("Width 1 at 224 pixels reaches 71.8 % with 301 M MACs.").waitFor(); // as in the bar
  await page.locator('input[name=resolution][value="128"]').click();
  // of 79 to 124 M: 0.75 at 160, 0.5 at 224
  await panel
    .getByText(
      "65.3 % with 99.1 M MACs. For about the same work: 66.4 % at width 0.75 and 160 pixels, " +
        "65.4 % at width 0.5 and 224 pixels.",
    )
    .waitFor();
  assert.match(await panel.locator("td [aria-pressed=true]").innerText(), /65\.3\s%\n99\.1\sM$/);

  // a cell and a point choose their network
  await panel.getByRole("button", { name: "63.9 % at width 0.5 and 192 pixels" }).press("Enter");
  await hashIs(
    page,
    "#apart?apart.panel=tradeoff&apart.network=paper&apart.width=0.5&apart.resolution=192&apart.stem=imagenet",
  );
  await panel.getByText("Width 0.5 at 192 pixels reaches 63.9 %").waitFor();
  await panel.locator(".u-over").click({ position: await pointOf(page, 301e6, 0.718) });
  await panel.getByText("Width 1 at 224 pixels reaches 71.8 %").waitFor();
  await page.locator('input[name=resolution][value="128"]').click();
  await panel.getByText("Width 1 at 128 pixels reaches").waitFor();

  // another room has another network, in any language
  await page.locator("#tab-train").click();
  await page.getByRole("button", { name: "한국어" }).click();
  await page.locator("#tab-apart").click();
  await panel.getByText("너비 1, 128픽셀의 정확도는").waitFor();
  await page.getByRole("button", { name: "English" }).click();
  await panel.getByText("Width 1 at 128 pixels").waitFor();
  await page.locator('input[name=width][value="1.4"]').click();
  await panel.getByText("No accuracy is published for width 1.4 at 128").waitFor();
  assert.equal(await panel.locator("td [aria-pressed=true]").count(), 0);
  check();
});

/** Where the chart of accuracy against multiply-adds has a point. @param {import("playwright-core").Page} page @param {number} macs @param {number} accuracy */
async function pointOf(page, macs, accuracy) {
  const { width = 0, height = 0 } = (await page.locator("#panel-apart .u-over").boundingBox()) ?? {};
  const [least, most] = [11e6 / 1.2, 584e6 * 1.2]; // of width 0.35 at 96 pixels, and 1.4 at 224
  return {
    x: (width * Math.log(macs / least)) / Math.log(most / least),
    y: (height * (0.78 - accuracy)) / (0.78 - 0.42),
  };
}
