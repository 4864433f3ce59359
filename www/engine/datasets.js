/**
 * The data sets a training reads, each a stream of training pictures and a list of held-out ones. A position in the
 * stream always gives the same picture for the same seed, so a training can be repeated and resumed.
 *
 * @typedef {import("./protocol.js").Batch} Batch
 *
 * @typedef {object} Dataset
 * @property {string[]} names of the classes
 * @property {number} images_per_epoch
 * @property {number} held_out how many pictures are kept for evaluation
 * @property {(position: number, count: number, signal: AbortSignal) => Promise<Batch>} train
 * @property {(first: number, count: number) => Promise<Batch>} heldOut
 * @property {Fixed} [fixed] where the pictures are always the same
 *
 * @typedef {object} Fixed
 * @property {number} count of all pictures, held-out ones included
 * @property {(index: number) => Promise<Batch>} at one of them
 * @property {(n: number, see: See) => Promise<number>} [load] makes one of them ready, as the n-th, and says which: all are,
 *   before the first batch
 *
 * What the network sees of a picture, as RGB bytes of its resolution.
 * @typedef {(picture: import("./heldpicture.js").HeldPicture) => Promise<Uint8Array>} See
 */

import { abortable, download } from "./download.js";
import { EngineError } from "./errors.js";
import { pixelsOf } from "./pixels.js";

/** Beyond every seed that the page offers, so that no training sees a held-out drawing. */
const HELD_OUT_SEED = 4_294_967_295;
export const CIFAR_NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];
export const PER_MOSAIC = 1000;
const COLUMNS = 40;
const TILE = 32;

/**
 * Drawings, each new.
 *
 * @param {typeof import("./pkg/simd128-threads/mobilenetv2.js")} core
 * @param {{images: number, resolution: number, seed: number}} options
 * @returns {Dataset}
 */
export function shapes(core, { images, resolution, seed }) {
  return {
    names: core.shape_names(),
    images_per_epoch: images,
    held_out: 1000,
    train: async (position, count) => ({ ...core.shapes(seed, position, count, resolution), resolution }),
    heldOut: async (first, count) => ({ ...core.shapes(HELD_OUT_SEED, first, count, resolution), resolution }),
  };
}

/**
 * CIFAR-10 as `cargo xtask data cifar-10` lays it out: mosaics of 1,000 pictures, fetched when training first needs
 * them and then kept. The mosaics are shuffled each epoch, and the pictures within each.
 *
 * @param {{base: string, seed: number, onLoading: (file: string | null) => void}} options
 * @returns {Promise<Dataset>}
 */
export async function cifar10({ base, seed, onLoading }) {
  const [train, test] = await Promise.all([split(base, "train", onLoading), split(base, "test", onLoading)]);
  return cifarOf(train, test, seed);
}

/**
 * CIFAR-10 of its two parts.
 *
 * @param {Part} train @param {Part} test @param {number} seed
 * @returns {Dataset}
 */
export function cifarOf(train, test, seed) {
  const order = epochOrder(seed);
  const within = epochOrder(seed + 1);
  const total = train.mosaics * PER_MOSAIC;
  /** Mosaic and picture at a position of the stream. @param {number} position */
  const locate = (position) => {
    const epoch = Math.floor(position / total);
    const mosaic = order(train.mosaics, epoch)[Math.floor((position % total) / PER_MOSAIC)];
    const picture = within(PER_MOSAIC, epoch * train.mosaics + mosaic)[position % PER_MOSAIC];
    return { mosaic, picture };
  };
  return {
    names: CIFAR_NAMES,
    images_per_epoch: total,
    held_out: test.mosaics * PER_MOSAIC,
    train: async (position, count, signal) => {
      const batch = await train.gather((i) => locate(position + i), count, signal);
      train.mosaic(locate(position + PER_MOSAIC).mosaic).catch(() => {}); // fetched ahead; a failure shows when needed
      return batch;
    },
    heldOut: (first, count) =>
      test.gather((i) => ({ mosaic: Math.floor((first + i) / PER_MOSAIC), picture: (first + i) % PER_MOSAIC }), count),
  };
}

/**
 * One part of CIFAR-10 on a host: its labels and as many mosaics as there are.
 *
 * @param {string} base
 * @param {"train" | "test"} name
 * @param {(file: string | null) => void} onLoading
 */
