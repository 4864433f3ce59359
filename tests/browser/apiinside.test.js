// What the engine tells a web developer of a network's inside: a trace, what a training is fed, timed convolutions, row tiles.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startLab } from "./lab.js";
import { openEmpty } from "./server.js";

/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
/** @type {import("playwright-core").Page} an empty page of the same origin */
let page;
before(async () => {
  lab = await startLab({ cifar: false });
  page = await openEmpty(lab.browser, lab.url);
});
after(() => lab?.close());

test("a trace is the network, tells every value, and shows what changes do", { timeout: 60_000 }, async () => {
  await page.goto(`${lab.url}empty.html`);
  const found = await page.evaluate(async () => {
    const { createEngine, download } = await import(/** @type {any} */ ("/engine/engine.js"));
    const engine = await createEngine({ threads: 2 });
    const weights = await download("/weights/shapes-0.35.safetensors");
    const [classifier, trace] = await Promise.all([engine.loadClassifier(weights), engine.loadTrace(weights)]);
    const picture = await engine.openPicture(await (await fetch("/samples/cat.jpg")).blob());
    const classified = await classifier.classify(picture, { k: 3, crop: true });
    const run = await trace.run(picture, { k: 3 });

    // one value of the stem, from the picture and its filter
    const { channels, size, values } = await trace.maps(0);
    const { filters, scale, shift, low, high } = await trace.filters(0);
    const { mean, std, resolution } = trace.config;
    const [channel, y, x] = [5, 9, 12];
    let sum = 0;
    for (const colour of [0, 1, 2]) {
      for (let tap = 0; tap < 9; tap++) {
        const pixel = (y - 1 + Math.floor(tap / 3)) * resolution + x - 1 + (tap % 3);
        const input = (run.crop[4 * pixel + colour] / 255 - mean[colour]) / std[colour];
        sum += input * filters[(channel * 3 + colour) * 9 + tap];
      }
    }
    const expected = Math.min(Math.max(sum * scale[channel] + shift[channel], low), high);
    const value = values[(channel * size + y) * size + x];

    const statistics = await trace.statistics();
    const changed = await trace.run(picture, { k: 3, reluFrom: 1 });
    const after = await trace.statistics();
    const again = await trace.run(picture, { k: 3 });
    const { layers } = await engine.describe(trace.config);
    const projections = layers.flatMap((/** @type {any} */ { kind }, /** @type {number} */ i) =>
      kind === "project" ? [i] : [],
    );
    const few = await engine.shapes({ seed: 9, count: 100, resolution: 32 });
    const right = await trace.correct(few);
    const rounded = await trace.correct(few, { weightBits: 2, activationBits: 2 });
    const zeros = (/** @type {any} */ of) => projections.map((/** @type {number} */ i) => of[i].zeros);
    await engine.close();
    return {
      classified,
      run,
      channels,
      value,
      expected,
      before: zeros(statistics),
      changed,
      after: zeros(after),
      again,
      right,
      rounded,
      rank: statistics[0].rank,
      adds: layers.filter((/** @type {any} */ { adds }) => adds !== null).length,
    };
  });
  const close = (/** @type {any[]} */ a, /** @type {any[]} */ b) =>
    a.every(({ label, probability }, i) => label === b[i].label && Math.abs(probability - b[i].probability) < 1e-5);
  assert.ok(close(found.run.predictions, found.classified.predictions), "it is the network");
  assert.deepEqual(found.run.crop, found.classified.crop);
  assert.equal(found.channels, 16);
  assert.ok(Math.abs(found.value - found.expected) < 1e-4, `${found.value}, ${found.expected}`);
  assert.ok(
    found.before.every((/** @type {number} */ share) => share < 0.01),
    `a linear layer has no zeros: ${found.before}`,
  );
  assert.ok(
    found.after.every((/** @type {number} */ share) => share > 0.02),
    `ReLU leaves zeros: ${found.after}`,
  );
  assert.ok(!close(found.changed.predictions, found.run.predictions));
  assert.deepEqual(found.again.predictions, found.run.predictions, "a change can be taken back");
  assert.ok(found.right > 80 && found.rounded < found.right, `${found.right}, with 2 bits ${found.rounded} of 100`);
  assert.ok(found.rank > 1 && found.rank <= 16, `rank ${found.rank}`);
  assert.equal(found.adds, 11, "shortcuts, of which this width has one more");
});

