// The start of every browser test: the built page on a local server, and a headless browser.

import { fileURLToPath } from "node:url";
import { chromium, firefox } from "playwright-core";
import { ISOLATION } from "../../pkg-config/server.js";

export { CONTENT_POLICY, ISOLATION, pageFolder, startServer } from "../../pkg-config/server.js";

const { BROWSER, CHROME } = process.env;
/** Whether the browser is Firefox. */
export const IN_FIREFOX = BROWSER === "firefox";

/**
 * Starts Chromium, the one named by the environment variable CHROME (`cargo xtask test` sets it), else the installed
 * Google Chrome; or Firefox, if BROWSER says so. Close it when done.
 * @param {object} [options]
 * @param {boolean} [options.camera] whether it has a camera, and pages may use it
 * @param {boolean} [options.scripts] whether Firefox runs scripts; Chromium is told for each context
 * @returns {Promise<import("playwright-core").Browser>}
 */
export function launch({ camera = false, scripts = true } = {}) {
  return IN_FIREFOX ? launchFirefox(camera, scripts) : launchChromium(camera);
}

/** @param {boolean} camera */
function launchChromium(camera) {
  return chromium.launch({
    ...(CHROME ? { executablePath: CHROME } : { channel: "chrome" }),
    // no sandbox, which root in a container lacks; the rest keeps the browser from calling home
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...(camera ? ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"] : []),
    ],
  });
}

/** @param {boolean} camera @param {boolean} scripts */
async function launchFirefox(camera, scripts) {
  const browser = await firefox.launch({
    channel: "moz-firefox",
    executablePath: fileURLToPath(new URL("../engines/firefox.js", import.meta.url)),
    firefoxUserPrefs: {
      "javascript.enabled": scripts,
      "dom.events.testing.asyncClipboard": true, // no one is asked before the clipboard is read
      ...(camera && { "media.navigator.streams.fake": true, "media.navigator.permission.disabled": true }),
    },
  });
  browser.on("context", (context) => context.on("page", actLikePeople));
  return browser;
}

/**
 * Replaces what Playwright does in Firefox without effect: it sends no touches, and fills fields by script, which Firefox
 * does not report as a change.
 *
 * @param {import("playwright-core").Page} page
 */
function actLikePeople(page) {
  const locators = Object.getPrototypeOf(page.locator("body"));
  locators.tap = locators.click;
  locators.fill = async function (/** @type {string} */ text) {
    await this.selectText();
    await this.pressSequentially(text);
  };
}

/**
 * Opens an empty, isolated page at `empty.html` of a server, for tests of the engine alone.
 *
 * @param {import("playwright-core").Browser} browser
 * @param {string} url of the server
 */
export async function openEmpty(browser, url) {
  const page = await browser.newPage();
  await page.route("**/empty.html", (route) =>
    route.fulfill({ contentType: "text/html", headers: ISOLATION, body: "<!doctype html><title>empty</title>" }),
  );
  await page.goto(`${url}empty.html`);
  return page;
}
