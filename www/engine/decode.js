/** @typedef {Blob | ImageData | ImageBitmap | HTMLImageElement | HTMLCanvasElement | HTMLVideoElement} ImageSource */

import { EngineError } from "./errors.js";

/**
 * A picture in a form that the worker accepts; files are decoded there.
 *
 * @param {ImageSource} source
 * @returns {Promise<import("./protocol.js").Pixels>}
 */
export async function decode(source) {
  if (source instanceof Blob) return source;
  if (source instanceof ImageData) {
    return { data: new Uint8Array(source.data), width: source.width, height: source.height };
  }
  return createImageBitmap(source, { colorSpaceConversion: "none" }).catch((error) => {
    throw new EngineError("not-an-image", `the picture could not be decoded: ${error.message}`);
  });
}
