// An engine that no longer answers: certain signs end it, all others are shown to the person.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { engineIs, startLab } from "./lab.js";
import { button, message, MINUTE, step, stepsDone } from "./train.js";

/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
before(async () => {
  lab = await startLab({ cifar: false });
});
after(() => lab?.close());

/** @typedef {import("playwright-core").Page} Page */

/**
 * Opens the page with code inserted before that of one of its files.
 *
 * @param {string} path @param {string} [file] @param {() => void} [before]
 */
async function open(path, file = "", before = () => {}) {
  const context = await lab.browser.newContext({ locale: "en", serviceWorkers: "block" });
  if (file)
    await context.route(`**/${file}`, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: `(${before})();\n${await response.text()}` });
    });
  const page = await context.newPage();
  await page.clock.install();
  await page.goto(lab.url + path);
  return { page, context };
}

/**
 * In the engine's thread: does what `tell` asks for. Not every driver runs code in a worker.
 *
 * @typedef {{end?: number, block?: number}} Order a helper thread to end; milliseconds without an answer
 */
function obey() {
  const worker = /** @type {any} */ (globalThis);
  /** @type {Worker[]} */
  const threads = [];
  worker.Worker = class extends Worker {
    constructor(/** @type {[URL, WorkerOptions]} */ ...args) {
      super(...args);
      threads.push(this);
    }
  };
  new BroadcastChannel("orders").onmessage = ({ data }) => {
    const { end, block = 0 } = /** @type {Order} */ (data);
    if (end !== undefined) threads[end].terminate();
    const until = Date.now() + block;
    while (Date.now() < until);
  };
}

/** @param {Page} page @param {Order} order */
const tell = (page, order) => page.evaluate((order) => new BroadcastChannel("orders").postMessage(order), order);

test(
  "a training whose helper thread ends returns to its checkpoint, and Classify answers again",
  { timeout: 2 * MINUTE },
  async () => {
    const { page, context } = await open("?threads=2#train", "engine/core.js", obey);
    await page.locator(engineIs("2 threads")).waitFor();
    await button(page, "One step").click();
    await message(page, /is paused at step 1;/);
    await button(page, "Resume").click();
    await stepsDone(page, 3);
    await tell(page, { end: 1 });
    await message(page, /Run 1 was interrupted: it can resume from step 1/);
    await page.locator("#bar .problem", { hasText: "One of the engine’s threads has ended" }).waitFor();
    await page.locator(engineIs("1 thread,")).waitFor();
    await button(page, "Resume run 1").click();
    await stepsDone(page, 3);
    await page.locator("#tab-classify").click();
    await page.locator("#panel-classify .says[aria-busy=false] .predictions li").first().waitFor();
    await context.close();
  },
);

test("a helper thread that ends while idle is noticed too", { timeout: MINUTE }, async () => {
  const { page, context } = await open("?threads=2", "engine/core.js", obey);
  await page.locator("#panel-classify .predictions li").first().waitFor();
  await tell(page, { end: 0 });
  await page.locator(engineIs("1 thread,")).waitFor();
  await page.locator("#panel-classify .says[aria-busy=false] .predictions li").first().waitFor();
  await context.close();
});

test("threads that never start are given up, even if the engine is stuck in that", { timeout: MINUTE }, async () => {
  const { page, context } = await open("?threads=2", "engine/core.js", () => {
    /** @type {any} */ (globalThis).Worker = class {
      constructor() {
        for (;;); // as observed in Firefox
      }
    };
  });
  await page.locator("#bar", { hasText: "Loading" }).waitFor();
  await page.waitForTimeout(3000); // until everything has arrived
  await page.clock.runFor(30_000);
  await page.locator("#panel-classify .predictions li").first().waitFor();
  await page.locator(engineIs("1 thread,")).waitFor();
  await page.locator(engineIs("why only one")).waitFor();
  await context.close();
});

test("a silent engine is reported, and only the person ends it", { timeout: 2 * MINUTE }, async () => {
  const { page, context } = await open("?threads=1#train", "engine/core.js", obey);
  await button(page, "Start").click();
  await stepsDone(page, 1);
  const silent = page.getByText(/^The engine has not answered for 20 s/);
  await tell(page, { block: 6000 });
  await page.clock.fastForward(3_600_000); // a laptop that slept: timers fire once
  assert.ok(await silent.isHidden());
  await page.clock.runFor(21_000);
  await silent.waitFor();
  await silent.waitFor({ state: "hidden" });
  await stepsDone(page, (await step(page)) + 1); // it was busy
  await tell(page, { block: 1e9 });
  await page.clock.runFor(25_000);
  await page.getByRole("button", { name: "Restart the engine" }).click();
  await page.locator(".control .problem", { hasText: "The engine ran out of memory or was stopped" }).waitFor();
  await button(page, "One step").click();
  await message(page, /Run 2 is paused at step 1;/);
  await context.close();
});
