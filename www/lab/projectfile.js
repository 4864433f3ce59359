/**
 * A project as one file: a zip with a folder of pictures per class, which every program opens and `mobilenetv2 train
 * --data` reads. Knows no DOM.
 *
 *     project.json           classes in their order, settings
 *     train/cat/0001.jpg …   pictures, numbered in the order in which they were added
 *     test/cat/0005.jpg …    held-out pictures
 *     weights.safetensors    the network trained on them, if any
 */
import { EngineError } from "../engine/errors.js";
import { makeZip } from "../vendor/client-zip/index.js";
import { readZip } from "./zip.js";
import { isJunk, nfc } from "../engine/filenames.js";
import { newId } from "./project.js";

const DESCRIBED = "project.json";
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
 * @typedef {object} Contents content of a project
 * @property {import("./project.js").Class[]} classes
 * @property {import("./project.js").Picture[]} pictures
 * @property {import("./project.js").Trained | null} trained
 *
 * @typedef {import("./settings.js").Values} Values
 * @typedef {import("./zip.js").Packed} Packed
 *
 * @typedef {object} Unpacked
 * @property {import("./project.js").Class[]} classes
 * @property {import("./project.js").Picture[]} pictures
 * @property {import("./project.js").Trained | null} trained
 * @property {Values} settings
 */

/** @param {Contents} contents @param {Values} settings @returns {Promise<Blob>} */
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
    { name: DESCRIBED, input: JSON.stringify(described, null, 2) },
    ...pictures.map(({ class_id, held_out, blob }, order) => ({
      name: `${held_out ? "test" : "train"}/${folders.get(class_id)}/${String(order).padStart(4, "0")}.${extension(blob)}`,
      input: blob,
    })),
    ...(trained ? [{ name: "weights.safetensors", input: new Blob([/** @type {BlobPart} */ (trained.bytes)]) }] : []),
  ];
  return new Response(/** @type {BodyInit} */ (makeZip(files))).blob();
}

/**
 * Opens a zip: a project, or the files of any other, which may be class folders.
 *
 * @param {Blob} file
 * @returns {Promise<{project: Unpacked} | {files: Packed[]}>}
 * @throws {EngineError} `no-project` if it is not a zip, or not complete
 */
export async function open(file) {
  const files = await readZip(file);
  const described = files.find(
    ({ name, folders }) => name === DESCRIBED && folders.length <= 1 && !folders.some(isJunk),
  );
  if (!described) return { files };
  // a project that was unpacked and packed again usually lies in a folder
  const depth = described.folders.length;
  const items = files.filter(({ folders }) => folders.slice(0, depth).join() === described.folders.join());
  try {
    return {
      project: await read(new Map(items.map((one) => [[...one.folders.slice(depth), one.name].join("/"), one]))),
    };
  } catch (error) {
    throw new EngineError("no-project", `the file is not a zip of a project: ${error}`);
  }
}

/** @param {Map<string, Packed>} items by their paths @returns {Promise<Unpacked>} */
async function read(items) {
  const described = JSON.parse((await (await items.get(DESCRIBED)?.read())?.text()) ?? "");
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
    const blob = (await item.read()).slice(0, undefined, TYPES[/** @type {keyof typeof TYPES} */ (type)] ?? "");
    pictures.push({ id: newId(), class_id: ids.get(folder), held_out: side === "test", order: Number(order), blob });
  }
  const stored = await (await items.get("weights.safetensors")?.read())?.arrayBuffer();
  const { config, labels } = described.trained ?? {};
  const named = Array.isArray(labels) && labels.every((one) => typeof one === "string");
  const isTrained = stored && named && config && typeof config === "object";
  const trained = isTrained ? { bytes: new Uint8Array(stored), config, labels } : null;
  return { classes, pictures, trained, settings: described.settings ?? {} };
}

/** A name that a folder can have. @param {string} name */
const safe = (name) =>
  [...name.replace(/[\\/:*?"<>|\p{Cc}]+/gu, "_")]
    .slice(0, 60)
    .join("")
    .replace(/[. ]+$/, "") || "_";

/** @param {Blob} blob */
const extension = ({ type }) => Object.entries(TYPES).find(([, known]) => known === type)?.[0] ?? "jpg";
