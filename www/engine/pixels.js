/**
 * From picture files to pixels, in a worker: any file that the browser decodes, upright and over white, or what is
 * wrong with one that it does not decode. Rows are read a few at a time, so that a picture is in memory only once.
 *
 * @typedef {object} Still a decoded picture
 * @property {ImageBitmap} bitmap as stored
 * @property {number} orientation EXIF's, 1 – 8: how to turn it
 * @property {string} format "" if unknown
 * @property {Blob | null} file from which it was decoded
 *
 * @typedef {{left: number, top: number, width: number, height: number}} Span some of a bitmap's pixels
 */
import { EngineError } from "./errors.js";
import { isCommon, lookInto } from "./pictureformat.js";

/** Largest picture that is decoded, in pixels and by side: the core's `MAX_PIXELS` and `MAX_SIDE`. */
const MOST_PIXELS = 1 << 26;
const MOST_SIDE = 65_535;
/** Pixels of the rows read at once. */
const BAND = 1 << 20;

/**
 * Decodes a file. Colour profiles are ignored, as on the command line.
 *
 * @param {Blob} file
 * @returns {Promise<Still>}
 * @throws {EngineError} `empty-file`, `too-large`, `damaged`, `unsupported` (a format that browsers cannot read) or
 *   `not-an-image`
 */
export async function openFile(file) {
  if (!file.size) throw new EngineError("empty-file", "the file is empty");
  const { format, width, height, orientation, lack, file: upright } = await lookInto(file);
  checkSize(width, height);
  if (lack === "cut") throw new EngineError("damaged", `the ${format} file is truncated`, { format });
  try {
    const bitmap = await (lack === "endless" ? decodeWithoutEnd(upright) : decode(upright));
    checkSize(bitmap.width, bitmap.height);
    return { bitmap, orientation, format, file };
  } catch (error) {
    if (error instanceof EngineError) throw error;
    const { message } = /** @type {Error} */ (error);
    if (isCommon(format)) throw new EngineError("damaged", `the ${format} file is damaged: ${message}`, { format });
    if (format) throw new EngineError("unsupported", `the browser cannot read ${format} files: ${message}`, { format });
    throw new EngineError("not-an-image", `the file is not a picture that this browser can read: ${message}`);
  }
}

/**
 * The same for a source that may be decoded already.
 *
 * @param {Blob | ImageBitmap} source
 * @returns {Promise<Still>}
 */
export async function openStill(source) {
  return source instanceof Blob ? openFile(source) : { bitmap: source, orientation: 1, format: "", file: null };
}

/** Whether browsers differ in showing a file upright: all of them turn JPEGs. @param {Still} still */
export const needsTurn = ({ orientation, format }) => orientation > 1 && format !== "JPEG";

/** @param {number} width @param {number} height */
function checkSize(width, height) {
  if (width * height <= MOST_PIXELS && Math.max(width, height) <= MOST_SIDE) return;
  const most = Math.floor(MOST_PIXELS / 1e6);
  throw new EngineError("too-large", `found ${width} × ${height} pixels; expected at most ${most} million`, {
    width,
    height,
    most,
  });
}

/**
 * Colours as stored, not multiplied by alpha, which WebP's decoder would round in its own way.
 *
 * @type {ImageBitmapOptions}
 */
const AS_STORED = { colorSpaceConversion: "none", premultiplyAlpha: "none" };

/** @param {Blob} source */
const decode = (source) => createImageBitmap(source, AS_STORED);

/**
 * Decodes a JPEG without its end marker, or with data after it. Browsers show it; some refuse to decode it, others drop
 * its last rows, or decode one that lacks far more. Such a one is damaged: it looks different if other bytes follow.
 *
 * @param {Blob} file
 */
async function decodeWithoutEnd(file) {
  const last = new Uint8Array(await file.slice(-1).arrayBuffer())[0];
  const rest = last === 0xff ? file.slice(0, -1) : file;
  const bitmap = await decode(new Blob([rest, JPEG_END]));
  const other = await decode(new Blob([rest, NOISE, JPEG_END]));
  const same = await alike(bitmap, other);
  other.close();
  if (same) return bitmap;
  bitmap.close();
  throw new EngineError("damaged", "the JPEG file is truncated", { format: "JPEG" });
}
const JPEG_END = Uint8Array.of(0xff, 0xd9);
const NOISE = Uint8Array.from({ length: 64 }, (_, i) => (i * 73 + 41) % 251);

/** @param {ImageBitmap} one @param {ImageBitmap} other */
async function alike(one, other) {
  /** @type {Uint8Array[]} */
  const hashes = [];
  for (const bitmap of [one, other]) {
    const hash = new Uint32Array(1);
    await readRows(bitmap, (rows) => {
      for (const value of new Uint32Array(rows.buffer)) hash[0] = Math.imul(hash[0] ^ value, 0x01000193);
    });
    hashes.push(new Uint8Array(hash.buffer));
  }
  return String(hashes[0]) === String(hashes[1]);
}

/**
 * Passes on the rows of a bitmap, or of a part of it, from the top, a few at a time, as RGBA bytes: opaque over white, or
 * with alpha that is not premultiplied.
 *
 * @param {ImageBitmap} bitmap
 * @param {(rows: Uint8Array<ArrayBuffer>) => void} take
 * @param {Span} [span]
 * @throws {EngineError} `no-canvas`, `falsified`
 */
