// Pictures come to one's own classes by paste, as folders, and by drag and drop.

import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startLab } from "./lab.js";

const MINUTE = 60_000;
const SAMPLES = fileURLToPath(new URL("../../www/samples", import.meta.url));

/** @typedef {import("playwright-core").Page} Page */
/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
/** A folder of class folders: animals with two pictures, things with three and what systems leave behind. */
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
const card = (/** @type {Page} */ page, /** @type {number} */ i) => page.locator(".class-card").nth(i);
/** @param {Page} page @param {number} i @param {number} count */
const counted = (page, i, count) =>
  card(page, i)
    .locator(".class-head .number", { hasText: `${count} ·` })
    .waitFor();
/** @param {Page} page @param {number} count */
async function addClasses(page, count) {
  for (let i = 0; i < count; i++) await page.getByRole("button", { name: "Add a class" }).click();
}
/** Names and numbers of pictures of the classes there are. @param {Page} page */
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
      document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
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

test("folders that are opened become classes of their names", { timeout: MINUTE }, async () => {
  const { page, context, check } = await open();
  await addClasses(page, 1);
  await card(page, 0).locator(".class-name").fill("things");
  await page.keyboard.press("Tab");
  await page.locator(".pictures input[webkitdirectory]").setInputFiles(folder);
  await page.locator(".pictures-note", { hasText: /^Pictures added to .*: 5\.$/ }).waitFor();
  assert.deepEqual(await classes(page), ["animals 2", "things 3"]);
  check();
  await context.close();
});

test("what is dropped on a class goes there, beside the classes to its folder's", { timeout: MINUTE }, async () => {
  const { page, context, check } = await open();
  await addClasses(page, 2);
  await drop(page, card(page, 1), [`${folder}/animals/cat.jpg`, `${folder}/things/rocket.jpg`]);
  await counted(page, 1, 2);
  await drop(page, card(page, 0), [`${folder}/things`]);
  await counted(page, 0, 3);
  await drop(page, page.locator(".train .control"), [`${folder}/animals`, `${folder}/things`]);
  await page.locator(".pictures-note", { hasText: "Pictures added to animals, things: 5." }).waitFor();
  assert.deepEqual(await classes(page), ["Class 1 3", "Class 2 2", "animals 2", "things 3"]);
  check();
  await context.close();
});

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
