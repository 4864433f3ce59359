// Panels of Take apart that count and compute on the page: the cut, few bits, the film of memory, the spiral. Each is compared with
// the core, which does the same in another way.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { beforeActivation, sharesOf, spreadOf } from "../../www/lab/activations.js";
import { bytesOf, framesOf } from "../../www/lab/film.js";
import { normalised } from "../../www/lab/magnifier.js";
import { alike, embed } from "../../www/lab/spiral.js";
import { hashIs, startLab } from "./lab.js";
import { openEmpty } from "./server.js";

/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
/** @type {import("playwright-core").Page} an empty page of the same origin, with the engine */
let empty;
before(async () => {
  lab = await startLab({ cifar: false });
  empty = await openEmpty(lab.browser, lab.url);
});
after(() => lab?.close());

/** Weights of the page that stand for the two trained alike, and whether they are right about 1,000 drawings. */
const STAND_INS = { relu6: "shapes-0.35", relu: "shapes-0.5" };

test("a layer’s numbers before its activation, cut off, are what the core has after it", async () => {
  const { config, crop, found } = await empty.evaluate(async () => {
    const { createEngine, download } = await import(/** @type {any} */ ("/engine/engine.js"));
    const engine = await createEngine({ threads: 1 });
    const trace = await engine.loadTrace(await download("/weights/shapes-0.35.safetensors"));
    const { crop } = await trace.run(await (await fetch("/samples/cat.jpg")).blob());
    const { layers } = await engine.describe(trace.config);
    const plain = (/** @type {any} */ maps) => ({ ...maps, values: [...maps.values] });
    const found = [];
    for (const index of [0, 1, 2, 3, 4, 10]) {
      const layer = layers[index];
      const filters = await trace.filters(index);
      for (const key of ["filters", "scale", "shift"]) filters[key] = [...filters[key]];
      const input = layer.input === null ? null : plain(await trace.maps(layer.input));
      found.push({ layer, filters, input, output: plain(await trace.maps(index)) });
    }
    await engine.close();
    return { config: trace.config, crop: [...crop], found };
  });
  const kinds = found.map(({ layer }) => `${layer.kind} ${layer.stride}`);
  for (const kind of ["stem 1", "depthwise 1", "project 1", "expand 1"]) assert.ok(kinds.includes(kind), String(kinds));
  for (const { layer, filters, input, output } of found) {
    const reads = input ?? normalised(Uint8Array.from(crop), config);
    const values = beforeActivation({ layer, filters, input: reads, padding: config.padding });
    assert.equal(values.length, output.values.length);
    const errors = values.map((value, i) =>
      Math.abs(Math.min(Math.max(value, filters.low), filters.high) - output.values[i]),
    );
    assert.ok(Math.max(...errors) < 1e-4, `${layer.name}: ${Math.max(...errors)}`);
    if (layer.activation === "linear") continue;
    const zeros = output.values.filter((/** @type {number} */ value) => value === 0).length / values.length;
    const spread = spreadOf(values);
    assert.equal(
      spread.bins.reduce((sum, count) => sum + count, 0),
      values.length,
    );
    const shares = sharesOf(spread, 6);
    assert.ok(Math.abs(shares.zeroed - zeros) < 1e-3, `${layer.name}: ${shares.zeroed}, ${zeros}`);
    assert.ok(Math.abs(shares.zeroed + shares.kept + shares.above - 1) < 1e-9);
  }
});

