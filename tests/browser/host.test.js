// A host with a web page for every address, as for single-page applications: missing files are named.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { engineIs, startLab } from "./lab.js";
import { pageFolder, startServer } from "./server.js";

/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
before(async () => {
  lab = await startLab({ cifar: false });
});
after(() => lab?.close());

/**
 * Opens the page without these files.
 *
 * @param {RegExp} missing @param {string} hash @param {string} [locale]
 */
async function openWithout(missing, hash, locale = "en") {
  const context = await lab.browser.newContext({ locale, serviceWorkers: "block" });
  await context.route(missing, (route) =>
    route.fulfill({ contentType: "text/html; charset=utf-8", body: "<!doctype html><title>Home</title>" }),
  );
  const page = await context.newPage();
  await page.goto(lab.url + hash);
  return { page, close: () => context.close() };
}

const instead = (/** @type {string} */ file) =>
  `The host sent a web page instead of ${file}, which belongs to this page.`;

for (const [missing, hash, file] of /** @type {[RegExp, string, string][]} */ ([
  [/manifest\.json/, "", "manifest.json"],
  [/\.wasm$/, "?threads=1", "mobilenetv2_bg.wasm"],
  [/\.wasm$/, "?threads=2", "mobilenetv2_bg.wasm"],
  [/pkg\/.*\.js$/, "?threads=1", "mobilenetv2.js"],
  [/\/worker\.js$/, "", "worker.js"],
  [/cifar10-0\.35\.safetensors/, "", "cifar10-0.35.safetensors"],
  [/activation\.json/, "#apart?apart.panel=activation", "activation.json"],
])) {
  test(`without ${missing} at ${hash || "/"}`, { timeout: 60_000 }, async () => {
    const { page, close } = await openWithout(missing, hash);
    await page.getByText(instead(file)).first().waitFor();
    await close();
  });
}

test("messages are in the page's language", { timeout: 60_000 }, async () => {
  const { page, close } = await openWithout(/manifest\.json/, "", "ko");
  await page.getByText("호스트가 이 페이지에 딸린 manifest.json 파일 대신 웹 페이지를 보냈습니다.").waitFor();
  await close();
});

test("if the strings themselves are missing, the message is in both languages", { timeout: 60_000 }, async () => {
  const { page, close } = await openWithout(/i18n\/en\.json/, "");
  await page.getByText("A part of this page did not load.").waitFor();
  await page.getByText("이 페이지의 일부를 불러오지 못했습니다.").waitFor();
  await page.getByText("i18n/en.json: the host sent a web page instead of the file").waitFor();
  await close();

  const other = await openWithout(/i18n\/ko\.json/, "");
  await other.page.locator("#language").click();
  await other.page.getByText(instead("ko.json")).waitFor();
  assert.equal(await other.page.evaluate(() => document.documentElement.lang), "en");
  await other.close();
});

test("a module imported by another is named too", { timeout: 60_000 }, async () => {
  for (const [path, name] of [
    ["", "vendor/idb/index.js"],
    ["bench.html", "benchmark.js"],
  ]) {
    const { page, close } = await openWithout(new RegExp(name), path);
    await page.getByText("The host answered with a web page instead of").waitFor();
    await page.getByText(name).first().waitFor();
    await close();
  }
});

test("without thread.js the page works on one thread and says why", { timeout: 60_000 }, async (t) => {
  // routes do not apply to fetches by a worker's worker
  const over = await mkdtemp(join(tmpdir(), "mobilenetv2-"));
  t.after(() => rm(over, { recursive: true }));
  const name = basename(pageFolder());
  await mkdir(join(over, name, "engine"), { recursive: true });
  await writeFile(join(over, name, "engine/thread.js"), "<!doctype html><title>Home</title>");
  const server = await startServer({ roots: [over, dirname(pageFolder())] });
  t.after(server.close);
  const context = await lab.browser.newContext({ locale: "en", serviceWorkers: "block" });
  t.after(() => context.close());
  const page = await context.newPage();
  await page.goto(`${server.url}?threads=2`);
  await page.locator("#panel-classify .predictions li").first().waitFor();
  await page.locator(engineIs("why only one")).waitFor();
});

test("opened from a disk, the page says what it needs", { timeout: 60_000 }, async () => {
  for (const document of ["index.html", "bench.html"]) {
    const page = await lab.browser.newPage();
    await page.goto(pathToFileURL(join(dirname(pageFolder()), document)).href);
    for (const words of [
      "Browsers do not run this page from a disk",
      "브라우저는 디스크에 있는 이 페이지를 실행하지 않으니",
    ])
      await page.getByText(words).waitFor();
    await page.close();
  }
});
