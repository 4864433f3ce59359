/**
 * Shrinks a person's picture before it is kept. This runs in its own worker, since a large photo would block the page
 * for a second and the engine's worker may be training. The worker ends when it has been idle for a while, which frees
 * the memory of large photos.
 */
import { EngineError } from "../engine/errors.js";

/** Idle milliseconds after which the worker ends. */
const IDLE = 5000;

/** @type {Worker | null} */
let worker = null;
/** @type {Map<number, {resolve: (blob: Blob) => void, reject: (error: Error) => void}>} */
const waiting = new Map();
let next = 1;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/**
 * @param {Blob | HTMLVideoElement} source
 * @returns {Promise<Blob>}
 * @throws {EngineError} as `Engine.openPicture`
 */
export async function shrink(source) {
  const sent = source instanceof Blob ? source : await createImageBitmap(source, { colorSpaceConversion: "none" });
  clearTimeout(timer);
  worker ??= start();
  const id = next++;
  worker.postMessage({ id, source: sent }, sent instanceof Blob ? [] : [sent]);
  return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
}

function start() {
  const made = new Worker(new URL("./shrinker.js", import.meta.url), { type: "module" });
  made.onmessage = ({ data: { id, blob, failure } }) => {
    const asked = waiting.get(id);
    waiting.delete(id);
    if (failure) asked?.reject(new EngineError(failure.code, failure.message, failure.values));
    else asked?.resolve(blob);
    if (!waiting.size) timer = setTimeout(end, IDLE);
  };
  made.onerror = (event) => {
    end();
    for (const { reject } of waiting.values()) {
      reject(new EngineError("no-worker", event.message || "the worker did not load"));
    }
    waiting.clear();
  };
  return made;
}

function end() {
  worker?.terminate();
  worker = null;
}
