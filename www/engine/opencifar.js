/** CIFAR-10 from its authors' archive or from the Hugging Face Hub, kept in the browser's own storage. */
import { folderAt } from "./download.js";
import { SLICE } from "./handles.js";

/** @typedef {import("./engine.js").Engine} Engine */

/**
 * Unpacks `cifar-10-binary.tar.gz` and stores it. A training on `{kind: "cifar-10", opened: true}` may begin meanwhile.
 *
 * @param {Engine} engine
 * @param {Blob} archive
 * @param {{signal?: AbortSignal, onProgress?: (share: number) => void}} [options] `onProgress` receives 0 – 1; an abort
 *   leaves nothing behind
 * @returns {Promise<{bytes: number, stored: boolean, checked: boolean}>} its size, whether it will be there when the page is
 *   opened again, and whether its checksum was compared
 * @throws {import("./errors.js").EngineError} `cifar-archive` if it is another file, or not complete
 */
export const openCifar = (engine, archive, options) => store(engine, archive, options);

/**
 * Fetches the Hugging Face Hub's copy (144 MB) and stores it: the authors' host does not let pages fetch the archive.
 *
 * @param {Engine} engine
 * @param {{api?: string, signal?: AbortSignal, onProgress?: (share: number) => void}} [options] `api`: another address
 *   of the Hub's API; the rest as of `openCifar`
 * @returns {Promise<{bytes: number, stored: boolean, checked: boolean}>} as of `openCifar`
 * @throws {import("./errors.js").EngineError} `cifar-hub` if the Hub has another set by this name, or as for `kind: "hub"`
 */
export const fetchCifar = (engine, { api, ...options } = {}) =>
  store(engine, api === undefined ? {} : { api: folderAt(api) }, options);

/**
 * @param {Engine} engine
 * @param {Blob | {api?: string}} source
 * @param {{signal?: AbortSignal, onProgress?: (share: number) => void}} [options]
 */
async function store(engine, source, { signal, onProgress } = {}) {
  try {
    await engine.call("storeCifar", { source });
    for (;;) {
      signal?.throwIfAborted();
      const { share, ...found } = await engine.call("cifarState", {});
      onProgress?.(share);
      if (share === 1) return found;
      await new Promise((resolve) => setTimeout(resolve, SLICE));
    }
  } catch (error) {
    await forgetCifar(engine).catch(() => {}); // the engine may have ended
    throw error;
  }
}

/** What is stored of it: `bytes` is 0 if there is nothing, or not all. @param {Engine} engine */
export async function openedCifar(engine) {
  const { bytes, stored } = await engine.call("cifarState", {});
  return { bytes, stored };
}

/** Removes it. @param {Engine} engine */
export async function forgetCifar(engine) {
  await engine.call("forgetCifar", {});
}
