import { EngineError } from "./errors.js";

/** @typedef {Blob | ImageData | ImageBitmap | HTMLImageElement | HTMLCanvasElement | HTMLVideoElement} ImageSource */

/** Largest picture that is decoded, in pixels: its bytes are held twice. */
const MOST_PIXELS = 64_000_000;

/**
 * A picture's pixels, decoded off the main thread. Colour profiles are left aside, as the command line does.
 *
 * @param {ImageSource} source
 * @returns {Promise<import("./protocol.js").Pixels>}
 */
export async function decode(source) {
  if (source instanceof ImageData) {
    return { data: new Uint8Array(source.data), width: source.width, height: source.height };
  }
  if (source instanceof Blob) await checkFile(source);
  /** @type {ImageBitmapOptions} */
  const options = { imageOrientation: "from-image", colorSpaceConversion: "none" };
  return createImageBitmap(source, options).catch((error) => {
    throw new EngineError("not-an-image", `the picture could not be decoded: ${error.message}`);
  });
}

/** Reads a file's header only, and refuses what is no picture or too large a one. @param {Blob} file */
async function checkFile(file) {
  if (!file.size) throw new EngineError("empty-file", "the file is empty");
  const url = URL.createObjectURL(file);
  try {
    const image = new Image();
    image.src = url;
    await new Promise((resolve, reject) => {
      image.onload = resolve;
      image.onerror = () =>
        reject(new EngineError("not-an-image", "the file is not a picture that this browser reads"));
    });
    const { naturalWidth: width, naturalHeight: height } = image;
    if (width * height > MOST_PIXELS) {
      const most = MOST_PIXELS / 1e6;
      throw new EngineError("too-large", `${width} × ${height} pixels are more than ${most} million`, {
        width,
        height,
        most,
      });
    }
  } finally {
    URL.revokeObjectURL(url);
  }
}
