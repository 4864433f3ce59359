/**
 * The data sets that a training reads, each a stream of training pictures and a list of held-out ones. For the same
 * seed, a position in the stream always gives the same picture, in the core's order: so a training can be repeated and
 * resumed, and equals one on the command line.
 *
 * @typedef {import("./protocol.js").Batch} Batch
 * @typedef {import("./core.js").Core} Core
 *
 * @typedef {object} Dataset
 * @property {string[]} names class names
 * @property {number} images_per_epoch
 * @property {number} held_out number of pictures kept for evaluation
 * @property {(position: number, count: number, signal: AbortSignal) => Promise<Batch>} train
 * @property {(first: number, count: number) => Promise<Batch>} heldOut
 * @property {Fixed} [fixed] if the pictures are always the same
 *
 * @typedef {object} Fixed
 * @property {number} count all pictures, including held-out ones
 * @property {(index: number) => Promise<Batch>} at one picture
 * @property {(n: number, see: See) => Promise<number>} [load] prepares the n-th picture and returns its index; all are
 *   prepared before the first batch
 *
 * The network's crop of a picture, as RGB bytes at its resolution.
 * @typedef {(picture: import("./heldpicture.js").HeldPicture) => Promise<Uint8Array>} See
 */

import { CIFAR_NAMES, HELD_OUT_SHAPES, MOSAIC } from "./constants.js";
import { abortable, download } from "./download.js";
import { EngineError } from "./errors.js";
import { pixelsOf } from "./pixels.js";

/** Images in a mosaic. */
export const PER_MOSAIC = MOSAIC.rows * MOSAIC.columns;
const TILE = MOSAIC.size;

/**
 * Drawings, each of them new.
 *
 * @param {Core} core
 * @param {{images: number, resolution: number, seed: number}} options
 * @returns {Dataset}
 */
export function shapes(core, { images, resolution, seed }) {
  return {
    names: core.shape_names(),
    images_per_epoch: images,
    held_out: HELD_OUT_SHAPES.count,
    train: async (position, count) => ({ ...core.shapes(seed, position, count, resolution), resolution }),
    heldOut: async (first, count) => ({ ...core.shapes(HELD_OUT_SHAPES.seed, first, count, resolution), resolution }),
  };
}

/**
 * CIFAR-10 as laid out by `cargo xtask data cifar-10`: mosaics of 1,000 pictures, fetched when training first needs
 * them and then kept. The core's first epoch takes one mosaic after another.
 *
 * @param {Core} core
 * @param {{base: string, seed: number, onLoading: (file: string | null) => void}} options
 * @returns {Promise<Dataset>}
 */
export async function cifar10(core, { base, seed, onLoading }) {
  const [train, test] = await Promise.all([split(base, "train", onLoading), split(base, "test", onLoading)]);
  return cifarOf(core, train, test, seed);
}

/**
 * CIFAR-10 from its two parts.
 *
 * @param {Core} core @param {Part} train @param {Part} test @param {number} seed
 * @returns {Dataset}
 */
export function cifarOf(core, train, test, seed) {
  const total = train.mosaics * PER_MOSAIC;
  const order = new core.Order(seed, total, true);
  /** @param {number} position */
  const prefetch = (position) => {
    if (position >= total) return; // all have arrived
    const [image] = order.take(position, 1);
    train.mosaic(Math.floor(image / PER_MOSAIC)).catch(() => {}); // a failure surfaces when it is needed
  };
  return {
    names: CIFAR_NAMES,
    images_per_epoch: total,
    held_out: test.mosaics * PER_MOSAIC,
    train: async (position, count, signal) => {
      const batch = await train.gather(order.take(position, count), signal);
      prefetch(position + PER_MOSAIC);
      return batch;
    },
    heldOut: inOrder(test),
  };
}

/** Pictures of a part in their own order. @param {Part} part */
function inOrder({ gather }) {
  /** @param {number} first @param {number} count */
  return (first, count) => gather(Uint32Array.from({ length: count }, (_, i) => first + i));
}

/** Whether a host has CIFAR-10. @param {string} base */
export const cifar10IsAt = (base) => exists(`${base}${labelsOf("test")}`);

/** The test pictures of CIFAR-10 on a host, in order. @param {string} base */
export async function cifar10Test(base) {
  return inOrder(await split(base, "test", () => {}));
}

/** The file of a part's labels. @param {"train" | "test"} name */
const labelsOf = (name) => `${name}_labels.bin`;

/**
 * One part of CIFAR-10 on a host: its labels and all of its mosaics.
 *
 * @param {string} base
 * @param {"train" | "test"} name
 * @param {(file: string | null) => void} onLoading
 */
async function split(base, name, onLoading) {
  /** @param {number} index */
  const file = (index) => `${name}_${String(index).padStart(2, "0")}.webp`;
  const labels = await download(`${base}${labelsOf(name)}`).catch((error) => {
    if (error.values?.status !== "404" && !["missing-file", "web-page"].includes(error.code)) throw error; // it may exist all the same
    throw new EngineError("no-cifar", `there is no CIFAR-10 at ${base}`);
  });
  const mosaics = await count(Math.floor(labels.length / PER_MOSAIC), (index) => exists(base + file(index)));
  if (!mosaics) throw new EngineError("no-cifar", `${base}${file(0)} is missing`);

  return part({
    mosaics,
    nameOf: file,
    load: async (index) => ({
      pixels: await fetchMosaic(base + file(index)),
      labels: labels.subarray(index * PER_MOSAIC, (index + 1) * PER_MOSAIC),
    }),
    onLoading,
  });
}

