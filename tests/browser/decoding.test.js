// A network gets the same input from a picture, whatever its format and however it is stored.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { deflateSync } from "node:zlib";
import { chunk, exif, turned } from "../page/exif.js";
import { pictureInput, startLab, waitForPicture } from "./lab.js";
import { IN_FIREFOX } from "./server.js";

const MINUTE = 60_000;
/** The network of these tests gets the whole picture, at this size. */
const SIDE = 64;

/** @typedef {import("playwright-core").Page} Page */
/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
before(async () => {
  lab = await startLab({ cifar: false });
});
after(() => lab?.close());

/**
 * A PNG of these samples.
 *
 * @param {number} width @param {number} height @param {number} depth bits of a sample @param {number} type as PNG numbers them
 * @param {(at: number) => number} sample those of a row, one after the other
 */
function png(width, height, depth, type, sample) {
  const channels = { 0: 1, 2: 3, 6: 4 }[type] ?? 1;
  const row = 1 + (width * channels * depth) / 8;
  const rows = Buffer.alloc(row * height);
  for (let at = 0; at < width * height * channels; at++) {
    const to = Math.floor(at / (width * channels)) * row + 1 + ((at % (width * channels)) * depth) / 8;
    if (depth === 8) rows[to] = sample(at);
    else rows.writeUInt16BE(sample(at), to);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header[8] = depth;
  header[9] = type;
  const signature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
  const parts = [chunk("IHDR", header), chunk("IDAT", deflateSync(rows, { level: 1 })), chunk("IEND", Buffer.alloc(0))];
  return Buffer.concat([signature, ...parts]);
}

/** Gives pages a function from bytes to files: the content policy forbids fetching them from `data:`. */
function makeBlobs() {
  const bytes = (/** @type {string} */ base64) => Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0));
  /** @type {any} */ (window).blobOf = (/** @type {string} */ base64) => new Blob([bytes(base64)]);
}

/** A network's input for each file, as RGB bytes. @param {Page} page @param {Buffer[]} files @returns {Promise<number[][]>} */
const seen = (page, files) =>
  page.evaluate(
    async ({ files, side }) => {
      const { createEngine } = await import(/** @type {any} */ ("/engine/engine.js"));
      const engine = await createEngine({ threads: 1 });
      const classifier = await engine.loadClassifier("weights/shapes-0.35.safetensors");
      await classifier.setResolution(side);
      const all = [];
      for (const base64 of files) {
        const blob = /** @type {any} */ (window).blobOf(base64);
        const { crop } = await classifier.classify(blob, { crop: true });
        all.push([...crop].filter((_, i) => i % 4 !== 3));
      }
      engine.close();
      return all;
    },
    { files: files.map((file) => file.toString("base64")), side: SIDE },
  );

/** @param {number[]} one @param {number[]} other */
const difference = (one, other) => Math.max(...one.map((value, i) => Math.abs(value - other[i])));

/** Four corners in four colours, so that every orientation differs. @param {number} x @param {number} y 0 – 1 */
const color = (x, y) =>
  y < 0.5 ? (x < 0.5 ? [230, 30, 30] : [30, 230, 30]) : x < 0.5 ? [30, 30, 230] : [230, 230, 30];

/** The place in the file of the upright picture's pixel (x, y), by EXIF orientation. @type {((x: number, y: number, end: number) => [number, number])[]} */
const STORED = [
  (x, y) => [x, y],
  (x, y, end) => [end - x, y],
  (x, y, end) => [end - x, end - y],
  (x, y, end) => [x, end - y],
  (x, y) => [y, x],
  (x, y, end) => [y, end - x],
  (x, y, end) => [end - y, end - x],
  (x, y, end) => [end - y, x],
];

/** A turned picture in each format. @param {Page} page @param {number} side */
async function turnedFiles(page, side) {
  /** @type {{format: string, orientation: number, file: Buffer}[]} */
  const files = [];
  for (const [format, type] of Object.entries({ JPEG: "image/jpeg", PNG: "image/png", WebP: "image/webp" })) {
    for (const [i, stored] of STORED.entries()) {
      const pixels = new Uint8Array(side * side * 4).fill(255);
      for (let y = 0; y < side; y++) {
        for (let x = 0; x < side; x++) {
          const [column, row] = stored(x, y, side - 1);
          pixels.set(color(x / side, y / side), 4 * (row * side + column));
        }
      }
      const base64 = await page.evaluate(
        async ({ pixels, side, type }) => {
          const canvas = new OffscreenCanvas(side, side);
          const bytes = Uint8ClampedArray.from(atob(pixels), (byte) => byte.charCodeAt(0));
          canvas.getContext("2d")?.putImageData(new ImageData(bytes, side, side), 0, 0);
          const blob = await canvas.convertToBlob({ type, quality: 1 });
          return btoa(
            Array.from(new Uint8Array(await blob.arrayBuffer()), (byte) => String.fromCharCode(byte)).join(""),
          );
        },
        { pixels: Buffer.from(pixels).toString("base64"), side, type },
      );
      const plain = Buffer.from(base64, "base64");
      const file = turned[format](plain, exif(i + 1, i % 2 === 0), { width: side, height: side });
      files.push({ format, orientation: i + 1, file });
    }
  }
  return files;
}

