// Take apart, inside a network: the map, the magnifier, the race, ReLU in the bottleneck, why an answer.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { hashIs, startLab, weightsInput } from "./lab.js";

/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
before(async () => {
  lab = await startLab({ cifar: false });
});
after(() => lab?.close());

/** What a canvas shows. @param {import("playwright-core").Locator} canvas */
const drawing = (canvas) => canvas.evaluate((canvas) => /** @type {HTMLCanvasElement} */ (canvas).toDataURL());

/** Waits until an element's text is another. @param {import("playwright-core").Locator} locator @param {string} before */
async function changed(locator, before) {
  const element = await locator.elementHandle();
  await locator
    .page()
    .waitForFunction(
      ([element, before]) => /** @type {HTMLElement} */ (element).textContent !== before,
      /** @type {const} */ ([element, before]),
    );
  return (await locator.textContent()) ?? "";
}

test("Take apart opens on the paper's network as a map, which keys walk along and open", async () => {
  const { page, check } = await lab.open("#apart");
  const panel = page.locator("#panel-apart");
  const boxes = panel.locator(".netmap button:visible");
  await panel.locator(".netmap canvas:not([hidden])").nth(19).waitFor(); // picture, stem, blocks, last
  await page.locator(".cost", { hasText: "3.5 M parameters" }).waitFor();
  assert.equal(await boxes.count(), 22);
  assert.equal(await panel.locator(".netmap-arc").count(), 10 + 1, "shortcuts, and the legend's");
  assert.equal(await panel.locator(".netmap-rows div").nth(2).innerText(), "c channels\n16\n24\n32\n64\n96\n160\n320");
  assert.equal(await panel.locator(".netmap [aria-pressed=true]").getAttribute("aria-label"), "Block 3: 56² × 24");

  await panel.locator(".netmap [aria-pressed=true]").focus();
  await page.keyboard.press("ArrowRight");
  await panel.getByText("Block 4: 28² × 32. ").waitFor();
  await page.keyboard.press("Enter");
  await panel.locator(".netmap [aria-expanded=true]").nth(2).waitFor();
  assert.deepEqual(
    await panel
      .locator(".netmap [aria-expanded=true]:visible .box")
      .evaluateAll((all) => all.map((box) => [box.getAttribute("data-kind"), box.hasAttribute("data-linear")])),
    [
      ["expand", false],
      ["depthwise", false],
      ["project", true],
    ],
  );
  await panel.getByText("no shortcut: at stride 2").waitFor();
  await page.keyboard.press("ArrowLeft");
  await panel.getByText("Block 4, Depthwise: 28² × 144. 1,584 parameters, 1.02 M multiply-adds").waitFor();
  await hashIs(page, "#apart?apart.block=4&apart.part=depthwise&apart.opened=4");
  await panel.locator(".netmap canvas:not([hidden])").nth(21).waitFor();
  assert.equal(
    await panel.locator("tr[data-selected] th").textContent(),
    "Depthwise",
    "the table has the same selection",
  );
  await panel.getByRole("button", { name: "under the magnifier" }).last().click();
  await panel.getByText(/^It reads a 3 × 3 patch of one input map \(32 × 32\)/).waitFor(); // as does the magnifier
  check();
});

test("MobileNetV1 stands beside the map at its scale, with the counts of both", async () => {
  const { page, check } = await lab.open("#apart");
  const panel = page.locator("#panel-apart");
  await panel.getByLabel("Compare with").selectOption("MobileNetV1");
  await hashIs(page, "#apart?apart.beside=mobilenet-v1");
  await panel.getByText("MobileNetV2: 3.5 M parameters, 301 M multiply-adds. Counted here.").waitFor();
  await panel.getByText("MobileNetV1: 4.23 M parameters, 569 M multiply-adds. Counted here.").waitFor(); // the published counts
  const beside = panel.locator('[data-control="map-beside"]');
  assert.equal(await beside.locator("button:visible").count(), 17, "picture, stem, 13 blocks, average, classifier");
  const sizeOf = (/** @type {string} */ map) =>
    panel.locator(`[data-control="${map}"] .box[data-kind="stem"]`).evaluate((box) => {
      const { width, height } = box.getBoundingClientRect();
      return [Math.round(width), Math.round(height)];
    });
  await page.waitForTimeout(600); // the boxes have moved
  assert.deepEqual(await sizeOf("map-beside"), await sizeOf("map"));
  await beside.locator("[aria-pressed=true]").focus();
  await page.keyboard.press("End");
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  await panel.getByText("Block 13: 7² × 1024. 1.06 M parameters, 51.8 M multiply-adds").waitFor();
  await panel.getByLabel("Compare with").selectOption("nothing");
  assert.ok(await beside.isHidden());
  check();
});

