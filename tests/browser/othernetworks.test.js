// Take apart with MobileNetV1 and its plain twin: each panel speaks of the network at hand, or says which one it needs.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startLab } from "./lab.js";
import { button, message, MINUTE } from "./train.js";

/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
before(async () => {
  lab = await startLab({ cifar: false });
});
after(() => lab?.close());

/** A network that has learnt for one step, at hand in Take apart. @param {string} architecture */
async function takeApart(architecture) {
  const { page, check } = await lab.open(
    `#train?train.architecture=${architecture}&train.width=1&train.resolution=32&train.batch=4`,
  );
  await button(page, "One step").click();
  await message(page, /paused at step 1/);
  await button(page, "Stop").click();
  await page.locator(".runs").getByRole("button", { name: "Use in Classify" }).click();
  await page.locator("#panel-classify .says[aria-busy=false] .predictions li").first().waitFor();
  const weights = /classify\.weights=[^&]+/.exec(page.url())?.[0];
  const panel = page.locator("#panel-apart article.panel");
  /** Opens a panel. @param {string} name @param {string} [more] of the link */
  const open = async (name, more = "") => {
    await page.goto(`${lab.url}#apart?${weights}&apart.panel=${name}${more}`);
    await page.locator(`.apart-contents [aria-current=true]`).waitFor();
  };
  return { page, panel, open, check };
}

test("MobileNetV1 is taken apart in words and figures of its own", { timeout: 2 * MINUTE }, async () => {
  const { page, panel, open, check } = await takeApart("mobilenet-v1");
  // block 13 of 13, at 2 × 2 pixels: 2² · 1024 · (9 + 1024), against 2² · 9 · 1024 · 1024
  await open("block", "&apart.block=17");
  await panel.getByText("This network has no shortcuts. The block takes 4.23 M multiply-adds.").waitFor();
  await panel.getByText("A plain 3×3 convolution in its place would take 37.7 M.").waitFor();
  assert.equal(await page.locator("#block").inputValue(), "13");
  assert.deepEqual(await panel.locator("figcaption:visible").allInnerTexts(), [
    "MobileNetV1’s block",
    "Plain 3×3 convolution",
  ]);
  await panel.getByText("This network is MobileNetV1, which has no inverted residuals.").waitFor();
  assert.ok(await panel.getByText("Try in Train").isHidden(), "its settings have no bottleneck");

  await open("separable");
  await panel.getByText("in place of each depthwise convolution and the 1×1 convolution after it").waitFor();
  await panel.locator("summary", { hasText: "block by block" }).click();
  // 32² · 32 · (9 + 64) and 32² · 32 · 9 · 64
  assert.match(
    await panel.locator("table.separable tbody tr").first().innerText(),
    /^Block 1\t32 × 32\t32 → 64\t2\.39\sM\t18\.9\sM\t7\.9$/,
  );

  await open("memory");
  await panel.getByText("memory peaks at 393 kB: a layer’s input and output. With each").waitFor(); // 32² · (32 + 64) · 4 bytes
  await panel.getByText("This page runs this network one convolution at a time.").waitFor();
  await panel.getByText("step 1, ").getByText("so there is nothing to measure here").waitFor();
  await panel.getByText("The blocks of this network, MobileNetV1 or its plain twin, have no wide middle.").waitFor();

  await open("maps", "&apart.block=17");
  await panel.getByText("Block 13 of 13").waitFor();
  await panel.getByText(/^Block 13 outputs 1,024 channels of 2 × 2 values, none below 0/).waitFor();

  await open("relu");
  await panel.getByText("has no bottlenecks: it is MobileNetV1").waitFor();
  assert.ok(await page.locator("#relu-from").isHidden());

  await open("block", "&apart.network=paper&apart.block=3");
  await panel.getByText("Its shortcut carries only").waitFor();
  await panel.getByText("A residual block adds its input to its output.").waitFor();
  check();
});

test("the plain twin is compared with separable convolutions", { timeout: 2 * MINUTE }, async () => {
  const { panel, open, check } = await takeApart("plain");
  await open("block", "&apart.block=1");
  await panel.getByText("The block takes 18.9 M multiply-adds. A separable convolution in its place").waitFor();
  assert.deepEqual(await panel.locator("figcaption:visible").allInnerTexts(), [
    "Plain 3×3 convolution",
    "MobileNetV1’s block",
  ]);
  await panel.getByText("This network is MobileNetV1 with plain convolutions").waitFor();
  await open("separable");
  await panel
    .getByText(/^With its plain 3×3 convolutions this network takes [\d.]+\sM multiply-adds\. .* times fewer\.$/)
    .waitFor();
  await open("memory");
  await panel.getByText("without a wide middle, there is nothing to save").waitFor();
  check();
});
