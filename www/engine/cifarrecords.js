/** CIFAR-10 in its authors' format: six batches of 10,000 records, each a label and the planes of red, green and blue. */
import { PER_MOSAIC } from "./datasets.js";

const PIXELS = 32 * 32;
export const RECORD = 1 + 3 * PIXELS;
export const PER_BATCH = 10_000;
/** Names of the batches. */
export const TRAIN = [1, 2, 3, 4, 5].map((n) => `data_batch_${n}.bin`);
export const TEST = ["test_batch.bin"];

/** A thousand records as pixels. @param {Blob} batch @param {number} index */
export async function mosaicOf(batch, index) {
  const size = PER_MOSAIC * RECORD;
  const records = new Uint8Array(await batch.slice(index * size, (index + 1) * size).arrayBuffer());
  const pixels = new Uint8Array(PER_MOSAIC * 3 * PIXELS);
  const labels = new Uint8Array(PER_MOSAIC);
  for (let i = 0, to = 0; i < PER_MOSAIC; i++) {
    labels[i] = records[i * RECORD];
    for (let from = i * RECORD + 1; from <= i * RECORD + PIXELS; from++) {
      pixels[to++] = records[from];
      pixels[to++] = records[from + PIXELS];
      pixels[to++] = records[from + 2 * PIXELS];
    }
  }
  return { pixels, labels };
}

/**
 * Writes a picture into a batch.
 *
 * @param {Uint8Array} batch @param {number} index @param {number} label
 * @param {Uint8Array} rgb bytes of 32 × 32 pixels
 */
export function putRecord(batch, index, label, rgb) {
  let to = index * RECORD;
  batch[to++] = label;
  for (let colour = 0; colour < 3; colour++) {
    for (let from = colour; from < rgb.length; from += 3) batch[to++] = rgb[from];
  }
}
