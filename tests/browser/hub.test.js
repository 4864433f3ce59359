// Training on sets of the Hugging Face Hub, from a local server that answers like the Hub, with files written by pyarrow.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { FILES, layOut } from "./hubset.js";
import { launch, openEmpty, startServer } from "./server.js";

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof startServer>>} */
let server;
/** @type {import("playwright-core").Page} an empty page of the same origin */
let page;
let folder = "";

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "mobilenetv2-"));
  server = await startServer({ mounts: { "/hub/": folder } });
  browser = await launch();
  page = await openEmpty(browser, server.url);
});
after(async () => {
  await browser?.close();
  await server?.close();
  if (folder) await rm(folder, { recursive: true });
});

/** Lays out a set as the Hub lists it. @param {string} name @param {Record<string, string>} splits files by split */
const holds = (name, splits) => layOut(join(folder, name), `${server.url}hub/${name}/`, splits);

/** The result of a training. @param {any} data @param {any} [recipe] */
const train = (data, recipe) =>
  page.evaluate(
    async ({ data, recipe }) => {
      const { createEngine } = await import("./engine/engine.js");
      const engine = await createEngine({ threads: 1 });
      /** @type {number[]} */
      const shares = [];
      try {
        const config = { width: 0.35, resolution: 32, stem: "cifar" };
        const trainer = await engine.createTrainer({
          config,
          recipe: { batch: 8, ...recipe },
          data: { kind: "hub", id: "owner/name", ...data },
          onReady: (/** @type {number} */ share) => shares.push(share),
        });
        const steps = [];
        for await (const { loss } of trainer.run({ steps: 2 })) steps.push(loss);
        const { labels, images_per_epoch, held_out } = trainer;
        const seen = await trainer.heldOut(held_out);
        const colours = [...seen.labels].map((label, i) => {
          const middle = ((i + 0.5) * seen.resolution + 0.5) * seen.resolution * 3;
          const [...rgb] = seen.images.subarray(middle, middle + 3);
          return [label, rgb.indexOf(Math.max(...rgb))];
        });
        return { labels, images_per_epoch, held_out, steps, share: shares.at(-1), colours };
      } catch (error) {
        const { code, message } = /** @type {any} */ (error);
        return { code, message };
      } finally {
        engine.close();
      }
    },
    { data, recipe },
  );

