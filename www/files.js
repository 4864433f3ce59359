/**
 * The build's name, which is also its folder's, and every file of the page with a hash of its bytes, for
 * service-worker.js. `cargo xtask build` writes them into dist/. During development these empty ones are used, so that
 * nothing is kept and every edit shows.
 */
const BUILD = "";
/** @type {Record<string, string>} */
const FILES = {};
