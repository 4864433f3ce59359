// Fetched, opened and trained weights, with a storage that fails at each request and a host that breaks off: nothing is
// lost, no partial file is used, and downloads are resumed. Needs dist/, but no browser.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { after, test } from "node:test";
import { atEachRequest, clearStorage, contents, failAt, heal } from "./failing.js";
import { closePages, page } from "./fakes.js";

const WEIGHTS = "mobilenetv2-weights";
/** A file of more than two parts. */
const FILE = Buffer.alloc(2.5 * 2 ** 20, "weights ");
const ID = "timm-0.5";

// The page's own files are read from its folder.
const { fetch } = globalThis;
const fetchFiles = async (/** @type {any} */ url, /** @type {RequestInit} */ options) =>
  String(url).startsWith("file:") ? new Response(readFileSync(new URL(String(url)))) : fetch(url, options);
globalThis.fetch = fetchFiles;

const [{ Library }, { EngineError }] = await Promise.all(["lab/library", "engine/errors"].map(page));

/** The host's file, where it cuts off, and the ranges requested. */
const host = { file: FILE, cutAt: Infinity, version: '"1"', ranges: /** @type {(string | undefined)[]} */ ([]) };
const server = createServer(({ headers: { range } }, response) => {
  const { file, cutAt, version } = host;
  host.ranges.push(range);
  const from = Number(/\d+/.exec(range ?? "")?.[0] ?? 0);
  response.setHeader("etag", version);
  if (from >= file.length) return void response.writeHead(416).end();
  response.writeHead(range ? 206 : 200, {
    "content-length": file.length - from,
    ...(range && { "content-range": `bytes ${from}-${file.length - 1}/${file.length}` }),
  });
  if (cutAt >= file.length) response.end(file.subarray(from));
  else response.write(file.subarray(from, cutAt), () => setTimeout(() => response.destroy(), 20));
});
await new Promise((listening) => server.listen(0, "127.0.0.1", () => listening(null)));
const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
after(() => {
  server.close();
  server.closeAllConnections();
});

/** An engine that reads exactly what the host has. */
const engine = {
  async loadClassifier(/** @type {Uint8Array} */ bytes) {
    if (Buffer.compare(bytes, host.file)) throw new EngineError("core", `${bytes.length} bytes are not weights`);
    return { close() {}, config: { classes: 10 } };
  },
};

/** A page with the stored weights; published ones come from our host. */
async function open() {
  closePages();
  const library = new Library(Promise.resolve(engine), { listed: (names) => names.en, trained: () => "trained here" });
  await library.open();
  const entry = library.find(ID);
  entry.url = `http://127.0.0.1:${port}/weights`;
  return { library, entry };
}

/** A new browser and a working host. */
function anew() {
  clearStorage();
  Object.assign(host, { file: FILE, cutAt: Infinity, version: '"1"', ranges: [] });
}

/** Checks that each stored file has as many contiguous bytes as recorded, and that one marked as whole is. */
async function isConsistent() {
  const { files, parts } = await contents(WEIGHTS);
  for (const { id, size, whole } of Object.values(files)) {
    const mine = Object.entries(parts)
      .map(([key, bytes]) => ({ id: key.slice(0, key.lastIndexOf(",")), at: Number(key.split(",").at(-1)), bytes }))
      .filter((part) => part.id === id)
      .sort((a, b) => a.at - b.at);
    let end = 0;
    for (const { at, bytes } of mine) {
      assert.equal(at, end, `${id}: no byte is missing`);
      end += bytes.length;
    }
    assert.equal(end, size, id);
    if (whole && id === ID) assert.equal(size, host.file.length);
  }
  return files;
}

test("published weights are fetched once, stored, and available without the host", async () => {
  anew();
  const { library, entry } = await open();
  const [one, other] = await Promise.all([library.load(entry), library.load(entry)]);
  assert.equal(one, other);
  assert.equal(Buffer.compare(one, FILE), 0);
  assert.equal((await isConsistent())[ID].whole, true);
  const again = await open();
  assert.equal(Buffer.compare(await again.library.load(again.entry), FILE), 0);
  assert.deepEqual(host.ranges, [undefined]);
});

