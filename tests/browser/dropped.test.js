// Own pictures added by paste, as folders, and by drag and drop.

import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { pictureInput, startLab, waitForPicture } from "./lab.js";
import { addClasses, card, counted, filesOf, noted } from "./ownpictures.js";
import { pageFolder } from "./server.js";

const MINUTE = 60_000;
const SAMPLES = fileURLToPath(new URL("../../www/samples", import.meta.url));

/** @typedef {import("playwright-core").Page} Page */
/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
/** A folder of class folders: animals with two pictures, things with three, and junk files. */
let folder = "";
before(async () => {
  lab = await startLab({ cifar: false });
  folder = await mkdtemp(`${tmpdir()}/pictures-`);
  for (const [name, photos] of Object.entries({ animals: ["cat", "flower"], things: ["coffee", "palace", "rocket"] })) {
    await mkdir(`${folder}/${name}`);
    for (const photo of photos) await cp(`${SAMPLES}/${photo}.jpg`, `${folder}/${name}/${photo}.jpg`);
  }
  await writeFile(`${folder}/things/.DS_Store`, "");
});
after(async () => {
  await lab?.close();
  await rm(folder, { recursive: true, force: true });
});

const open = () => lab.open("#train?train.data=pictures");
/** Each class's name and number of pictures. @param {Page} page */
async function classes(page) {
  const names = page.locator(".class-name").evaluateAll((all) => all.map((input) => /** @type {any} */ (input).value));
  const counts = await page.locator(".class-head .number").allInnerTexts();
  return (await names).map((name, i) => `${name} ${parseInt(counts[i])}`).sort();
}

/**
 * Drops files of this machine, as a person does, on the middle of an element.
 *
 * @param {Page} page @param {import("playwright-core").Locator} target @param {string[]} files
 */
async function drop(page, target, files) {
  await target.scrollIntoViewIfNeeded();
  const { x, y, width, height } = /** @type {{x: number, y: number, width: number, height: number}} */ (
    await target.boundingBox()
  );
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files, dragOperationsMask: 1 };
  for (const type of /** @type {const} */ (["dragEnter", "dragOver", "drop"])) {
    await session.send("Input.dispatchDragEvent", { type, x: x + width / 2, y: y + height / 2, data });
  }
}

test("pasted pictures go to the class touched last", { timeout: MINUTE }, async () => {
  const { page, context, check } = await open();
  await addClasses(page, 2);
  const bytes = [...(await readFile(`${SAMPLES}/cat.jpg`))];
  const paste = () =>
    page.evaluate((bytes) => {
      const clipboardData = new DataTransfer();
      clipboardData.items.add(new File([new Uint8Array(bytes)], "image.png", { type: "image/jpeg" }));
      // a synthetic ClipboardEvent has no clipboardData in Firefox
      document.body.dispatchEvent(Object.assign(new Event("paste", { bubbles: true }), { clipboardData }));
    }, bytes);
  await paste();
  await counted(page, 1, 1);
  await card(page, 0).locator(".class-name").focus();
  await paste();
  await counted(page, 0, 1);
  await counted(page, 1, 1);
  check();
  await context.close();
});

test("opened folders become classes of the same names", { timeout: MINUTE }, async () => {
  const { page, context, check } = await open();
  await addClasses(page, 1);
  await card(page, 0).locator(".class-name").fill("things");
  await page.keyboard.press("Tab");
  await page.locator(".pictures input[webkitdirectory]").setInputFiles(folder);
  await page.locator(".pictures-note", { hasText: /^Images added to .*: 5\.$/ }).waitFor();
  assert.deepEqual(await classes(page), ["animals 2", "things 3"]);
  check();
  await context.close();
});