async function split(base, name, onLoading) {
  /** @param {number} index */
  const file = (index) => `${name}_${String(index).padStart(2, "0")}.webp`;
  const labels = await download(`${base}${name}_labels.bin`).catch((error) => {
    if (error.values?.status !== "404" && !["missing-file", "web-page"].includes(error.code)) throw error; // it may be there all the same
    throw new EngineError("no-cifar", `CIFAR-10 is not at ${base}: run cargo xtask data cifar-10`);
  });
  const mosaics = await count(Math.floor(labels.length / PER_MOSAIC), (index) => exists(base + file(index)));
  if (!mosaics) throw new EngineError("no-cifar", `${base}${file(0)} is missing: run cargo xtask data cifar-10`);

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
 * A thousand pictures: (1000, 32, 32, 3) bytes, and a label each.
 * @typedef {{pixels: Uint8Array, labels: Uint8Array}} Mosaic
 *
 * @typedef {ReturnType<typeof part>} Part
 */

/**
 * One part of CIFAR-10, whose mosaics are loaded when they are first needed, and then kept.
 *
 * @param {{mosaics: number, nameOf: (index: number) => string, load: (index: number) => Promise<Mosaic>,
 *   onLoading: (file: string | null) => void}} how `nameOf`: what is said to be loading
 */
export function part({ mosaics, nameOf, load, onLoading }) {
  /** @type {Map<number, Promise<Mosaic>>} */
  const loaded = new Map();
  /** Those that have arrived. @type {Set<number>} */
  const here = new Set();
  /** @param {number} index */
  const mosaic = (index) => {
    let found = loaded.get(index);
    if (!found) {
      found = load(index);
      loaded.set(index, found);
      found.then(
        () => here.add(index),
        () => loaded.delete(index), // so that the next attempt loads again
      );
    }
    return found;
  };
  /** @param {(i: number) => {mosaic: number, picture: number}} at @param {number} count @param {AbortSignal} [signal] */
  const gather = async (at, count, signal) => {
    const size = TILE * TILE * 3;
    const batch = { images: new Uint8Array(count * size), labels: new Uint32Array(count), resolution: TILE };
    const places = Array.from({ length: count }, (_, i) => at(i));
    /** @type {Map<number, Mosaic>} */
    const found = new Map();
    for (const index of new Set(places.map((place) => place.mosaic))) {
      const waits = !here.has(index);
      if (waits) onLoading(nameOf(index));
      found.set(index, await abortable(mosaic(index), signal).finally(() => waits && onLoading(null)));
    }
    places.forEach(({ mosaic: index, picture }, i) => {
      const { pixels, labels } = /** @type {Mosaic} */ (found.get(index));
      batch.images.set(pixels.subarray(picture * size, (picture + 1) * size), i * size);
      batch.labels[i] = labels[picture];
    });
    return batch;
  };
  return { mosaics, mosaic, gather };
}

/**
 * Length of the leading run of indices that exist; one question where all do.
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
  return ok && !headers.get("content-type")?.startsWith("text/html"); // some hosts have a page for everything
}

/** @param {string} url */
async function fetchMosaic(url) {
  const bytes = await download(url);
  const bitmap = await createImageBitmap(new Blob([/** @type {BlobPart} */ (bytes)]), { colorSpaceConversion: "none" });
  const pixels = new Uint8Array(PER_MOSAIC * TILE * TILE * 3);
  const { data: rgba } = await pixelsOf(bitmap);
  const stride = COLUMNS * TILE;
  for (let i = 0, at = 0; i < PER_MOSAIC; i++) {
    const left = (i % COLUMNS) * TILE;
    const top = Math.floor(i / COLUMNS) * TILE;
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

/**
 * A function that gives the order of `length` things in an epoch, the same for the same seed; it remembers the last.
 *
 * @param {number} seed
 */
export function epochOrder(seed) {
  let known = { length: 0, epoch: -1, order: new Uint32Array() };
  /** @param {number} length @param {number} epoch */
  return (length, epoch) => {
    if (known.length !== length || known.epoch !== epoch) {
      const order = Uint32Array.from({ length }, (_, index) => index);
      let state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(epoch + 1, 0x85ebca6b)) >>> 0;
      for (let i = length - 1; i > 0; i--) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        const j = Math.floor((state / 2 ** 32) * (i + 1));
        [order[i], order[j]] = [order[j], order[i]];
      }
      known = { length, epoch, order };
    }
    return known.order;
  };
}
