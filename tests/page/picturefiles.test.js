// Chosen files: their order decides which are held out.

import assert from "node:assert/strict";
import { test } from "node:test";
import { chosenFiles, inOrder } from "../../www/ui/shared/picturefiles.js";

/** @param {string} path of a file in a folder that is chosen, or a name alone */
const file = (path) => {
  const made = new File(["x"], path.split("/").at(-1) ?? "");
  return Object.assign(made, { webkitRelativePath: path.includes("/") ? path : "" });
};

test("a folder's files come in natural order of class and name, whatever the file system's order", () => {
  const paths = ["data/10/a.jpg", "data/2/11.jpg", "data/2/9.jpg", "data/1/x/2/10.jpg", "data/a.jpg"];
  const expected = ["2/10.jpg", "2/9.jpg", "2/11.jpg", "10/a.jpg", "data/a.jpg"];
  for (const given of [paths, paths.toReversed()]) {
    assert.deepEqual(
      inOrder(chosenFiles(given.map(file))).map(({ name }) => name),
      expected,
    );
  }
});

test("hidden files and folders are left out at any depth, except for the chosen folder", () => {
  const paths = [".data/a/1.jpg", ".data/a/._1.jpg", ".data/a/.ipynb_checkpoints/1.jpg", ".data/__MACOSX/a/1.jpg"];
  const found = chosenFiles([...paths, "Thumbs.db", "photo.jpg"].map(file));
  assert.deepEqual(
    found.map(({ name }) => name),
    ["a/1.jpg", "photo.jpg"],
  );
});

test("names are in NFC, so that a class is the same from every system", () => {
  const found = chosenFiles(["data/cafe\u0301/e\u0301.jpg", "data/caf\u00e9/f.jpg"].map(file));
  assert.deepEqual(
    inOrder(found).map(({ folder, name }) => [folder, name]),
    [
      ["caf\u00e9", "caf\u00e9/f.jpg"],
      ["caf\u00e9", "caf\u00e9/\u00e9.jpg"],
    ],
  );
});
