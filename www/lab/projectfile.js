/**
 * A project as one file: a zip with a folder of pictures a class, which every program opens and `mobilenetv2 train
 * --data` reads once it is unpacked. Knows no DOM.
 *
 *     project.json           classes in their order, settings
 *     train/cat/0001.jpg …   pictures by their place in the order in which they came
 *     test/cat/0005.jpg …    those held out
 *     weights.safetensors    the network trained on them, if there is one
 */
import { EngineError } from "../engine/errors.js";
import { unzip } from "../vendor/but-unzip/index.js";
import { makeZip } from "../vendor/client-zip/index.js";
import { nfc } from "../engine/filenames.js";
import { newId } from "./project.js";

const FORMAT = "MobileNetV2 Lab project";
const TYPES = {
  jpg: "image/jpeg",
  png: "image/png",
  webp: "image/webp",
  gif: "image/gif",
  bmp: "image/bmp",
  avif: "image/avif",
};

/**
 * @typedef {import("./project.js").Project} Project
 * @typedef {import("./settings.js").Values} Values
 */

/** @param {Project} project @param {Values} settings @returns {Promise<Blob>} */
export async function pack({ classes, pictures, trained }, settings) {
  const folders = new Map(classes.map(({ id, name }, i) => [id, `${String(i + 1).padStart(2, "0")} ${safe(name)}`]));
  const described = {
    format: FORMAT,
    version: 1,
    classes: classes.map(({ id, name }) => ({ name, folder: folders.get(id) })),
    settings,
    trained: trained && { config: trained.config, labels: trained.labels },
  };
  const files = [
    { name: "project.json", input: JSON.stringify(described, null, 2) },
    ...pictures.map(({ class_id, held_out, blob }, order) => ({
      name: `${held_out ? "test" : "train"}/${folders.get(class_id)}/${String(order).padStart(4, "0")}.${extension(blob)}`,
      input: blob,
    })),
    ...(trained ? [{ name: "weights.safetensors", input: new Blob([/** @type {BlobPart} */ (trained.bytes)]) }] : []),
  ];
  return new Response(/** @type {BodyInit} */ (makeZip(files))).blob();
}

/**
 * @param {Blob} file
 * @returns {Promise<{classes: import("./project.js").Class[], pictures: import("./project.js").Picture[],
 *   trained: import("./project.js").Trained | null, settings: Values}>}
 * @throws {EngineError} `no-project`
 */
export async function unpack(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (!hasDirectory(bytes)) throw new EngineError("no-project", "the file is no whole zip");
  try {
    return await read(bytes);
  } catch (error) {
    throw new EngineError("no-project", `the file is no zip of a project: ${error}`);
  }
}

/** @param {Uint8Array} bytes */
async function read(bytes) {
  const items = new Map(unzip(bytes).map((item) => [item.filename, item]));
  const described = JSON.parse(new TextDecoder().decode(await items.get("project.json")?.read()));
  if (described.format !== FORMAT || described.version !== 1) {
    throw new Error(`project.json says ${described.format} ${described.version}`);
  }
  const ids = new Map();
  const classes = described.classes.map(
    (/** @type {{name: string, folder: string}} */ { name, folder }, /** @type {number} */ order) => {
      const id = newId();
      ids.set(folder, id);
      return { id, name: nfc(String(name)), order };
    },
  );
  const pictures = [];
  for (const [path, item] of items) {
    const [, side, folder, order, type] = /^(train|test)\/([^/]+)\/(\d+)\.(\w+)$/.exec(path) ?? [];
    if (!ids.has(folder)) continue;
    const blob = new Blob([/** @type {BlobPart} */ (await item.read())], {
      type: TYPES[/** @type {keyof typeof TYPES} */ (type)] ?? "",
    });
    pictures.push({ id: newId(), class_id: ids.get(folder), held_out: side === "test", order: Number(order), blob });
  }
  const weights = (await items.get("weights.safetensors")?.read())?.slice(); // a view would keep the whole zip
  const { config, labels } = described.trained ?? {};
  const named = Array.isArray(labels) && labels.every((one) => typeof one === "string");
  const trained = weights && named && config && typeof config === "object" ? { bytes: weights, config, labels } : null;
  return { classes, pictures, trained, settings: described.settings ?? {} };
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

/** A name that can be a folder's. @param {string} name */
const safe = (name) =>
  [...name.replace(/[\\/:*?"<>|\p{Cc}]+/gu, "_")]
    .slice(0, 60)
    .join("")
    .replace(/[. ]+$/, "") || "_";

/** @param {Blob} blob */
const extension = ({ type }) => Object.entries(TYPES).find(([, known]) => known === type)?.[0] ?? "jpg";
