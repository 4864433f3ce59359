// Files from hosts that truncate answers, lie about them, refuse ranges, or send something else. Needs no browser.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, test } from "node:test";
import { abortable, download, fetchFile, fetchJson, gather, request } from "../../www/engine/download.js";

/** @typedef {import("node:http").IncomingMessage} IncomingMessage */
/** @typedef {import("node:http").ServerResponse} ServerResponse */

const FILE = Uint8Array.from({ length: 1000 }, (_, i) => i * 7);
const ETAG = '"one"';

/** The host's next answer, and the requests so far. @type {(request: IncomingMessage, response: ServerResponse) => void} */
let answer;
/** @type {{url: string | undefined, range: string | undefined}[]} */
let asked = [];
const host = createServer((request, response) => {
  asked.push({ url: request.url, range: request.headers.range });
  answer(request, response);
});
await new Promise((listening) => host.listen(0, "127.0.0.1", () => listening(null)));
const { port } = /** @type {import("node:net").AddressInfo} */ (host.address());
const URL_OF_FILE = `http://127.0.0.1:${port}/folder/weights.bin`;
after(() => {
  host.close();
  host.closeAllConnections();
});

/** Sets the host's behaviour. @param {typeof answer} act */
function hostThat(act) {
  answer = act;
  asked = [];
}

/** A well-behaved host. @type {typeof answer} */
function good({ headers: { range } }, response) {
  const from = Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? 0);
  if (from >= FILE.length) return void response.writeHead(416, { "content-range": `bytes */${FILE.length}` }).end();
  const part = FILE.subarray(from);
  const headers = { etag: ETAG, "content-length": part.length };
  if (!range) response.writeHead(200, headers).end(part);
  else
    response
      .writeHead(206, { ...headers, "content-range": `bytes ${from}-${FILE.length - 1}/${FILE.length}` })
      .end(part);
}

/** Sends some bytes of an answer and drops the connection. @param {ServerResponse} response @param {Uint8Array} bytes */
const cutAfter = (response, bytes) => response.write(bytes, () => setTimeout(() => response.destroy(), 10));

/** All bytes received. @param {AsyncIterable<Uint8Array>} chunks */
async function bytesOf(chunks) {
  const parts = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Uint8Array.from(Buffer.concat(parts));
}

/** Resumes a file from this byte. @param {number} from */
async function goOn(from) {
  const { version } = await (hostThat(good), request(URL_OF_FILE));
  asked = [];
  return async (/** @type {typeof answer} */ act) => {
    hostThat(act);
    const { chunks, ...incoming } = await request(URL_OF_FILE, { from, version });
    return { ...incoming, sameVersion: incoming.version === version, bytes: await bytesOf(chunks) };
  };
}

test("a file arrives completely, and its progress rises to 1", async () => {
  hostThat(good);
  const /** @type {number[]} */ shares = [];
  assert.deepEqual(await download(URL_OF_FILE, { onProgress: (share) => shares.push(share) }), FILE);
  assert.equal(shares.at(-1), 1);
  assert.deepEqual(shares, shares.toSorted());
});

test("a file of unknown length arrives completely, without progress", async () => {
  hostThat((_, response) => (response.write(FILE.subarray(0, 400)), response.end(FILE.subarray(400))));
  assert.deepEqual(await download(URL_OF_FILE, { onProgress: () => assert.fail("progress without a length") }), FILE);
});

test("an answer that is not the file is explained, with the file's name", async () => {
  for (const [status, headers, code] of /** @type {[number, Record<string, string>, string][]} */ ([
    [404, {}, "network"],
    [404, { "content-type": "text/html" }, "network"],
    [500, {}, "network"],
    [503, { "content-type": "text/html; charset=utf-8" }, "network"],
    [204, {}, "network"],
    [200, { "content-type": "text/html" }, "web-page"],
    [200, { "content-type": "text/html; charset=utf-8" }, "web-page"],
  ])) {
    for (const ask of [fetchFile, fetchJson, download, request]) {
      hostThat((_, response) =>
        response.writeHead(status, headers).end(status === 204 ? undefined : "<!doctype html>"),
      );
      await assert.rejects(ask(URL_OF_FILE), (/** @type {any} */ error) => {
        assert.equal(error.code, code, `${ask.name}, ${status}`);
        assert.deepEqual(error.values, {
          url: URL_OF_FILE,
          host: `127.0.0.1:${port}`,
          file: "weights.bin",
          status: String(status),
        });
        return true;
      });
      assert.equal(asked.length, 1, "asked once");
    }
  }
});

