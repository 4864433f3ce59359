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

/**
 * @param {boolean} camera @param {boolean} scripts @param {boolean} [still] whether people prefer less motion: Playwright
 *   does not tell Firefox for each context, so another browser has those
 * @returns {Promise<import("playwright-core").Browser>}
 */
async function launchFirefox(camera, scripts, still = false) {
  const browser = await firefox.launch({
    channel: "moz-firefox",
    executablePath: fileURLToPath(new URL("../engines/firefox.js", import.meta.url)),
    firefoxUserPrefs: {
      "javascript.enabled": scripts,
      "ui.prefersReducedMotion": Number(still),
      "security.fileuri.strict_origin_policy": true, // as people have it
      "dom.events.testing.asyncClipboard": true, // no one is asked before the clipboard is read
      ...(camera && { "media.navigator.streams.fake": true, "media.navigator.permission.disabled": true }),
    },
  });
  browser.on("context", (context) => context.on("page", actLikePeople));
  const { newContext, close } = browser;
  /** @type {import("playwright-core").Browser | undefined} */
  let other;
  browser.newContext = async (options) => {
    if (options?.reducedMotion === "reduce" && !still) {
      other ??= await launchFirefox(camera, scripts, true);
      return other.newContext(options);
    }
    const context = await newContext.call(browser, options);
    if (options?.bypassCSP) await liftPolicy(context);
    return context;
  };
  browser.close = async () => {
    await other?.close();
    await close.call(browser);
  };
  return browser;
}

/** Removes the content policy, which Playwright leaves in Firefox. @param {import("playwright-core").BrowserContext} context */
const liftPolicy = (context) =>
  context.route(/(\/|\.html|\.js)(\?|$)/, async (route) => {
    const response = await route.fetch();
    const { "content-security-policy": _, ...headers } = response.headers();
    const body = (await response.text()).replace(/<meta[^>]+Content-Security-Policy[^>]+>/i, "");
    await route.fulfill({ response, headers, body });
  });

/** Playwright's own way. @type {any} */
let fillByScript;

/**
 * Replaces what Playwright does in Firefox without effect: it sends no touches, and fills fields by script, which Firefox
 * does not report as a change; sliders take no text.
 *
 * @param {import("playwright-core").Page} page
 */
function actLikePeople(page) {
  const locators = Object.getPrototypeOf(page.locator("body"));
  locators.tap = locators.click;
  fillByScript ??= locators.fill;
  locators.fill = async function (/** @type {string} */ text) {
    if (await this.evaluate((/** @type {Element} */ input) => input.matches("[type=range]")))
      return fillByScript.call(this, text);
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