test("an interrupted download is resumed, also by another page", async () => {
  anew();
  let cuts = 0;
  for (host.cutAt = 1.2 * 2 ** 20; host.cutAt < FILE.length; host.cutAt = Math.floor(host.cutAt + 0.7 * 2 ** 20)) {
    const { library, entry } = await open();
    await assert.rejects(library.load(entry), { code: "cut" });
    assert.equal((await isConsistent())[ID].size, Math.floor(host.cutAt), "everything received is kept");
    assert.equal(entry.stored.size, Math.floor(host.cutAt));
    cuts++;
  }
  const { library, entry } = await open();
  assert.equal(Buffer.compare(await library.load(entry), FILE), 0);
  assert.ok(cuts > 1);
  assert.deepEqual(host.ranges.slice(0, 2), [undefined, `bytes=${Math.floor(1.2 * 2 ** 20)}-`]);
});

test("a file that has changed on the host is fetched again", async () => {
  anew();
  host.cutAt = 2 ** 20;
  const { library, entry } = await open();
  await assert.rejects(library.load(entry), { code: "cut" });
  Object.assign(host, { cutAt: Infinity, version: '"2"', file: Buffer.alloc(1.5 * 2 ** 20, "others ") });
  assert.equal(Buffer.compare(await library.load(entry), host.file), 0);
  assert.equal((await isConsistent())[ID].size, host.file.length);
});

test("a stopped fetch keeps the received part", async () => {
  anew();
  host.cutAt = 2 ** 20;
  const { library, entry } = await open();
  await assert.rejects(library.load(entry), { code: "cut" });
  host.cutAt = Infinity;
  const loading = library.load(entry);
  library.cancel(ID);
  await assert.rejects(loading, { name: "AbortError" });
  assert.equal((await isConsistent())[ID].size, 2 ** 20);
  assert.equal(Buffer.compare(await library.load(entry), FILE), 0);
});

test("a complete file without weights is not kept, and is reported", async () => {
  anew();
  const { library, entry } = await open();
  const { loadClassifier } = engine;
  engine.loadClassifier = () => Promise.reject(new EngineError("weights-cut", "no weights"));
  await assert.rejects(library.load(entry), { code: "not-weights" });
  engine.loadClassifier = loadClassifier;
  assert.deepEqual(await contents(WEIGHTS), { files: {}, parts: {} });
  assert.equal(entry.stored, undefined);
});

test("an engine that stops while checking weights loses none of them", async () => {
  anew();
  const { library, entry } = await open();
  const { loadClassifier } = engine;
  engine.loadClassifier = () => Promise.reject(new EngineError("engine-stopped", "lost"));
  await assert.rejects(library.load(entry), { code: "engine-stopped" });
  engine.loadClassifier = loadClassifier;
  assert.equal((await isConsistent())[ID].size, FILE.length);
  assert.equal(Buffer.compare(await library.load(entry), FILE), 0);
  assert.deepEqual(host.ranges, [undefined], "nor are they fetched again");
});

test("fetched weights, whatever the storage refuses", { timeout: 60_000 }, async () => {
  await atEachRequest(async (way, at) => {
    anew();
    const { library, entry } = await open();
    failAt(at, way);
    const outcome = await library.load(entry).then(
      () => null,
      (/** @type {any} */ error) => error,
    );
    const failed = heal();
    const where = `request ${at} ${way}`;
    assert.equal(outcome !== null, failed, where);
    if (failed && way === "is not kept" && at > 1) assert.equal(outcome.code, "no-room", where);
    const stored = (await isConsistent())[ID];
    assert.equal(entry.stored?.size, stored?.size, `${where}: the page shows what is stored`);
    assert.equal(Buffer.compare(await library.load(entry), FILE), 0, where);
    assert.equal((await isConsistent())[ID].whole, true, where);
    return failed;
  });
});

/** Opened or trained weights. @param {string} id @param {any} [more] */
const mine = (id, more = {}) => ({ id, origin: "opened", title: id, config: { classes: 2 }, labels: ["a"], ...more });
const bytes = (/** @type {number} */ of) => new Uint8Array(10).fill(of);

