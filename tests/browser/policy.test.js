// The strictest content policy that the page works under: the same everywhere, and sufficient for every feature.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { engineIs, openWithoutScripts, pictureInput, startLab, waitForPicture } from "./lab.js";
import { CONTENT_POLICY } from "./server.js";
import { button, message, MINUTE } from "./train.js";

const root = new URL("../../", import.meta.url);
const DOCUMENTS = ["index.html", "bench.html"];

/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
before(async () => {
  lab = await startLab();
});
after(() => lab?.close());

test("documents, service worker and the files for hosts have one policy", async () => {
  const text = (/** @type {string} */ path) => readFile(new URL(path, root), "utf8");
  const hosting = ["_headers", "vercel.json", ".htaccess", "nginx.conf"].map((name) => `pkg-config/hosting/${name}`);
  for (const path of [...hosting, "www/service-worker.js"])
    assert.ok((await text(path)).includes(CONTENT_POLICY), path);
  const inDocuments = CONTENT_POLICY.replace(/; frame-ancestors.*/, ""); // which a document cannot set
  for (const name of DOCUMENTS) {
    const document = await text(`www/${name}`);
    assert.ok(document.includes(`content="${inDocuments}"`), name);
    assert.doesNotMatch(document, /\son\w+=|style=|<style/, name);
  }
  assert.doesNotMatch(
    CONTENT_POLICY,
    /unsafe-(inline|eval(?<!wasm-unsafe-eval))|script-src[^;]*blob|worker-src[^;]*blob/,
  );
});

test("every room, own pictures, threads and training work under it", { timeout: 4 * MINUTE }, async () => {
  const { page, context, check } = await lab.open("?threads=2#classify");
  // the console shows what the browser refuses, also in workers
  await page.locator(engineIs("2 threads, relaxed SIMD")).waitFor();
  await page.locator("#panel-classify .predictions li").first().waitFor();
  const buffer = await readFile(new URL("www/samples/coffee.jpg", root));
  await page.locator(pictureInput).setInputFiles({ name: "own.jpg", mimeType: "image/jpeg", buffer });
  await waitForPicture(page, "own.jpg");
  assert.equal(await page.locator("#panel-classify .photo img").evaluate((image) => image.naturalWidth > 0), true);

  await page.locator("#tab-train").click();
  await button(page, "One step").click();
  await message(page, /is paused at step 1;/);
  await page.locator(".uplot canvas").first().waitFor();
  await page.locator("#tab-apart").click();
  for (const chapter of await page.locator(".apart-contents button").all()) {
    await chapter.click();
    await page.waitForTimeout(300);
  }
  await page.locator("#language").click();
  await page.locator("#theme").click();

  // published weights come from other hosts, by https only
  await context.route("https://huggingface.co/**", (route) =>
    route.fulfill({
      body: "here",
      headers: { "Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin" },
    }),
  );
  assert.equal(await page.evaluate(async () => (await fetch("https://huggingface.co/x")).text()), "here");
  check();

  const measuring = await context.newPage();
  /** @type {string[]} */
  const refused = [];
  measuring.on("console", (message) => message.type() === "error" && refused.push(message.text()));
  await measuring.goto(`${lab.url}bench.html`);
  await measuring.locator("#bench .primary").click();
  await measuring.locator("#bench td").first().waitFor();
  assert.deepEqual(refused, []);
});

test("without JavaScript the page says what it needs", async () => {
  const { page, close } = await openWithoutScripts();
  for (const name of DOCUMENTS) {
    await page.goto(lab.url + name);
    const words = page.locator("body > noscript");
    await words.waitFor();
    assert.match(await words.innerText(), /it needs JavaScript and WebAssembly/);
    assert.equal(await page.getByRole("heading").count(), 0);
  }
  await close();
});
