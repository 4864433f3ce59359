/** Files from a host: every answer that is none has words. */
import { EngineError } from "./errors.js";

/**
 * In a page as it is built, all files lie in a folder whose name is a hash of them, below one with the list `files.js`
 * (xtask/src/build.rs).
 */
const BUILD = /^(.*\/)([0-9a-f]{16})\//;
/** With this the service worker says that what came from the host is not the file of this build. */
const OTHER_BUILD = 409;

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
 * Fetches a file whole.
 *
 * @param {string | URL} url
 * @param {{signal?: AbortSignal}} [options]
 * @returns {Promise<Response>} with a body
 * @throws {EngineError} `network`, `web-page` or, of a file that came with the page, `missing-file`, `newer-build`
 */
export const fetchFile = async (url, { signal } = {}) => check(await ask(url, { signal }), url);

/**
 * The value in a file of JSON.
 *
 * @param {string | URL} url
 * @param {{signal?: AbortSignal}} [options]
 * @returns {Promise<any>}
 * @throws {EngineError} as {@link fetchFile}, or `cut`
 */
export async function fetchJson(url, { signal } = {}) {
  const response = await fetchFile(url, { signal });
  const text = await response.text().catch((error) => {
    signal?.throwIfAborted();
    throw failure("cut", url, error.message);
  });
  try {
    return JSON.parse(text);
  } catch (error) {
    throw /^\s*</.test(text) ? await refusal(response, url, true) : error;
  }
}

/**
 * Imports a module of which only the address is known; bundlers are to leave it alone.
 *
 * @param {string | URL} url
 * @returns {Promise<any>}
 */
export async function importFile(url) {
  try {
    return await import(/* @vite-ignore */ /* webpackIgnore: true */ String(url));
  } catch (error) {
    await fetchFile(url); // the browser's own message does not say why
    throw error;
  }
}

/** Its whole address. @param {string | URL} url */
const located = (url) => new URL(url, globalThis.location?.href);

/** @param {string | URL} url @param {{signal?: AbortSignal, headers?: HeadersInit}} options */
const ask = (url, { signal, headers }) =>
  fetch(url, { signal, headers }).catch((error) => {
    signal?.throwIfAborted();
    throw failure("network", url, error.message);
  });

/** @param {Response} response @param {string | URL} url that it answers */
async function check(response, url) {
  const isPage = response.ok && (response.headers.get("content-type") ?? "").startsWith("text/html");
  if (!response.ok || !response.body || isPage) throw await refusal(response, url, isPage);
  return /** @type {Response & {body: ReadableStream<Uint8Array>}} */ (response);
}

/**
 * Why an answer is not the file.
 *
 * @param {Response} response @param {string | URL} url @param {boolean} isPage whether it is a web page instead
 */
async function refusal({ status }, url, isPage) {
  const { href, origin } = located(url);
  const ours = BUILD.test(href) && (status === OTHER_BUILD || (await isReplaced(href)));
  const page = origin === globalThis.location?.origin ? "missing-file" : "web-page";
  return failure(ours ? "newer-build" : isPage ? page : "network", url, status);
}

/** Whether the host has gone over to another build than this file's. @param {string} url */
async function isReplaced(url) {
  const [, root, build] = BUILD.exec(url) ?? [];
  const list = await fetch(`${root}files.js`, { cache: "no-store" }).catch(() => null);
  const [, there = build] = /BUILD = "(\w+)"/.exec((list?.ok && (await list.text())) || "") ?? [];
  return there !== build;
}

/** What a developer reads beside the status. @type {Record<string, string>} */
const MEANING = {
  "missing-file": "the host sent a web page instead of the file",
  "web-page": "the host sent a web page instead of the file",
  "newer-build": "the host has another build of the page",
  "no-ranges": "the host sends no part of a file, only the whole",
};

/** @param {string} code @param {string | URL} url @param {string | number} status */
function failure(code, url, status) {
  const { href, host, pathname } = located(url);
  const file = pathname.slice(pathname.lastIndexOf("/") + 1);
  const message = `${href}: ${MEANING[code] ?? status}`;
  return new EngineError(code, message, { url: href, host, file, status: String(status) });
}

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
 * @throws {EngineError} as {@link fetchFile}; while reading the chunks `cut`
 */
export async function request(url, { signal, from = 0, version = "" } = {}) {
  if (!version) from = 0;
  const response = await ask(url, { signal, headers: from ? { Range: `bytes=${from}-` } : undefined });
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
  const { body } = await check(response, url);
  const length = whole ? 0 : total - from; // a host may send less of a file than was asked for
  const chunks = read(body, length, signal, (error) => failure("cut", url, error.message));
  return { from: whole ? 0 : from, total, version: found, chunks };
}

/**
 * Fetches the bytes of a file from `from` up to, but without, `to`.
 *
 * @param {string | URL} url
 * @param {number} from
 * @param {number} to
 * @param {{signal?: AbortSignal}} [options]
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 * @throws {EngineError} as {@link fetchFile}, `cut` where the host sends less or other bytes, or `no-ranges` where it sends
 *   whole files only
 */
export async function fetchRange(url, from, to, { signal } = {}) {
  const response = await ask(url, { signal, headers: { Range: `bytes=${from}-${to - 1}` } });
  const { body, status, headers } = await check(response, url);
  const [, first] = /^bytes (\d+)-/.exec(headers.get("content-range") ?? "") ?? []; // which not every host lets a page see
  if (status !== 206) {
    await body.cancel();
    throw failure("no-ranges", url, status);
  }
  const parts = [];
  let length = 0;
  for await (const part of read(body, to - from, signal, (error) => failure("cut", url, error.message))) {
    parts.push(part);
    if ((length += part.length) > to - from) break;
  }
  if (length !== to - from || Number(first ?? from) !== from) {
    throw failure("cut", url, `${length} bytes from ${first ?? from} instead of ${to - from} from ${from}`);
  }
  return join(parts);
}

/**
 * @param {ReadableStream<Uint8Array>} body
 * @param {number} length that it has at least
 * @param {AbortSignal | undefined} signal
 * @param {(error: Error) => Error} broken
 */
async function* read(body, length, signal, broken) {
  const reader = body.getReader();
  try {
    for (let came = 0; ;) {
      const { done, value } = await reader.read();
      if (done && came < length) throw new Error(`${came} of ${length} bytes`);
      if (done) return;
      came += value.length;
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