test("an unreachable host is reported", async () => {
  hostThat((_, response) => response.destroy());
  for (const ask of [fetchFile, fetchJson, download, request])
    await assert.rejects(ask(URL_OF_FILE), { code: "network" });
});

test("a web page instead of the page's own file means missing, another build means newer", async (t) => {
  const build = `http://127.0.0.1:${port}/lab/0123456789abcdef/curves/panel.json`;
  Object.defineProperty(globalThis, "location", { value: new URL(build), configurable: true });
  t.after(() => Reflect.deleteProperty(globalThis, "location"));
  const there = (/** @type {string} */ list, /** @type {number} */ status) =>
    hostThat(({ url }, response) =>
      url === "/lab/files.js"
        ? response.end(list)
        : response.writeHead(status, { "content-type": "text/html" }).end("<p>"),
    );
  for (const [list, status, code] of /** @type {[string, number, string][]} */ ([
    ['const BUILD = "0123456789abcdef";', 200, "missing-file"],
    ['const BUILD = "0123456789abcdef";', 404, "network"],
    ['const BUILD = "fedcba9876543210";', 200, "newer-build"],
    ['const BUILD = "fedcba9876543210";', 404, "newer-build"],
    ["<!doctype html>", 404, "network"], // a host that answers everything with a page says nothing about builds
    ['const BUILD = "0123456789abcdef";', 409, "newer-build"], // the service worker
  ])) {
    there(list, status);
    await assert.rejects(fetchJson(build), { code }, `${list} ${status}`);
  }
});

test("invalid JSON, or a web page without a type, is reported as such", async () => {
  hostThat((_, response) => response.end('{"a": [1, 2]}'));
  assert.deepEqual(await fetchJson(URL_OF_FILE), { a: [1, 2] });
  hostThat((_, response) => response.end("\n <html>"));
  await assert.rejects(fetchJson(URL_OF_FILE), { code: "web-page" });
  hostThat((_, response) => response.end('{"a": [1, '));
  await assert.rejects(fetchJson(URL_OF_FILE), { code: "cut" });
});

test("a truncated answer is an error wherever it is cut, and the received part is passed on", async () => {
  for (const length of [1, 400, FILE.length - 1]) {
    const cut = () =>
      hostThat((_, response) => {
        response.writeHead(200, { "content-length": FILE.length, etag: ETAG });
        cutAfter(response, FILE.subarray(0, length));
      });
    cut();
    await assert.rejects(download(URL_OF_FILE), { code: "cut" });
    cut();
    const { chunks } = await request(URL_OF_FILE);
    const /** @type {number[]} */ came = [];
    await assert.rejects(
      async () => {
        for await (const part of gather(chunks, 1 << 20)) came.push(...part);
      },
      { code: "cut" },
    );
    assert.deepEqual(Uint8Array.from(came), FILE.subarray(0, length));
  }
  // also without a length
  hostThat((_, response) => cutAfter(response, FILE.subarray(0, 400)));
  await assert.rejects(download(URL_OF_FILE), { code: "cut" });
});

test("truncated JSON is reported", async () => {
  hostThat((_, response) => {
    response.writeHead(200, { "content-length": 100 });
    cutAfter(response, Buffer.from('{"a": 1}'));
  });
  await assert.rejects(fetchJson(URL_OF_FILE), { code: "cut" });
});

test("a host that supports resuming sends only the rest", async () => {
  const resumed = await goOn(400);
  assert.deepEqual(await resumed(good), {
    from: 400,
    total: 1000,
    version: `${ETAG}  1000`,
    sameVersion: true,
    bytes: FILE.subarray(400),
  });
  assert.deepEqual(
    asked.map(({ range }) => range),
    ["bytes=400-"],
  );
});

test("without resuming, or with another file, it is fetched from the start", async () => {
  const resumed = await goOn(400);
  const rest = FILE.subarray(400);
  const part = (/** @type {Record<string, string | number>} */ headers) => (/** @type {ServerResponse} */ response) =>
    response.writeHead(206, { "content-length": rest.length, ...headers }).end(rest);
  const range = "bytes 400-999/1000";
  for (const [what, act] of /** @type {[string, (response: ServerResponse) => void][]} */ ([
    ["no ranges", (response) => response.writeHead(200, { "content-length": FILE.length }).end(FILE)],
    ["range refused", (response) => response.writeHead(416).end()],
    ["another version", part({ etag: '"two"', "content-range": range })],
    ["no version", part({ "content-range": range })],
    ["another length", part({ etag: ETAG, "content-range": "bytes 400-999/2000" })],
    ["from elsewhere", part({ etag: ETAG, "content-range": "bytes 300-899/1000" })],
  ])) {
    const { from, bytes } = await resumed((request, response) =>
      request.headers.range ? act(response) : good(request, response),
    );
    assert.equal(from, 0, what);
    assert.deepEqual(bytes, FILE, what);
  }
});

