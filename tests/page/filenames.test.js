// Names are read as on the command line, by the same table.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { isJunk, natural, nfc } from "../../www/engine/filenames.js";

/** @type {{order: string[][], left_out: string[], kept: string[], nfc: [string, string][]}} */
const cases = JSON.parse(readFileSync(new URL("../cases/names.json", import.meta.url), "utf8"));

test("the order is natural, however names are ordered at first", () => {
  for (const expected of cases.order) {
    assert.deepEqual(expected.toReversed().sort(natural), expected);
    for (const [i, one] of expected.entries()) {
      assert.equal(natural(one, one), 0);
      for (const other of expected.slice(i + 1)) assert.ok(natural(one, other) < 0 && natural(other, one) > 0);
    }
  }
});

test("junk is recognised by name", () => {
  assert.deepEqual(
    cases.left_out.filter((name) => !isJunk(name)),
    [],
  );
  assert.deepEqual(cases.kept.filter(isJunk), []);
});

test("names are in NFC", () => {
  for (const [given, expected] of cases.nfc) assert.equal(nfc(given), expected);
});