test("the cut is dragged and moved by keys, and the shares follow", async () => {
  const { page, check } = await lab.open("#apart?apart.panel=activation&apart.block=2&apart.part=expand");
  const handle = page.locator(".cut-handle");
  const shares = page.locator(".cut-shares");
  await shares.filter({ hasText: "above 6 and are clipped" }).waitFor();
  assert.equal(await page.locator("#cut-layer option:checked").innerText(), "Block 2, Expand");
  await handle.focus();
  await page.keyboard.press("PageDown");
  await page.keyboard.press("ArrowLeft");
  await shares.filter({ hasText: "above 4.9 and are clipped" }).waitFor();
  await page.keyboard.press("Home");
  await shares.filter({ hasText: "above 0.1 and are clipped" }).waitFor();
  const [, zeroed, kept, above] =
    /([\d.]+)\s% are below 0 .* ([\d.]+)\s% pass unchanged\. ([\d.]+)\s% are above/
      .exec(await shares.innerText())
      ?.map(Number) ?? [];
  assert.ok(above > 1 && Math.abs(zeroed + kept + above - 100) < 0.2, `${zeroed} + ${kept} + ${above}`);

  const { x, y, width, height } = (await page.locator(".cut-plot").boundingBox()) ?? {
    x: 0,
    y: 0,
    width: 0,
    height: 0,
  };
  await page.mouse.move(x + width / 2, y + height / 2);
  await page.mouse.down();
  await page.mouse.move(x + width * 0.7, y + height / 2);
  const now = Number(await handle.getAttribute("aria-valuenow"));
  await page.mouse.move(x + width * 0.8, y + height / 2);
  await page.mouse.up();
  assert.ok(Number(await handle.getAttribute("aria-valuenow")) > now, "it follows the pointer");
  await page
    .locator("#cut-layer")
    .selectOption({ label: "Last 1×1 convolution" })
    .catch(() => {});
  check();
});

test("fewer bits change the answer for one’s own picture, and what is missing is said", async () => {
  const { page, context } = await lab.open("#apart?apart.panel=activation&apart.bits=16");
  const bits = page.locator("#bits-input");
  const answer = page.locator(".bits > p").first();
  await answer.filter({ hasText: /with 16 bits/ }).waitFor();
  const exact = /: ([\d.]+)\s% as trained, ([\d.]+)\s% with 16 bits/.exec(await answer.innerText());
  assert.ok(exact && Math.abs(Number(exact[1]) - Number(exact[2])) < 0.5, String(exact));
  await bits.focus();
  await page.keyboard.press("Home");
  await answer.filter({ hasText: /with 2 bits/ }).waitFor();
  await hashIs(page, "#apart?apart.panel=activation&apart.bits=2");
  assert.equal(await page.locator(".bits-answers li").count(), 10);
  const [first, second] = await page.locator(".bits-answers figure").allInnerTexts();
  assert.notEqual(first.split("\n").slice(1).join(), second.split("\n").slice(1).join());

  await page.getByRole("button", { name: "Measure at 2 bits" }).click();
  await page.getByText("CIFAR-10 is not here").waitFor();
  await page.getByRole("button", { name: "Get CIFAR-10 in Train" }).click();
  await page.locator("#panel-train .cifar").waitFor();
  await context.close();
});

