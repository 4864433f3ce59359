// Weights that are fetched, opened and trained, with a storage that fails at each request and a host that breaks off: nothing is
// lost, nothing half is used, and what has come is gone on with. Needs no browser, but dist/.

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

// What the page brings it reads from its own folder.
const { fetch } = globalThis;
const fetchFiles = async (/** @type {any} */ url, /** @type {RequestInit} */ options) =>
  String(url).startsWith("file:") ? new Response(readFileSync(new URL(String(url)))) : fetch(url, options);
globalThis.fetch = fetchFiles;

const [{ Library }, { EngineError }] = await Promise.all(["lab/library", "engine/errors"].map(page));

/** What the host sends of a file, if it is not all, and what it was asked for. */
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
    if (Buffer.compare(bytes, host.file)) throw new EngineError("core", `${bytes.length} bytes are no weights`);
    return { close() {}, config: { classes: 10 } };
  },
};

/** A page that opens with what its storage holds; its published weights come from our host. */
async function open() {
  closePages();
  const library = new Library(Promise.resolve(engine), { listed: (names) => names.en, trained: () => "trained here" });
  await library.open();
  const entry = library.find(ID);
  entry.url = `http://127.0.0.1:${port}/weights`;
  return { library, entry };
}

/** A new browser and a host that works. */
function anew() {
  clearStorage();
  Object.assign(host, { file: FILE, cutAt: Infinity, version: '"1"', ranges: [] });
}

/** Checks that each stored file has as many bytes as is said of it, in a row, and that one said to be whole is. */
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

test("weights that others publish are fetched once, stored, and there without the host", async () => {
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

test("a host that breaks off is gone on with, by another page too", async () => {
  anew();
  let cuts = 0;
  for (host.cutAt = 1.2 * 2 ** 20; host.cutAt < FILE.length; host.cutAt = Math.floor(host.cutAt + 0.7 * 2 ** 20)) {
    const { library, entry } = await open();
    await assert.rejects(library.load(entry), { code: "cut" });
    assert.equal((await isConsistent())[ID].size, Math.floor(host.cutAt), "all that came is kept");
    assert.equal(entry.stored.size, Math.floor(host.cutAt));
    cuts++;
  }
  const { library, entry } = await open();
  assert.equal(Buffer.compare(await library.load(entry), FILE), 0);
  assert.ok(cuts > 1);
  assert.deepEqual(host.ranges.slice(0, 2), [undefined, `bytes=${Math.floor(1.2 * 2 ** 20)}-`]);
});

test("a file of which the host has another version by now is fetched anew", async () => {
  anew();
  host.cutAt = 2 ** 20;
  const { library, entry } = await open();
  await assert.rejects(library.load(entry), { code: "cut" });
  Object.assign(host, { cutAt: Infinity, version: '"2"', file: Buffer.alloc(1.5 * 2 ** 20, "others ") });
  assert.equal(Buffer.compare(await library.load(entry), host.file), 0);
  assert.equal((await isConsistent())[ID].size, host.file.length);
});

test("a fetch that is stopped keeps what has come", async () => {
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

test("what came whole and is no file of weights is not kept, and said so", async () => {
  anew();
  const { library, entry } = await open();
  const { loadClassifier } = engine;
  engine.loadClassifier = () => Promise.reject(new EngineError("weights-cut", "no weights"));
  await assert.rejects(library.load(entry), { code: "not-weights" });
  engine.loadClassifier = loadClassifier;
  assert.deepEqual(await contents(WEIGHTS), { files: {}, parts: {} });
  assert.equal(entry.stored, undefined);
});

test("an engine that stops while it looks at weights costs none of them", async () => {
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

test("weights that are fetched, whatever the storage refuses of it", { timeout: 60_000 }, async () => {
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
    assert.equal(entry.stored?.size, stored?.size, `${where}: the page says what is there`);
    assert.equal(Buffer.compare(await library.load(entry), FILE), 0, where);
    assert.equal((await isConsistent())[ID].whole, true, where);
    return failed;
  });
});

/** Weights that were trained or opened here. @param {string} id @param {any} [more] */
const mine = (id, more = {}) => ({ id, origin: "opened", title: id, config: { classes: 2 }, labels: ["a"], ...more });
const bytes = (/** @type {number} */ of) => new Uint8Array(10).fill(of);

test("weights that were opened or trained, whatever the storage refuses of them", async () => {
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

test("weights that are taken out, whatever the storage refuses of it", async () => {
  await atEachRequest(async (way, at) => {
    anew();
    const { library } = await open();
    await library.keep(mine("first"), bytes(1));
    const before = await contents(WEIGHTS);
    failAt(at, way);
    await library.remove(library.find("first"));
    const failed = heal();
    assert.equal(library.problem.value !== null, failed);
    assert.equal(Boolean(library.find("first")), failed, "they are there or they are not");
    assert.deepEqual(await contents(WEIGHTS), failed ? before : { files: {}, parts: {} });
    return failed;
  });
});

test("weights that cannot be read when the page opens are not lost, and what it ships is there", async () => {
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

test("what there is of weights that are named no longer goes, or stays where that fails", async () => {
  for (const way of /** @type {const} */ (["throws", "refuses", "ends all", "is not kept"])) {
    anew();
    await open();
    const { openWeightStorage } = await page("lab/storage/weightstorage");
    const storage = await openWeightStorage();
    await storage.append({ ...mine("gone", { origin: "published" }), size: 0, whole: false }, bytes(1));
    failAt(way === "throws" ? 4 : 2, way); // after it was opened and read
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

test("published weights that the host has by now are its own, and what was fetched of them goes", async () => {
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

test("weights that another tab has taken out are gone, and said so", async () => {
  anew();
  const { library } = await open();
  await library.keep(mine("first"), bytes(1));
  const other = await open();
  await other.library.remove(other.library.find("first"));
  await assert.rejects(library.load(library.find("first")), { code: "deleted" });
  assert.equal(library.find("first"), undefined);
});
