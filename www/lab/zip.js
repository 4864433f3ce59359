/**
 * Zips that a person opens. Nothing of one is ever written to disk, so a name in it can lead nowhere else.
 *
 * @typedef {object} Packed a file in a zip
 * @property {string} name
 * @property {string[]} folders that it lies in, the outermost first
 * @property {() => Promise<Blob>} read
 */
import { EngineError } from "../engine/errors.js";
import { unzip } from "../vendor/but-unzip/index.js";

/**
 * The files of a zip, in its order.
 *
 * @param {Blob} file
 * @returns {Promise<Packed[]>}
 * @throws {EngineError} `no-project` where it is none or not whole; `read` throws `damaged`
 */
export async function readZip(file) {
  try {
    const bytes = new Uint8Array(await file.arrayBuffer());
    if (!hasDirectory(bytes)) throw new Error("it has no directory");
    return unzip(bytes).flatMap((item) => {
      const folders = item.filename.split(/[/\\]/);
      const name = folders.pop() ?? "";
      return name ? [{ name, folders, read: () => inflate(item) }] : []; // else a folder
    });
  } catch (error) {
    throw new EngineError("no-project", `the file is no whole zip: ${error}`);
  }
}

/** @param {import("../vendor/but-unzip/index.js").ZipItem} item */
async function inflate(item) {
  try {
    return new Blob([/** @type {BlobPart} */ (await item.read())]); // a copy: a view would keep the whole zip
  } catch (error) {
    throw new EngineError("damaged", `${item.filename} cannot be unpacked: ${error}`, { format: "ZIP" });
  }
}

/**
 * Whether a zip's directory is where it should be, at the end, so that the file is whole. (The reader would look for it
 * for ever in one that was cut off.)
 *
 * @param {Uint8Array} bytes
 */
function hasDirectory(bytes) {
  const end = bytes.subarray(-65_557); // the directory's end record with the longest comment
  return end.some((_, i) => end[i] === 0x50 && end[i + 1] === 0x4b && end[i + 2] === 5 && end[i + 3] === 6);
}