test(
  "two networks are measured at a number of bits as the core counts, point by point",
  { timeout: 240_000 },
  async (t) => {
    const own = await startLab();
    t.after(() => own.close());
    const { page, context } = await own.open("#apart?apart.panel=activation&apart.bits=3");
    const measure = page.getByRole("button", { name: "Measure at 3 bits" });
    await measure.click();
    const problem = page.locator(".bits .problem");
    if (await problem.filter({ hasText: "CIFAR-10 is not here" }).isVisible()) return t.skip("CIFAR-10 is absent");
    await context.route("**/weights/twins/*", (route) => route.fulfill({ status: 404 }));
    await measure.click();
    await problem.filter({ hasText: /not on this host: .*relu6\.safetensors is missing/ }).waitFor();

    await context.unrouteAll();
    await context.route("**/weights/twins/*", async (route) => {
      const name = /** @type {"relu6" | "relu"} */ (/(\w+)\.safetensors/.exec(route.request().url())?.[1]);
      route.fulfill({ path: new URL(`../../www/weights/${STAND_INS[name]}.safetensors`, import.meta.url).pathname });
    });
    await measure.click();
    await page.locator(".bits-waiting .number", { hasText: "3 bits: " }).waitFor();
    const cancel = page.locator(".bits-waiting button");
    await cancel.click();
    await page.locator(".bits-waiting.idle").waitFor({ state: "attached" });
    assert.equal(await page.locator(".bits .figures tbody tr").count(), 0, "cancelled, nothing is shown");
    await measure.click();
    const row = page.locator(".bits .figures tbody tr");
    await row.waitFor({ state: "attached", timeout: 120_000 });
    const cells = await row.locator("td").allTextContents();

    const pictures = await openEmpty(own.browser, own.url);
    const counted = await pictures.evaluate(async (files) => {
      const { createEngine, download } = await import(/** @type {any} */ ("/engine/engine.js"));
      const engine = await createEngine({ threads: 2 });
      const config = { width: 0.1, resolution: 32, classes: 10, stem: "cifar" };
      const trainer = await engine.createTrainer({ config, data: { kind: "cifar-10", base: "/data/cifar-10/" } });
      const held = await trainer.heldOut(1000);
      const counts = [];
      for (const file of files) {
        const trace = await engine.loadTrace(await download(`/weights/${file}.safetensors`));
        counts.push(await trace.correct(held, { weightBits: 3, activationBits: 3 }));
      }
      await engine.close();
      return counts;
    }, Object.values(STAND_INS));
    assert.deepEqual(
      cells.slice(0, 2).map((cell) => Math.round(10 * parseFloat(cell))),
      counted,
      "of 1,000 pictures",
    );
    await page
      .locator(".bits p[role=status]", {
        hasText: /^(At 3 bits the two are too close|Measured at 3 bits, they differ)/,
      })
      .waitFor();
  },
);

test("the film’s tensors add up to the core’s count in every frame, in networks of all kinds", async () => {
  const configs = [
    {},
    { width: 0.35, resolution: 96 },
    { stem: "cifar", resolution: 32, classes: 10 },
    { shortcut: "expansions" },
    { shortcut: "projected", resolution: 128 },
    { architecture: "mobilenet-v1" },
  ];
  const described = await empty.evaluate(async (configs) => {
    const { createEngine } = await import(/** @type {any} */ ("/engine/engine.js"));
    const engine = await createEngine({ threads: 1 });
    const all = await Promise.all(configs.map((config) => engine.describe(config)));
    await engine.close();
    return all;
  }, configs);
  for (const [i, { layers }] of described.entries()) {
    const frames = framesOf(layers);
    assert.ok(frames.length > 20, `${frames.length} frames`);
    for (const { layer, operation, block } of frames) {
      const { name, memory } = layers[layer];
      assert.equal(bytesOf(operation), memory.by_operation, `${JSON.stringify(configs[i])}: ${name}`);
      assert.equal(bytesOf(block), memory.by_block, `${JSON.stringify(configs[i])}: ${name}, its block`);
    }
  }
});

test("the film plays, steps and is dragged, and shares the selection", async () => {
  const { page, check } = await lab.open(
    "#apart?apart.panel=memory&apart.width=1&apart.resolution=224&apart.stem=imagenet&apart.block=2&apart.part=depthwise",
  );
  const lanes = page.locator(".film-lane");
  await lanes.first().getByText("6.02 MB now · peak 6.02 MB").waitFor(); // (112² + 56²) × 96 numbers of 4 bytes
  await lanes.nth(1).getByText("1.1 MB now · peak 2.41 MB").waitFor(); // 112² × 16 + 56² × 24
  assert.equal(await lanes.first().locator(".film-box").count(), 2);
  await page.getByRole("button", { name: "Next", exact: true }).click();
  await page.locator(".film-controls", { hasText: "Block 2, Project" }).waitFor();
  await page.getByRole("button", { name: "Play" }).click();
  await page.locator(".film-controls", { hasText: "Block 3, " }).waitFor();
  await page.getByRole("button", { name: "Pause" }).click();
  await page.locator("#film-layer").focus();
  await page.keyboard.press("Home");
  await page.locator(".film-controls", { hasText: /1 of 53/ }).waitFor();
  await page.keyboard.press("End");
  await page.locator(".film-controls", { hasText: /53 of 53/ }).waitFor();
  check();

  const still = await lab.open("#apart?apart.panel=memory&apart.width=1&apart.resolution=224&apart.stem=imagenet", {
    reducedMotion: "reduce",
  });
  await still.page.locator(".film-row[data-current]").waitFor();
  assert.equal(
    await still.page.locator(".film-lane").first().locator(".film-row").count(),
    3,
    "a block’s three layers",
  );
  assert.ok(await still.page.getByRole("button", { name: "Play" }).isHidden());
});

