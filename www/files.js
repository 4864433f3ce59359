/**
 * The build's name, which is that of its folder, and every file of the page with a hash of its bytes, for service-worker.js.
 * `cargo xtask build` writes them into dist/; these stand in their place while the page is worked on, so that nothing is kept
 * and every edit shows.
 */
const BUILD = "";
/** @type {Record<string, string>} */
const FILES = {};