test("two steps on a set of the Hub, with its own held-out split", { timeout: 120_000 }, async () => {
  await holds("usual", { train: "train", test: "test" });
  const { steps, colours, ...found } = await train({ api: "/hub/usual", images: 1000 });
  assert.deepEqual(found, { labels: ["red", "green", "blue"], images_per_epoch: 45, held_out: 12, share: 1 });
  assert.equal(steps?.length, 2);
  assert.ok(
    steps.every((loss) => loss > 0 && loss < 10),
    String(steps),
  );
  assert.deepEqual(colours?.map(([label]) => label).sort(), [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
  assert.ok(
    colours.every(([label, colour]) => label === colour),
    "each picture has the colour of its class",
  );
  assert.notDeepEqual(
    colours.slice(0, 4).map(([label]) => label),
    [0, 0, 0, 0],
    "the first ones are of several classes",
  );
});

test(
  "unreadable pictures are replaced, and a classifier alone learns from features",
  { timeout: 120_000 },
  async () => {
    await holds("gaps", { train: "gaps" });
    const { steps, ...found } = await train({ api: "/hub/gaps", images: 100 }, { freeze: 19 });
    assert.equal(steps?.length, 2, JSON.stringify(found));
    assert.deepEqual([found.images_per_epoch, found.held_out], [9, 1]);
  },
);

test("unusual sets are refused with a code", { timeout: 120_000 }, async () => {
  await holds("zstd", { train: "zstd" });
  await holds("paths", { train: "paths" });
  for (const [data, code] of [
    [{ api: "/hub/nothing" }, "hub-missing"],
    [{ api: "/hub/zstd" }, "parquet-codec"],
    [{ api: "/hub/paths" }, "hub-no-bytes"],
    [{ id: "a b" }, "hub-id"],
    [{ images: 0 }, "wrong-argument"],
  ])
    assert.equal((await train({ images: 10, ...data })).code, code);
});

test("waiting for a set can be aborted", { timeout: 60_000 }, async () => {
  await page.route("**/hub/silent/**", () => {}); // never answered
  const told = await page.evaluate(async () => {
    const { createEngine } = await import("./engine/engine.js");
    const engine = await createEngine({ threads: 1 });
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 500);
    const data = { kind: "hub", id: "owner/name", images: 10, api: "/hub/silent" };
    const { signal } = controller;
    const left = await engine.createTrainer({ config: { resolution: 32 }, data, signal }).catch((error) => error.name);
    const { labels } = await engine.createTrainer({
      config: { width: 0.35, resolution: 32 },
      data: { kind: "shapes", images: 10 },
    });
    engine.close();
    return { left, labels: labels.length };
  });
  assert.deepEqual(told, { left: "AbortError", labels: 10 });
});

/** A page for which the Hub has a set, with our files for some splits. @param {Record<string, string>} splits */
async function openPage(splits) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    locale: "en",
    serviceWorkers: "block",
  });
  const headers = { "access-control-allow-origin": "*", "access-control-expose-headers": "content-range" };
  const bytes = await Promise.all(
    Object.entries(splits).map(async ([split, file]) => ({
      split,
      all: await readFile(new URL(`${file}.parquet`, FILES)),
    })),
  );
  await context.route("https://datasets-server.huggingface.co/**", (route) => {
    const asked = new URL(route.request().url());
    if (asked.searchParams.get("dataset") !== "owner/name") return route.fulfill({ status: 404, headers, body: "{}" });
    const parquet_files = bytes.map(({ split, all }) => {
      return { config: "default", split, url: `https://huggingface.co/${split}.parquet`, size: all.length };
    });
    return route.fulfill({ headers, json: asked.pathname === "/parquet" ? { parquet_files } : { dataset_info: {} } });
  });
  await context.route("https://huggingface.co/**", (route) => {
    const [, split] = /([\w-]+)\.parquet$/.exec(route.request().url()) ?? [];
    const { all } = /** @type {(typeof bytes)[number]} */ (bytes.find((one) => one.split === split));
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(route.request().headers().range) ?? [];
    const range = `bytes ${from}-${to}/${all.length}`;
    return route.fulfill({
      status: 206,
      headers: { ...headers, "content-range": range },
      body: all.subarray(+from, +to + 1),
    });
  });
  const opened = await context.newPage();
  /** @type {string[]} */
  const errors = [];
  opened.on("pageerror", (error) => errors.push(String(error.stack)));
  await opened.goto(`${server.url}#train?train.data=pictures`);
  await opened.getByRole("button", { name: "From Hugging Face…" }).click();
  return { page: opened, close: () => (assert.deepEqual(errors, []), context.close()) };
}

test("a set is inspected, and its pictures become the person's own", { timeout: 120_000 }, async () => {
  const { page, close } = await openPage({ train: "train", test: "test" });
  await page.locator(".hub select").first().selectOption("Another one…");
  await page.getByLabel("ID or address").fill("nobody/nothing");
  await page.getByRole("button", { name: "Show its contents" }).click();
  await page.locator(".pictures .problem", { hasText: "has no data set “nobody/nothing”" }).waitFor();
  await page.getByLabel("ID or address").fill("https://huggingface.co/datasets/owner/name");
  await page.getByRole("button", { name: "Show its contents" }).click();
  await page
    .locator(".hub p", { hasText: "owner/name, classes: 3. To fetch: red (19), green (19), blue (19);" })
    .waitFor();
  await page.getByRole("button", { name: "Add 57 images (1 MB)" }).click();
  await page.locator(".pictures-note", { hasText: "Images added to red, green, blue: 57." }).waitFor();
  assert.deepEqual(await page.locator(".class-head .number").allInnerTexts(), Array(3).fill("19 · 4 held out"));
  await close();
});

test("the person chooses among several columns", { timeout: 120_000 }, async () => {
  const { page, close } = await openPage({ train: "several-labels" });
  await page.locator(".hub select").first().selectOption("Another one…");
  await page.getByLabel("ID or address").fill("owner/name");
  await page.getByRole("button", { name: "Show its contents" }).click();
  await page.locator(".pictures .problem", { hasText: "several columns of labels: fine, coarse" }).waitFor();
  await page.locator(".hub select").nth(1).selectOption("coarse");
  await page.getByRole("button", { name: "Show its contents" }).click();
  await page.locator(".hub p", { hasText: "classes: 3" }).waitFor();
  await close();
});
