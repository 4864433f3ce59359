// Watching the worker without false alarms: only the page's own ticks count. Needs dist/, but no browser.

import assert from "node:assert/strict";
import test from "node:test";
import { page } from "./fakes.js";

const { SILENT, Watch } = await page("engine/watch");

/** @param {import("node:test").TestContext} t */
function watch(t) {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const heard = { pings: 0, silent: /** @type {(number | null)[]} */ ([]) };
  const tell = {
    ping: () => heard.pings++,
    silent: (/** @type {number | null} */ seconds) => heard.silent.push(seconds),
  };
  const seconds = (/** @type {number} */ n) => {
    for (let i = 0; i < n; i++) t.mock.timers.tick(1000);
  };
  return { watch: new Watch(tell), heard, seconds };
}

test("silence is reported repeatedly, and so is its end", (t) => {
  const { watch: one, heard, seconds } = watch(t);
  one.waiting = true;
  seconds(SILENT - 1);
  assert.deepEqual(heard.silent, []);
  seconds(1 + SILENT);
  assert.deepEqual(heard.silent, [SILENT, 2 * SILENT]);
  one.heard();
  assert.deepEqual(heard.silent, [SILENT, 2 * SILENT, null]);
  one.waiting = false;
  assert.equal(heard.silent.length, 3);
});

test("a worker that answers pings is not silent, nor is one without calls", (t) => {
  const { watch: one, heard, seconds } = watch(t);
  one.waiting = true;
  for (let i = 0; i < 100; i++) {
    seconds(5);
    assert.equal(heard.pings, i + 1);
    one.heard();
  }
  one.waiting = false;
  seconds(1000);
  assert.deepEqual([heard.pings, heard.silent], [100, []]);
});

test("threads that do not start in time are late once; those that start or are ended are not", (t) => {
  const { watch: one, seconds } = watch(t);
  let late = 0;
  one.startThreads(() => late++);
  seconds(60);
  assert.equal(late, 1);
  one.startThreads(() => late++)();
  one.startThreads(() => late++);
  one.stop();
  seconds(60);
  assert.equal(late, 1);
});

test("a released lock means a thread has ended, unless the engine was ended", async () => {
  for (const ended of [false, true]) {
    const one = new Watch({ ping() {}, silent() {} });
    const names = ["a", "b"].map((name) => `${name} ${ended}`);
    const release = await Promise.all(
      names.map(
        (name) => new Promise((held) => navigator.locks.request(name, {}, () => new Promise((end) => held(end)))),
      ),
    );
    let lost = 0;
    one.threads(names, () => lost++);
    await new Promise(setImmediate);
    assert.equal(lost, 0);
    if (ended) one.stop();
    release[1]();
    await new Promise(setImmediate);
    assert.equal(lost, ended ? 0 : 1);
    release[0]();
  }
});
