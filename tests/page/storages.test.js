// A change of the browser's storage is atomic, whichever of its requests fails. Needs dist/, but no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { atEachRequest, clearStorage, contents, failAt, heal } from "./failing.js";
import { page } from "./fakes.js";

const [{ openRunStorage }, { openWeightStorage }, { openStorage }] = await Promise.all(
  ["runstorage", "weightstorage", "storage"].map((name) => page(`lab/storage/${name}`)),
);

const bytes = (/** @type {number} */ of) => new Uint8Array(10).fill(of);
const blob = (/** @type {number} */ of) => new Blob([bytes(of)], { type: "image/jpeg" });
const run = (/** @type {string} */ id, more = {}) => ({
  id,
  number: 1,
  end: "stopped",
  steps: { step: [1, 2] },
  best: { step: 1 },
  weights: bytes(1),
  bestWeights: bytes(2),
  ...more,
});
const file = { id: "a", origin: "published", config: {}, labels: [], size: 0, whole: false };
const picture = (/** @type {string} */ id, class_id = "c", order = 0) => ({
  id,
  class_id,
  order,
  held_out: false,
  blob: blob(order),
});

/** What can be asked of each storage, of which something is there before. @type {[string, () => Promise<any>, (storage: any) => Promise<unknown>, Record<string, (storage: any) => Promise<unknown>>][]} */
const STORAGES = [
  [
    "mobilenetv2-runs",
    openRunStorage,
    (storage) => storage.keep(run("a")),
    {
      "another run": (storage) => storage.keep(run("b")),
      "a run in its place": (storage) => storage.keep(run("a", { end: "interrupted", weights: bytes(3) })),
      "a run that failed": (storage) => storage.keep(run("a", { end: "failed", weights: null, best: undefined })),
      "a run that is hidden": (storage) => storage.mark("a", { hidden: true }),
      "a run that goes": (storage) => storage.remove("a"),
      "what runs there are": (storage) => storage.list(),
      "a run": (storage) => storage.read("a"),
      "its best weights": (storage) => storage.weights("a", "best"),
    },
  ],
  [
    "mobilenetv2-weights",
    openWeightStorage,
    async (storage) => storage.append(await storage.append(file, bytes(1)), bytes(2)),
    {
      "another part": (storage) => storage.append({ ...file, size: 20 }, bytes(3)),
      "another file": (storage) => storage.replace({ ...file, id: "b", size: 10, whole: true }, bytes(4)),
      "a file in its place": (storage) => storage.replace({ ...file, size: 10, whole: true }, bytes(4)),
      "a file from its beginning": (storage) => storage.replace({ ...file, version: "2" }),
      "that it is whole": (storage) => storage.describe({ ...file, size: 20, whole: true }),
      "a file that goes": (storage) => storage.remove("a"),
      "what files there are": (storage) => storage.list(),
      "its bytes": (storage) => storage.read("a"),
    },
  ],
  [
    "mobilenetv2-project",
    openStorage,
    (storage) =>
      storage.write({
        classes: [{ id: "c", name: "cat", order: 0 }],
        pictures: [picture("p"), picture("q", "c", 1)],
        trained: { bytes: bytes(1) },
      }),
    {
      "a class with pictures": (storage) =>
        storage.write({
          classes: [{ id: "d", name: "dog", order: 1 }],
          pictures: [picture("r", "d"), picture("s", "d")],
        }),
      "a class that goes": (storage) => storage.write({ goneClasses: ["c"], gonePictures: ["p", "q"] }),
      "another project": (storage) =>
        storage.write({ clear: true, classes: [{ id: "e", name: "e", order: 0 }], pictures: [], trained: null }),
      "a network": (storage) => storage.write({ trained: { bytes: bytes(2) } }),
      "all that is there": (storage) => storage.read(),
    },
  ],
];

for (const [name, open, seed, acts] of STORAGES) {
  for (const [what, act] of Object.entries(acts)) {
    test(`${name}: ${what}, wherever that fails`, async () => {
      const seeded = async () => {
        clearStorage();
        const storage = await open();
        await seed(storage);
        return { storage, before: await contents(name) };
      };
      const { storage, before } = await seeded();
      const expected = await act(storage);
      const after = await contents(name);
      await atEachRequest(async (way, at) => {
        const { storage } = await seeded();
        failAt(at, way);
        const outcome = await act(storage).then(
          (value) => ({ value }),
          (error) => ({ error }),
        );
        const failed = heal();
        const where = `request ${at} ${way}`;
        assert.equal("error" in outcome, failed, `${where}: the caller gets the error`);
        assert.deepEqual(await contents(name), failed ? before : after, where);
        // and the next time it succeeds
        if (failed) assert.deepEqual(await act(storage), expected, where);
        assert.deepEqual(await contents(name), after, where);
        return failed;
      });
    });
  }
  test(`${name}: contents survive a failure to open`, async () => {
    clearStorage();
    await seed(await open());
    const before = await contents(name);
    failAt(1, "throws");
    await assert.rejects(open());
    assert.ok(heal());
    await open();
    assert.deepEqual(await contents(name), before);
  });
}

test("a project's pictures are read in the order of their ids, however many, and unchanged", async () => {
  clearStorage();
  const storage = await openStorage();
  const ids = Array.from({ length: 120 }, (_, i) => String(i).padStart(3, "0"));
  await storage.write({ pictures: ids.map((id, i) => picture(id, "c", i)) });
  const { pictures } = await storage.read();
  assert.deepEqual(
    pictures.map((/** @type {any} */ { id }) => id),
    ids,
  );
  assert.equal(pictures[7].blob.type, "image/jpeg");
  assert.deepEqual(new Uint8Array(await pictures[7].blob.arrayBuffer()), bytes(7));
});

test("a storage that never answers counts as failing, and keeps its content", async (t) => {
  clearStorage();
  const storage = await openRunStorage();
  await storage.keep(run("a"));
  const before = await contents("mobilenetv2-runs");
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { put } = IDBObjectStore.prototype;
  t.mock.method(IDBObjectStore.prototype, "put", function (/** @type {[any]} */ ...args) {
    put.apply(this, args);
    const again = () => (this.getAllKeys().onsuccess = again); // a transaction with pending requests never ends
    again();
    return new IDBRequest(); // this one is never answered
  });
  const outcome = storage.keep(run("b")).catch((/** @type {any} */ error) => error.code);
  t.mock.timers.tick(7000);
  t.mock.timers.tick(2000);
  assert.equal(await outcome, "storage-silent");
  t.mock.restoreAll();
  assert.deepEqual(await contents("mobilenetv2-runs"), before);
});
