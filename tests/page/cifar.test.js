// Where trainings take CIFAR-10 from, with an engine that stores what the test says. Needs no browser.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { page } from "./fakes.js";

const [{ Cifar }, { signal }] = await Promise.all(["lab/cifar", "lab/signals"].map(page));

const NONE = { bytes: 0, stored: false };
const ALL = { bytes: 184_380_000, stored: true, checked: true };
const { fetch } = globalThis;
afterEach(() => (globalThis.fetch = fetch));

/** An engine that stores CIFAR-10 step by step, and a host that has it or not. @param {number | null} status of the host */
function open(status) {
  globalThis.fetch = async () => {
    if (status === null) throw new TypeError("no network");
    return new Response(null, { status });
  };
  const engine = {
    state: { share: 0, ...NONE },
    error: /** @type {Error | null} */ (null),
    asked: /** @type {string[]} */ ([]),
    async call(/** @type {string} */ method) {
      engine.asked.push(method);
      if (method === "forgetCifar") engine.state = { share: 0, ...NONE };
      if (method === "cifarState" && engine.error) throw engine.error;
      return { ...engine.state };
    },
  };
  const loss = signal(null);
  return { engine, loss, cifar: new Cifar(engine, { loss }) };
}

test("it is taken from the host if that has it, and missing if it does not", async () => {
  for (const [status, place, obstacle] of /** @type {[number | null, string | null, any][]} */ ([
    [200, "host", null],
    [404, "nowhere", ["cifar.need", {}]],
    [null, null, null],
  ])) {
    const { cifar } = open(status);
    await cifar.look();
    assert.deepEqual([cifar.place.value, cifar.obstacle], [place, obstacle]);
    assert.deepEqual(await cifar.data(), { kind: "cifar-10", base: "data/cifar-10/" });
  }
});

test("what a person opens comes first, from the start of the opening on", async () => {
  const { engine, cifar } = open(200);
  const opening = cifar.open(new Blob());
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual([cifar.place.value, cifar.share.value], ["browser", 0]);
  assert.deepEqual(await cifar.data(), { kind: "cifar-10", opened: true });
  engine.state = { share: 1, ...ALL };
  await opening;
  assert.deepEqual([cifar.place.value, cifar.share.value, cifar.kept.value], ["browser", null, ALL]);
  await cifar.forget();
  assert.deepEqual([cifar.place.value, cifar.kept.value], ["host", NONE]);
});

test("an opening that fails says why, and one that is cancelled says nothing", async () => {
  const { engine, cifar } = open(404);
  engine.error = Object.assign(new Error("other file"), { code: "cifar-archive" });
  await cifar.open(new Blob());
  assert.equal(cifar.problem.value, engine.error);
  assert.equal(cifar.place.value, "nowhere");
  engine.error = null;
  const opening = cifar.open(new Blob());
  await new Promise((resolve) => setTimeout(resolve, 20));
  cifar.cancel();
  await opening;
  assert.deepEqual([cifar.problem.value, cifar.place.value], [null, "nowhere"]);
});

test("a second opening waits until the first has cleaned up", async () => {
  const { engine, cifar } = open(404);
  const first = cifar.open(new Blob());
  await new Promise((resolve) => setTimeout(resolve, 20));
  const second = cifar.fetch();
  await first;
  engine.state = { share: 1, ...ALL };
  await second;
  assert.deepEqual(
    engine.asked.filter((method) => method !== "cifarState"),
    ["storeCifar", "forgetCifar", "storeCifar"],
  );
  assert.equal(cifar.kept.value.bytes, ALL.bytes);
});

test("what the browser does not store is lost with the core", async () => {
  for (const stored of [true, false]) {
    const { engine, loss, cifar } = open(404);
    engine.state = { share: 1, ...ALL, stored };
    await cifar.open(new Blob());
    loss.value = { reason: new Error("lost"), alive: true };
    assert.equal(cifar.kept.value.bytes > 0, stored);
  }
});
