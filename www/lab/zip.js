/**
 * Zips that a person opens. Nothing in one is ever written to disk, so a name in it cannot lead anywhere.
 *
 * @typedef {object} Packed a file in a zip
 * @property {string} name
 * @property {string[]} folders above it, the outermost first
 * @property {() => Promise<Blob>} read
 */
import { EngineError } from "../engine/errors.js";
import { unzip } from "../vendor/but-unzip/index.js";

/**
 * The files of a zip, in order.
 *
 * @param {Blob} file
 * @returns {Promise<Packed[]>}
 * @throws {EngineError} `no-project` if it is not a zip, or not complete; `read` throws `damaged`
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
    throw new EngineError("no-project", `the file is not a complete zip: ${error}`);
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
 * Whether a zip's directory is at its end, as it should be, so that the file is complete. (In a truncated one, the
 * reader would search for it forever.)
 *
 * @param {Uint8Array} bytes
 */
function hasDirectory(bytes) {
  const end = bytes.subarray(-65_557); // the end record with the longest comment
  return end.some((_, i) => end[i] === 0x50 && end[i + 1] === 0x4b && end[i + 2] === 5 && end[i + 3] === 6);
}
