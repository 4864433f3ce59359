// Newer builds on the host: builds never mix, and a newer one waits until it is complete and requested.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cp, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { BUILD, classified, dist, freshPage, kept, keptPaths, overlay, serve, temporary } from "./hosts.js";
import { crash, engineIs, watchWorkers } from "./lab.js";

/** @typedef {import("node:test").TestContext} TestContext */

const hashOf = (/** @type {string | Buffer} */ content) =>
  createHash("sha256").update(content).digest("hex").slice(0, 16);

/**
 * Another complete build, with another title and so another name.
 *
 * @param {TestContext} t @param {string} title
 */
async function otherBuild(t, title) {
  const folder = join(await temporary(t), "dist");
  await cp(dist, folder, { recursive: true });
  const name = hashOf(title);
  await rename(join(folder, BUILD), join(folder, name));
  const put = (/** @type {string} */ path, /** @type {string} */ text) => writeFile(join(folder, path), text);
  const get = (/** @type {string} */ path) => readFile(join(folder, path), "utf8");
  const list = JSON.parse((await get("files.js")).replace(/^[^]*FILES = |;\s*$/g, "").replaceAll(BUILD, name));
  const changed = {
    "index.html": (await get("index.html")).replaceAll(BUILD, name),
    "bench.html": (await get("bench.html")).replaceAll(BUILD, name),
    [`${name}/i18n/en.json`]: JSON.stringify({ ...JSON.parse(await get(`${name}/i18n/en.json`)), title }),
  };
  for (const [path, text] of Object.entries(changed)) {
    await put(path, text);
    list[path] = hashOf(text);
  }
  await put("files.js", `const BUILD = "${name}";\nconst FILES = ${JSON.stringify(list)};\n`);
  return { folder, name };
}

/** A host that may switch to another build. @param {TestContext} t @param {Parameters<typeof serve>[1]} [options] */
async function movingHost(t, options = {}) {
  const link = join(await temporary(t), "site");
  await symlink(dist, link);
  const server = await serve(t, { roots: [link], isolated: false, ...options });
  return {
    ...server,
    async moveTo(/** @type {string} */ folder) {
      await rm(link);
      await symlink(folder, link);
    },
  };
}

/** How the installation of what is on the host by now ends, and whether a build waits. @param {import("playwright-core").Page} page */
const installs = (page) =>
  page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    await registration.update();
    const { installing } = registration;
    while (installing?.state === "installing") {
      await new Promise((resolve) => installing.addEventListener("statechange", resolve, { once: true }));
    }
    return [installing?.state, !!registration.waiting];
  });
const loadIt = (/** @type {import("playwright-core").Page} */ page) => page.getByRole("button", { name: "Load it" });

test("a newer build waits until it is complete and requested", { timeout: 120_000 }, async (t) => {
  const host = await movingHost(t);
  const { page } = await freshPage(t);
  await page.goto(host.url);
  await classified(page); // with a sample that must be kept
  await kept(page);

  const other = await otherBuild(t, "Newer Lab");
  const words = join(other.folder, other.name, "i18n/en.json"); // which the kept build does not share
  const whole = await readFile(words);
  await writeFile(words, "{}"); // not what files.js says
  await host.moveTo(other.folder);
  await page.reload();
  await classified(page);
  assert.deepEqual(await installs(page), ["redundant", false], "it is not complete");
  assert.equal(await loadIt(page).isVisible(), false);

  await writeFile(words, whole);
  await page.reload();
  await loadIt(page).waitFor();
  await page.waitForFunction(() => document.title === "Classify · MobileNetV2 Lab");
  await page.reload();
  await loadIt(page).waitFor();
  await page.waitForFunction(() => document.title === "Classify · MobileNetV2 Lab"); // a reload alone changes nothing
  await loadIt(page).click();
  await page.waitForFunction(() => document.title.endsWith("Newer Lab"));
  await kept(page);
  assert.equal(await loadIt(page).isVisible(), false);
  const paths = await keptPaths(page);
  const strange = paths.filter((path) => path.startsWith("?") || path.startsWith(BUILD));
  assert.deepEqual(strange, [], "the older build is gone");
  await host.close();
  await page.reload();
  await classified(page);
  assert.equal(await page.title(), "Classify · Newer Lab");
});

