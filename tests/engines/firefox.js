#!/usr/bin/env node
// Firefox for Playwright, which is given this program for it: starts the Firefox that FIREFOX names with the arguments it
// gets, and stands between the two. Playwright tells each context to prefer light colours, by a command that Firefox does not
// know, and gives up where that fails. Headless it prefers them anyway: Playwright is told that all went well. Everything else,
// a wish for dark ones too, goes through as it is.

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

/** The address at which Playwright finds what is at this one. @param {string} url */
async function startProxy(url) {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  server.on("connection", (playwright, { url: path }) => {
    const browser = new WebSocket(url + path);
    const opened = new Promise((resolve) => browser.once("open", resolve));
    playwright.on("message", async (data) => {
      const text = String(data);
      const { id, method, params } = JSON.parse(text);
      if (method === "emulation.setMediaFeaturesOverride" && params.features["prefers-color-scheme"] === "light") {
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
