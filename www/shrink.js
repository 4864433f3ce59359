import { decode } from "./decode.js";

/** Shorter side of a kept picture, in pixels: enough for every resolution that the page offers, after the crop. */
export const SIDE = 320;
const QUALITY = 0.92;

/**
 * A picture small enough to keep a thousand of: a file's bytes as they are, where it is no larger than needed, else a JPEG
 * of {@link SIDE} pixels. It outlives the file.
 *
 * @param {Blob | HTMLVideoElement} source
 * @returns {Promise<Blob>}
 */
export async function shrink(source) {
  const bitmap = /** @type {ImageBitmap} */ (await decode(source));
  const { width, height } = bitmap;
  const scale = Math.min(1, SIDE / Math.min(width, height));
  if (scale === 1 && source instanceof Blob) {
    bitmap.close();
    return new Blob([await source.arrayBuffer()], { type: source.type });
  }
  const canvas = new OffscreenCanvas(Math.round(width * scale), Math.round(height * scale));
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
}
