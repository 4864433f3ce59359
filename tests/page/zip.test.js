// Zips that people open: class folders from photo programs and course pages, and projects. Needs no browser.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { page } from "./fakes.js";

const { open } = await page("lab/projectfile");
const { makeZip } = await page("vendor/client-zip/index");
const { isZip, zippedFiles } = await page("ui/shared/picturefiles");

/** @type {{left_out: string[], kept: string[]}} */
const names = JSON.parse(readFileSync(new URL("../cases/names.json", import.meta.url), "utf8"));

/** @param {Record<string, string>} files contents by path @returns {Promise<Blob>} */
const zip = async (files) =>
  new Response(makeZip(Object.entries(files).map(([name, input]) => ({ name, input })))).blob();

/** Class and content of each file in a zip. @param {Blob} blob @param {string} [name] */
async function found(blob, name = "photos.zip") {
  const { files } = await open(blob);
  const all = zippedFiles(name, files);
  return Promise.all(all.map(async ({ folder, file }) => [folder, await (await file.read()).text()]));
}

test("class folders are found one level or two down, beside junk, in natural order", async () => {
  for (const above of ["", "photos/", "course/photos/"]) {
    const blob = await zip({
      [`${above}dog/10.jpg`]: "dog 10",
      [`${above}dog/9.jpg`]: "dog 9",
      [`${above}cat/1.jpg`]: "cat 1",
      [`${above}cat/.DS_Store`]: "",
      [`__MACOSX/${above}cat/._1.jpg`]: "",
      [`${above}.thumbnails/cat/1.jpg`]: "",
      [`${above}Thumbs.db`]: "",
    });
    assert.deepEqual(
      await found(blob),
      [
        ["cat", "cat 1"],
        ["dog", "dog 9"],
        ["dog", "dog 10"],
      ],
      above,
    );
  }
});

test("junk is the same as on the command line", async () => {
  const blob = await zip(
    Object.fromEntries([...names.left_out, ...names.kept].map((name) => [`a/${name}/1.jpg`, name])),
  );
  assert.deepEqual((await found(blob)).map(([, name]) => name).sort(), names.kept.toSorted());
});

test("pictures without a folder get the zip's name as class, and backslashes separate folders too", async () => {
  assert.deepEqual(await found(await zip({ "1.jpg": "x" }), "cats.ZIP"), [["cats", "x"]]);
  const blob = await zip({ "photos/dog/1.jpg": "x" });
  const bytes = new Uint8Array(await blob.arrayBuffer()).map((byte) => (byte === 0x2f ? 0x5c : byte));
  assert.deepEqual(await found(new Blob([bytes])), [["dog", "x"]]);
  assert.deepEqual(["a.zip", "A.ZIP", "zip", "a.zip.jpg"].map(isZip), [true, true, false, false]);
});

test("names are in NFC", async () => {
  assert.deepEqual(await found(await zip({ "cafe\u0301/1.jpg": "x" })), [["caf\u00e9", "x"]]);
});

test("a project repacked in a folder is still a project", async () => {
  const described = { format: "MobileNetV2 Lab project", version: 1, classes: [{ name: "a", folder: "01 a" }] };
  for (const above of ["", "mine/"]) {
    const blob = await zip({
      [`${above}project.json`]: JSON.stringify(described),
      [`${above}train/01 a/0000.jpg`]: "one",
      [`${above}test/01 a/0001.jpg`]: "two",
      "__MACOSX/mine/._project.json": "",
    });
    const { project } = await open(blob);
    assert.deepEqual(
      project.classes.map((/** @type {any} */ { name }) => name),
      ["a"],
    );
    const pictures = project.pictures.map(async (/** @type {any} */ { held_out, blob }) => [
      held_out,
      blob.type,
      await blob.text(),
    ]);
    assert.deepEqual(await Promise.all(pictures), [
      [false, "image/jpeg", "one"],
      [true, "image/jpeg", "two"],
    ]);
  }
});

test("other and incomplete zips are refused", async () => {
  const blob = await zip({ "cat/1.jpg": "x".repeat(5000) });
  const refused = { code: "no-project" };
  for (const length of [0, 10, 4000, blob.size - 10]) await assert.rejects(open(blob.slice(0, length)), refused);
  await assert.rejects(open(new Blob(["x".repeat(100_000)])), refused);
  await assert.rejects(found(await zip({})), refused);
  await assert.rejects(found(await zip({ "__MACOSX/1.jpg": "", "cat/.DS_Store": "" })), refused);
  await assert.rejects(open(await zip({ "project.json": "{}" })), refused);
});

test("a damaged file in a zip fails when it is read", async () => {
  const blob = await zip({ "cat/1.jpg": "one", "cat/2.jpg": "two" });
  const bytes = new Uint8Array(await blob.arrayBuffer());
  const at = bytes.findLastIndex((_, i) => bytes[i] === 0x50 && bytes[i + 1] === 0x4b && bytes[i + 2] === 1); // the last entry
  bytes[at + 10] = 12; // a compression that no browser supports
  const { files } = await open(new Blob([bytes]));
  assert.equal(await (await files[0].read()).text(), "one");
  await assert.rejects(files[1].read(), { code: "damaged", values: { format: "ZIP" } });
});
