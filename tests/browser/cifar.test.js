// CIFAR-10 from an archive like its authors', or from the Hub: stored, trained on meanwhile, opened on the page; and other files.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { layOut } from "./hubset.js";
import { launch, openEmpty, startServer } from "./server.js";
import { button, message, stepsDone } from "./train.js";

const RECORD = 3073;
const MINUTE = 60_000;

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof startServer>>} */
let server;
/** @type {import("playwright-core").Page} an empty page of the same origin */
let page;
let folder = "";

/** A batch whose pictures have 20 times their class as red, and the number of their batch as green. @param {number} n */
function batch(n) {
  const bytes = Buffer.alloc(10_000 * RECORD);
  for (let i = 0; i < 10_000; i++) {
    bytes[i * RECORD] = i % 10;
    bytes.fill((i % 10) * 20, i * RECORD + 1, i * RECORD + 1025);
    bytes.fill(n, i * RECORD + 1025, i * RECORD + 2049);
  }
  return bytes;
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "mobilenetv2-"));
  const inner = join(folder, "cifar-10-batches-bin");
  await mkdir(inner);
  await writeFile(join(inner, "readme.html"), "<p>");
  for (let n = 1; n <= 5; n++) await writeFile(join(inner, `data_batch_${n}.bin`), batch(n));
  await writeFile(join(inner, "test_batch.bin"), batch(6));
  // not named .gz, or the server would declare it as compressed in transit
  const pack = (/** @type {string} */ name, /** @type {string[]} */ ...how) =>
    execFileSync("tar", [...how, "-cf", join(folder, name), "-C", folder, "cifar-10-batches-bin"]);
  pack("whole.tgz", "--use-compress-program=gzip -1");
  pack("whole.tar");
  pack("lacking.tgz", "--use-compress-program=gzip -1", "--exclude=data*");
  const bytes = await readFile(join(folder, "whole.tgz"));
  await writeFile(join(folder, "cut.tgz"), bytes.subarray(0, bytes.length - 1000));
  const damaged = Buffer.from(bytes);
  damaged.fill(0x55, damaged.length - 8, damaged.length - 4); // the checksum
  await writeFile(join(folder, "damaged.tgz"), damaged);
  await writeFile(join(folder, "none.tgz"), "words".repeat(1000));
  await writeFile(join(inner, "data_batch_1.bin"), Buffer.alloc(10_000 * RECORD));
  pack("labels.tgz", "--use-compress-program=gzip -1");

  server = await startServer({ mounts: { "/archives/": folder } });
  browser = await launch();
  page = await openEmpty(browser, server.url);
});
after(async () => {
  await browser?.close();
  await server?.close();
  if (folder) await rm(folder, { recursive: true });
});