test("a file of unknown version is never resumed", async () => {
  hostThat(good);
  const { from, chunks } = await request(URL_OF_FILE, { from: 400, version: "" });
  assert.deepEqual([from, await bytesOf(chunks)], [0, FILE]);
  assert.deepEqual(asked, [{ url: "/folder/weights.bin", range: undefined }]);
});

test("a failure while resuming is reported", async () => {
  const resumed = await goOn(400);
  await assert.rejects(
    resumed((_, response) => response.writeHead(500).end()),
    { code: "network" },
  );
  await assert.rejects(
    resumed((_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<p>sign in")),
    { code: "web-page" },
  );
  await assert.rejects(
    resumed((_, response) => response.writeHead(416).end()),
    { code: "network" }, // also when asked from the start
  );
  assert.equal(asked.length, 2, "no more than twice");
});

test("a part that ends before the file does is truncated", async () => {
  const resumed = await goOn(400);
  await assert.rejects(
    resumed((_, response) =>
      response
        .writeHead(206, { etag: ETAG, "content-length": 100, "content-range": "bytes 400-499/1000" })
        .end(FILE.subarray(400, 500)),
    ),
    { code: "cut" },
  );
});

test("redirects are followed, and errors name the original address", async () => {
  hostThat((request, response) =>
    request.url === "/moved" ? good(request, response) : response.writeHead(302, { location: "/moved" }).end(),
  );
  const { version } = await request(URL_OF_FILE);
  const { from, chunks } = await request(URL_OF_FILE, { from: 400, version });
  assert.deepEqual([from, await bytesOf(chunks)], [400, FILE.subarray(400)]);
  hostThat((_, response) => response.writeHead(302, { location: URL_OF_FILE }).end());
  await assert.rejects(request(URL_OF_FILE), (/** @type {any} */ error) => {
    assert.deepEqual([error.code, error.values.url], ["network", URL_OF_FILE]);
    return true;
  });
});

test("a slow download can be aborted at any moment, and the host notices", { timeout: 10_000 }, async () => {
  for (const chunksBefore of [0, 1, 3]) {
    const left = new Promise((closed) =>
      hostThat((request, response) => {
        const drip = setInterval(() => response.write(FILE.subarray(0, 10)), 5);
        response.on("close", () => closed(clearInterval(drip)));
        if (chunksBefore) response.writeHead(200, { "content-length": FILE.length });
      }),
    );
    const controller = new AbortController();
    const reason = new Error("a person has stopped it");
    let heard = 0;
    const loading = download(URL_OF_FILE, {
      signal: controller.signal,
      onProgress: () => ++heard === chunksBefore && controller.abort(reason),
    });
    if (!chunksBefore) setTimeout(() => controller.abort(reason), 2);
    await assert.rejects(loading, (error) => error === reason);
    await left;
  }
  await assert.rejects(download(URL_OF_FILE, { signal: AbortSignal.abort() }), { name: "AbortError" });
});

test("leaving the loop ends the answer", { timeout: 10_000 }, async () => {
  const left = new Promise((closed) =>
    hostThat((_, response) => {
      response.on("close", () => closed(null));
      response.write(FILE);
    }),
  );
  for await (const _ of (await request(URL_OF_FILE)).chunks) break;
  await left;
});

test("chunks are joined into parts of a minimum length, and none is lost", async () => {
  async function* chunks() {
    for (const length of [1, 0, 3, 10, 2, 2, 1]) yield new Uint8Array(length).fill(length);
  }
  const of = async (/** @type {number} */ least) => {
    const parts = [];
    for await (const part of gather(chunks(), least)) parts.push(part);
    return parts.map(({ length }) => length);
  };
  assert.deepEqual(await of(4), [4, 10, 4, 1]);
  assert.deepEqual(await of(100), [19]);
});

test("waiting can be aborted, before and during", async () => {
  const never = new Promise(() => {});
  const reason = new Error("stopped");
  await assert.rejects(abortable(never, AbortSignal.abort(reason)), reason);
  const controller = new AbortController();
  const waiting = abortable(never, controller.signal);
  controller.abort(reason);
  await assert.rejects(waiting, reason);
  assert.equal(await abortable(Promise.resolve(1), new AbortController().signal), 1);
  await assert.rejects(abortable(Promise.reject(reason), new AbortController().signal), reason);
});
