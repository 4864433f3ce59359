// The engine as a web developer uses it: the README's example verbatim, and its other promises.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { engineIs, startLab } from "./lab.js";
import { openEmpty, startServer } from "./server.js";

/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
/** @type {import("playwright-core").Page} an empty page of the same origin */
let page;
before(async () => {
  lab = await startLab({ cifar: false });
  page = await openEmpty(lab.browser, lab.url);
});
after(() => lab?.close());

/** Waits until the page has this many workers. @param {number} count */
async function workers(count) {
  const end = Date.now() + 10_000;
  while (page.workers().length !== count && Date.now() < end) await page.waitForTimeout(50);
  assert.equal(page.workers().length, count);
}

test("the example of the README runs as written", { timeout: 120_000 }, async () => {
  const readme = await readFile(new URL("../../README.md", import.meta.url), "utf8");
  const example = /## In your own page[\s\S]*?```js\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  assert.match(example, /createTrainer[\s\S]*classify/);
  /** @type {string[]} */
  const lines = [];
  /** @type {string[]} */
  const errors = [];
  page.on("console", (message) => {
    if (message.type() === "log") lines.push(message.text());
    if (message.type() === "error") errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(String(error.stack)));
  await page.goto(`${lab.url}empty.html`);
  await page.addScriptTag({ type: "module", content: example });
  const end = Date.now() + 110_000;
  while (lines.length < 22 && !errors.length && Date.now() < end) await page.waitForTimeout(100);
  assert.deepEqual(errors, []);
  const losses = lines.slice(0, 20).map((line) => line.split(" ").map(Number));
  assert.deepEqual(
    losses.map(([step]) => step),
    Array.from({ length: 20 }, (_, i) => i + 1),
  );
  assert.ok(
    losses.every(([, loss]) => loss > 0 && loss < 10),
    `losses ${losses}`,
  );
  assert.ok(Number(lines[20]) >= 0 && Number(lines[20]) <= 1, `accuracy ${lines[20]}`);
  assert.match(lines[21], /circle|ring|crescent|drop|heart|triangle|square|star|cross|arrow/);
});

test("own pictures can be trained on, paused, resumed and transferred", { timeout: 120_000 }, async () => {
  await page.goto(`${lab.url}empty.html`);
  const result = await page.evaluate(async () => {
    const { createEngine } = await import(/** @type {any} */ ("/engine/engine.js"));
    const engine = await createEngine();
    const { images, labels, resolution, names } = await engine.shapes({ count: 80, resolution: 32 });
    const options = {
      config: { width: 0.35, resolution: 32, stem: "cifar" },
      recipe: { batch: 8, learning_rate: 0.01, schedule: "constant" },
      data: { kind: "images", images, labels, resolution, names, held_out: 16 },
    };
    const trainer = await engine.createTrainer(options);
    const steps = [];
    for await (const { step } of trainer.run()) {
      steps.push(step);
      if (steps.length === 3) break;
    }
    for await (const { step } of trainer.run({ steps: 2 })) steps.push(step);
    for await (const { step } of trainer.run({ steps: trainer.ahead })) steps.push(step);

    const snapshot = await trainer.snapshot();
    const onward = [];
    for await (const { loss } of trainer.run({ steps: 2 })) onward.push(loss);
    const other = await engine.createTrainer({ data: options.data, snapshot });
    const again = [];
    for await (const { loss } of other.run({ steps: 2 })) again.push(loss);

    const reversed = { ...options.data, names: [...names].reverse() };
    const strange = await engine
      .createTrainer({ data: reversed, snapshot })
      .catch((/** @type {any} */ { code }) => code);

    const aborted = await (async () => {
      try {
        for await (const _ of trainer.run({ signal: AbortSignal.timeout(300) }));
      } catch (error) {
        return /** @type {any} */ (error).name;
      }
    })();
    const progress = /** @type {number[]} */ ([]);
    const { total, predictions } = await trainer.evaluate({
      onProgress: (/** @type {number} */ share) => progress.push(share),
    });
    const finer = await engine.createTrainer({ ...options, weights: await trainer.weights({ half: true }) });
    const { value } = await finer.run({ steps: 1 }).next();
    return {
      steps,
      onward,
      again,
      strange,
      aborted,
      total,
      predicted: predictions.length,
      last: progress.at(-1),
      fine: value.step,
    };
  });
  assert.deepEqual(
    result.steps,
    result.steps.map((/** @type {number} */ _, /** @type {number} */ i) => i + 1),
    "no step is lost",
  );
  assert.deepEqual(result.again, result.onward, "a restored training continues bit for bit");
  assert.equal(result.strange, "other-classes");
  assert.equal(result.aborted, "TimeoutError");
  assert.deepEqual([result.total, result.predicted, result.last, result.fine], [16, 16, 1, 1]);
});

test("the caller fills in what a weights file leaves open", { timeout: 60_000 }, async () => {
  await page.goto(`${lab.url}empty.html`);
  const { config, model, text } = await page.evaluate(async () => {
    const { createEngine } = await import(/** @type {any} */ ("/engine/engine.js"));
    const engine = await createEngine();
    const data = { kind: "shapes" };
    const recipe = { batch: 2 };
    const first = await engine.createTrainer({ config: { width: 0.35, resolution: 32 }, recipe, data });
    const bytes = await first.weights();
    // the length of the header, the header, the numbers; spaces may follow the header
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
    delete header.__metadata__;
    bytes.set(new TextEncoder().encode(JSON.stringify(header).padEnd(length)), 8);

    const options = { stem: "cifar", mean: [0.1, 0.2, 0.3], resolution: 40 };
    const trainer = await engine.createTrainer({ weights: bytes, options, recipe, data });
    for await (const _ of trainer.run({ steps: 1 }));
    const { config } = await engine.loadClassifier(await trainer.weights());
    const model = await engine.toOnnx(bytes, { options });
    return { config, model: model.length, text: new TextDecoder("latin1").decode(model) };
  });
  assert.deepEqual([config.stem, config.resolution, config.width], ["cifar", 40, 0.35]);
  assert.deepEqual(
    config.mean.map((/** @type {number} */ value) => value.toFixed(3)),
    ["0.100", "0.200", "0.300"],
  );
  assert.ok(model > 4 * 400_000, `${model} bytes`);
  assert.match(text, /GlobalAveragePool[\s\S]*stem[\s\S]*cifar/);
});

test("errors are rejections with a code, and the engine works on", async () => {
  await page.goto(`${lab.url}empty.html`);
  const {
    all: codes,
    refused,
    parameters,
  } = await page.evaluate(async () => {
    const { createEngine } = await import(/** @type {any} */ ("/engine/engine.js"));
    const engine = await createEngine();
    const code = (/** @type {Promise<unknown>} */ promise) =>
      promise.then(
        () => "none",
        (/** @type {any} */ error) => `${error.code}: ${error.message}`,
      );
    const data = {
      kind: "images",
      images: new Uint8Array(10),
      labels: new Uint32Array(4),
      resolution: 32,
      names: ["a", "b"],
      held_out: 1,
    };
    const small = { config: { width: 0.35, resolution: 32 }, recipe: { batch: 8 } };
    const step = (/** @type {any} */ trainer) => trainer.run({ steps: 1 }).next();
    const all = [
      await code(engine.describe({ width: 9 })),
      await code(engine.loadClassifier("nowhere.safetensors")),
      await code(engine.loadClassifier(new Uint8Array(3))),
      await code(engine.openPicture(new Blob([]))),
      await code(engine.createTrainer({ data })),
      await code(
        engine.createTrainer({ ...small, data: { ...data, images: new Uint8Array(), resolution: 0 } }).then(step),
      ),
      await code(engine.describe({ width: NaN })),
      await code(engine.describe({ mean: [0.5, Infinity, 0.5] })),
      await code(engine.createTrainer({ ...small, recipe: { learning_rate: NaN }, data: { kind: "shapes" } })),
      await code(engine.measure({ width: 4, classes: 100_000 })),
      await code(engine.profile({ width: 4, classes: 100_000 }, { batch: 2 })),
      await code(engine.shapes({ count: NaN, resolution: 32 })),
    ];
    const pictures = {
      kind: "pictures",
      pictures: [new Blob()],
      labels: new Uint32Array(1),
      names: ["a"],
      held_out: 0,
    };
    const wrong = [
      undefined,
      null,
      "shapes",
      { kind: "shape" },
      { kind: "shapes", images: -1 },
      { kind: "cifar-10" },
      { ...data, names: [] },
      { ...data, labels: null },
      { ...data, labels: new Uint32Array([0, 1, 2, 0]) },
      { ...data, held_out: NaN },
      { ...data, images: [1, 2, 3] },
      { ...pictures, pictures: ["a.png"] },
      { ...pictures, labels: new Uint32Array(2) },
    ];
    const refused = [];
    for (const data of wrong) refused.push(await code(engine.createTrainer({ ...small, data })));
    const { parameters } = await engine.describe({});
    engine.close();
    return { all, refused, parameters };
  });
  assert.match(codes[0], /^core: width must be 0\.1 to 4, not 9/);
  assert.match(codes[1], /^network: .*404/);
  assert.match(codes[2], /^foreign-file: /);
  assert.match(codes[3], /^empty-file/);
  assert.match(codes[4], /^core: images must have 3072 bytes per label/);
  assert.equal(codes[5], "wrong-argument: data.resolution must be a whole number, 1 or more, not 0");
  assert.equal(codes[6], "core: width: expected a finite number, found NaN");
  assert.equal(codes[7], "core: mean: expected a finite number, found inf");
  assert.equal(codes[8], "core: learning_rate: expected a finite number, found NaN");
  for (const answer of codes.slice(9, 11)) {
    assert.match(answer, /^no-memory: a network of width 4 with 100000 classes takes 6\.\d GB of memory/);
  }
  assert.equal(codes[11], "wrong-argument: count must be a whole number, 0 to 4294967295, not NaN");
  assert.equal(parameters, 3_504_872);
  assert.deepEqual(
    refused.map((message) => message.replace("wrong-argument: ", "")),
    [
      "data must be an object with a kind, not undefined",
      "data must be an object with a kind, not null",
      "data must be an object with a kind, not shapes",
      "data.kind must be shapes, cifar-10, hub, images or pictures, not shape",
      "data.images must be a whole number, 1 or more, not -1",
      "data.base must be the address of a folder, not undefined",
      "data.names must be an array of class names, not object",
      "data.labels must be a Uint32Array, not null",
      "data.labels must be classes from 0 to 1, not 2",
      "data.held_out must be a whole number, not NaN",
      "data.images must be a Uint8Array, not object",
      "data.pictures must be an array of Blobs, not object",
      "data.labels must be as many as the 1 pictures, not 2",
    ],
  );
});

test("a trainer gives the same answers about held-out pictures by every method, and changes its recipe", async () => {
  await page.goto(`${lab.url}empty.html`);
  const said = await page.evaluate(async () => {
    const { createEngine } = await import(/** @type {any} */ ("/engine/engine.js"));
    const engine = await createEngine();
    const { images, labels, resolution, names } = await engine.shapes({ count: 60, resolution: 32 });
    const trainer = await engine.createTrainer({
      config: { width: 0.35, resolution: 32, stem: "cifar", crop: 0.5 },
      recipe: { batch: 8, learning_rate: 0.02, schedule: "constant" },
      data: { kind: "images", images, labels, resolution, names, held_out: 12 },
    });
    for await (const _ of trainer.run({ steps: 10 }));
    const code = (/** @type {Promise<unknown>} */ promise) =>
      promise.then(
        () => "none",
        (/** @type {any} */ error) => `${error.code}: ${error.message}`,
      );
    const { total, predictions, confidences } = await trainer.evaluate({ images: 100 });
    const each = [];
    for (let i = 0; i < 12; i++) each.push((await trainer.predict(i, 1))[0]);
    const beyond = [await code(trainer.heldOut(3, 10)), await code(trainer.predict(12, 1))];
    await trainer.setRecipe({ learning_rate: 0.001 });
    const { value } = await trainer.run({ steps: 1 }).next();
    const refused = await code(trainer.setRecipe({ batch: 4 }));
    engine.close();
    return { total, predictions: [...predictions], confidences: [...confidences], each, beyond, value, refused };
  });
  assert.equal(said.total, 12);
  assert.deepEqual(
    said.each.map((/** @type {any} */ one) => one.class),
    said.predictions,
  );
  said.each.forEach((/** @type {any} */ one, /** @type {number} */ i) =>
    assert.ok(Math.abs(one.probability - said.confidences[i]) < 1e-6, `picture ${i}`),
  );
  assert.deepEqual(said.beyond, [
    "core: 12 pictures are held out; none is number 13",
    "core: 12 pictures are held out; none is number 13",
  ]);
  assert.ok(Math.abs(said.value.learning_rate - 0.001) < 1e-9);
  assert.equal(said.value.step, 11);
  assert.equal(said.refused, "core: batch cannot change from 8 to 4 during a run: start a new run");
});

test("a closed engine no longer answers, and stays closed", { timeout: 60_000 }, async () => {
  await page.goto(`${lab.url}empty.html`);
  const said = await page.evaluate(async () => {
    const { createEngine } = await import(/** @type {any} */ ("/engine/engine.js"));
    const engine = await createEngine({ threads: 2 });
    const picture = await engine.openPicture(await (await fetch("samples/cat.jpg")).blob());
    const code = (/** @type {any} */ error) => error.code;
    const restarting = engine.restart().catch(code);
    engine.close();
    await picture.close();
    return [await restarting, await engine.describe({}).catch(code), engine.threads, engine.obstacle];
  });
  assert.deepEqual(said, ["engine-stopped", "engine-stopped", 2, null]);
  await workers(0);
});

test("a stopped core restarts", { timeout: 60_000 }, async () => {
  await page.goto(`${lab.url}empty.html`);
  const said = await page.evaluate(async () => {
    const { createEngine } = await import(/** @type {any} */ ("/engine/engine.js"));
    const engine = await createEngine();
    const trainer = await engine.createTrainer({
      config: { width: 0.35, resolution: 32, stem: "cifar" },
      recipe: { batch: 8 },
      data: { kind: "shapes" },
    });
    const running = (async () => {
      for await (const _ of trainer.run());
    })().catch((error) => error.code);
    let restarts = 0;
    engine.addEventListener("restart", () => restarts++);
    await engine.restart();
    const lost = await trainer.weights().catch((/** @type {any} */ error) => error.code);
    const { parameters } = await engine.describe({});
    return [await running, restarts, lost, parameters];
  });
  assert.match(String(said[0]), /engine-stopped|closed/, "in a slice or between two");
  assert.deepEqual(said.slice(1), [1, "closed", 3_504_872]);
});

test("the number of threads does not change a bit of a training or an answer", { timeout: 120_000 }, async () => {
  await page.goto(`${lab.url}empty.html`);
  const results = await page.evaluate(() =>
    Promise.all(
      [1, 2, 3].map(async (threads) => {
        const { createEngine } = await import(/** @type {any} */ ("/engine/engine.js"));
        const engine = await createEngine({ threads });
        const trainer = await engine.createTrainer({
          config: { width: 0.35, resolution: 32, stem: "cifar" },
          recipe: { batch: 13, seed: 5 },
          data: { kind: "shapes" },
        });
        const losses = [];
        for await (const { loss } of trainer.run({ steps: 4 })) losses.push(loss);
        const weights = await trainer.weights();
        const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", weights)).join();
        const { loss } = await trainer.evaluate({ images: 40 });
        const classifier = await engine.loadClassifier(weights);
        await classifier.setResolution(160);
        const photo = await (await fetch("samples/cat.jpg")).blob();
        const { predictions } = await classifier.classify(photo, { k: 10 });
        engine.close();
        return { how: [engine.variant.includes("threads"), engine.threads], losses, digest, loss, predictions };
      }),
    ),
  );
  const [{ how, ...one }, ...more] = results;
  assert.deepEqual(how, [false, 1]);
  for (const [i, { how, ...result }] of more.entries()) {
    assert.deepEqual(how, [true, i + 2]);
    assert.deepEqual(result, one);
  }
});

test("the threads of an engine end with it", { timeout: 60_000 }, async () => {
  await page.goto(`${lab.url}empty.html`);
  await page.evaluate(async () => {
    const { createEngine } = await import(/** @type {any} */ ("/engine/engine.js"));
    Object.assign(window, { engine: await createEngine({ threads: 2 }) });
  });
  await workers(3);
  await page.evaluate(() => /** @type {any} */ (window).engine.restart());
  await workers(3);
  await page.evaluate(() => /** @type {any} */ (window).engine.close());
  await workers(0);
});

test("the build suits the browser; if none does, the page says so", { timeout: 60_000 }, async () => {
  const fresh = await lab.browser.newPage();
  await fresh.addInitScript(() => {
    const validate = WebAssembly.validate;
    // as if this browser did not know relaxed SIMD's opcode
    WebAssembly.validate = (bytes) =>
      ![.../** @type {Uint8Array} */ (bytes)].join().includes("253,133,2") && validate(bytes);
  });
  await fresh.goto(`${lab.url}?threads=2`);
  await fresh.locator(engineIs("2 threads, SIMD")).waitFor();
  await fresh.locator("#panel-classify .predictions li").first().waitFor();
  await fresh.goto(`${lab.url}?threads=1`);
  await fresh.locator(engineIs("1 thread, SIMD")).waitFor();
  assert.equal(await fresh.locator(engineIs("why only one")).count(), 0, "one was requested");
  await fresh.addInitScript(() => {
    WebAssembly.validate = () => false;
  });
  await fresh.reload();
  await fresh.locator("#bar", { hasText: "This browser lacks WebAssembly SIMD" }).waitFor();
  await fresh.close();
});