test("of MobileNetV1 and its plain twin the map says what they are", async () => {
  const { page, check } = await lab.open("#apart");
  await page.locator(weightsInput).setInputFiles(fileURLToPath(new URL("../golden/v1.safetensors", import.meta.url)));
  const panel = page.locator("#panel-apart");
  await panel.getByText("MobileNetV1 is a stem, 13 separable layers and a classifier").waitFor();
  assert.equal(await panel.getByText("17 inverted residual").count(), 0);
  await panel
    .locator(".netmap button:visible", { has: page.locator('[data-kind="pointwise"]') })
    .first()
    .click();
  await panel
    .locator(".map-block")
    .getByText(/^It takes [\d.,]+.[kM] multiply-adds\.$/)
    .waitFor();
  assert.ok(await panel.getByText("MobileNetV2’s block").isHidden());
  await panel.getByLabel("Compare with").selectOption("MobileNetV2");
  await panel.getByText(/^MobileNetV2: .* Counted here\.$/).waitFor();
  check();
});

test("width and resolution are dragged on the map, and the boxes follow", async () => {
  const { page, check } = await lab.open("#apart", { reducedMotion: "reduce" });
  const panel = page.locator("#panel-apart");
  const last = panel.locator('.netmap button[aria-label^="Last"] .box');
  await last.waitFor();
  const before = await last.boundingBox();
  await panel.locator("#map-width").press("End");
  await panel.locator('.netmap button[aria-label="Last: 7² × 1792"]').waitFor();
  const wide = await last.boundingBox();
  assert.ok(wide && before && wide.height > before.height);
  await panel.locator("#map-resolution").press("Home");
  await panel.locator('.netmap button[aria-label="Last: 1² × 1792"]').waitFor();
  const small = await last.boundingBox();
  assert.ok(small && small.width < wide.width);
  await hashIs(page, "#apart?apart.width=1.4&apart.resolution=32");
  await page.locator(".cost", { hasText: "6.11 M parameters" }).waitFor();

  await panel.locator("#map-scale").selectOption("linear");
  await panel.locator("#map-colour").selectOption("parameters");
  await panel.locator(".box.by-cost").first().waitFor();
  const shares = await panel
    .locator(".netmap .box.by-cost")
    .evaluateAll((all) =>
      all.map((box) => parseFloat(/** @type {HTMLElement} */ (box).style.getPropertyValue("--share"))),
    );
  assert.equal(Math.max(...shares), 100);
  assert.equal(shares.indexOf(100), shares.length - 1, "most parameters are in the classifier");
  await panel.locator("#map-colour").selectOption("time");
  await panel.getByText(/On this device: [\d.]+\sms, summed over all threads\./).waitFor();
  check();
});

test("the magnifier's sum is the number that the network computed, in every kind of layer", async () => {
  const { page, check } = await lab.open("#apart?apart.panel=magnifier");
  const panel = page.locator("#panel-apart");
  const result = panel.locator(".magnifier-result");
  await result.waitFor();
  await panel.getByText("All products").click();
  let before = (await result.textContent()) ?? "";
  for (const [layer, terms] of /** @type {[string, number][]} */ ([
    ["Stem", 27],
    ["Block 2, Expand", 8],
    ["Block 4, Depthwise", 9],
    ["Block 5, Project", 96],
    ["Block 17, Project", 336],
    ["Last", 112],
  ])) {
    await panel.locator("#magnifier-layer").selectOption({ label: layer });
    before = await changed(result, before);
    for (const key of ["ArrowRight", "ArrowDown", "ArrowDown", "ArrowLeft"]) {
      await panel.getByRole("slider", { name: /of the output/ }).press(key);
      const [, sum, computed] = /^= (\S+)\. The network computed (\S+)\.$/.exec(await result.innerText()) ?? [];
      assert.ok(sum && sum === computed, `${layer}: ${await result.innerText()}`);
    }
    assert.equal(await panel.locator("details tbody tr").count(), terms, layer);
    before = (await result.textContent()) ?? "";
  }
  await page.waitForURL(/apart\.part=last.*apart\.x=.*apart\.y=/);

  // the window slides to the end, where the counter has the layer's work
  await panel.locator("#magnifier-layer").selectOption({ label: "Block 3, Depthwise" });
  const pixels = panel.getByRole("slider", { name: /of the output, 32 × 32/ });
  for (let i = 0; i < 32; i++) await pixels.press("ArrowDown");
  for (let i = 0; i < 30; i++) await pixels.press("ArrowRight");
  await panel.getByRole("button", { name: "Slide the window" }).click();
  await panel.getByText(/^442,368 of 442,368 multiply-adds$/).waitFor(); // 32² · 48 · 9
  check();
});

