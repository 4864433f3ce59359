// The three engines, each with its own driver: Chromium, Firefox, and WebKit as WebKitGTK's small browser.

import { spawn } from "node:child_process";
import { startBrowser } from "./webdriver.js";

const { CHROME, FIREFOX = "firefox-esr" } = process.env;

/**
 * @typedef {object} Engine
 * @property {() => Promise<import("./webdriver.js").Browser>} start
 * @property {boolean} threads whether it has several threads
 */

/** @type {Record<string, Engine>} */
export const ENGINES = {
  chromium: {
    start: () =>
      startBrowser("chromedriver", {
        "goog:chromeOptions": {
          // no sandbox: root in a container has none
          args: ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
          ...(CHROME && { binary: CHROME }),
        },
      }),
    threads: true,
  },
  firefox: {
    start: () => startBrowser("geckodriver", { "moz:firefoxOptions": { binary: FIREFOX, args: ["-headless"] } }),
    threads: true,
  },
  // shared memory is optional here; in Safari every isolated page has it
  webkit: { start: () => startWebKit({ JSC_useSharedArrayBuffer: "1" }), threads: true },
  // and without it, in a locale that WebKit turns into an invalid language tag
  "webkit-bare": { start: () => startWebKit({ LANG: "C.UTF-8" }), threads: false },
};

/** @param {Record<string, string | undefined>} [env] */
async function startWebKit(env) {
  const screen = await startScreen();
  const own = { DISPLAY: screen.display, LANG: "en_US.UTF-8", ...env };
  try {
    const options = { "webkitgtk:browserOptions": { args: ["--automation"] } };
    const browser = await startBrowser("WebKitWebDriver", options, own);
    const { close } = browser;
    browser.close = () => close().finally(screen.close);
    return browser;
  } catch (error) {
    screen.close();
    throw error;
  }
}

/** A virtual screen (Xvfb) for a browser that needs one. */
async function startScreen() {
  const screen = spawn("Xvfb", ["-displayfd", "1", "-screen", "0", "1280x1024x24", "-nolisten", "tcp"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  /** @type {string} */
  const number = await new Promise((resolve, reject) => {
    screen.once("error", reject);
    screen.once("exit", (code) => reject(new Error(`Xvfb ended (${code})`)));
    screen.stdout.once("data", (data) => resolve(String(data).trim()));
  });
  return { display: `:${number}`, close: () => screen.kill() };
}
