import { EngineError } from "./errors.js";

/**
 * What a host sends of a file.
 *
 * @typedef {object} Incoming
 * @property {number} from the first byte that it sends: the one asked for, or 0
 * @property {number} total bytes of the whole file, 0 where the host does not say
 * @property {string} version another one where the file is another one, "" where the host does not say
 * @property {AsyncGenerator<Uint8Array>} chunks
 */

/**
 * Asks for a file from some byte on. A host that cannot go on in the middle, or has another version by now, sends it
 * from its beginning.
 *
 * Whether it is the same version is asked of the answer. The header `If-Range` would ask the host, but a page may not
 * send it to another origin that does not expressly allow it, whereas `Range` it may.
 *
 * @param {string | URL} url
 * @param {{signal?: AbortSignal, from?: number, version?: string}} [options] `version`: of what is there up to `from`
 * @returns {Promise<Incoming>}
 * @throws {EngineError} `network`, `web-page`; while reading the chunks `cut`
 */
export async function request(url, { signal, from = 0, version = "" } = {}) {
  if (!version) from = 0;
  const { href, host } = new URL(url, globalThis.location?.href);
  const fail = (/** @type {string} */ code, /** @type {string | number} */ status) =>
    new EngineError(code, `${href}: ${status}`, { url: href, host, status: String(status) });
  const headers = from ? { Range: `bytes=${from}-` } : undefined;
  const response = await fetch(url, { signal, headers }).catch((error) => {
    signal?.throwIfAborted();
    throw fail("network", error.message);
  });
  const header = (/** @type {string} */ name) => response.headers.get(name) ?? "";
  const whole = response.status !== 206;
  const [, first, all] = /^bytes (\d+)-\d+\/(\d+)$/.exec(header("content-range")) ?? [];
  const total = Number(all) || (whole ? 0 : from) + Number(header("content-length"));
  const marks = [header("etag"), header("last-modified")];
  const found = marks.some((mark) => mark) ? [...marks, total].join(" ") : "";
  const other = whole ? response.status === 416 : found !== version || Number(first ?? from) !== from;
  if (from && other) {
    await response.body?.cancel();
    return request(url, { signal });
  }
  if (!response.ok || !response.body) throw fail("network", response.status);
  if (header("content-type").startsWith("text/html")) throw fail("web-page", response.status);
  const chunks = read(response.body, signal, (error) => fail("cut", error.message));
  return { from: whole ? 0 : from, total, version: found, chunks };
}

/**
 * @param {ReadableStream<Uint8Array>} body
 * @param {AbortSignal | undefined} signal
 * @param {(error: Error) => Error} broken
 */
async function* read(body, signal, broken) {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw broken(/** @type {Error} */ (error));
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/**
 * Chunks put together to parts of at least so many bytes; the last may be shorter, also where the chunks break off.
 *
 * @param {AsyncIterable<Uint8Array>} chunks
 * @param {number} least
 */
export async function* gather(chunks, least) {
  /** @type {Uint8Array[]} */
  let parts = [];
  let length = 0;
  try {
    for await (const chunk of chunks) {
      parts.push(chunk);
      length += chunk.length;
      if (length < least) continue;
      yield join(parts);
      parts = [];
      length = 0;
    }
  } catch (error) {
    if (length) yield join(parts);
    throw error;
  }
  if (length) yield join(parts);
}

/** One array of several. @param {Uint8Array[]} parts */
export function join(parts) {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/**
 * Fetches a file and tells how far it is.
 *
 * @param {string | URL} url
 * @param {{signal?: AbortSignal, onProgress?: (share: number) => void}} [options] `onProgress` hears 0 – 1
 * @returns {Promise<Uint8Array>}
 */
export async function download(url, { signal, onProgress } = {}) {
  const { total, chunks } = await request(url, { signal });
  const parts = [];
  let length = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    length += chunk.length;
    if (total) onProgress?.(Math.min(length / total, 1));
  }
  return join(parts);
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
