/**
 * Every file of the page with a hash of its bytes, for service-worker.js. `cargo xtask build` writes the list into dist/;
 * this empty one stands in its place while the page is worked on, so that nothing is kept and every edit shows.
 *
 * @type {Record<string, string>}
 */
const FILES = {};
