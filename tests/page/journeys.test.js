// The journeys of ARCHITECTURE.md: every file that a hop names exists, and has the functions that stand after it.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";

const root = new URL("../../", import.meta.url);
const architecture = readFileSync(new URL("ARCHITECTURE.md", root), "utf8");
const [, journeys] = /^## Two journeys$(.*?)^## /ms.exec(architecture) ?? [];

/** What stands in backquotes, in order: a path, and after it the names that are to be found there. @param {string} text */
function hopsOf(text) {
  /** @type {{path: string, names: string[]}[]} */
  const hops = [];
  for (const [, quoted] of text.matchAll(/`([^`]+)`/g)) {
    if (/^(www|src|tests)\/.+\.(js|rs)$/.test(quoted)) hops.push({ path: quoted, names: [] });
    else hops.at(-1)?.names.push(quoted);
  }
  return hops;
}

test("every hop of the two journeys exists", () => {
  const hops = hopsOf(journeys ?? "");
  assert.ok(hops.length > 20, "the journeys are there");
  for (const { path, names } of hops) {
    assert.ok(existsSync(new URL(path, root)), `${path} is gone`);
    const text = readFileSync(new URL(path, root), "utf8");
    for (const name of names) {
      assert.match(text, new RegExp(`(?<![\\w$])${name}(?![\\w$])`), `${path} has no ${name}`);
    }
  }
});
