// Own classes: created, filled, trained on, evaluated, kept and transferred.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { startLab } from "./lab.js";
import { card, counted, drawn, fill, NAMES } from "./ownpictures.js";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const MINUTE = 60_000;

/** @typedef {import("playwright-core").Page} Page */
/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
/** Drawn pictures, 20 a class. @type {import("./ownpictures.js").PictureFile[][]} */
let files;
before(async () => {
  lab = await startLab({ cifar: false });
  const { page, context } = await lab.open();
  files = await drawn(page, 20);
  await context.close();
});
after(() => lab?.close());

const start = (/** @type {Page} */ page) => page.locator(".control .primary");

test(
  "classes are filled, learnt in seconds, evaluated, kept over a reload and saved in a file",
  { timeout: 3 * MINUTE },
  async () => {
    const { page, context, check } = await lab.open("#train?train.data=pictures&train.epochs=60");
    assert.ok(await start(page).isDisabled());
    await page.locator(".train-why", { hasText: "at least 2 classes" }).waitFor();
    await page.getByRole("button", { name: "Add a class" }).click();
    await page.getByRole("button", { name: "Add a class" }).click();
    await page.locator(".train-why", { hasText: "needs at least 5" }).waitFor();
    await page.getByRole("button", { name: "Remove", exact: true }).first().click();
    await page.locator(".pictures-note", { hasText: "“Class 1” and its images (0) removed." }).waitFor();
    assert.match((await page.evaluate(() => document.activeElement?.textContent)) ?? "", /^Undo/);
    await page.getByRole("button", { name: "Remove", exact: true }).first().click();
    await fill(page, files);
    await page.locator(".pictures", { hasText: "Classes: 3, images: 60" }).waitFor();
    assert.equal(await page.locator(".thumbnails .held-out").count(), 12);
    assert.ok(await page.locator(".train-why").isHidden());

    // the classifier alone, from weights of ten classes
    await page.selectOption("#weights", "shapes-0.35");
    await start(page).click();
    await page.locator(".train-message", { hasText: "Run 1 has finished" }).waitFor({ timeout: MINUTE });
    const told = await page.locator(".figures dd").last().innerText();
    const [, right] = /^(\d+) of 12$/.exec(told) ?? [];
    assert.ok(Number(right) >= 10, `held out: ${told}`);
    assert.equal(await page.locator(".confusion tbody tr").count(), 3);
    const sum = (await page.locator(".confusion td button").allInnerTexts()).reduce(
      (sum, text) => sum + Number(text),
      0,
    );
    assert.equal(sum, 12);
    await page.locator(".confusion td button").first().click();
    await page.locator("dialog[open] .mistakes canvas").first().waitFor();
    await page.keyboard.press("Escape");

    // Classify starts with pictures that were not trained on
    const names = await page
      .locator(".class-name")
      .evaluateAll((all) => all.map((one) => /** @type {any} */ (one).value));
    await page.locator(".runs").getByRole("button", { name: "Use in Classify" }).click();
    await page.locator(`.samples-list button[aria-label="${names[0]}"]`).first().waitFor();
    const samples = page.locator(".samples-list button");
    const labels = await samples.evaluateAll((all) => all.map((one) => one.getAttribute("aria-label")));
    assert.equal(labels.length, 8);
    assert.deepEqual([...new Set(labels)], names);
    await page.locator("#tab-train").click();

    await page.locator("#language").click();
    await page.getByRole("tab", { name: "학습" }).waitFor();
    assert.deepEqual(
      await page.locator(".confusion thead th span").allInnerTexts(),
      NAMES,
      "own names are not translated",
    );
    await page.locator("#language").click();
    await page.getByRole("tab", { name: "Train" }).waitFor();

    // to disk
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Save project" }).click(),
    ]);
    const zip = await readFile(await download.path());

    // moved and deleted by keyboard, and brought back
    await card(page, 0).locator(".thumbnails li").first().focus();
    await page.keyboard.press("Space");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Space");
    await page.getByLabel("Move to…").selectOption({ label: "star" });
    await page.getByRole("button", { name: "Move", exact: true }).click();
    await counted(page, 1, 22);
    await card(page, 1).locator(".thumbnails li").first().focus();
    await page.keyboard.press("Delete");
    await counted(page, 1, 21);
    await page.getByRole("button", { name: "Undo the removal" }).click();
    await counted(page, 1, 22);
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Undone.", "the focus is not lost");

    // everything is there after a reload, including the trained network
    await page.reload();
    await counted(page, 0, 18);
    await counted(page, 1, 22);
    assert.ok(await page.locator("#weights option", { hasText: "Your classes" }).count());
    check();
    await context.close();

    // the file in another browser's storage
    const other = await lab.open("#train?train.data=pictures");
    const input = other.page.locator('.pictures input[accept=".zip"]');
    await input.setInputFiles({ name: "bad.zip", mimeType: "application/zip", buffer: zip.subarray(0, 4000) });
    await other.page.locator(".pictures .problem", { hasText: "This is neither a project" }).waitFor();
    await input.setInputFiles({ name: "mine.zip", mimeType: "application/zip", buffer: zip });
    for (const i of NAMES.keys()) await counted(other.page, i, 20);
    assert.equal(await other.page.locator(".thumbnails .held-out").count(), 12);
    assert.deepEqual(
      await other.page
        .locator(".class-name")
        .evaluateAll((all) => all.map((input) => /** @type {any} */ (input).value)),
      NAMES,
    );
    assert.equal(await other.page.locator("#weights").inputValue(), "classes");
    other.check();
    await other.context.close();
  },
);