/**
 * A thousand pictures: (1000, 32, 32, 3) bytes, and one label each.
 * @typedef {{pixels: Uint8Array, labels: Uint8Array}} Mosaic
 *
 * @typedef {ReturnType<typeof part>} Part
 */

/**
 * One part of CIFAR-10, whose mosaics are loaded when first needed and then kept.
 *
 * @param {{mosaics: number, nameOf: (index: number) => string, load: (index: number) => Promise<Mosaic>,
 *   onLoading: (file: string | null) => void}} how `nameOf`: the name reported while loading
 */
export function part({ mosaics, nameOf, load, onLoading }) {
  /** @type {Map<number, Promise<Mosaic>>} */
  const loaded = new Map();
  /** Mosaics that have arrived. @type {Set<number>} */
  const here = new Set();
  /** @param {number} index */
  const mosaic = (index) => {
    let found = loaded.get(index);
    if (!found) {
      found = load(index);
      loaded.set(index, found);
      found.then(
        () => here.add(index),
        () => loaded.delete(index), // so that the next attempt loads it again
      );
    }
    return found;
  };
  /** @param {Uint32Array} images @param {AbortSignal} [signal] */
  const gather = async (images, signal) => {
    const size = TILE * TILE * 3;
    const batch = {
      images: new Uint8Array(images.length * size),
      labels: new Uint32Array(images.length),
      resolution: TILE,
    };
    /** @type {Map<number, Mosaic>} */
    const found = new Map();
    for (const index of new Set(images.map((image) => Math.floor(image / PER_MOSAIC)))) {
      const waits = !here.has(index);
      if (waits) onLoading(nameOf(index));
      found.set(index, await abortable(mosaic(index), signal).finally(() => waits && onLoading(null)));
    }
    images.forEach((image, i) => {
      const { pixels, labels } = /** @type {Mosaic} */ (found.get(Math.floor(image / PER_MOSAIC)));
      const picture = image % PER_MOSAIC;
      batch.images.set(pixels.subarray(picture * size, (picture + 1) * size), i * size);
      batch.labels[i] = labels[picture];
    });
    return batch;
  };
  return { mosaics, mosaic, gather };
}

/**
 * Length of the leading run of indices that exist; a single request if all do.
 *
 * @param {number} most
 * @param {(index: number) => Promise<boolean>} exists
 */
async function count(most, exists) {
  if (most && (await exists(most - 1))) return most;
  let low = 0;
  for (let high = Math.max(most - 1, 0); low < high;) {
    const middle = (low + high) >> 1;
    if (await exists(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** @param {string} url */
async function exists(url) {
  const { ok, headers } = await fetch(url, { method: "HEAD" });
  return ok && !headers.get("content-type")?.startsWith("text/html"); // some hosts answer every address with a page
}

/**
 * The pixels of a thousand files of pictures of 32 × 32. They are read from one mosaic: a canvas for each would take most of
 * the time.
 *
 * @param {Blob[]} files
 * @returns {Promise<Uint8Array>} (1000, 32, 32, 3)
 * @throws {Error} if the browser cannot read one, or one has another size
 */
export async function decodeTiles(files) {
  const mosaic = new OffscreenCanvas(MOSAIC.columns * TILE, MOSAIC.rows * TILE);
  const context = mosaic.getContext("2d", { alpha: false });
  if (!context) throw new Error("the browser has no canvas");
  const bitmaps = await Promise.all(files.map((file) => createImageBitmap(file, { colorSpaceConversion: "none" })));
  bitmaps.forEach((bitmap, i) => {
    const { width, height } = bitmap;
    if (width !== TILE || height !== TILE) throw new Error(`a picture has ${width} × ${height} pixels`);
    context.drawImage(bitmap, (i % MOSAIC.columns) * TILE, Math.floor(i / MOSAIC.columns) * TILE);
    bitmap.close();
  });
  return tilesOf(mosaic.transferToImageBitmap());
}

/** @param {string} url */
async function fetchMosaic(url) {
  const bytes = await download(url);
  const file = new Blob([/** @type {BlobPart} */ (bytes)]);
  return tilesOf(await createImageBitmap(file, { colorSpaceConversion: "none" }));
}

/** The pictures of a mosaic, one after another: (1000, 32, 32, 3) bytes. @param {ImageBitmap} bitmap of the mosaic, which is then closed */
async function tilesOf(bitmap) {
  const pixels = new Uint8Array(PER_MOSAIC * TILE * TILE * 3);
  const { data: rgba } = await pixelsOf(bitmap);
  const stride = MOSAIC.columns * TILE;
  for (let i = 0, at = 0; i < PER_MOSAIC; i++) {
    const left = (i % MOSAIC.columns) * TILE;
    const top = Math.floor(i / MOSAIC.columns) * TILE;
    for (let y = top; y < top + TILE; y++) {
      for (let from = (y * stride + left) * 4; from < (y * stride + left + TILE) * 4; from += 4) {
        pixels[at++] = rgba[from];
        pixels[at++] = rgba[from + 1];
        pixels[at++] = rgba[from + 2];
      }
    }
  }
  return pixels;
}