const upright = Array.from({ length: SIDE * SIDE }, (_, i) =>
  color((i % SIDE) / SIDE, Math.floor(i / SIDE) / SIDE),
).flat();

test("a picture is turned by its EXIF orientation, in JPEG, PNG and WebP", { timeout: MINUTE }, async () => {
  const { page, context, check } = await lab.open("", { script: makeBlobs });
  const files = await turnedFiles(page, SIDE);
  const all = await seen(
    page,
    files.map(({ file }) => file),
  );
  for (const [i, { format, orientation }] of files.entries()) {
    assert.ok(difference(all[i], upright) < 12, `${format} of orientation ${orientation}`);
  }
  check();
  await context.close();
});

test("own pictures are kept upright, small ones and shrunk ones", { timeout: MINUTE }, async () => {
  const { page, context, check } = await lab.open("", { script: makeBlobs });
  for (const side of [SIDE, 480]) {
    const files = await turnedFiles(page, side);
    const kept = await page.evaluate(
      async (files) => {
        const { shrink } = await import(/** @type {any} */ ("/lab/shrink.js"));
        const all = [];
        for (const base64 of files) {
          const blob = await shrink(/** @type {any} */ (window).blobOf(base64));
          const image = new Image(); // as shown on the page
          image.src = URL.createObjectURL(blob);
          await image.decode();
          const canvas = new OffscreenCanvas(image.width, image.height);
          const context = canvas.getContext("2d");
          context?.drawImage(image, 0, 0);
          const at = (/** @type {number} */ x, /** @type {number} */ y) => [
            ...(context?.getImageData(x * image.width, y * image.height, 1, 1).data ?? []),
          ];
          all.push([image.width, ...at(0.25, 0.25), ...at(0.75, 0.25), ...at(0.25, 0.75), ...at(0.75, 0.75)]);
        }
        return all;
      },
      files.map(({ file }) => file.toString("base64")),
    );
    const corners = [color(0, 0), color(1, 0), color(0, 1), color(1, 1)].flatMap((rgb) => [...rgb, 255]);
    for (const [i, { format, orientation }] of files.entries()) {
      const about = `${format} of ${side} pixels, orientation ${orientation}: ${kept[i]}`;
      assert.ok(difference(kept[i], [Math.min(side, 320), ...corners]) < 12, about);
    }
  }
  check();
  await context.close();
});

test("transparency is over white, to the byte as in the core; 16 bits lose their lower 8", async () => {
  const { page, context, check } = await lab.open("", { script: makeBlobs });
  // every alpha with values of all kinds
  const alpha = (/** @type {number} */ at) => (at % 4 === 3 ? (at >> 4) & 255 : (at * 37 + (at >> 9) * 11) & 255);
  const deep = (/** @type {number} */ at) => (at * 2_654_435_761) & 0xffff;
  // Firefox rounds both its own way: the pixels that its canvas blends, and 16 bits, to the nearest, as libpng does if asked
  const inexact = IN_FIREFOX ? 1 : 0;
  const upper = (/** @type {number} */ value) => (IN_FIREFOX ? Math.round(value / 257) : value >> 8);
  const [transparent, grey, rgb] = await seen(page, [
    png(SIDE, SIDE, 8, 6, alpha),
    png(SIDE, SIDE, 16, 0, deep),
    png(SIDE, SIDE, 16, 2, deep),
  ]);
  for (let p = 0; p < SIDE * SIDE; p++) {
    for (let c = 0; c < 3; c++) {
      const a = alpha(4 * p + 3);
      const expected = Math.floor((alpha(4 * p + c) * a + 255 * (255 - a) + 127) / 255);
      const off = Math.abs(transparent[3 * p + c] - expected);
      assert.ok(off <= inexact, `${alpha(4 * p + c)} of alpha ${a}: ${transparent[3 * p + c]}, not ${expected}`);
      assert.equal(grey[3 * p + c], upper(deep(p)));
      assert.equal(rgb[3 * p + c], upper(deep(3 * p + c)));
    }
  }
  // as WebP, which canvases write with premultiplied values, and as JPEG where it is shrunk
  const shown = await page.evaluate(async () => {
    const { shrink } = await import(/** @type {any} */ ("/lab/shrink.js"));
    const canvas = new OffscreenCanvas(400, 400);
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.fillStyle = "#0000ff80";
    context.fillRect(0, 0, 200, 400);
    const bitmap = await createImageBitmap(
      await shrink(await canvas.convertToBlob({ type: "image/webp", quality: 1 })),
    );
    context.drawImage(bitmap, 0, 0);
    return [...context.getImageData(40, 40, 1, 1).data, ...context.getImageData(280, 40, 1, 1).data];
  });
  assert.ok(difference(shown, [127, 127, 255, 255, 255, 255, 255, 255]) < 6, `${shown}`);
  check();
  await context.close();
});

