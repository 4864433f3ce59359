// `cargo xtask bench engines`: the page's bench.html in Chromium, Firefox and WebKitGTK, alternating, each
// with its own WebAssembly build.
//
//     node benches/browser/engines.js
//
// ENGINES, CHROME and FIREFOX are those of tests/engines/engines.js.

import { fileURLToPath } from "node:url";
import { startServer } from "../../tests/browser/server.js";
import { ENGINES } from "../../tests/engines/engines.js";
import { BATCH } from "../../www/lab/benchmark.js";
import { alternate } from "./alternate.js";
import { median, report } from "./report.js";

/** @typedef {import("../../www/lab/benchmark.js").Case} Case */
/** @typedef {import("../../tests/engines/webdriver.js").Browser} Browser */

/** By column title. @type {Record<string, Case>} */
const CASES = {
  "1/224, ms": { width: 1, resolution: 224, batch: 0 },
  "1/96, ms": { width: 1, resolution: 96, batch: 0 },
  "0.35/96, ms": { width: 0.35, resolution: 96, batch: 0 },
  "training 1/32, images/s": { width: 1, resolution: 32, batch: BATCH },
  "training 0.35/32, images/s": { width: 0.35, resolution: 32, batch: BATCH },
};
/** Measurements per case and engine. */
const ROUNDS = 7;

const NAMES = { chromium: "Chromium", firefox: "Firefox", webkit: "WebKitGTK" };

const { ENGINES: there } = process.env;
const server = await startServer({
  policy: "",
  mounts: { "/bench/": fileURLToPath(new URL("page", import.meta.url)) },
});
/** By name and version. @type {Record<string, Browser>} */
const browsers = {};
for (const [engine, name] of Object.entries(NAMES)) {
  if (there && !there.split(",").includes(engine)) continue;
  const browser = await ENGINES[engine].start();
  browsers[`${name} ${browser.version.split(" ")[1]}`] = browser;
  await browser.goTo(`${server.url}bench/index.html`);
}

const rows = [];
for (const threads of [1, 2]) {
  /** @type {Record<string, Record<string, any>>} */
  const found = {};
  for (const [name, browser] of Object.entries(browsers)) {
    found[name] = { name, variant: await browser.run(start, threads), threads };
  }
  for (const [column, one] of Object.entries(CASES)) {
    /** @param {Browser} browser */
    const measured = (browser) => async () => [await browser.run(measure, one)];
    const engines = Object.entries(browsers).map(([name, browser]) => [name, measured(browser)]);
    for (const [name, times] of Object.entries(await alternate(ROUNDS, Object.fromEntries(engines)))) {
      const milliseconds = median(times);
      found[name][column] = one.batch ? (one.batch / milliseconds) * 1e3 : milliseconds;
      console.log(`${name}, threads ${threads}, ${column}: ${found[name][column].toFixed(2)}`);
    }
  }
  rows.push(...Object.values(found));
}
for (const browser of Object.values(browsers)) await browser.close();
await server.close();

report(
  "engines",
  rows,
  `Milliseconds of a network for one picture, and images a second of training steps of the CIFAR network on ${BATCH}: medians
of what \`bench.html\` measures, ${ROUNDS} times in each engine in alternation. The page takes relaxed SIMD where there is
some. WebKitGTK has shared memory, and so threads, only where \`JSC_useSharedArrayBuffer=1\` asks for it, as here.`,
  Object.keys(browsers),
  {
    engine: (row) => row.name,
    build: (row) => row.variant,
    threads: (row) => row.threads,
    ...Object.fromEntries(
      Object.entries(CASES).map(([column, { batch }]) => [column, (row) => row[column].toFixed(batch ? 1 : 2)]),
    ),
    lacks: (row) => (row.variant.startsWith("relaxed") ? "" : "relaxed SIMD"),
  },
);

/** In the page: starts the core with this many threads, and returns its build. @param {number} threads */
async function start(threads) {
  const page = /** @type {any} */ (window);
  page.engine?.close();
  const { createEngine } = await import(/** @type {any} */ ("/engine/engine.js"));
  page.engine = await createEngine({ threads });
  if (page.engine.threads !== threads) throw new Error(`expected ${threads} threads: ${page.engine.obstacle}`);
  return page.engine.variant;
}

/** In the page: the milliseconds of a picture or a step. @param {Case} one @returns {Promise<number>} */
async function measure(one) {
  const { measure } = await import(/** @type {any} */ ("/lab/benchmark.js"));
  const { milliseconds } = await measure(/** @type {any} */ (window).engine, one, new AbortController().signal);
  return milliseconds;
}
