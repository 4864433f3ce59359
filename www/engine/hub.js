/**
 * Image classification sets of the Hugging Face Hub, which stores each as Parquet files and lists them
 * (https://huggingface.co/docs/dataset-viewer/parquet): what a set contains.
 *
 * @typedef {import("./parquet.js").ParquetFile} ParquetFile
 * @typedef {import("./parquet.js").Column} Column
 *
 * @typedef {object} Wanted
 * @property {string} id as `owner/name`, or the address of the set's page
 * @property {string} [config] if there are several; default: `default`, or the first
 * @property {string} [image] the picture column, if there are several
 * @property {string} [label] the label column, likewise
 * @property {string} [api] address of the Hub's API; default: the Hub's own
 *
 * @typedef {{url: string, size: number, opened?: ParquetFile}} SplitFile
 * @typedef {{name: string, files: SplitFile[], rows: number | null, bytes: number}} Split
 *
 * @typedef {object} HubSet
 * @property {string} id
 * @property {string} config
 * @property {string[]} configs all configs
 * @property {string} image name of the column with the pictures
 * @property {string} label name of the column with the labels
 * @property {string[] | null} names class names; null if only the labels themselves tell
 * @property {Split} train
 * @property {Split | null} held_out the set's own split; null: every tenth training picture is held out
 * @property {boolean} partial whether the Hub has converted only a part of the set
 */
import { fetchJson } from "./download.js";
import { EngineError } from "./errors.js";
import { openParquet } from "./parquet.js";

const API = "https://datasets-server.huggingface.co/";
/** Names of the split to evaluate on during training, in order of preference. */
const HELD_OUT_NAMES = ["validation", "valid", "val", "dev", "eval", "test"];
const LABEL_NAMES = ["label", "labels", "class", "category", "target", "y"];
const IMAGE_NAMES = ["image", "img", "picture", "photo", "pixel_values"];

/**
 * A set's id from what a person types or pastes.
 *
 * @param {string} text
 * @throws {EngineError} `hub-id`
 */
