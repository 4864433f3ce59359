// Sets of the Hugging Face Hub from a local server that answers like the Hub, and from one that misbehaves. The files are
// pyarrow's (tests/golden/parquet.py). Needs no browser: pictures are compared as bytes.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { after, test } from "node:test";
import { page } from "./fakes.js";

/** @typedef {import("node:http").IncomingMessage} IncomingMessage */
/** @typedef {import("node:http").ServerResponse} ServerResponse */

const { findSet, parseId } = await page("engine/hub");
const { countLabels, planSet, readPictures, spread } = await page("engine/hubpictures");
const { openParquet } = await page("engine/parquet");

const FOLDER = new URL("../golden/parquet/", import.meta.url);
/** Rows by file: label and the start of the picture's SHA-256. @type {Record<string, [number | string | null, string][]>} */
const ROWS = JSON.parse(readFileSync(new URL("rows.json", FOLDER), "utf8"));
const bytesOf = (/** @type {string} */ name) => readFileSync(new URL(`${name}.parquet`, FOLDER));
const hashOf = (/** @type {Uint8Array} */ bytes) => createHash("sha256").update(bytes).digest("hex").slice(0, 16);
const IDS = { id: "owner/name" };

/** The Hub's content: file names by split. */
/** @typedef {{splits: Record<string, string[]>, info?: any, more?: any}} Holding */

/** @type {Holding} */
let holding;
/** Overrides answers. @type {(request: IncomingMessage, response: ServerResponse) => boolean} */
let misbehave = () => false;
/** @type {{url: string, range: string | undefined}[]} */
let asked = [];
const server = createServer((request, response) => {
  const url = request.url ?? "";
  asked.push({ url, range: request.headers.range });
  if (misbehave(request, response)) return;
  const json = (/** @type {any} */ value) =>
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
  if (url.startsWith("/api/parquet?"))
    return json({ parquet_files: listed(), pending: [], failed: [], partial: false, ...holding.more });
  if (url.startsWith("/api/info?")) {
    return holding.info ? json({ dataset_info: holding.info }) : response.writeHead(500).end();
  }
  const [, name] = /^\/files\/([\w-]+)\.parquet$/.exec(url) ?? [];
  return send(bytesOf(name), request, response);
});
await new Promise((listening) => server.listen(0, "127.0.0.1", () => listening(null)));
const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
const api = `http://127.0.0.1:${port}/api/`;
after(() => {
  server.close();
  server.closeAllConnections();
});

const listed = () =>
  Object.entries(holding.splits).flatMap(([split, names]) =>
    names.map((name) => {
      const url = `http://127.0.0.1:${port}/files/${name}.parquet`;
      return {
        dataset: IDS.id,
        config: "default",
        split,
        url,
        filename: `${name}.parquet`,
        size: bytesOf(name).length,
      };
    }),
  );

/** A part of a file. @param {Buffer} bytes @param {IncomingMessage} request @param {ServerResponse} response */
function send(bytes, { headers: { range } }, response) {
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range ?? "") ?? [];
  const part = bytes.subarray(Number(from), Number(to) + 1);
  response
    .writeHead(206, { "content-length": part.length, "content-range": `bytes ${from}-${to}/${bytes.length}` })
    .end(part);
}

/** @param {Record<string, string[]>} splits @param {Partial<Holding>} [rest] */
function hub(splits, rest = {}) {
  holding = { splits, ...rest };
  misbehave = () => false;
  asked = [];
}

/** @param {any[]} picks @param {any} set */
async function all(set, picks) {
  const pictures = [];
  for await (const { bytes, label } of readPictures(set, picks)) pictures.push([label, bytes && hashOf(bytes)]);
  return pictures;
}

const find = (/** @type {any} */ more = {}) => findSet({ ...IDS, api, ...more });
const codeOf = (/** @type {string} */ code, /** @type {any} */ values) => (/** @type {any} */ error) => {
  assert.equal(error.code, code, error.stack);
  if (values) assert.deepEqual({ ...error.values, ...values }, error.values);
  return true;
};

