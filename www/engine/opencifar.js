/** CIFAR-10 from its authors' archive, `cifar-10-binary.tar.gz`, kept in the browser's own storage. */
import { SLICE } from "./handles.js";

/** @typedef {import("./engine.js").Engine} Engine */

/**
 * Unpacks the archive and stores it. A training on `{kind: "cifar-10", opened: true}` may begin meanwhile.
 *
 * @param {Engine} engine
 * @param {Blob} archive
 * @param {{signal?: AbortSignal, onProgress?: (share: number) => void}} [options] `onProgress` receives 0 – 1; an abort
 *   leaves nothing behind
 * @returns {Promise<{bytes: number, stored: boolean}>} its size, and whether it will be there when the page is opened
 *   again
 * @throws {import("./errors.js").EngineError} `cifar-archive` if it is another file, or not complete
 */
export async function openCifar(engine, archive, { signal, onProgress } = {}) {
  try {
    await engine.call("openArchive", { archive });
    for (;;) {
      signal?.throwIfAborted();
      const { share, ...found } = await engine.call("archiveState", {});
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
  const { bytes, stored } = await engine.call("archiveState", {});
  return { bytes, stored };
}

/** Removes it. @param {Engine} engine */
export async function forgetCifar(engine) {
  await engine.call("forgetArchive", {});
}
