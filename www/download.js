import { EngineError } from "./errors.js";

/**
 * Fetches a file and tells how far it is.
 *
 * @param {string | URL} url
 * @param {{signal?: AbortSignal, onProgress?: (share: number) => void}} [options] `onProgress` hears 0 – 1
 * @returns {Promise<Uint8Array>}
 */
export async function download(url, { signal, onProgress } = {}) {
  const response = await fetch(url, { signal }).catch((error) => {
    signal?.throwIfAborted();
    throw new EngineError("network", `${url}: ${error.message}`, { url: String(url), status: error.message });
  });
  if (!response.ok || !response.body) {
    throw new EngineError("network", `${url}: status ${response.status}`, {
      url: String(url),
      status: response.status,
    });
  }
  const total = Number(response.headers.get("content-length"));
  const parts = [];
  let length = 0;
  for (const reader = response.body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    length += value.length;
    if (total) onProgress?.(Math.min(length / total, 1));
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/**
 * The promise, or the signal's reason if that comes first.
 *
 * @template T
 * @param {Promise<T>} promise
 * @param {AbortSignal} [signal]
 * @returns {Promise<T>}
 */
export function abortable(promise, signal) {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
