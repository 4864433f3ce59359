/** Loads the core into the worker: the requested wasm build and its threads. */
import { fetchFile, importFile } from "./download.js";

/** @typedef {typeof import("./pkg/simd128-threads/mobilenetv2.js")} Core */

/**
 * Each address is written out, since bundlers find the files that way.
 *
 * @type {Record<string, {glue: URL, wasm: URL}>}
 */
const BUILDS = {
  simd128: {
    glue: new URL("./pkg/simd128/mobilenetv2.js", import.meta.url),
    wasm: new URL("./pkg/simd128/mobilenetv2_bg.wasm", import.meta.url),
  },
  "relaxed-simd": {
    glue: new URL("./pkg/relaxed-simd/mobilenetv2.js", import.meta.url),
    wasm: new URL("./pkg/relaxed-simd/mobilenetv2_bg.wasm", import.meta.url),
  },
  "simd128-threads": {
    glue: new URL("./pkg/simd128-threads/mobilenetv2.js", import.meta.url),
    wasm: new URL("./pkg/simd128-threads/mobilenetv2_bg.wasm", import.meta.url),
  },
  "relaxed-simd-threads": {
    glue: new URL("./pkg/relaxed-simd-threads/mobilenetv2.js", import.meta.url),
    wasm: new URL("./pkg/relaxed-simd-threads/mobilenetv2_bg.wasm", import.meta.url),
  },
};

/** Referenced here because Firefox ends a worker without references. @type {Worker[]} */
let helpers = [];

/**
 * @param {string} variant
 * @param {number} threads more than one only for a variant with threads
 * @param {string} locks prefix of the locks that the threads hold, one each, followed by its number
 * @param {() => void} onThreads called when everything has arrived and the threads start: no browser reports one that
 *   never starts
 * @returns {Promise<Core>}
 */
export async function loadCore(variant, threads, locks, onThreads) {
  const { glue, wasm } = BUILDS[variant];
  /** @type {[Core, WebAssembly.Module]} */
  const [core, module] = await Promise.all([importFile(glue), compile(wasm)]);
  const { memory } = await core.default({ module_or_path: module });
  if (threads > 1) {
    onThreads();
    const parts = { glue: glue.href, module, memory };
    helpers = await Promise.all(
      Array.from({ length: threads }, (_, i) => startThread({ ...parts, lock: `${locks}-${i}` })),
    );
    core.startPool(threads);
  }
  return core;
}

/** Compiles while it arrives, if the host sends wasm's type. @param {URL} url */
async function compile(url) {
  const response = await fetchFile(url);
  const named = response.headers.get("content-type") === "application/wasm";
  return named ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer());
}

/**
 * A worker that has also loaded the core and waits for the pool.
 *
 * @param {{glue: string, module: WebAssembly.Module, memory: WebAssembly.Memory, lock: string}} parts
 * @returns {Promise<Worker>}
 */
function startThread(parts) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./thread.js", import.meta.url), { type: "module" });
    worker.onmessage = ({ data: { loaded, reason } }) => (loaded ? resolve(worker) : reject(new Error(reason)));
    worker.onerror = ({ message }) => reject(new Error(message || "thread.js did not load"));
    worker.postMessage(parts);
  });
}
