/** Files from a host, with an error message for every failure. */
import { EngineError } from "./errors.js";

/**
 * In a built page all files lie in a folder named after their hash; its parent folder has the list `files.js`
 * (xtask/src/build.rs).
 */
const BUILD = /^(.*\/)([0-9a-f]{16})\//;
/** Status with which the service worker says that the host's file is not from this build. */
const OTHER_BUILD = 409;

/**
 * A host's answer with a file.
 *
 * @typedef {object} Incoming
 * @property {number} from first byte sent: the requested one, or 0
 * @property {number} total bytes of the whole file; 0 if the host does not say
 * @property {string} version changes with the file; "" if the host does not say
 * @property {AsyncGenerator<Uint8Array>} chunks
 */

/**
 * Fetches a whole file.
 *
 * @param {string | URL} url
 * @param {{signal?: AbortSignal}} [options]
 * @returns {Promise<Response>} with a body
 * @throws {EngineError} `network`, `web-page` or, for a file of the page itself, `missing-file`, `newer-build`
 */
export const fetchFile = async (url, { signal } = {}) => check(await ask(url, { signal }), url);

/**
 * Fetches and parses a JSON file.
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
    throw /^\s*</.test(text) ? await refusal(response, url, true) : failure("cut", url, String(error));
  }
}

/**
 * Imports a module by its address, which bundlers must leave alone.
 *
 * @param {string | URL} url
 * @returns {Promise<any>}
 */
export const importFile = (url) => imported(import(/* @vite-ignore */ /* webpackIgnore: true */ String(url)), url);

/**
 * The module that an import gives. Where it fails, the error says why, unlike the browser's.
 *
 * @template T
 * @param {Promise<T>} module
 * @param {string | URL} url of the module
 * @throws {EngineError} as {@link fetchFile}
 */
export async function imported(module, url) {
  try {
    return await module;
  } catch (error) {
    await fetchFile(url); // to get an error that says why, unlike the browser's
    throw error;
  }
}

/** The absolute address of a folder: relative ones would be resolved against the worker's. @param {string} url */
export const folderAt = (url) => new URL(url.replace(/\/?$/, "/"), location.href).href;

/** Its absolute address. @param {string | URL} url */
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
 * The error for an answer that is not the file.
 *
 * @param {Response} response @param {string | URL} url @param {boolean} isPage whether the answer is a web page
 */
async function refusal({ status }, url, isPage) {
  const { href, origin } = located(url);
  const ours = BUILD.test(href) && (status === OTHER_BUILD || (await isReplaced(href)));
  const page = origin === globalThis.location?.origin ? "missing-file" : "web-page";
  return failure(ours ? "newer-build" : isPage ? page : "network", url, status);
}

/** Whether the host now has a different build from this file's. @param {string} url */
async function isReplaced(url) {
  const [, root, build] = BUILD.exec(url) ?? [];
  const list = await fetch(`${root}files.js`, { cache: "no-store" }).catch(() => null);
  const [, there = build] = /BUILD = "(\w+)"/.exec((list?.ok && (await list.text())) || "") ?? [];
  return there !== build;
}

/** Explanations for developers, beside the status. @type {Record<string, string>} */
const MEANING = {
  "missing-file": "the host sent a web page instead of the file",
  "web-page": "the host sent a web page instead of the file",
  "newer-build": "the host has another build of the page",
  "no-ranges": "the host does not send parts of a file",
};

/**
 * @param {string} code @param {string | URL} url
 * @param {string | number} status the host's or, where there is none, what a developer reads in its place
 */
function failure(code, url, status) {
  const { href, host, pathname } = located(url);
  const file = pathname.slice(pathname.lastIndexOf("/") + 1);
  const message = `${href}: ${MEANING[code] ?? status}`;
  return new EngineError(code, message, {
    url: href,
    host,
    file,
    status: typeof status === "number" ? String(status) : "",
  });
}

/**
 * Requests a file from some byte on. A host that cannot resume, or that now has another version, sends it from the
 * start.
 *
 * The version is checked in the answer. The header `If-Range` would let the host check it, but unlike `Range`, a page
 * may not send that to another origin without its express permission.
 *
 * @param {string | URL} url
 * @param {{signal?: AbortSignal, from?: number, version?: string}} [options] `version`: of the part that exists up to
 *   `from`
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
  const length = whole ? 0 : total - from; // a host may send less than was requested
  const chunks = read(body, length, signal, (error) => failure("cut", url, error.message));
  return { from: whole ? 0 : from, total, version: found, chunks };
}

/**
 * Fetches the bytes of a file from `from` up to and excluding `to`.
 *
 * @param {string | URL} url
 * @param {number} from
 * @param {number} to
 * @param {{signal?: AbortSignal}} [options]
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 * @throws {EngineError} as {@link fetchFile}, `cut` if the host sends fewer or other bytes, or `no-ranges` if it only
 *   sends whole files
 */
export async function fetchRange(url, from, to, { signal } = {}) {
  const response = await ask(url, { signal, headers: { Range: `bytes=${from}-${to - 1}` } });
  const { body, status, headers } = await check(response, url);
  const [, first] = /^bytes (\d+)-/.exec(headers.get("content-range") ?? "") ?? []; // not every host lets a page read it
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
 * @param {number} length minimum length
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
 * Joins chunks into parts of at least `least` bytes; the last may be shorter, also if the chunks break off.
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

/** Concatenates arrays. @param {Uint8Array[]} parts */
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
 * Fetches a file and reports progress.
 *
 * @param {string | URL} url
 * @param {{signal?: AbortSignal, onProgress?: (share: number) => void}} [options] `onProgress` receives 0 – 1
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
 * The promise, or the signal's reason if it aborts first.
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
