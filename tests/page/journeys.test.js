// The journeys of ARCHITECTURE.md: the file of every hop exists and contains the functions named after it.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";

const root = new URL("../../", import.meta.url);
const architecture = readFileSync(new URL("ARCHITECTURE.md", root), "utf8");
const [, journeys] = /^## Two journeys$(.*?)^## /ms.exec(architecture) ?? [];

/** Words in backquotes, in order: a path, followed by names to be found in it. @param {string} text */
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
  assert.ok(hops.length > 20, "found too few hops");
  for (const { path, names } of hops) {
    assert.ok(existsSync(new URL(path, root)), `${path} is gone`);
    const text = readFileSync(new URL(path, root), "utf8");
    for (const name of names) {
      assert.match(text, new RegExp(`(?<![\\w$])${name}(?![\\w$])`), `${path} has no ${name}`);
    }
  }
});