test("opened and trained weights, whatever the storage refuses", async () => {
  await atEachRequest(async (way, at) => {
    anew();
    const { library } = await open();
    await library.keep(mine("first"), bytes(1));
    const before = await contents(WEIGHTS);
    failAt(at, way);
    await library.keep(mine("second"), bytes(2));
    const failed = heal();
    const where = `request ${at} ${way}`;
    assert.equal(library.problem.value !== null, failed, where);
    if (failed) assert.deepEqual(await contents(WEIGHTS), before, where);
    for (const [id, of] of /** @type {[string, number][]} */ ([
      ["first", 1],
      ["second", 2],
    ]))
      assert.deepEqual(await library.load(library.find(id)), bytes(of), `${where}: ${id} is in the page`);
    const next = await open();
    assert.equal(Boolean(next.library.find("second")), !failed);
    assert.deepEqual(await next.library.load(next.library.find("first")), bytes(1));
    return failed;
  });
});

test("removed weights, whatever the storage refuses", async () => {
  await atEachRequest(async (way, at) => {
    anew();
    const { library } = await open();
    await library.keep(mine("first"), bytes(1));
    const before = await contents(WEIGHTS);
    failAt(at, way);
    await library.remove(library.find("first"));
    const failed = heal();
    assert.equal(library.problem.value !== null, failed);
    assert.equal(Boolean(library.find("first")), failed, "they are either there or not");
    assert.deepEqual(await contents(WEIGHTS), failed ? before : { files: {}, parts: {} });
    return failed;
  });
});

test("weights that cannot be read at first are not lost, and shipped ones are available", async () => {
  anew();
  const { library } = await open();
  await library.keep(mine("first"), bytes(1));
  await library.keep(mine("no longer named", { origin: "published" }), bytes(2));
  const before = await contents(WEIGHTS);
  await atEachRequest(async (way, at) => {
    failAt(at, way);
    const { library } = await open();
    const failed = heal();
    assert.equal(library.problem.value !== null, failed);
    assert.ok(library.find("cifar10-0.35"));
    assert.deepEqual(await contents(WEIGHTS), before);
    return failed;
  });
});

test("parts of weights that are no longer listed are removed, or stay if that fails", async () => {
  for (const way of /** @type {const} */ (["throws", "refuses", "ends all", "is not kept"])) {
    anew();
    await open();
    const { openWeightStorage } = await page("lab/storage/weightstorage");
    const storage = await openWeightStorage();
    await storage.append({ ...mine("gone", { origin: "published" }), size: 0, whole: false }, bytes(1));
    failAt(way === "throws" ? 4 : 2, way); // after opening and reading
    const { library } = await open();
    for (let i = 0; i < 20; i++) await new Promise(setImmediate);
    assert.ok(heal(), way);
    assert.equal(library.find("gone"), undefined);
    assert.equal((await contents(WEIGHTS)).files.gone.size, 10, way);
    await open();
    for (let i = 0; i < 20; i++) await new Promise(setImmediate);
    assert.deepEqual(await contents(WEIGHTS), { files: {}, parts: {} });
  }
});

test("published weights that the host now ships replace the fetched ones", async () => {
  anew();
  const { library, entry } = await open();
  await library.load(entry);
  assert.equal(entry.source, "https://huggingface.co/timm/mobilenetv2_050.lamb_in1k/resolve/main/model.safetensors");
  const { source } = entry;
  globalThis.fetch = async (url) => {
    const manifest = JSON.parse(readFileSync(new URL(String(url)), "utf8"));
    Object.assign(
      manifest.find(({ id }) => id === ID),
      { file: "own.safetensors", published: undefined, source },
    );
    return Response.json(manifest);
  };
  const other = await open().finally(() => (globalThis.fetch = fetchFiles));
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
  const own = other.library.entries.value.filter(({ id }) => id === ID);
  assert.deepEqual([own.length, own[0].origin, own[0].source, own[0].stored], [1, "shipped", source, undefined]);
  assert.deepEqual(await contents(WEIGHTS), { files: {}, parts: {} });
});

test("weights that another tab has removed are gone, and this is reported", async () => {
  anew();
  const { library } = await open();
  await library.keep(mine("first"), bytes(1));
  const other = await open();
  await other.library.remove(other.library.find("first"));
  await assert.rejects(library.load(library.find("first")), { code: "deleted" });
  assert.equal(library.find("first"), undefined);
});