export async function readRows(bitmap, take, span = { left: 0, top: 0, width: bitmap.width, height: bitmap.height }) {
  const open = await findReader();
  if (!open) throw new EngineError("falsified", "the browser falsifies the pixels that pages read");
  const { left, top, width, height } = span;
  const most = Math.min(height, Math.max(1, Math.floor(BAND / width)));
  const { read, close } = open(bitmap, left, width, most);
  try {
    for (let row = 0; row < height; row += most) take(await read(top + row, Math.min(most, height - row)));
  } finally {
    close();
  }
}

/** All RGBA bytes of a bitmap, which is then closed. @param {ImageBitmap} bitmap */
export async function pixelsOf(bitmap) {
  const { width, height } = bitmap;
  const data = new Uint8Array(width * height * 4);
  let at = 0;
  await readRows(bitmap, (rows) => {
    data.set(rows, at);
    at += rows.length;
  });
  bitmap.close();
  return { data, width, height };
}

/**
 * A way to read so many columns of a bitmap's rows.
 *
 * @typedef {{read: (top: number, rows: number) => Promise<Uint8Array<ArrayBuffer>>, close: () => void}} Opened
 * @typedef {(bitmap: ImageBitmap, left: number, width: number, most: number) => Opened} Open at most `most` rows are read at
 *   once
 */

/** @type {Open} */
function openCanvas(bitmap, left, width, most) {
  const canvas = new OffscreenCanvas(width, most);
  const context = canvas.getContext("2d", { willReadFrequently: true, alpha: false });
  if (!context) {
    throw new EngineError("no-canvas", `the browser has no canvas of ${width} × ${most} pixels`, {
      width,
      height: bitmap.height,
    });
  }
  context.fillStyle = "white";
  return {
    async read(top, rows) {
      context.fillRect(0, 0, width, most);
      context.drawImage(bitmap, -left, -top);
      return new Uint8Array(context.getImageData(0, 0, width, rows).data.buffer);
    },
    close: () => (canvas.width = canvas.height = 0),
  };
}

/** @type {Open} */
function openFrame(bitmap, left, width) {
  const frame = new VideoFrame(bitmap, { timestamp: 0 });
  return {
    async read(top, rows) {
      const data = new Uint8Array(width * rows * 4);
      await frame.copyTo(data, /** @type {any} */ ({ format: "RGBA", rect: { x: left, y: top, width, height: rows } }));
      return data;
    },
    close: () => frame.close(),
  };
}

/** @type {Promise<Open | null> | undefined} */
let found;

/**
 * A reader that returns the pixels of a known picture. Canvases do, unless the browser falsifies them to protect
 * against fingerprinting; video frames, if the browser has them, are not falsified. If no reader is found, the next
 * picture tries again: the person may have allowed it meanwhile.
 */
function findReader() {
  found ??= (async () => {
    for (const open of [openCanvas, openFrame]) if (await tellsTruth(open)) return open;
    found = undefined;
    return null;
  })();
  return found;
}

/** @param {Open} open */
async function tellsTruth(open) {
  const side = 64;
  const known = new ImageData(side, side);
  for (let i = 0, state = 1; i < known.data.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    known.data[i] = i % 4 === 3 ? 255 : state >>> 24;
  }
  try {
    const bitmap = await createImageBitmap(known, AS_STORED);
    const { read, close } = open(bitmap, 0, side, side);
    const data = await read(0, side).finally(close);
    bitmap.close();
    return data.every((value, i) => value === known.data[i]);
  } catch {
    return false;
  }
}

/** Whether a canvas returns what was drawn. */
export const canvasTellsTruth = () => tellsTruth(openCanvas);

/**
 * How a unit of x, a unit of y and the corner are turned, by orientation: in the upright picture, per width and height.
 */
const TURNS = [
  [1, 0, 0, 1, 0, 0],
  [-1, 0, 0, 1, 1, 0],
  [-1, 0, 0, -1, 1, 1],
  [1, 0, 0, -1, 0, 1],
  [0, 1, 1, 0, 0, 0],
  [0, 1, -1, 0, 1, 0],
  [0, -1, -1, 0, 1, 1],
  [0, -1, 1, 0, 0, 1],
];

/**
 * Draws a still upright, over white, at another size. A falsified canvas shows it all the same.
 *
 * @param {Still} still @param {number} scale
 */
export function draw({ bitmap, orientation }, scale) {
  const turned = orientation >= 5;
  const seen = turned ? [bitmap.height, bitmap.width] : [bitmap.width, bitmap.height];
  const [width, height] = seen.map((side) => Math.max(1, Math.round(side * scale)));
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { alpha: false });
  if (!context)
    throw new EngineError("no-canvas", `the browser has no canvas of ${width} × ${height} pixels`, { width, height });
  const [a, b, c, d, x, y] = TURNS[orientation - 1];
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.setTransform(a, b, c, d, x * width, y * height);
  context.drawImage(bitmap, 0, 0, turned ? height : width, turned ? width : height);
  return canvas;
}
