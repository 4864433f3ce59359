// What tests of hosts share: servers and pages without any state, overlaid folders, what the service worker keeps.

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { after, before } from "node:test";
import { fileURLToPath } from "node:url";
import { launch, pageFolder, startServer } from "./server.js";

export const dist = fileURLToPath(new URL("../../dist", import.meta.url));
/** The name of the build in dist/. */
export const BUILD = basename(pageFolder());

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

/** @typedef {import("node:test").TestContext} TestContext */

/** A server that stops after the test. @param {TestContext} t @param {Parameters<typeof startServer>[0]} [options] */
export async function serve(t, options) {
  const server = await startServer(options);
  t.after(server.close);
  return server;
}

/**
 * A page in a browser without any state; `loads` counts its loads.
 *
 * @param {TestContext} t @param {import("playwright-core").BrowserContextOptions} [options]
 */
export async function freshPage(t, options = {}) {
  const context = await browser.newContext({ locale: "en", ...options });
  t.after(() => context.close());
  const page = await context.newPage();
  let loads = 0;
  page.on("domcontentloaded", () => loads++);
  return { page, context, loads: () => loads };
}

/** A folder in the system's temporary one. @param {TestContext} t */
export async function temporary(t) {
  const folder = await mkdtemp(join(tmpdir(), "mobilenetv2-"));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

/** A folder whose files overlay those of dist/. @param {TestContext} t */
export async function overlay(t) {
  const folder = await temporary(t);
  return {
    folder,
    async write(/** @type {string} */ path, /** @type {string | Buffer} */ content) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), content);
    },
  };
}

export const kept = (/** @type {import("playwright-core").Page} */ page) => page.getByText("Works offline").waitFor();
export const classified = (/** @type {import("playwright-core").Page} */ page) =>
  page.locator("#panel-classify .predictions li").first().waitFor();
/** Paths below the page's folder that the service worker keeps; contents kept by hash appear as paths of builds that have them. */
export const keptPaths = (/** @type {import("playwright-core").Page} */ page) =>
  page.evaluate(async () => {
    const folder = new URL("./", location.href).href;
    const cache = await caches.open(`mobilenetv2-lab ${folder}`);
    const keys = (await cache.keys()).map(({ url }) => url.slice(folder.length));
    const lists = keys.filter((key) => /^\w{16}\/$/.test(key));
    // a list may be deleted while it is read
    const builds = await Promise.all(lists.map(async (key) => (await cache.match(folder + key))?.json() ?? {}));
    const names = new Map(builds.flatMap((files) => Object.entries(files).map(([path, hash]) => [`?${hash}`, path])));
    return keys.map((key) => names.get(key) ?? key);
  });