test("the archive is unpacked and kept, and a training begins meanwhile", { timeout: 5 * MINUTE }, async () => {
  const found = await page.evaluate(async () => {
    const { createEngine, forgetCifar, openCifar, openedCifar } = await import("./engine/engine.js");
    const blob = await (await fetch("./archives/whole.tgz")).blob();
    let engine = await createEngine({ threads: 1 });
    const none = await openedCifar(engine);
    /** @type {number[]} */
    const shares = [];
    const opening = openCifar(engine, blob, { onProgress: (share) => shares.push(share) });
    const setting = { config: { width: 0.35, resolution: 32, stem: "cifar" }, recipe: { batch: 8 } };
    const data = /** @type {const} */ ({ kind: "cifar-10", opened: true });
    const trainer = await engine.createTrainer({ ...setting, data });
    const steps = [];
    for await (const { loss } of trainer.run({ steps: 2 })) steps.push(loss);
    const opened = await opening;
    const { labels, images } = await trainer.heldOut(10, 9990);
    engine.close();

    engine = await createEngine({ threads: 1 }); // as when the page is opened again
    const later = await openedCifar(engine);
    const again = await engine.createTrainer({ ...setting, data });
    const { images: same } = await again.heldOut(10);
    await forgetCifar(engine);
    const gone = await openedCifar(engine);
    const refused = await (await engine.createTrainer({ ...setting, data })).heldOut(1).catch((error) => error.code);
    engine.close();
    return {
      ...{ none, opened, later, gone, refused, steps: steps.length, classes: again.labels.length },
      pixels: [...labels].map((label, i) => [label, ...images.subarray(i * 3072, i * 3072 + 3)]),
      same: [...same.subarray(0, 3)],
      shares: [shares.length > 1, shares.at(-1), shares.join() === shares.toSorted((a, b) => a - b).join()],
    };
  });
  const bytes = 60_000 * RECORD;
  assert.deepEqual(found.none, { bytes: 0, stored: false });
  assert.deepEqual(
    [found.opened, found.later, found.gone],
    [{ bytes, stored: true, checked: true }, { bytes, stored: true }, found.none],
  );
  assert.deepEqual([found.refused, found.steps, found.classes], ["no-cifar", 2, 10]);
  assert.deepEqual(
    found.pixels,
    Array.from({ length: 10 }, (_, i) => [i, i * 20, 6, 0]),
  );
  assert.deepEqual(
    [found.same, found.shares],
    [
      [0, 6, 0],
      [true, 1, true],
    ],
  );
});

/** The result of opening it. @param {string} name @param {number} [abortAfter] milliseconds */
const open = (name, abortAfter) =>
  page.evaluate(
    async ({ name, abortAfter }) => {
      const { createEngine, forgetCifar, openCifar, openedCifar } = await import("./engine/engine.js");
      const engine = await createEngine({ threads: 1 });
      const blob = await (await fetch(`./archives/${name}`)).blob();
      const controller = new AbortController();
      if (abortAfter) setTimeout(() => controller.abort(), abortAfter);
      const { signal } = controller;
      const told = await openCifar(engine, blob, { signal }).catch((error) =>
        error.name === "EngineError" ? error.code : error.name,
      );
      const { bytes } = await openedCifar(engine);
      await forgetCifar(engine);
      engine.close();
      return [typeof told === "string" ? told : "opened", bytes];
    },
    { name, abortAfter },
  );

test("a tar that the browser has already unpacked is accepted", { timeout: 5 * MINUTE }, async () => {
  assert.deepEqual(await open("whole.tar"), ["opened", 60_000 * RECORD]);
});

test("other or incomplete archives are refused and leave nothing", { timeout: 5 * MINUTE }, async () => {
  for (const name of ["none", "lacking", "cut", "damaged", "labels"])
    assert.deepEqual(await open(`${name}.tgz`), ["cifar-archive", 0], name);
});

test("it can be stopped", { timeout: MINUTE }, async () => {
  const [told, bytes] = await open("whole.tgz", 100);
  assert.deepEqual([told, bytes], ["AbortError", 0]);
});

/** What comes of fetching it from the Hub, where that has these files. @param {Record<string, string>} splits */
async function fetchFrom(splits) {
  await layOut(join(folder, "hub"), `${server.url}archives/hub/`, splits);
  return page.evaluate(async () => {
    const { createEngine, fetchCifar, forgetCifar } = await import("./engine/engine.js");
    const engine = await createEngine({ threads: 1 });
    /** @type {number[]} */
    const shares = [];
    try {
      const found = await fetchCifar(engine, { api: "/archives/hub", onProgress: (share) => shares.push(share) });
      const trainer = await engine.createTrainer({
        config: { width: 0.35, resolution: 32, stem: "cifar" },
        data: { kind: "cifar-10", opened: true },
      });
      const { labels, images } = await trainer.heldOut(10, 9990);
      await forgetCifar(engine);
      const pixels = [...labels].map((label, i) => [label, ...images.subarray(i * 3072, i * 3072 + 3)]);
      return { ...found, pixels, shares: shares.length };
    } catch (error) {
      return { code: /** @type {any} */ (error).code };
    } finally {
      engine.close();
    }
  });
}