export function parseId(text) {
  const path = text.trim().replace(/^(https?:\/\/)?(www\.)?(huggingface\.co|hf\.co)\//, "");
  const [, id] = /^(?:datasets\/)?(\w[\w.-]*(?:\/\w[\w.-]*)?)(?:[/?#].*)?$/.exec(path) ?? [];
  if (!id)
    throw new EngineError("hub-id", `"${text}" is not the id of a data set; expected owner/name`, { id: text.trim() });
  return id;
}

/**
 * Finds out what a set contains.
 *
 * @param {Wanted} wanted
 * @param {AbortSignal} [signal]
 * @returns {Promise<HubSet>}
 * @throws {EngineError} `hub-id`, `hub-closed` (gated, private), `hub-missing`, `hub-no-parquet`, `hub-pending`,
 *   `hub-no-config`, `hub-no-image`, `hub-no-label`, `hub-which-image`, `hub-which-label`, or as `openParquet`
 */
export async function findSet({ id: text, config: wanted, image, label, api = API }, signal) {
  const id = parseId(text);
  const { parquet_files: files, partial, pending } = await ask(api, "parquet", id, {}, signal);
  if (!files?.length) {
    const code = pending?.length ? "hub-pending" : "hub-no-parquet";
    throw new EngineError(code, `the Hub has no Parquet files of ${id}`, { id });
  }
  const configs = [...new Set(files.map((/** @type {any} */ { config }) => config))];
  const config = wanted ?? (configs.includes("default") ? "default" : configs[0]);
  if (!configs.includes(config)) {
    const values = { id, config, configs: configs.join(", ") };
    throw new EngineError("hub-no-config", `${id} has ${values.configs}, not ${config}`, values);
  }
  // the files usually contain this too
  const { dataset_info: info = {} } = await ask(api, "info", id, { config }, signal).catch((error) => {
    if (signal?.aborted) throw error;
    return {};
  });
  const splits = splitsOf(
    files.filter((/** @type {any} */ file) => file.config === config),
    info.splits ?? {},
  );
  const held_out = HELD_OUT_NAMES.map((name) => splits.find((split) => split.name === name)).find(Boolean) ?? null;
  const others = splits.filter((split) => !HELD_OUT_NAMES.includes(split.name));
  const train = others.find(({ name }) => name === "train") ?? others[0] ?? splits[0];

  const first = await openFile(train.files[0], signal);
  if (train.files.length === 1) train.rows = first.rows;
  const features = info.features ?? first.features ?? {};
  const { columns } = first;
  const found = {
    image: pick(
      "image",
      columns,
      columns.filter((one) => isImage(one, features)),
      IMAGE_NAMES,
      image,
    ),
    label: pick("label", columns, labelsOf(columns, features), LABEL_NAMES, label),
  };
  const names = features[found.label]?.names ?? null;
  const own = held_out === train ? null : held_out;
  return { id, config, configs, ...found, names, train, held_out: own, partial: Boolean(partial) };
}

/**
 * @param {string} api @param {string} what @param {string} id @param {Record<string, string>} more @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
async function ask(api, what, id, more, signal) {
  const url = `${api}${what}?${new URLSearchParams({ dataset: id, ...more })}`;
  return fetchJson(url, { signal }).catch((error) => {
    signal?.throwIfAborted();
    const { status } = error.values ?? {};
    if (/^40[13]$/.test(status)) throw new EngineError("hub-closed", error.message, { id });
    if (status === "404") throw new EngineError("hub-missing", error.message, { id });
    // 500 or 501 is the Hub's answer for a set that it cannot convert or has not converted yet
    if (/^50[01]$/.test(status)) throw new EngineError("hub-no-parquet", error.message, { id });
    throw error;
  });
}

/** @param {any[]} files @param {Record<string, {num_examples?: number}>} infos @returns {Split[]} */
function splitsOf(files, infos) {
  /** @type {Map<string, Split>} */
  const splits = new Map();
  for (const { split: name, url, size } of files) {
    /** @type {Split} */
    const split = splits.get(name) ?? { name, files: [], rows: infos[name]?.num_examples ?? null, bytes: 0 };
    split.files.push({ url, size });
    split.bytes += size;
    splits.set(name, split);
  }
  return [...splits.values()];
}

/** @param {Column} column @param {Record<string, any>} features */
function isImage({ name, kind }, features) {
  if (Object.values(features).some((feature) => feature?._type === "Image")) return features[name]?._type === "Image";
  return kind === "image" || kind === "bytes";
}

/**
 * The columns with classes or, if none declares any, those that may have.
 *
 * @param {Column[]} columns
 * @param {Record<string, any>} features
 */
function labelsOf(columns, features) {
  const named = columns.filter(({ name }) => features[name]?._type === "ClassLabel");
  if (named.length) return named;
  const known = columns.filter(
    ({ name, kind }) => LABEL_NAMES.includes(name) && (kind === "text" || kind === "number"),
  );
  return known.length ? known : columns.filter(({ kind }) => kind === "text");
}

/**
 * The only column, the one with a telling name, or the requested one.
 *
 * @param {"image" | "label"} what @param {Column[]} all @param {Column[]} possible @param {string[]} names @param {string} [wanted]
 */
function pick(what, all, possible, names, wanted) {
  if (wanted !== undefined && all.some(({ name }) => name === wanted)) return wanted;
  const [one, ...others] = possible;
  if (one && !others.length) return one.name;
  const [usual, ...more] = possible.filter(({ name }) => names.includes(name));
  if (usual && !more.length) return usual.name;
  const columns = (one ? possible : all).map(({ name }) => name).join(", ");
  const code = one ? `hub-which-${what}` : `hub-no-${what}`;
  throw new EngineError(code, `${one ? "several columns" : "no column"} with ${what}s: ${columns}`, { columns });
}

/** A file of a set, opened once. @param {SplitFile} file @param {AbortSignal} [signal] */
export const openFile = async (file, signal) => (file.opened ??= await openParquet(file.url, file.size, signal));
