// Facts about a picture file before it is decoded.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { isCommon, lookInto } from "../../www/engine/pictureformat.js";
import { chunk, exif, turned } from "./exif.js";

const cat = await readFile(new URL("../../www/samples/cat.jpg", import.meta.url));
const size = { width: 20, height: 300 };
const header = Buffer.from("000000140000012c0802000000", "hex"); // 20 × 300, of 8 bits, RGB
const png = Buffer.concat([
  Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
  chunk("IHDR", header),
  chunk("IDAT", Buffer.alloc(70_000)),
  chunk("IEND", Buffer.alloc(0)),
]);
// an image of VP8L: a signature, 14 bits of width − 1, 14 of height − 1
const bits = (size.width - 1) | ((size.height - 1) << 14);
const webp = Buffer.from(`RIFF\x12\0\0\0WEBPVP8L\x05\0\0\0\x2f    \0`, "latin1");
webp.writeUInt32LE(bits, 21);
const files = { PNG: png, WebP: webp };

const bytesOf = async (/** @type {Blob} */ blob) => Buffer.from(await blob.arrayBuffer());

test("orientation is read in every format and byte order, and removed from the file", async () => {
  for (const [format, file] of Object.entries({ ...files, JPEG: cat })) {
    const plain = await lookInto(new Blob([file]));
    assert.deepEqual([plain.format, plain.orientation], [format, 1]);
    if (format !== "JPEG") assert.deepEqual([plain.width, plain.height], [size.width, size.height], format);
    assert.ok(plain.width && plain.height, format);
    assert.deepEqual(await bytesOf(plain.file), file, "files without one are unchanged");
    for (const little of [true, false]) {
      for (let orientation = 1; orientation <= 8; orientation++) {
        const given = turned[format](file, exif(orientation, little), size);
        const found = await lookInto(new Blob([given]));
        const about = `${format}, ${orientation}, ${little ? "little" : "big"} endian`;
        assert.equal(found.orientation, orientation, about);
        assert.deepEqual([found.width, found.height], [plain.width, plain.height], about);
        const again = await lookInto(found.file);
        assert.equal(again.orientation, 1, about);
        const bytes = await bytesOf(found.file);
        if (format === "PNG" && orientation > 1) assert.deepEqual(bytes, file, "the chunk is removed");
        else assert.deepEqual(bytes, turned[format](file, exif(1, little), size), about);
      }
    }
  }
});

test("a PNG's orientation may follow its pixels", async () => {
  const given = Buffer.concat([png.subarray(0, -12), chunk("eXIf", exif(6)), png.subarray(-12)]);
  const { orientation, file } = await lookInto(new Blob([given]));
  assert.equal(orientation, 6);
  assert.deepEqual(await bytesOf(file), png);
});

test("a missing end is noticed, since not every browser reports it", async () => {
  const lack = async (/** @type {Buffer} */ file) => (await lookInto(new Blob([file]))).lack;
  assert.deepEqual([await lack(cat), await lack(png), await lack(webp)], ["", "", ""]);
  for (const missing of [1, 2, 1000]) assert.equal(await lack(cat.subarray(0, -missing)), "endless");
  for (const missing of [12, 13, 60_000]) assert.equal(await lack(png.subarray(0, -missing)), "cut");
  for (const missing of [1, 5, 13]) assert.equal(await lack(webp.subarray(0, -missing)), "cut");
});

test("the bytes decide on the format, not the name or type", async () => {
  const beginnings = {
    JPEG: "\xff\xd8\xff\xe0",
    GIF: "GIF89a\x10\0\x20\0",
    AVIF: "\0\0\0\x20ftypmif1\0\0\0\0mif1avif",
    HEIC: "\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    TIFF: "II*\0\x08\0\0\0",
    RAW: "II*\0\x10\0\0\0CR\x02\0",
    PSD: "8BPS\0\x01",
    "JPEG XL": "\xff\x0a\0",
    SVG: '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg">',
    "": "words",
  };
  for (const [format, text] of Object.entries(beginnings)) {
    const file = new File([Buffer.from(text, "latin1")], "photo.png", { type: "image/png" });
    const found = await lookInto(file);
    assert.equal(found.format, format);
    assert.equal(found.file.type, isCommon(format) ? `image/${format.toLowerCase()}` : "image/png");
  }
});

test("truncated or invalid files cause no error here", async () => {
  for (const [format, file] of Object.entries({ ...files, JPEG: cat })) {
    const whole = turned[format](file, exif(6), size);
    for (let length = 1; length < Math.min(whole.length, 400); length++) {
      await lookInto(new Blob([whole.subarray(0, length)]));
      const wrong = Buffer.from(whole.subarray(0, 400));
      wrong[length] ^= 0xff;
      await lookInto(new Blob([wrong]));
    }
  }
});

test("an AVIF's size is found, however long the file is", async () => {
  const ispe = Buffer.from("\0\0\0\x14ispe\0\0\0\0\0\0\x10\0\0\0\x0c\0", "latin1");
  for (const rest of [100, 1 << 20]) {
    const file = Buffer.concat([Buffer.from("\0\0\0\x20ftypavif\0\0\0\0mif1avif"), ispe, Buffer.alloc(rest)]);
    const { format, width, height } = await lookInto(new Blob([file]));
    assert.deepEqual([format, width, height], ["AVIF", 4096, 3072]);
  }
});