test(
  "pictures dropped on a class go there; dropped elsewhere they go to their folder's class",
  { timeout: MINUTE },
  async () => {
    const { page, context, check } = await open();
    await addClasses(page, 2);
    await drop(page, card(page, 1), [`${folder}/animals/cat.jpg`, `${folder}/things/rocket.jpg`]);
    await counted(page, 1, 2);
    await drop(page, card(page, 0), [`${folder}/things`]);
    await counted(page, 0, 3);
    await drop(page, page.locator(".train .control"), [`${folder}/animals`, `${folder}/things`]);
    await page.locator(".pictures-note", { hasText: "Images added to animals, things: 5." }).waitFor();
    assert.deepEqual(await classes(page), ["Class 1 3", "Class 2 2", "animals 2", "things 3"]);
    check();
    await context.close();
  },
);

test(
  "a zip of class folders is opened or dropped anywhere on the page, like the folder",
  { timeout: MINUTE },
  async (t) => {
    const { makeZip } = await import(pathToFileURL(`${pageFolder()}/vendor/client-zip/index.js`).href);
    const paths = ["animals/cat.jpg", "animals/flower.jpg", "things/coffee.jpg", "things/.DS_Store"];
    const files = paths.map(async (path) => ({ name: `photos/${path}`, input: await readFile(`${folder}/${path}`) }));
    const bytes = Buffer.from(await new Response(makeZip(await Promise.all(files))).arrayBuffer());
    const root = await folderOf(t, { "photos.zip": bytes, "cut.zip": bytes.subarray(0, -100) });
    for (const way of [
      (/** @type {Page} */ page) => drop(page, page.locator("#bar"), [`${root}/photos.zip`]),
      async (/** @type {Page} */ page) => {
        await page.goto(`${lab.url}#train?train.data=pictures`);
        await page.locator('.pictures input[accept=".zip"]').setInputFiles(`${root}/photos.zip`);
      },
    ]) {
      const { page, context, check } = await lab.open();
      await way(page);
      await page.locator(".pictures-note", { hasText: "Images added to animals, things: 3." }).waitFor();
      assert.deepEqual(await classes(page), ["animals 2", "things 1"]);
      await page.locator('.pictures input[accept=".zip"]').setInputFiles(`${root}/cut.zip`);
      await page.locator(".pictures .problem", { hasText: "This is neither a project" }).waitFor();
      assert.deepEqual(await classes(page), ["animals 2", "things 1"], "the old classes stay");
      check();
      await context.close();
    }
  },
);

test("pictures are dragged from one class to another", { timeout: MINUTE }, async () => {
  const { page, context, check } = await open();
  await addClasses(page, 2);
  await card(page, 0)
    .locator("input[type=file]")
    .setInputFiles([`${SAMPLES}/cat.jpg`, `${SAMPLES}/rocket.jpg`]);
  await counted(page, 0, 2);
  await card(page, 0).locator(".thumbnails li").first().dragTo(card(page, 1).locator(".class-head"));
  await counted(page, 0, 1);
  await counted(page, 1, 1);
  check();
  await context.close();
});

/** A temporary folder, removed after the test. @param {import("node:test").TestContext} context @param {Record<string, Buffer>} files */
async function folderOf(context, files) {
  const root = await mkdtemp(`${tmpdir()}/pictures-`);
  context.after(() => rm(root, { recursive: true, force: true }));
  for (const [path, bytes] of Object.entries(files)) {
    await mkdir(dirname(`${root}/${path}`), { recursive: true });
    await writeFile(`${root}/${path}`, bytes);
  }
  return root;
}

const names = (/** @type {Page} */ page) =>
  page.locator(".class-name").evaluateAll((all) => all.map((input) => /** @type {any} */ (input).value));