test("the Hub's copy is the same", { timeout: 5 * MINUTE }, async () => {
  const { shares = 0, ...found } = await fetchFrom({ train: "cifar-train", test: "cifar-test" });
  assert.deepEqual(found, {
    ...{ bytes: 60_000 * RECORD, stored: true, checked: false },
    pixels: Array.from({ length: 10 }, (_, i) => [i, i * 20, 10, 0]),
  });
  assert.ok(shares > 1);
  assert.deepEqual(await fetchFrom({ train: "train", test: "test" }), { code: "cifar-hub" });
});

/** The page, as it is where the host has no CIFAR-10. @param {import("playwright-core").BrowserContext} context */
async function openTrain(context) {
  const page = await context.newPage();
  await page.goto(`${server.url}#train?train.data=cifar-10&train.batch=8`);
  const panel = page.locator(".cifar");
  const says = (/** @type {string} */ text, timeout = MINUTE) =>
    panel.locator("p", { hasText: text }).waitFor({ timeout });
  const press = (/** @type {string} */ name) => panel.getByRole("button", { name }).click();
  const choose = (/** @type {string} */ name) => panel.locator("input[type=file]").setInputFiles(join(folder, name));
  return { page, panel, says, press, choose };
}

const NOWHERE = "This page’s host does not have it";

test(
  "a person opens the archive, trains meanwhile, has it after a reload, deletes it",
  { timeout: 5 * MINUTE },
  async () => {
    const context = await browser.newContext({ locale: "en", serviceWorkers: "block" });
    /** @type {string[]} */
    const errors = [];
    context.on("weberror", (error) => errors.push(String(error.error().stack)));
    const { page, panel, says, press, choose } = await openTrain(context);
    await says(NOWHERE);
    assert.ok(await button(page, "Start").isDisabled());
    const link = await panel.getByRole("link").getAttribute("href");
    assert.equal(link, "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz");

    await choose("none.tgz");
    await says("This is not cifar-10-binary.tar.gz");
    await choose("whole.tgz");
    await says("CIFAR-10 is being fetched");
    await press("Cancel");
    await says(NOWHERE);
    const focused = await page.evaluate(() => document.activeElement?.closest(".cifar") !== null);
    assert.ok(focused, "the keyboard's focus is where something happened");

    await choose("whole.tgz");
    await says("CIFAR-10 is being fetched");
    await button(page, "Start").click();
    await stepsDone(page, 1);
    await button(page, "Stop").click();
    await message(page, /was stopped/);
    await says(
      "all 60,000 photos (184 MB), and stays when you close the page. The archive’s checksum is correct.",
      2 * MINUTE,
    );

    await page.reload();
    await says("all 60,000 photos (184 MB), and stays when you close the page.");
    await press("Delete from this browser");
    await says(NOWHERE);
    assert.deepEqual(errors, []);
    await context.close();
  },
);

test("what the Hub refuses is said, and an archive may be dropped in any room", { timeout: 5 * MINUTE }, async () => {
  const context = await browser.newContext({ locale: "en", serviceWorkers: "block" });
  const headers = { "access-control-allow-origin": "*" };
  await context.route("https://datasets-server.huggingface.co/**", (route) =>
    route.fulfill({ status: 404, headers, body: "{}" }),
  );
  const { page, says, press } = await openTrain(context);
  await press("Fetch from Hugging Face");
  await says("has no data set “uoft-cs/cifar10”");
  await says(NOWHERE);

  await page.goto(server.url);
  await page.locator("#panel-classify .predictions li").first().waitFor();
  await page.evaluate(async () => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([await (await fetch("archives/whole.tar")).blob()], "cifar-10-binary.tar"));
    document.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer }));
  });
  await says("all 60,000 photos (184 MB)", 2 * MINUTE);
  assert.equal(await page.locator("#setting-data").inputValue(), "cifar-10");
  await context.close();
});