test("a page loads its own build's files, even if another tab has a newer one", { timeout: 180_000 }, async (t) => {
  const host = await movingHost(t);
  const { page: old, context } = await freshPage(t);
  await old.addInitScript(watchWorkers);
  await old.goto(`${host.url}?threads=2`);
  await kept(old);

  const other = await otherBuild(t, "Newer Lab");
  for (const file of ["worker.js", "core.js", "thread.js", "pkg/relaxed-simd-threads/mobilenetv2.js"]) {
    await writeFile(join(other.folder, other.name, "engine", file), "throw new Error('of the newer build')");
  }
  // listed, so that this build is complete and takes over
  const list = join(other.folder, "files.js");
  const hash = hashOf("throw new Error('of the newer build')");
  const broken = /"\w+\/engine\/(worker|core|thread|pkg\/relaxed-simd-threads\/mobilenetv2)\.js":"\w+"/g;
  const text = await readFile(list, "utf8");
  await writeFile(
    list,
    text.replace(broken, (entry) => entry.replace(/"\w+"$/, `"${hash}"`)),
  );
  await host.moveTo(other.folder);
  const second = await context.newPage();
  await second.goto(host.url);
  await loadIt(second).waitFor();
  await loadIt(second).click();
  await second.waitForFunction(() => document.title.endsWith("Newer Lab"));
  await loadIt(old).waitFor();

  await crash(old);
  const restarted = () => old.workers().filter((worker) => worker.url().endsWith(`${BUILD}/engine/worker.js`));
  while (restarted().length !== 1) await old.waitForTimeout(50);
  await old.locator(engineIs("2 threads, relaxed SIMD")).waitFor();
  await old.locator("#tab-apart").click();
  await old.locator(".netmap button").first().waitFor();
  await loadIt(old).click();
  await old.waitForFunction(() => document.title.endsWith("Newer Lab"));
});

/** In the page: makes the first probe, for relaxed SIMD, fail. */
function withoutRelaxedSimd() {
  const { validate } = WebAssembly;
  WebAssembly.validate = () => {
    WebAssembly.validate = validate;
    return false;
  };
}

test("a kept page takes no missing files from a newer build", { timeout: 180_000 }, async (t) => {
  const host = await movingHost(t);
  const { page } = await freshPage(t);
  await page.goto(`${host.url}?threads=2`);
  await kept(page);
  const other = await otherBuild(t, "Newer Lab");
  await host.moveTo(other.folder);
  await page.addInitScript(withoutRelaxedSimd); // a variant that has not been used
  await page.goto(`${host.url}?threads=1`);
  await page
    .getByText(/A newer version of this page is on its host, and mobilenetv2\w*\.\w+ of this one is no/)
    .waitFor();
  await loadIt(page).first().click();
  await page.waitForFunction(() => document.title.endsWith("Newer Lab"));
  await classified(page);
});

test("a file with the right name and other content is not from this build", { timeout: 120_000 }, async (t) => {
  const over = await overlay(t);
  const host = await serve(t, { roots: [over.folder, dist], isolated: false });
  const { page } = await freshPage(t);
  await page.goto(`${host.url}?threads=2`);
  await kept(page);
  await over.write(`${BUILD}/engine/pkg/simd128/mobilenetv2_bg.wasm`, "of the newer build");
  await page.addInitScript(withoutRelaxedSimd);
  await page.goto(`${host.url}?threads=1`);
  await page.getByText("A newer version of this page is on its host, and mobilenetv2_bg.wasm of this one").waitFor();
});

test("without a service worker a page says that its host has a newer build", { timeout: 120_000 }, async (t) => {
  const host = await movingHost(t);
  const { page } = await freshPage(t, { serviceWorkers: "block" });
  await page.addInitScript(watchWorkers);
  await page.goto(host.url);
  await classified(page);
  await host.moveTo((await otherBuild(t, "Newer Lab")).folder);
  await crash(page);
  await page.getByText("A newer version of this page is on its host, and worker.js of this one is no").waitFor();
  await page.reload();
  await classified(page);
  assert.equal(await page.title(), "Classify · Newer Lab");
});

test("a partly kept build does not mix with the next, which is kept in its place", { timeout: 120_000 }, async (t) => {
  const next = await otherBuild(t, "Newer Lab");
  // the next build's service worker arrives while its page is being loaded, unless the browser first loads the page
  const [held, list] = [`/${next.name}/engine/thread.js`, "/files.js"];
  let installed = () => {};
  const changed = new Promise((resolve) => (installed = () => resolve(setTimeout(1000))));
  const host = await movingHost(t, {
    answer({ url = "" }, response) {
      if (url === list && moved) installed();
      if (url !== held) return false;
      Promise.race([changed, setTimeout(5000)]).then(async () => {
        response.setHeader("Content-Type", "text/javascript");
        response.end(await readFile(join(next.folder, held)));
      });
      return true;
    },
  });
  let moved = false;
  const { page } = await freshPage(t);
  const first = await otherBuild(t, "First Lab");
  await writeFile(join(first.folder, first.name, "icon.svg"), "<svg/>"); // not what files.js says: the build never becomes complete
  await host.moveTo(first.folder);
  await page.goto(`${host.url}bench.html`);
  await page.locator("#bench .primary").waitFor();
  await page.waitForFunction(() => crossOriginIsolated);
  while ((await keptPaths(page)).length < 20) await page.waitForTimeout(100);

  await host.moveTo(next.folder);
  moved = true;
  await page.goto(`${host.url}?threads=2`);
  await page.locator(engineIs("2 threads, relaxed SIMD")).waitFor();
  await classified(page);
  assert.equal(await page.title(), "Classify · Newer Lab");
  await kept(page);
  await host.close();
  await page.reload();
  await classified(page);
  assert.equal(await page.title(), "Classify · Newer Lab");
});