test("classes come in natural order, without junk, opened or dropped", { timeout: MINUTE }, async (context) => {
  const cat = await readFile(`${SAMPLES}/cat.jpg`);
  const numbers = Array.from({ length: 11 }, (_, i) => String(i + 1));
  const junk = ["__MACOSX/1/._cat.jpg", "2/.ipynb_checkpoints/cat.jpg", "3/Thumbs.db", "4/._cat.jpg", "@eaDir/cat.jpg"];
  const paths = [...numbers.map((name) => `${name}/cat.jpg`), ...junk];
  const root = await folderOf(context, Object.fromEntries(paths.map((path) => [`data/${path}`, cat])));
  for (const way of [
    (/** @type {Page} */ page) => page.locator(".pictures input[webkitdirectory]").setInputFiles(`${root}/data`),
    (/** @type {Page} */ page) => drop(page, page.locator(".train .control"), [`${root}/data`]),
  ]) {
    const { page, context: own, check } = await open();
    await way(page);
    await noted(page, /^Images added to .*: 11\.$/);
    assert.deepEqual(await names(page), numbers);
    check();
    await own.close();
  }
});

test("problems with files are reported with their folders", { timeout: MINUTE }, async (context) => {
  const cat = await readFile(`${SAMPLES}/cat.jpg`);
  const heic = Buffer.from("\0\0\0\x18ftypheic\0\0\0\0mif1heic and so on", "latin1");
  const root = await folderOf(context, {
    "a/cut.jpg": cat.subarray(0, cat.length / 2),
    "a/endless.jpg": cat.subarray(0, -2),
    "b/phone.jpg": heic,
    "b/notes.png": Buffer.from("words"),
  });
  const { page, context: own, check } = await open();
  await page.locator(".pictures input[webkitdirectory]").setInputFiles(root);
  const said = [
    "Images added: 1. Files left out: 3.",
    "a/cut.jpg: The JPEG file is damaged or incomplete.",
    "b/notes.png: This is not an image",
    "b/phone.jpg: This is a HEIC file, which this browser does not read. Save it as a JPEG first.",
  ];
  for (const words of said) await noted(page, words);
  check();
  await own.close();
});

test("an address or text is refused as not being a picture", { timeout: MINUTE }, async () => {
  const { page, context, check } = await open();
  await addClasses(page);
  /** @param {"drop" | "paste"} type @param {string} selector */
  const bring = (type, selector) =>
    page.evaluate(
      ({ type, selector }) => {
        const data = new DataTransfer();
        data.setData("text/uri-list", "https://example.org/cat.jpg");
        const event =
          type === "paste"
            ? Object.assign(new Event(type, { bubbles: true }), { clipboardData: data })
            : new DragEvent(type, { dataTransfer: data, bubbles: true });
        document.querySelector(selector)?.dispatchEvent(event);
      },
      { type, selector },
    );
  const inTrain = page.locator(".pictures > .problem", { hasText: "Save the image first" });
  for (const [type, selector] of /** @type {const} */ ([
    ["paste", "body"],
    ["drop", ".class-card"],
    ["drop", ".control"],
  ])) {
    await bring(type, selector);
    await inTrain.waitFor();
    await filesOf(page, 0).setInputFiles(`${SAMPLES}/cat.jpg`);
    await inTrain.waitFor({ state: "hidden" });
  }
  await counted(page, 0, 3);
  await bring("paste", ".class-name");
  assert.ok(await inTrain.isHidden(), "text may be pasted into a field");

  await page.locator("#tab-classify").click();
  const inClassify = page.locator("#panel-classify .picture > .problem", { hasText: "Save the image first" });
  for (const type of /** @type {const} */ (["paste", "drop"])) {
    await bring(type, "body");
    await inClassify.waitFor();
    await page.setInputFiles(pictureInput, `${SAMPLES}/cat.jpg`);
    await inClassify.waitFor({ state: "hidden" });
  }
  check();
  await context.close();
});

test("a folder dropped in Classify is opened", { timeout: MINUTE }, async () => {
  const { page, context, check } = await lab.open();
  await page.locator("#panel-classify .predictions li").first().waitFor();
  await drop(page, page.locator("#panel-classify .picture"), [`${folder}/things`]);
  await waitForPicture(page, "things/coffee.jpg");
  await page.locator(".strip li").nth(2).waitFor();
  assert.equal(await page.locator(".strip li").count(), 3);
  check();
  await context.close();
});