test("plain and separable convolution race, and both are timed", async () => {
  const { page, check } = await lab.open("#apart?apart.panel=separable&apart.side=7&apart.d=16&apart.d2=32");
  const panel = page.locator("#panel-apart");
  const counters = panel.locator(".race-lanes strong");
  await panel.getByText("each pixel: 9 · 16 · 32 = 4,608").waitFor();
  await panel.getByText("each pixel: 9 · 16 + 16 · 32 = 656").waitFor();
  await panel.getByText("needs 7.0 times as many").waitFor();
  await panel.getByRole("button", { name: "Race" }).click();
  await counters.first().filter({ hasNotText: "225,792 of 225,792" }).waitFor(); // before, both show all of their work
  await panel.locator(".race-lanes [data-finished] strong", { hasText: "32,144 of 32,144" }).waitFor();
  assert.match(await counters.first().innerText(), /^[\d,]+ of 225,792$/);
  assert.notEqual(await counters.first().innerText(), "225,792 of 225,792", "the plain one is far behind");
  await panel.locator("#race-d").press("ArrowRight");
  await panel.getByText("each pixel: 9 · 32 + 32 · 32 = 1,312").waitFor();
  await hashIs(page, "#apart?apart.panel=separable&apart.d=32&apart.d2=32&apart.side=7");
  await panel.getByRole("button", { name: "Time both" }).click();
  await panel
    .getByText(
      /on this device: plain [\d.]+\sms, separable [\d.]+\sms\. The separable one is [\d.]+ times .* 7 times fewer/,
    )
    .waitFor();
  check();
});

test("ReLU after the projections zeroes maps, and changes the answer", async () => {
  const { page, check } = await lab.open("#apart?apart.panel=relu&apart.block=5");
  const panel = page.locator("#panel-apart");
  await panel.locator(".relu:not([inert])").waitFor();
  const zeroed = panel.locator(".relu strong");
  const trainedZeros = "Block 5: 0.0\u00a0% zeroed";
  assert.deepEqual(await zeroed.allInnerTexts(), [trainedZeros, trainedZeros]);
  const [before, after] = await Promise.all([0, 1].map((i) => drawing(panel.locator(".relu canvas").nth(i))));
  assert.equal(before, after);
  await panel.locator("#relu-from").press("End");
  await panel.getByText("ReLU6 after the projections of blocks 1 to 17").waitFor();
  await panel.getByRole("slider", { name: "Block 1 of 17" }).press("ArrowRight");
  await panel.getByText("Block 2: ").first().waitFor();
  await panel.getByText(/^“.*”: [\d.]+\s% as trained, /).waitFor();
  const [still, now] = await zeroed.allInnerTexts();
  assert.equal(still, trainedZeros.replace("5", "2"));
  assert.ok(Number(/: ([\d.]+)/.exec(now)?.[1]) > 10, now);
  assert.notEqual(await drawing(panel.locator(".relu canvas").nth(1)), after);
  const [trained, changed] = await Promise.all(
    [0, 1].map((i) => panel.locator(".relu .predictions").nth(i).innerText()),
  );
  assert.notEqual(trained, changed);
  const bars = panel.locator(".layerbars").first().locator("span");
  await bars.first().waitFor({ state: "attached" }); // counted once the slider rests
  assert.equal(await bars.count(), 52, "all layers with maps");
  await hashIs(page, "#apart?apart.panel=relu&apart.block=2&apart.relu=1");
  await panel.locator("#relu-from").press("ArrowLeft");
  await panel.getByRole("slider", { name: "Block 2 of 17" }).waitFor(); // the first that has changed
  check();
});

test("evidence adds up to the network's probability, and rubbing something out changes it", async () => {
  const { page, check } = await lab.open("#apart?apart.panel=evidence");
  const panel = page.locator("#panel-apart");
  await panel.locator(".evidence:not([inert])").waitFor();
  const share = panel.locator(".evidence .predictions .value").first();
  const whole = await share.innerText();
  const says = panel.locator(".evidence figure p").first();
  assert.ok((await says.innerText()).startsWith(`${whole}. Score `), "the page's softmax is the network's");
  const [, score, places, bias] =
    /Score (\S+) above .*: (\S+) from all positions, (\S+) from/.exec(await says.innerText()) ?? [];
  assert.ok(Math.abs(Number(score) - Number(places) - Number(bias)) < 0.11);

  const heat = panel.locator(".evidence figure").nth(1).locator("canvas");
  const first = await drawing(heat);
  await panel.locator(".eraser canvas").focus();
  await page.keyboard.press("Space");
  await panel.getByText(/^“.*”: .* before, .* now\.$/).waitFor();
  assert.notEqual(await share.innerText(), whole);
  assert.notEqual(await drawing(heat), first);
  await panel.getByRole("button", { name: "Restore" }).click();
  await panel.getByText("Orange is evidence for the class").waitFor();
  assert.equal(await share.innerText(), whole);
  assert.equal(await drawing(heat), first);

  const second = panel.getByRole("combobox", { name: "Second class" });
  await second.selectOption({ index: 4 });
  await page.waitForURL(/apart\.classB=\d+/);
  check();
});
