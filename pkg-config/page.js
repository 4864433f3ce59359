// The server of `cargo xtask serve` and `cargo xtask dev`: www/ with its built parts.
//
//     node pkg-config/page.js PORT PACKAGES [--live]
//
// PACKAGES has a folder for each wasm variant. With --live every document reloads on demand: each line of standard
// input is the path of a changed file in www/, or empty for any other change. The server exits when its standard input closes,
// so it ends with the process that started it.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";
import { startServer } from "./server.js";

/** Milliseconds that must pass without another change: editors write a file in several steps, and several files at once. */
const SETTLED = 50;

const here = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));

const { values, positionals } = parseArgs({ allowPositionals: true, options: { live: { type: "boolean" } } });
const [port, packages] = positionals;
const live = values.live ? createLive() : null;
const { url } = await startServer({
  roots: [here("../target/overlay"), here("../www")],
  mounts: { "/engine/pkg/": packages, "/data/": here("../data") }, // data that `cargo xtask data` may still be fetching
  port: Number(port),
  answer: live?.answer,
});
console.log(`\nMobileNetV2 Lab: ${url}   (Ctrl-C ends it)`);
const lines = createInterface({ input: process.stdin }).on("line", (path) => live?.changed(path));
await once(lines, "close");
process.exit();

/** Notifies documents of changes. */
function createLive() {
  /** @type {Set<import("node:http").ServerResponse>} */
  const listeners = new Set();
  /** @type {Set<string>} */
  const paths = new Set();
  /** @type {NodeJS.Timeout | undefined} */
  let timer;

  function tell() {
    for (const listener of listeners) listener.write(`data: ${JSON.stringify([...paths])}\n\n`);
    paths.clear();
  }

  return {
    /** @param {string} path */
    changed(path) {
      paths.add(path);
      clearTimeout(timer);
      timer = setTimeout(tell, SETTLED);
    },
    /** Answers requests for live.js and for documents, which include it; ignores all others. @type {import("./server.js").Answer} */
    answer(request, response) {
      const path = (request.url ?? "/").replace(/\?.*/, "").replace(/\/$/, "/index.html");
      if (path === "/live") {
        response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
        response.write(":\n\n"); // a comment: Firefox waits for a first byte
        listeners.add(response.on("close", () => listeners.delete(response)));
      } else if (path === "/live.js") {
        response.setHeader("Content-Type", "text/javascript").end(readFileSync(here("live.js")));
      } else if (/^\/\w+\.html$/.test(path)) {
        const document = readFileSync(here(`../www${path}`), "utf8");
        const script = '<script type="module" src="/live.js"></script>';
        response.setHeader("Content-Type", "text/html").setHeader("Cache-Control", "no-store");
        response.end(document.replace("</head>", `${script}</head>`));
      } else return false;
      return true;
    },
  };
}
