#!/usr/bin/env node
// Firefox for Playwright, which starts this program instead: it starts the Firefox that FIREFOX names with the arguments it
// gets, and relays between the two. Playwright tells each context which colours to prefer, with a command that Firefox does not
// know, and gives up if that fails. Headless Firefox prefers light ones anyway, so Playwright is told of success unless it asks
// for dark ones. Everything else passes unchanged.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { WebSocket, WebSocketServer } from "ws";

const LISTENS = /^(WebDriver BiDi listening on )(ws:\S+)$/;

const { FIREFOX = "firefox-esr" } = process.env;
const firefox = spawn(FIREFOX, process.argv.slice(2), { stdio: ["ignore", "ignore", "pipe"] });
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
  server.on("connection", (playwright, { url: path }) => {
    const browser = new WebSocket(url + path);
    const opened = new Promise((resolve) => browser.once("open", resolve));
    playwright.on("message", async (data) => {
      const text = String(data);
      const { id, method, params } = JSON.parse(text);
      if (method === "emulation.setMediaFeaturesOverride" && params.features["prefers-color-scheme"] !== "dark") {
        return playwright.send(JSON.stringify({ type: "success", id, result: {} }));
      }
      await opened;
      browser.send(text);
    });
    browser.on("message", (data) => playwright.send(String(data)));
    browser.on("close", () => playwright.close());
    playwright.on("close", () => browser.close());
  });
  await new Promise((resolve) => server.once("listening", resolve));
  return `ws://127.0.0.1:${/** @type {import("node:net").AddressInfo} */ (server.address()).port}`;
}
