// The crop on a picture: it follows hand and keys, stays a square, and never leaves the picture. Needs no browser, but dist/.

import assert from "node:assert/strict";
import test from "node:test";
import { page } from "./fakes.js";

const { LEAST_SHARE, centered, moved, pinched, positionOf, shareOf, stepped, stretched, zoomed } =
  await page("lab/crop");

/** @typedef {import("../../www/lab/crop.js").Crop} Crop */
const picture = { width: 400, height: 300 };
const SIZES = [
  picture,
  { width: 30, height: 4000 },
  { width: 9000, height: 7 },
  { width: 1, height: 1 },
  { width: 8, height: 3 },
];

/** @param {{width: number, height: number}} size @param {Crop} crop @param {string} what */
function isInside({ width, height }, { x, y, side }, what) {
  const told = `${what}: ${side} at (${x}, ${y}) of ${width} × ${height}`;
  assert.ok(x >= 0 && y >= 0 && x + side <= width + 1e-6 && y + side <= height + 1e-6, told);
  assert.ok(side >= LEAST_SHARE * Math.min(width, height) - 1e-9, told);
}

/** Numbers that are the same in every run, 0 – 1. */
function numbers(seed = 1) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test("the middle is the published crop", () => {
  assert.deepEqual(centered(picture, 0.875), { x: 68.75, y: 18.75, side: 262.5 });
  assert.equal(shareOf(picture, centered(picture, 0.875)), 0.875);
  assert.deepEqual(positionOf(picture, centered(picture, 0.875)), { x: 0.5, y: 0.5 });
  assert.deepEqual(positionOf(picture, { x: 100, y: 0, side: 300 }), { x: 1, y: 0.5 });
});

test("a crop moves as far as the edge", () => {
  const crop = { x: 100, y: 100, side: 100 };
  assert.deepEqual(moved(picture, crop, 30, -20), { x: 130, y: 80, side: 100 });
  assert.deepEqual(moved(picture, crop, 1000, 1000), { x: 300, y: 200, side: 100 });
  assert.deepEqual(moved(picture, crop, -1000, -1000), { x: 0, y: 0, side: 100 });
});

test("zooming keeps the point under the hand, unless an edge is in the way", () => {
  const crop = { x: 100, y: 100, side: 100 };
  const at = { x: 125, y: 175 };
  const closer = zoomed(picture, crop, 0.5, at);
  assert.deepEqual(closer, { x: 112.5, y: 137.5, side: 50 });
  assert.deepEqual(zoomed(picture, closer, 2, at), crop);
  assert.deepEqual(zoomed(picture, crop, 0.5), { x: 125, y: 125, side: 50 });
  assert.deepEqual(zoomed(picture, { x: 0, y: 0, side: 100 }, 2), { x: 0, y: 0, side: 200 });
  assert.equal(zoomed(picture, crop, 100).side, 300);
  assert.equal(zoomed(picture, crop, 0).side, 30);
});

test("a corner follows the hand, and the opposite one stays", () => {
  const crop = { x: 100, y: 100, side: 100 };
  const at = (/** @type {boolean} */ right, /** @type {boolean} */ bottom) => ({ right, bottom });
  assert.deepEqual(stretched(picture, crop, at(true, true), { x: 220, y: 220 }), { x: 100, y: 100, side: 120 });
  assert.deepEqual(stretched(picture, crop, at(false, false), { x: 80, y: 80 }), { x: 80, y: 80, side: 120 });
  assert.deepEqual(stretched(picture, crop, at(true, false), { x: 220, y: 80 }), { x: 100, y: 80, side: 120 });
  assert.deepEqual(stretched(picture, crop, at(false, true), { x: 80, y: 220 }), { x: 80, y: 100, side: 120 });
  assert.deepEqual(stretched(picture, crop, at(true, true), { x: 9999, y: 9999 }), { x: 100, y: 100, side: 200 });
  assert.equal(stretched(picture, crop, at(true, true), { x: 0, y: 0 }).side, 30, "it does not turn over");
});

test("two fingers part and move", () => {
  const crop = { x: 100, y: 100, side: 100 };
  /** @type {[import("../../www/lab/crop.js").Point, import("../../www/lab/crop.js").Point]} */
  const from = [
    { x: 125, y: 150 },
    { x: 175, y: 150 },
  ];
  assert.deepEqual(
    pinched(picture, crop, from, [
      { x: 100, y: 150 },
      { x: 200, y: 150 },
    ]),
    { x: 50, y: 50, side: 200 },
  );
  assert.deepEqual(
    pinched(picture, crop, from, [
      { x: 135, y: 160 },
      { x: 185, y: 160 },
    ]),
    { x: 110, y: 110, side: 100 },
  );
  isInside(picture, pinched(picture, crop, from, [from[0], from[0]]), "both at one place");
});

test("keys move and zoom; others do nothing", () => {
  const crop = { x: 100, y: 100, side: 100 };
  assert.deepEqual(stepped(picture, crop, "ArrowRight", false), { x: 105, y: 100, side: 100 });
  assert.deepEqual(stepped(picture, crop, "ArrowUp", true), { x: 100, y: 99, side: 100 });
  assert.ok(stepped(picture, crop, "+", false).side < 100);
  assert.ok(stepped(picture, crop, "-", false).side > 100);
  for (const key of ["Tab", "a", "Enter", "PageDown"]) assert.equal(stepped(picture, crop, key, false), null);
});

test("whatever is done, the crop is a square within the picture", () => {
  const random = numbers();
  for (const size of SIZES) {
    let crop = centered(size, 0.875);
    const anywhere = () => ({ x: (random() * 3 - 1) * size.width, y: (random() * 3 - 1) * size.height });
    for (let i = 0; i < 2000; i++) {
      const what = Math.floor(random() * 5);
      const { x, y } = anywhere();
      if (what === 0) crop = moved(size, crop, x, y);
      else if (what === 1) crop = zoomed(size, crop, 3 ** (2 * random() - 1), { x, y });
      else if (what === 2) crop = stretched(size, crop, { right: random() < 0.5, bottom: random() < 0.5 }, { x, y });
      else if (what === 3) crop = pinched(size, crop, [anywhere(), anywhere()], [anywhere(), anywhere()]);
      else crop = stepped(size, crop, ["+", "-", "ArrowLeft", "ArrowDown"][Math.floor(random() * 4)], random() < 0.5);
      isInside(size, crop, `step ${i}, ${what}`);
    }
  }
});