test("an id is extracted from what people type and paste", () => {
  for (const [text, id] of [
    ["uoft-cs/cifar10", "uoft-cs/cifar10"],
    ["  beans ", "beans"],
    ["https://huggingface.co/datasets/AI-Lab-Makerere/beans", "AI-Lab-Makerere/beans"],
    ["huggingface.co/datasets/a.b/c_d/viewer/default/train?p=1", "a.b/c_d"],
    ["datasets/a/b", "a/b"],
  ])
    assert.equal(parseId(text), id);
  for (const text of ["", "a b", "https://example.org/a", "../a", "<x>"])
    assert.throws(() => parseId(text), codeOf("hub-id"));
});

test("a set is described, and all of it arrives byte for byte", async () => {
  hub({ train: ["train"], test: ["test"] });
  const set = await find();
  const { image, label, names, config, partial } = set;
  assert.deepEqual(
    { image, label, names, config, partial, rows: set.train.rows },
    { image: "image", label: "label", names: ["red", "green", "blue"], config: "default", partial: false, rows: 45 },
  );
  const plan = await planSet(set, 1000);
  assert.deepEqual(await all(set, plan.train), ROWS.train);
  assert.deepEqual(await all(set, plan.held_out), ROWS.test);
  assert.deepEqual(countLabels(plan.train, 3), [15, 15, 15]);
});

test("the requested number of pictures is taken from all classes, and the rest is not fetched", async () => {
  hub({ train: ["train"], test: ["test"] });
  const set = await find();
  const plan = await planSet(set, 18);
  const taken = await all(set, plan.train);
  assert.equal(taken.length, 15);
  assert.equal(plan.held_out.flatMap((/** @type {any} */ { rows }) => rows).length, 3);
  for (const [label, hash] of taken) assert.ok(ROWS.train.some(([of, is]) => of === label && is === hash));
  assert.equal(new Set(taken.map(([, hash]) => hash)).size, 15);
  assert.ok(countLabels(plan.train, 3).every((/** @type {number} */ count) => count >= 3));
  const fetched = asked.filter(({ url }) => url === "/files/train.parquet").map(({ range }) => range);
  const groups = new Set(plan.train.map((/** @type {any} */ { group }) => group.first));
  assert.equal(groups.size, 3);
  assert.equal(fetched.length, 1 + 3 + 3, `the end, labels and pictures of three groups of five: ${fetched}`);
});

test("bytes without a struct, text labels, no compression, no features: every tenth is held out", async () => {
  hub({ train: ["plain"] });
  const set = await find();
  assert.deepEqual([set.image, set.label, set.names, set.held_out], ["picture", "class", null, null]);
  const { names, train, held_out } = await planSet(set, 100);
  assert.deepEqual(names, ["blue", "green", "red"]);
  const rows = ROWS.plain.map(([label, hash]) => [names.indexOf(String(label)), hash]);
  assert.deepEqual(
    await all(set, train),
    rows.filter((_, i) => i % 10 !== 1),
  );
  assert.deepEqual(
    await all(set, held_out),
    rows.filter((_, i) => i % 10 === 1),
  );
});

test("data pages V2, and labels without names", async () => {
  hub({ train: ["pages"] });
  const set = await find();
  const { names, train, held_out } = await planSet(set, 100);
  assert.deepEqual([set.image, set.label, names], ["img", "labels", ["10", "11", "12"]]);
  const together = [...(await all(set, train)), ...(await all(set, held_out))];
  const rows = ROWS.pages.map(([label, hash]) => [Number(label) - 10, hash]);
  assert.deepEqual(together.map(String).sort(), rows.map(String).sort());
});

test("the Hub's information on columns and splits counts if the files have none", async () => {
  const features = { picture: { _type: "Image" }, class: { _type: "Value", dtype: "string" } };
  hub({ train: ["plain", "plain"] }, { info: { features, splits: { train: { num_examples: 40 } } } });
  const set = await find();
  assert.equal(set.train.rows, 40);
  const { train, held_out } = await planSet(set, 100);
  assert.equal([...train, ...held_out].flatMap(({ rows }) => rows).length, 40);
});

