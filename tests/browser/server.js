// What every browser test starts with: the built page on a local server, and a headless Chromium.

import { chromium } from "playwright-core";

export { CONTENT_POLICY, ISOLATION, pageFolder, startServer } from "../../pkg-config/server.js";

/**
 * Starts the browser named by the environment variable CHROME (`cargo xtask test` sets it), else the
 * installed Google Chrome. Close it when done.
 * @param {import("playwright-core").LaunchOptions} [options] override the defaults
 * @returns {Promise<import("playwright-core").Browser>}
 */
export function launch(options = {}) {
  const { CHROME } = process.env;
  return chromium.launch({
    ...(CHROME ? { executablePath: CHROME } : { channel: "chrome" }),
    // no sandbox: root in a container has none; the rest keeps the browser from calling home
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
    ...options,
  });
}
