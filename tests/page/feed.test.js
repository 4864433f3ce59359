// What a network is fed: windows on the pictures that they show, inputs as colours. Needs dist/, but no browser;
// tests/browser/feed.test.js compares with the core.

import assert from "node:assert/strict";
import { test } from "node:test";
import { page } from "./fakes.js";

const { coloursOf, frameOf, LIMIT, onOriginal, repeated, summaryOf } = await page("lab/feed");

const WINDOW = { size: 32, left: 0, top: 0, mirrored: false, cutout: null };

test("a window lies where the network looks, in the picture's own pixels", () => {
  assert.deepEqual(onOriginal(WINDOW, 32, 32), { seen: { x: 0, y: 0, width: 32, height: 32 }, cutout: null });
  // shifted into the padding
  assert.deepEqual(onOriginal({ ...WINDOW, left: -4, top: 3 }, 32, 32).seen, { x: -4, y: 3, width: 32, height: 32 });
  // resized to twice its size, it is seen in part; to half of it, with black around it
  assert.deepEqual(onOriginal({ ...WINDOW, size: 64, left: 10, top: 20 }, 32, 32).seen, {
    x: 5,
    y: 10,
    width: 16,
    height: 16,
  });
  assert.deepEqual(onOriginal({ ...WINDOW, size: 16, left: -8, top: 0 }, 32, 32).seen, {
    x: -16,
    y: 0,
    width: 64,
    height: 64,
  });
});

test("what is cut out of a mirrored window lies on the other side of the picture", () => {
  const cutout = { x: 2, y: 5, width: 8, height: 4 };
  const one = { ...WINDOW, left: 3, top: -2, cutout };
  assert.deepEqual(onOriginal(one, 32, 32).cutout, { x: 5, y: 3, width: 8, height: 4 });
  assert.deepEqual(onOriginal({ ...one, mirrored: true }, 32, 32).cutout, { x: 25, y: 3, width: 8, height: 4 });
  assert.deepEqual(onOriginal({ ...one, mirrored: true }, 32, 32).seen, onOriginal(one, 32, 32).seen);
});

test("a frame shows every picture and every window", () => {
  const windows = [
    { x: -4, y: 2, width: 32, height: 32 },
    { x: 3, y: 6, width: 32, height: 32 },
  ];
  assert.deepEqual(frameOf(windows, 32), { from: -4, to: 38 });
  assert.deepEqual(frameOf([{ x: 4, y: 4, width: 8, height: 8 }], 32), { from: 0, to: 32 });
});

test("colours come back as they were, or around grey", () => {
  const colours = { mean: [0.5, 0.25, 0.75], std: [0.2, 0.25, 0.5] };
  const bytes = [0, 128, 255, 10, 20, 30];
  const inputs = Float32Array.from(bytes, (byte, i) => (byte / 255 - colours.mean[i % 3]) / colours.std[i % 3]);
  assert.deepEqual([...coloursOf(inputs, colours, false)], bytes);
  const values = Float32Array.of(0, LIMIT, -LIMIT, 99, -99, LIMIT / 2);
  assert.deepEqual([...coloursOf(values, colours, true)], [128, 255, 0, 255, 0, 191]);
});

test("a picture is repeated, and draws are summed up", () => {
  assert.deepEqual([...repeated(Uint8Array.of(1, 2, 3), 3)], [1, 2, 3, 1, 2, 3, 1, 2, 3]);
  const windows = [
    { ...WINDOW, left: -4 },
    { ...WINDOW, size: 48, left: 8, top: 10, mirrored: true, cutout: { x: 0, y: 0, width: 1, height: 1 } },
  ];
  assert.deepEqual(summaryOf(windows, 32), { mirrored: 1, shift: 4, sizes: [32, 48], cut: 1 });
});