test("the validation split is used during training", async () => {
  hub({ test: ["plain"], train: ["train"], validation: ["test"] });
  const set = await find();
  assert.deepEqual([set.train.name, set.held_out.name], ["train", "validation"]);
  hub({ test: ["test"] });
  const only = await find();
  assert.deepEqual([only.train.name, only.held_out], ["test", null]);
});

test("rows without a label are left out", async () => {
  hub({ train: ["gaps"] });
  const set = await find();
  const { train, held_out } = await planSet(set, 100);
  assert.equal([...train, ...held_out].flatMap(({ labels }) => labels).length, 10);
});

test("unusual columns are reported", async () => {
  for (const [file, code, columns] of [
    ["unlabelled", "hub-no-label", "image, caption"],
    ["several-images", "hub-which-image", "left, right"],
    ["several-labels", "hub-which-label", "fine, coarse"],
    ["no-images", "hub-no-image", "text, label"],
  ]) {
    hub({ train: [file] });
    await assert.rejects(find(), codeOf(code, { columns }));
  }
  hub({ train: ["several-images"] });
  assert.equal((await find({ image: "right" })).image, "right");
  hub({ train: ["several-labels"] });
  assert.equal((await find({ label: "coarse" })).label, "coarse");
});

test("unusual files are reported", async () => {
  hub({ train: ["zstd"] });
  const set = await find();
  await assert.rejects(planSet(set, 10), codeOf("parquet-codec", { codec: "ZSTD", file: "zstd.parquet" }));
  hub({ train: ["paths"] });
  const paths = await find();
  const { train } = await planSet(paths, 10);
  assert.deepEqual(
    (await all(paths, train)).map(([, hash]) => hash),
    [null, null, null],
  );
  hub({ train: ["train"] }, { more: { parquet_files: [], pending: [{}] } });
  await assert.rejects(find(), codeOf("hub-pending", IDS));
  hub({ train: ["train"] }, { more: { parquet_files: [], failed: [{}] } });
  await assert.rejects(find(), codeOf("hub-no-parquet", IDS));
  hub({ train: ["train"] }, { more: { partial: true } });
  assert.equal((await find()).partial, true);
  await assert.rejects(find({ config: "other" }), codeOf("hub-no-config", { config: "other", configs: "default" }));
});