test(
  "row tiles are measured one after the other, when asked; fewer rows take less memory",
  { timeout: 120_000 },
  async () => {
    const { page, check } = await lab.open("#apart?apart.panel=memory&apart.rows=1");
    const shows = page.locator(".rows p[role=status]");
    await shows.filter({ hasText: "Not measured yet" }).waitFor();
    await page.getByRole("button", { name: "Measure every choice" }).click();
    await shows.filter({ hasText: /working memory, .* per image/ }).waitFor();
    await page.locator(".rows .actions button", { hasText: "Cancel" }).waitFor({ state: "hidden", timeout: 60_000 });
    const sizes = await page.locator('.rows-bar[data-key="working_bytes"] .number').allInnerTexts();
    assert.ok(sizes.length >= 6 && sizes.every((size) => /\d/.test(size)), String(sizes));
    const inBytes = sizes.map((size) => parseFloat(size) * (/MB/.test(size) ? 1e6 : 1e3));
    const [, ...byRows] = inBytes;
    assert.ok(byRows[0] < byRows[byRows.length - 1], String(sizes));
    check();
  },
);

test("the spiral’s numbers in n dimensions lead to where the core says it comes back", async () => {
  const asked = [2, 3, 5, 15, 64].flatMap((dimensions) => [1, 4, 2 ** 32 - 1].map((seed) => ({ dimensions, seed })));
  const answers = await empty.evaluate(async (asked) => {
    const { createEngine } = await import(/** @type {any} */ ("/engine/engine.js"));
    const engine = await createEngine({ threads: 1 });
    const all = [];
    for (const one of asked) {
      const { curve, returned, alive, matrix } = await engine.manifold(one);
      all.push({ curve: [...curve], returned: [...returned], alive: [...alive], matrix: [...matrix] });
    }
    await engine.close();
    return all;
  }, asked);
  let together = 0;
  for (const [i, { dimensions: n, seed }] of asked.entries()) {
    const [curve, alive] = [Float32Array.from(answers[i].curve), Uint32Array.from(answers[i].alive)];
    const matrix = Float32Array.from(answers[i].matrix);
    const values = embed({ curve, matrix });
    for (let point = 0; point < alive.length; point++) {
      const own = values.subarray(point * n, (point + 1) * n);
      for (const axis of [0, 1]) {
        const back = own.reduce((sum, value, k) => sum + matrix[2 * k + axis] * Math.max(value, 0), 0);
        const error = Math.abs(back - answers[i].returned[2 * point + axis]);
        assert.ok(error < 1e-5, `${n} dimensions, matrix ${seed}, point ${point}: ${error}`);
      }
      assert.ok(Math.abs(own.filter((value) => value > 0).length - alive[point]) <= 1, "but for rounding at 0");
    }
    for (const point of [0, 150, 300, 450, 599])
      for (const other of alike({ curve, alive }, values, point)) {
        together++;
        const [a, b] = [point, other].map((at) => answers[i].returned.slice(2 * at, 2 * at + 2));
        assert.ok(Math.hypot(a[0] - b[0], a[1] - b[1]) < 0.02 * Math.sqrt(n), "they come back to the same place");
      }
  }
  assert.ok(together > 0, "some points fall together");
});
