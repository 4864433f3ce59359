// The page under test: the built site with the shared data that exist, and helpers for every test.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { launch, startServer } from "./server.js";

/** Data for tests that are not in the repository; MOBILENETV2_DATA names another place. */
const shared = process.env.MOBILENETV2_DATA ?? fileURLToPath(new URL("../../../shared/data", import.meta.url));

/**
 * A path of the shared data, or null with a message if it is missing; with REQUIRE_DATA that is an error.
 * @param {string} path
 */
export function sharedData(path) {
  const full = `${shared}/${path}`;
  if (existsSync(full)) return full;
  assert.ok(!process.env.REQUIRE_DATA, `${full} is missing, and REQUIRE_DATA is set`);
  console.log(`skipped: ${full} is absent`);
  return null;
}

/** What Firefox reports of every picture that is cut off, whatever the page makes of it. */
const BROKEN = /^Image corrupt or truncated/;

/**
 * A server and a browser for the tests of a file. `cifar: false` leaves the data set out; `mounts` are folders that overlay
 * the page's, by address.
 * @param {{cifar?: boolean, mounts?: Record<string, string>}} [options]
 */
export async function startLab({ cifar = true, mounts = {} } = {}) {
  const folder = cifar ? sharedData("cifar-10") : null;
  const server = await startServer({ mounts: { ...mounts, ...(folder && { "/data/cifar-10/": folder }) } });
  const browser = await launch().catch(async (error) => {
    await server.close(); // else it would keep the test running
    throw error;
  });

  /**
   * Opens the page in a new context; `check` fails if the console had errors.
   * @param {string} [hash]
   * @param {import("playwright-core").BrowserContextOptions & {script?: () => void,
   *   routes?: Record<string, string>}} [options] `routes`: replacement answers by address
   */
  async function open(hash = "", { script, routes = {}, ...options } = {}) {
    // no service worker: it would fetch instead of the page and bypass the tests' routes
    const own = /** @type {const} */ ({
      viewport: { width: 1280, height: 800 },
      locale: "en",
      serviceWorkers: "block",
    });
    const context = await browser.newContext({ ...own, ...options });
    for (const [url, body] of Object.entries(routes)) await context.route(url, (route) => route.fulfill({ body }));
    const page = await context.newPage();
    // Firefox also runs it in the empty document before the page, which is no secure context
    if (script) await page.addInitScript(`if (isSecureContext) (${script})()`);
    /** @type {string[]} */
    const errors = [];
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    page.on("pageerror", ({ stack = "" }) => BROKEN.test(stack) || errors.push(stack));
    await page.goto(server.url + hash);
    await page.locator("#weights").waitFor();
    return { page, context, check: () => assert.deepEqual(errors, [], "errors in the console") };
  }

  async function close() {
    await browser.close();
    await server.close();
  }
  return { url: server.url, browser, open, close };
}

/** A page that runs no scripts, in a browser of its own. */
export async function openWithoutScripts() {
  const browser = await launch({ scripts: false });
  const context = await browser.newContext({ javaScriptEnabled: false });
  return { page: await context.newPage(), close: () => browser.close() };
}

/** Waits until the address ends like this; it follows changes with a short delay. @param {import("playwright-core").Page} page @param {string} hash */
export const hashIs = (page, hash) => page.waitForURL((url) => url.hash === hash);

/** For {@link crash}: a script for `open`. */
export function watchWorkers() {
  const page = /** @type {any} */ (window);
  page.Worker = class extends Worker {
    constructor(/** @type {[URL, WorkerOptions]} */ ...args) {
      super(...args);
      page.lastWorker = this;
    }
  };
}

/**
 * Stops the core as if it had run out of memory, which restarts it; `then` selects an element to click at once.
 *
 * @param {import("playwright-core").Page} page
 * @param {string} [then]
 */
export const crash = (page, then) =>
  page.evaluate((then) => {
    const failure = { code: "core", message: "unreachable", values: {}, fatal: true };
    const data = { id: -1, failure };
    /** @type {any} */ (window).lastWorker.dispatchEvent(new MessageEvent("message", { data }));
    if (then) /** @type {HTMLElement} */ (document.querySelector(then)).click();
  }, then);

/** The classes shown, best first. @param {import("playwright-core").Page} page */
export async function predictions(page) {
  const rows = await page.locator("#panel-classify .predictions li").all();
  return Promise.all(
    rows.map(async (row) => ({
      name: await row.locator(".name").evaluate((name) => name.firstChild?.textContent ?? ""),
      probability: parseFloat(await row.locator(".value").innerText()) / 100,
    })),
  );
}

/**
 * Waits until Classify shows this picture and its classes.
 * @param {import("playwright-core").Page} page
 * @param {string} name
 */
export async function waitForPicture(page, name) {
  await page.locator(`#panel-classify .photo img[alt="${name}"]`).waitFor();
  await page.locator("#panel-classify .says[aria-busy=false]").waitFor();
}

/** The time in the model bar, where its explanation says this of the engine. @param {string} words */
export const engineIs = (words) => `.cost .term[data-explain-text*="${words}"]`;

export const pictureInput = "#panel-classify input[type=file]";
export const weightsInput = "#bar input[type=file]";