test("refusals by the Hub have codes", async () => {
  for (const [status, code] of /** @type {[number, string][]} */ ([
    [401, "hub-closed"],
    [403, "hub-closed"],
    [404, "hub-missing"],
    [500, "hub-no-parquet"],
    [501, "hub-no-parquet"],
    [503, "network"],
  ])) {
    hub({});
    misbehave = (_, response) => Boolean(response.writeHead(status, { "content-type": "application/json" }).end("{}"));
    await assert.rejects(find(), codeOf(code));
  }
  hub({});
  misbehave = (_, response) => Boolean(response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html>"));
  await assert.rejects(find(), codeOf("web-page"));
  misbehave = (_, response) => Boolean(response.destroy());
  await assert.rejects(find(), codeOf("network"));
  misbehave = (_, response) => Boolean(response.writeHead(200).end('{"parquet_fi'));
  await assert.rejects(find(), codeOf("cut"));
});

/** A file host with these answers. @param {(part: Buffer, request: IncomingMessage, response: ServerResponse) => unknown} act */
function files(act) {
  hub({ train: ["train"], test: ["test"] });
  let left = Infinity;
  misbehave = (request, response) => {
    const [, name] = /^\/files\/([\w-]+)\.parquet$/.exec(request.url ?? "") ?? [];
    if (!name || left-- <= 0) return false;
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    act(bytesOf(name).subarray(Number(from), Number(to) + 1), request, response);
    return true;
  };
  return (/** @type {number} */ times) => (left = times);
}

test("misbehaving file hosts are detected", { timeout: 60_000 }, async () => {
  files((_, __, response) => response.writeHead(200).end(bytesOf("train")));
  await assert.rejects(find(), codeOf("no-ranges", { file: "train.parquet" }));
  files((_, __, response) => response.writeHead(404).end());
  await assert.rejects(find(), codeOf("network", { status: "404" }));
  files((_, __, response) => response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html>"));
  await assert.rejects(find(), codeOf("web-page"));
  files((part, _, response) => response.writeHead(206).end(Buffer.alloc(part.length)));
  await assert.rejects(find(), codeOf("parquet-damaged", { file: "train.parquet" }));
  const wrong = { "content-range": "bytes 7-7582/9999" };
  for (const act of [
    (/** @type {Buffer} */ part, /** @type {any} */ _, /** @type {ServerResponse} */ response) =>
      response.writeHead(206).end(part.subarray(1)),
    (/** @type {Buffer} */ part, /** @type {any} */ _, /** @type {ServerResponse} */ response) =>
      response.writeHead(206).end(Buffer.concat([part, part])),
    (/** @type {Buffer} */ part, /** @type {any} */ _, /** @type {ServerResponse} */ response) =>
      response.writeHead(206, wrong).end(part),
    (/** @type {Buffer} */ part, /** @type {any} */ _, /** @type {ServerResponse} */ response) => {
      response.writeHead(206, { "content-length": part.length });
      response.write(part.subarray(0, 100), () => setTimeout(() => response.destroy(), 10));
    },
  ]) {
    files(act);
    await assert.rejects(find(), codeOf("cut"));
  }
});

test("a broken connection is retried", { timeout: 30_000 }, async () => {
  const only = files((_, __, response) => response.destroy());
  only(1);
  const set = await find();
  const plan = await planSet(set, 1000);
  assert.deepEqual(await all(set, plan.train), ROWS.train);
});

test("a damaged group is reported, and the others are read", { timeout: 30_000 }, async () => {
  hub({ train: ["train"], test: ["test"] });
  const set = await find();
  const plan = await planSet(set, 1000);
  let served = 0;
  misbehave = (request, response) => {
    if (request.url !== "/files/train.parquet" || ++served !== 2) return false;
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    response.writeHead(206).end(Buffer.alloc(Number(to) + 1 - Number(from), 0xff));
    return true;
  };
  const came = [];
  await assert.rejects(async () => {
    for await (const one of readPictures(set, plan.train)) came.push(one);
  }, codeOf("parquet-damaged"));
  assert.equal(came.length, 10);
});

test("waiting can be aborted at any moment", { timeout: 10_000 }, async () => {
  hub({ train: ["train"], test: ["test"] });
  for (const what of ["/api/parquet", "/api/info", "/files/train", "/files/test"]) {
    const controller = new AbortController();
    const reason = new Error("a person has stopped it");
    misbehave = ({ url }) => {
      const hangs = Boolean(url?.startsWith(what));
      if (hangs) setTimeout(() => controller.abort(reason), 5);
      return hangs;
    };
    const whole = async () => {
      const set = await findSet({ ...IDS, api }, controller.signal);
      const plan = await planSet(set, 100, controller.signal);
      for await (const _ of readPictures(set, plan.held_out, controller.signal));
    };
    await assert.rejects(whole(), (error) => error === reason, what);
  }
});

test("numbers are spread evenly", () => {
  assert.deepEqual(spread(10, 10), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual(spread(10, 3), [1, 5, 8]);
  assert.deepEqual(spread(3, 10), [0, 1, 2]);
  assert.deepEqual(spread(0, 5), []);
});

test("a file that is not Parquet is reported", async () => {
  hub({ train: ["train"] });
  await assert.rejects(openParquet(`http://127.0.0.1:${port}/files/train.parquet`, 4), codeOf("parquet-damaged"));
  await assert.rejects(openParquet(`http://127.0.0.1:${port}/files/train.parquet`, 100), codeOf("parquet-damaged"));
});