test("a training tells what it is fed, its rates and what is inside", { timeout: 60_000 }, async () => {
  await page.goto(`${lab.url}empty.html`);
  const found = await page.evaluate(async () => {
    const { createEngine } = await import(/** @type {any} */ ("/engine/engine.js"));
    const engine = await createEngine();
    const colours = { mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.201] };
    const config = { width: 0.35, resolution: 32, stem: "cifar", classes: 10, ...colours };
    const plain = {
      batch: 16,
      seed: 3,
      crop_padding: 0,
      flip: false,
      schedule: "cosine",
      hold_until: 1,
      decay_until: 3,
    };
    const recipe = { ...plain, crop_padding: 6, flip: true, cutout: 8 };
    const trainer = await engine.createTrainer({ config, recipe, data: { kind: "shapes", images: 64 } });
    const rates = await engine.learningRates({ ...recipe, learning_rate: 0.5 }, [0, 1, 2, 3, 9]);

    const batch = await trainer.nextBatch(16);
    const alone = await engine.augmented(batch.images, 16, { config, recipe });
    const untouched = await engine.augmented(batch.images, 16, { config, recipe: plain });
    const seen = [];
    for await (const step of trainer.run({ steps: 2 })) seen.push(step.learning_rate);
    const after = await trainer.nextBatch(16);
    const inside = await trainer.inside();
    const { layers } = await engine.describe(config);
    await engine.close();
    return { rates, batch, alone, untouched, after, inside, layers: layers.length, seen };
  });
  assert.deepEqual([...Object.values(found.rates)], [0.5, 0.5, 0.25, 0, 0]);
  assert.deepEqual(found.seen, [0.045000001788139343, 0.045000001788139343], "the held rate");
  // a training that starts has the seed's generator
  assert.deepEqual(found.batch.windows, found.alone.windows);
  assert.deepEqual(found.batch.inputs, found.alone.inputs);
  assert.ok(new Set(found.batch.windows.map(({ left }) => left)).size > 4, "they are drawn");
  for (const { size, left, top, cutout } of found.batch.windows) {
    assert.equal(size, 32);
    assert.ok(Math.abs(left) <= 6 && Math.abs(top) <= 6);
    assert.ok(cutout && cutout.width <= 8 && cutout.x + cutout.width <= 32, JSON.stringify(cutout));
  }
  // without augmentation the input is the normalised picture
  const [mean, std] = [0.4914, 0.2023];
  const red = (/** @type {number} */ i) => (found.batch.images[3 * i] / 255 - mean) / std;
  for (const i of [0, 500, 16_000]) assert.ok(Math.abs(found.untouched.inputs[3 * i] - red(i)) < 1e-5);
  assert.deepEqual(found.untouched.windows[5], { size: 32, left: 0, top: 0, mirrored: false, cutout: null });
  assert.notDeepEqual(found.after.windows, found.batch.windows);
  assert.notDeepEqual(found.after.images, found.batch.images, "two steps later there are other pictures");

  assert.equal(Object.values(found.inside.gradients).length, found.layers);
  assert.ok(Object.values(found.inside.gradients).every((length) => Number(length) > 0));
  assert.equal(found.inside.statistics.length, found.layers - 1);
  assert.equal(Object.values(found.inside.filters).length, 16 * 27);
});

test("two convolutions are timed, and a row tile changes only memory", { timeout: 60_000 }, async () => {
  await page.goto(`${lab.url}empty.html`);
  const found = await page.evaluate(async () => {
    const { createEngine } = await import(/** @type {any} */ ("/engine/engine.js"));
    const engine = await createEngine();
    const times = await engine.timeConvolutions({ from: 64, to: 128, size: 28 });
    const wrong = await engine
      .timeConvolutions({ from: 12, to: 8, size: 4 })
      .catch((/** @type {any} */ error) => error.message);
    const classifier = await engine.loadClassifier("/weights/cifar10-0.35.safetensors");
    await classifier.setResolution(96);
    const picture = await engine.openPicture(await (await fetch("/samples/cat.jpg")).blob());
    const each = [];
    for (const rows of [1, 96, 0]) {
      await classifier.setRowTile(rows);
      const { predictions } = await classifier.classify(picture, { k: 3 });
      each.push({ predictions, bytes: (await classifier.measure()).working_bytes });
    }
    await engine.close();
    return { times, wrong, each };
  });
  assert.ok(found.times.plain > found.times.separable && found.times.separable > 0, JSON.stringify(found.times));
  assert.equal(found.wrong, "channels must be multiples of 8 up to 2048 and size 1 to 1024, not 12, 8 and 4");
  const [one, all, own] = found.each;
  assert.deepEqual(one.predictions, all.predictions);
  assert.deepEqual(own.predictions, all.predictions);
  assert.ok(one.bytes < all.bytes && own.bytes <= all.bytes);
});