test("a JPEG without its end marker is accepted; a truncated one, or another format, is reported", async () => {
  const { page, context, check } = await lab.open("", { script: makeBlobs });
  const cat = await readFile(new URL("../../www/samples/cat.jpg", import.meta.url));
  const file = (/** @type {string} */ name, /** @type {Buffer} */ buffer) => ({ name, mimeType: "image/jpeg", buffer });
  for (const lacking of [1, 2]) {
    await page.setInputFiles(pictureInput, file(`without ${lacking}.jpg`, cat.subarray(0, -lacking)));
    await waitForPicture(page, `without ${lacking}.jpg`);
  }
  const [whole, endless] = await seen(page, [cat, cat.subarray(0, -2)]);
  assert.deepEqual(endless, whole);
  for (const [buffer, words] of /** @type {[Buffer, string][]} */ ([
    [cat.subarray(0, -12), "The JPEG file is damaged"],
    [cat.subarray(0, cat.length / 2), "The JPEG file is damaged"],
    [png(8, 8, 8, 2, () => 1).subarray(0, 60), "The PNG file is damaged"],
    [Buffer.from("\0\0\0\x18ftypheic\0\0\0\0mif1heic", "latin1"), "a HEIC file, which this browser does not read"],
    [Buffer.from("MM\0*\0\0\0\x08 and so on", "latin1"), "a TIFF file"],
    [Buffer.from("8BPS\0\x01 and so on", "latin1"), "a PSD file"],
    [Buffer.from("II*\0\x10\0\0\0CR\x02\0", "latin1"), "a RAW file"],
  ])) {
    await page.setInputFiles(pictureInput, file("wrong.jpg", buffer));
    await page.locator("#panel-classify .problem", { hasText: words }).waitFor();
  }
  check();
  await context.close();
});

test(
  "a large picture gives the same input as a small one, and its preview is shown",
  { timeout: 2 * MINUTE },
  async () => {
    const { page, context, check } = await lab.open("", { script: makeBlobs });
    const [width, height] = [4200, 4100]; // more than stays in memory
    const sample = (/** @type {number} */ at) => {
      const [x, y] = [Math.floor(at / 3) % width, Math.floor(at / (3 * width))];
      return color(x / width, y / height)[at % 3] ^ ((x * y) & 15);
    };
    const file = turned.PNG(png(width, height, 8, 2, sample), exif(6), { width, height });
    const found = await page.evaluate(
      async ({ base64, width, height }) => {
        const { createEngine } = await import(/** @type {any} */ ("/engine/engine.js"));
        const engine = await createEngine({ threads: 1 });
        const classifier = await engine.loadClassifier("weights/shapes-0.35.safetensors");
        const blob = /** @type {any} */ (window).blobOf(base64);
        const large = await engine.openPicture(blob);
        const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none" }); // Chromium turns PNGs
        const canvas = new OffscreenCanvas(height, width);
        const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
        context.drawImage(bitmap, 0, 0);
        const pixels = await engine.openPicture(context.getImageData(0, 0, height, width));
        const crops = [];
        for (const resolution of [32, 96, 32]) {
          await classifier.setResolution(resolution);
          for (const picture of [large, pixels]) {
            const { crop, predictions } = await classifier.classify(picture, { crop: true });
            crops.push([String(crop), predictions[0].probability]);
          }
        }
        const { width: across, height: down } = large;
        const preview = await createImageBitmap(large.preview);
        engine.close();
        return { crops, size: [across, down], preview: [preview.width, preview.height] };
      },
      { base64: file.toString("base64"), width, height },
    );
    assert.deepEqual(found.size, [height, width]);
    assert.deepEqual(found.preview, [1562, 1600]);
    for (let i = 0; i < found.crops.length; i += 2) assert.deepEqual(found.crops[i], found.crops[i + 1]);
    check();
    await context.close();
  },
);