test("a project file keeps every picture, and only a network's own tensors", { timeout: MINUTE }, async () => {
  const { page, context, check } = await lab.open();
  const found = await page.evaluate(async () => {
    const { pack, open } = await import(/** @type {any} */ ("/lab/projectfile.js"));
    const { makeZip } = await import(/** @type {any} */ ("/vendor/client-zip/index.js"));
    // a picture that was removed and restored has the number of one added meanwhile
    const picture = (/** @type {string} */ text) => ({
      class_id: "a",
      held_out: false,
      order: 3,
      blob: new Blob([text]),
    });
    const project = {
      classes: [{ id: "a", name: "a", order: 0 }],
      pictures: [picture("x"), picture("y")],
      trained: null,
    };
    const { pictures } = (await open(await pack(project, {}))).project;
    const texts = await Promise.all(pictures.map((/** @type {any} */ { blob }) => blob.text()));
    // a file's extension follows its type
    const { bmp } = await import(/** @type {any} */ ("/lab/bmp.js"));
    const { shrink } = await import(/** @type {any} */ ("/lab/shrink.js"));
    const photo = new File([bmp(new Uint8Array(12), 2, 2)], "photo.jpg", { type: "image/jpeg" });
    const kept = { ...picture(""), blob: await shrink(photo) };
    const named = (await (await pack({ ...project, pictures: [kept] }, {})).text()).includes("train/01 a/0000.bmp");
    const described = { format: "MobileNetV2 Lab project", version: 1, classes: [], settings: {} };
    const networks = [];
    for (const trained of [{ config: {}, labels: ["a"], name: "x" }, { config: {}, labels: [1] }, { labels: ["a"] }]) {
      const files = [
        { name: "project.json", input: JSON.stringify({ ...described, trained }) },
        { name: "weights.safetensors", input: "bytes" },
      ];
      const read = (await open(await new Response(makeZip(files)).blob())).project.trained;
      networks.push(read && Object.keys(read).sort());
    }
    return { texts, networks, named };
  });
  assert.deepEqual(found, { texts: ["x", "y"], networks: [["bytes", "config", "labels"], null, null], named: true });
  check();
  await context.close();
});

test("other files are left out and named", { timeout: MINUTE }, async () => {
  const { page, context, check } = await lab.open("#train?train.data=pictures");
  await page.getByRole("button", { name: "Add a class" }).click();
  const bad = { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("words") };
  await card(page, 0)
    .locator("input[type=file]")
    .setInputFiles([...files[0].slice(0, 3), bad]);
  await page.locator(".pictures-note", { hasText: "Images added: 3. Files left out: 1. notes.txt: " }).waitFor();
  await counted(page, 0, 3);
  check();
  await context.close();
});

test("a class that is removed while being filled leaves nothing behind", { timeout: MINUTE }, async () => {
  const { page, context, check } = await lab.open("#train?train.data=pictures");
  await fill(page, files);
  await page.getByRole("button", { name: "Add a class" }).click();
  // enough pictures to take a while, removed as soon as some are there
  const many = Array.from({ length: 15 }, () => files[0]).flat();
  await card(page, 3).locator("input[type=file]").setInputFiles(many);
  await card(page, 3).locator(".thumbnails li").first().waitFor();
  await card(page, 3).getByRole("button", { name: "Remove", exact: true }).click();
  await page.locator(".pictures .adding").waitFor({ state: "hidden" });
  await page.locator(".pictures", { hasText: "Classes: 3, images: 60" }).waitFor();
  await page.reload();
  await page.locator(".pictures", { hasText: "Classes: 3, images: 60" }).waitFor();
  const stored = await page.evaluate(
    () =>
      new Promise((resolve) => {
        const opening = indexedDB.open("mobilenetv2-project");
        opening.onsuccess = () => {
          const all = opening.result.transaction("pictures").objectStore("pictures").count();
          all.onsuccess = () => resolve(all.result);
        };
      }),
  );
  assert.equal(stored, 60);
  check();
  await context.close();
});

