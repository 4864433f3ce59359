/**
 * The worker of shrink.js: makes pictures small enough to keep a thousand. A file's bytes are kept if it is no larger than
 * needed, browsers show it upright and the command line reads it; otherwise it becomes a JPEG whose shorter side is at most
 * {@link SIDE} pixels.
 */
import { EngineError } from "../engine/errors.js";
import { typed } from "../engine/pictureformat.js";
import { canvasTellsTruth, draw, needsTurn, openStill } from "../engine/pixels.js";

/** Shorter side of a kept picture in pixels: enough for every resolution that the page offers, after the crop. */
const SIDE = 320;
const QUALITY = 0.92;

/** @param {Blob | ImageBitmap} source @returns {Promise<Blob>} */
async function shrink(source) {
  const still = await openStill(source);
  const { bitmap, format, file } = still;
  try {
    const scale = Math.min(1, SIDE / Math.min(bitmap.width, bitmap.height));
    if (file && scale === 1 && !needsTurn(still) && format !== "AVIF") return await inMemory(typed(file, format));
    if (await canvasTellsTruth())
      return await draw(still, scale).convertToBlob({ type: "image/jpeg", quality: QUALITY });
    if (file) return await inMemory(typed(file, format));
    throw new EngineError("falsified", "the browser falsifies the pixels that pages read");
  } finally {
    bitmap.close();
  }
}

/** A copy that outlives the file. @param {Blob} file */
const inMemory = async (file) => new Blob([await file.arrayBuffer()], { type: file.type });

/** @param {MessageEvent<{id: number, source: Blob | ImageBitmap}>} event */
onmessage = async ({ data: { id, source } }) => {
  try {
    postMessage({ id, blob: await shrink(source) });
  } catch (error) {
    const { code = "core", message, values = {} } = /** @type {any} */ (error);
    postMessage({ id, failure: { code, message, values } });
  }
};
