#!/usr/bin/env node
// Firefox for Playwright, which starts this program instead: it starts the Firefox that FIREFOX names with the arguments it
// gets, and relays between the two. What Playwright asks for and Firefox has no command for, or tells without the name that
// Playwright looks for, is put right here; everything else passes unchanged.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { WebSocket, WebSocketServer } from "ws";

const LISTENS = /^(WebDriver BiDi listening on )(ws:\S+)$/;
/** Above the numbers of Playwright's own commands, which count from 1. */
const OWN = 2 ** 40;

const { FIREFOX = "firefox-esr" } = process.env;
// system access: to run scripts in the browser itself, as `preferDark` does
const firefox = spawn(FIREFOX, ["--remote-allow-system-access", ...process.argv.slice(2)], {
  stdio: ["ignore", "ignore", "pipe"],
});
firefox.once("error", (error) => {
  console.error(String(error));
  process.exit(1);
});
firefox.once("exit", (code) => process.exit(code ?? 1));

for await (const line of createInterface(firefox.stderr)) {
  const [, words, url] = LISTENS.exec(line) ?? [];
  console.error(url ? words + (await startProxy(url)) : line);
}

/** The address of a proxy for this address. @param {string} url */
async function startProxy(url) {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  server.on("connection", (playwright, { url: path }) => relay(playwright, new WebSocket(url + path)));
  await new Promise((resolve) => server.once("listening", resolve));
  return `ws://127.0.0.1:${/** @type {import("node:net").AddressInfo} */ (server.address()).port}`;
}

/** @param {WebSocket} playwright @param {WebSocket} browser */
function relay(playwright, browser) {
  /** Those who wait for answers to our own commands. @type {Map<number, (answer: any) => void>} */
  const waiting = new Map();
  /** Workers by the realm of their page. @type {Map<string, string[]>} */
  const workers = new Map();
  let next = OWN;
  const opened = new Promise((resolve) => browser.once("open", resolve));

  /** The result of a command of our own. @param {string} method @param {object} params @returns {Promise<any>} */
  async function send(method, params) {
    const id = next++;
    browser.send(JSON.stringify({ id, method, params }));
    const { type, result, message } = await new Promise((resolve) => waiting.set(id, resolve));
    if (type !== "success" || result.type === "exception") throw new Error(message ?? result.exceptionDetails.text);
    return result;
  }

  /** What the relay does in Firefox's place, by command. @type {Record<string, (params: any) => Promise<void> | false>} */
  const instead = {
    // headless Firefox prefers light colours anyway
    "emulation.setMediaFeaturesOverride": async ({ features, userContexts = [] }) => {
      if (features["prefers-color-scheme"] === "dark") for (const one of userContexts) await preferDark(send, one);
    },
    // it has no such permissions: a preference opens the clipboard (tests/browser/server.js)
    "permissions.setPermission": ({ descriptor }) => descriptor.name.startsWith("clipboard-") && Promise.resolve(),
  };

  playwright.on("message", async (data) => {
    const text = String(data);
    const { id, method, params } = JSON.parse(text);
    await opened;
    const done = instead[method]?.(params);
    if (!done) return browser.send(text);
    const answer = await done.then(
      () => ({ type: "success", result: {} }),
      (error) => ({ type: "error", error: "unknown error", message: String(error) }),
    );
    playwright.send(JSON.stringify({ id, ...answer }));
  });
  browser.on("message", (data) => {
    const message = JSON.parse(String(data));
    const own = waiting.get(message.id);
    if (own) return waiting.delete(message.id) && own(message);
    const { method, params } = message;
    // Playwright tells downloads apart by their navigation, which one of a file made by the page has not
    if (/^browsingContext\.download/.test(method)) params.navigation ??= params.url;
    playwright.send(JSON.stringify(message));
    // the end of a worker that outlives its page by a moment is not told: it ends with its page
    if (method === "script.realmCreated")
      for (const owner of params.owners ?? []) workers.set(owner, [...(workers.get(owner) ?? []), params.realm]);
    if (method !== "script.realmDestroyed") return;
    for (const realm of workers.get(params.realm) ?? [])
      playwright.send(JSON.stringify({ type: "event", method, params: { realm } }));
    workers.delete(params.realm);
  });
  browser.on("close", () => playwright.close());
  playwright.on("close", () => firefox.kill()); // also where a test that hangs is ended
}

/**
 * Makes every page of a user context prefer dark colours, as the browser's own tools for developers do.
 *
 * @param {(method: string, params: object) => Promise<any>} send @param {string} userContext
 */
async function preferDark(send, userContext) {
  const { contexts } = await send("browsingContext.getTree", { "moz:scope": "chrome", maxDepth: 0 });
  // whenever a page gets a new browsing context, as isolated ones do
  const watch = (/** @type {string} */ id) => {
    const { ChromeUtils, Services } = /** @type {any} */ (globalThis);
    const shared = "chrome://remote/content/shared/UserContextManager.sys.mjs";
    const { UserContextManager } = ChromeUtils.importESModule(shared);
    const internal = UserContextManager.getInternalIdById(id);
    Services.obs.addObserver((/** @type {any} */ context) => {
      const { top, originAttributes } = context;
      if (context === top && originAttributes.userContextId === internal) context.prefersColorSchemeOverride = "dark";
    }, "browsing-context-attached");
  };
  await send("script.evaluate", {
    expression: `(${watch})(${JSON.stringify(userContext)})`,
    target: { context: contexts[0].context },
    awaitPromise: true,
  });
}