test(
  "pictures added while others are being added wait their turn, and cancelling leaves both out",
  { timeout: MINUTE },
  async () => {
    const { page, context, check } = await lab.open("#train?train.data=pictures");
    for (let i = 0; i < 2; i++) await page.getByRole("button", { name: "Add a class" }).click();
    const many = Array.from({ length: 15 }, () => files[0]).flat();
    await card(page, 0).locator("input[type=file]").setInputFiles(many);
    await card(page, 1).locator("input[type=file]").setInputFiles(files[1].slice(0, 6));
    await counted(page, 0, 300);
    await counted(page, 1, 6);
    await page.locator(".pictures-note", { hasText: "Images added to Class 2: 6." }).waitFor();
    await card(page, 0).locator("input[type=file]").setInputFiles(many);
    await card(page, 1).locator("input[type=file]").setInputFiles(files[1]);
    await page.locator(".pictures .adding").getByRole("button", { name: "Cancel" }).click();
    await page.locator(".pictures-note", { hasText: /^Images added to Class 1: [12]?\d\d?\.$/ }).waitFor();
    await counted(page, 1, 6);
    await card(page, 1).locator("input[type=file]").setInputFiles(files[2].slice(0, 2));
    await counted(page, 1, 8);
    check();
    await context.close();
  },
);

test(
  "a run continues after a reload with the current pictures, unless their classes have changed",
  { timeout: 2 * MINUTE },
  async () => {
    const { page, check } = await lab.open("#train?train.data=pictures&train.epochs=900");
    page.on("dialog", (dialog) => dialog.accept()); // the run ends with the page
    await fill(page, files);
    const [pause, step, goOn] = ["Pause", "One step", "Resume run 1"].map((name) =>
      page.locator(".control").getByRole("button", { name, exact: true }),
    );
    await step.click();
    await page.locator(".train-message", { hasText: "is paused at step 1;" }).waitFor({ timeout: MINUTE });
    await page.reload();
    await card(page, 0).getByRole("button", { name: "Remove", exact: true }).waitFor();
    await goOn.click();
    await page.locator(".train-message", { hasText: "is training" }).waitFor({ timeout: MINUTE });
    await page.waitForFunction(() => parseInt(document.querySelectorAll(".figures dd")[1].textContent ?? "") > 1);
    await pause.click();
    await page.locator(".train-message", { hasText: "is paused at step" }).waitFor();
    await page.reload();
    await card(page, 0).locator(".class-name").fill("ring");
    await page.keyboard.press("Tab");
    await goOn.click();
    await page.locator(".control .problem", { hasText: "learns the classes circle, star, arrow" }).waitFor();
    assert.ok(await goOn.isEnabled());
    check();
  },
);

for (const [locale, colorScheme, width] of /** @type {const} */ ([
  ["en", "light", 1280],
  ["ko", "dark", 360],
])) {
  test(
    `classes and results are accessible, ${locale}, ${colorScheme}, ${width} wide`,
    { timeout: 2 * MINUTE },
    async () => {
      const viewport = { width, height: 800 };
      const touch = width < 640 ? { hasTouch: true, isMobile: true } : {};
      const { page, context, check } = await lab.open("#train?train.data=pictures&train.epochs=5", {
        locale,
        colorScheme,
        viewport,
        ...touch,
      });
      for (const [i, some] of files.entries()) {
        await page.locator(".pictures > .actions button").first().click();
        await card(page, i).locator("input[type=file]").setInputFiles(some);
        await card(page, i).locator(".thumbnails li").nth(19).waitFor({ state: "attached" });
      }
      await page.selectOption("#weights", "shapes-0.35");
      await start(page).click();
      await page.locator(".confusion td button").first().waitFor({ timeout: MINUTE });
      await card(page, 0).locator(".thumbnails li").first().click();
      await page.locator(".chosen-bar").waitFor();
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => /** @type {any} */ (window).axe.run());
      const serious = violations.filter((/** @type {any} */ { impact }) => ["serious", "critical"].includes(impact));
      const found = serious.map((/** @type {any} */ { id, nodes }) => `${id}: ${nodes[0].html.slice(0, 200)}`);
      assert.deepEqual(found, []);
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width);
      if (process.env.SCREENSHOTS) {
        await page.screenshot({ path: `${process.env.SCREENSHOTS}/pictures-${locale}-${width}.png`, fullPage: true });
      }
      check();
      await context.close();
    },
  );
}
