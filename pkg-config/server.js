// The static server of `cargo xtask serve` (page.js), of the browser tests and of the benchmarks.
//
// sirv serves the files: it is small, maintained, knows the MIME types (including application/wasm) and, in
// its dev mode, rereads every file, so that a reload shows an edit. This file only adds the headers that every host should send.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import sirv from "sirv";

/** Headers that isolate a page, as shared memory (threads) and precise timers require. */
export const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/** The strictest policy that the page works under; its documents contain it too, without the last directive. */
export const CONTENT_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:", // pictures that the person opens
  "connect-src 'self' https:", // published weights, and addresses given by other pages
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'self'",
].join("; ");

const here = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));

const dist = here("../dist");

/** The folder of the page's files in dist/, named after the build. */
export function pageFolder() {
  const [, name] = /BUILD = "(\w+)"/.exec(readFileSync(`${dist}/files.js`, "utf8")) ?? [];
  return `${dist}/${name}`;
}

/**
 * Answers a request, or returns false.
 *
 * @typedef {(request: import("node:http").IncomingMessage, response: import("node:http").ServerResponse) => boolean} Answer
 */

/**
 * Serves folders on localhost.
 * @param {object} [options]
 * @param {string[]} [options.roots] folders overlaid at "/", the first with a file wins; default: dist/,
 *   and the page's files under fixed addresses
 * @param {Record<string, string>} [options.mounts] more folders by URL prefix: {"/shared/": folder}
 * @param {Answer} [options.answer] answers before any folder is searched
 * @param {number} [options.port] default: any free one
 * @param {boolean} [options.isolated] whether to send headers at all; some hosts cannot
 * @param {string} [options.policy] its content policy; "" for pages with other libraries
 * @returns {Promise<{url: string, close: () => Promise<void>}>} `url` ends in a slash
 */
export async function startServer({
  roots = [dist, pageFolder()],
  mounts = {},
  answer = () => false,
  port = 0,
  isolated = true,
  policy = CONTENT_POLICY,
} = {}) {
  const headers = Object.entries(
    isolated ? { ...ISOLATION, ...(policy && { "Content-Security-Policy": policy }) } : {},
  );
  const serve = (/** @type {string} */ folder) => sirv(folder, { dev: true, etag: true });
  const routes = [
    ...Object.entries(mounts).map(([prefix, folder]) => ({ prefix, handler: serve(folder) })),
    ...roots.map((folder) => ({ prefix: "/", handler: serve(folder) })),
  ];
  const server = createServer((request, response) => {
    for (const [name, value] of headers) response.setHeader(name, value);
    // a build may replace a file after sirv has found it, which must not end the server
    response.on("pipe", (file) => file.once("error", () => response.destroy()));
    if (answer(request, response)) return;
    const url = request.url ?? "/";
    const candidates = routes.filter(({ prefix }) => url.startsWith(prefix));
    const next = () => {
      const route = candidates.shift();
      if (!route) return response.writeHead(404).end("not found\n");
      request.url = url.slice(route.prefix.length - 1);
      route.handler(request, response, next);
    };
    next();
  });
  await new Promise((resolve, reject) => {
    server.once("error", reject).listen(port, "127.0.0.1", () => resolve(undefined));
  });
  const address = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${address.port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
