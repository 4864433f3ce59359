// What is seen first, of a page without ImageNet weights (imagenet.test.js has one with them): a photo with its answer, and three
// ways on; all of it on the first screen, in both languages.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { predictions, startLab } from "./lab.js";

/** @typedef {import("playwright-core").Page} Page */
/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
before(async () => {
  lab = await startLab({ cifar: false });
});
after(() => lab?.close());

/** @param {Page} page */
const answered = (page) => page.locator("#panel-classify .says[aria-busy=false] .predictions li").first().waitFor();
/** @param {Page} page @param {string} selector */
async function boxOf(page, selector) {
  const box = await page.locator(selector).first().boundingBox();
  assert.ok(box, `${selector} is on show`);
  return { ...box, bottom: box.y + box.height, right: box.x + box.width };
}

test("it begins with a photo that the network knows, and says nothing of how it computes until it is asked", async () => {
  const { page, check } = await lab.open();
  await answered(page);
  assert.equal(await page.locator("#weights").inputValue(), "cifar10-0.35");
  assert.equal(await page.locator("#panel-classify .photo img").getAttribute("alt"), "Cat");
  const [best] = await predictions(page);
  assert.equal(best.name, "cat");
  await page.locator(".cost", { hasText: /[\d.]+\sms per image, this device/ }).waitFor();
  assert.doesNotMatch(await page.locator("body").innerText(), /SIMD|thread/i);
  await page.locator(".cost .term", { hasText: "this device" }).hover();
  await page.locator("#explanation:popover-open", { hasText: /threads?, relaxed SIMD/ }).waitFor();
  check();
});

for (const locale of ["en", "ko"]) {
  for (const width of [360, 390]) {
    test(`on a phone of ${width} pixels photo, answer and the three ways are on the first screen, ${locale}`, async () => {
      const viewport = { width, height: 844 };
      const { page } = await lab.open("", { locale, viewport, hasTouch: true, isMobile: true });
      await answered(page);
      const [photo, says, ways] = await Promise.all(
        ["#panel-classify .photo img", "#panel-classify .predictions", "#panel-classify .ways"].map((one) =>
          boxOf(page, one),
        ),
      );
      assert.ok(photo.bottom <= says.y && says.bottom <= ways.y, "one beneath the other");
      assert.ok(photo.height >= 150, `the photo is ${photo.height} pixels high`);
      assert.ok(ways.bottom <= 844, `the ways on end at ${ways.bottom}`);
      for (const way of await page.locator(".way").filter({ visible: true }).all())
        assert.ok(((await way.boundingBox())?.height ?? 0) >= 44);
    });
  }
}

test("at 1920 × 1080 photo and answer take the width, and the ways on are in sight", async () => {
  const { page } = await lab.open("", { viewport: { width: 1920, height: 1080 } });
  await answered(page);
  const [stage, says, ways] = await Promise.all(
    ["#panel-classify .stage", "#panel-classify .says", "#panel-classify .ways"].map((one) => boxOf(page, one)),
  );
  assert.ok(says.right - stage.x > 1500, `they are ${says.right - stage.x} pixels wide`);
  assert.ok(stage.height > 500 && ways.bottom <= 1080);
  const size = await page
    .locator(".says .name")
    .first()
    .evaluate((name) => parseFloat(getComputedStyle(name).fontSize));
  assert.ok(size >= 40, `the answer is written in ${size} pixels`);
});

test("nothing jumps when the answer comes", async () => {
  const { page } = await lab.open();
  const before = await boxOf(page, "#panel-classify .ways");
  await answered(page);
  assert.deepEqual(await boxOf(page, "#panel-classify .ways"), before);
});

test("the three ways on: a picture of one's own, a training that starts, the network from inside", async () => {
  const { page } = await lab.open();
  await answered(page);
  const chooser = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Try your photo" }).click();
  assert.ok((await chooser).isMultiple());

  await page.getByRole("button", { name: "See inside" }).press("Enter");
  await page.locator("#panel-apart .netmap button").first().waitFor();
  await page.goBack();

  await page.getByRole("button", { name: "Watch it learn" }).click();
  await page.locator("#tab-train[aria-selected=true]").waitFor();
  await page.locator(".train-message", { hasText: /Run 1 is training|Evaluating/ }).waitFor();
  assert.equal(await page.locator("#setting-data").inputValue(), "shapes");
  // where one is under way, that is the one to watch
  await page.goBack();
  await page.getByRole("button", { name: "Watch it learn" }).click();
  await page.locator("#tab-train[aria-selected=true]").waitFor();
  assert.equal(await page.getByText("Run 2").count(), 0);
});

test("one button says which weights are to be had: from where, how large, how long; a refusal is in the page's words", async () => {
  const file = await readFile(new URL("../../www/weights/shapes-0.5.safetensors", import.meta.url));
  let refuses = true;
  const host = createServer((_, response) => {
    response.setHeader("Access-Control-Allow-Origin", "*");
    if (refuses) response.writeHead(503).end();
    else response.writeHead(200, { "content-length": file.length }).end(file);
  });
  await new Promise((listening) => host.listen(0, "127.0.0.1", () => listening(null)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (host.address());
  const url = `http://127.0.0.1:${port}/weights.safetensors`;
  const manifest = JSON.parse(await readFile(new URL("../../www/weights/manifest.json", import.meta.url), "utf8"));
  for (const one of manifest) if (one.id === "google-1.0") one.file = url;
  const routes = { "**/weights/manifest.json": JSON.stringify(manifest) };
  const { page } = await lab.open("", { routes, bypassCSP: true, locale: "ko" });
  await answered(page);
  const get = page.locator(".offer-get");
  await get.filter({ hasText: `127.0.0.1:${port}에서 약 14.2 MB, 20 Mbit/s로 6초` }).waitFor();
  assert.equal(await page.locator(".offer button:visible").count(), 1);

  await get.click();
  const problem = page.locator("#bar .problem", { hasText: "파일을 보내지 않았습니다(503)" });
  await problem.waitFor();
  assert.equal(await problem.locator("a").getAttribute("href"), url);
  assert.doesNotMatch(await problem.innerText(), /fetch|Error/);
  assert.equal((await predictions(page))[0].name, "고양이", "what was there stays");
  await page.locator("#language").click();
  await page.locator("#bar .problem", { hasText: "did not send the file (503)" }).waitFor();

  refuses = false;
  await get.click();
  await page.waitForFunction(() => /** @type {any} */ (document.querySelector("#weights")).value === "google-1.0");
  await problem.waitFor({ state: "hidden" });
  host.close();
  host.closeAllConnections();
});

test("the classes of a network that knows few are listed too", async () => {
  const { page } = await lab.open("", { locale: "ko" });
  await answered(page);
  await page.getByRole("button", { name: "클래스 10개" }).click();
  const rows = page.locator("dialog[open] li");
  await rows.first().waitFor();
  assert.equal(await rows.count(), 10);
  assert.match((await rows.locator("strong").allInnerTexts()).join(), /비행기/);
  await page.keyboard.press("Escape");
});
