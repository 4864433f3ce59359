/**
 * The weights at hand: those the page ships, files the person opened, networks trained here.
 *
 * @typedef {import("./protocol.js").Config} Config
 *
 * @typedef {object} Entry
 * @property {string} id as in the link
 * @property {() => string} name in the chosen language
 * @property {string} family entries of one family are the same thing at different widths
 * @property {Config} config
 * @property {string[]} labels
 * @property {File} [file] where it was opened from
 * @property {Config} [options] what the person says that the file does not
 * @property {number | undefined} accuracy on held-out pictures, as the manifest states it
 * @property {(how: {signal?: AbortSignal, onProgress?: (share: number) => void}) => Promise<Uint8Array>} load
 */
import { download } from "./download.js";
import { currentLanguage } from "./i18n.js";

const FOLDER = new URL("./weights/", import.meta.url);

/** Event `change`: entries came, or there are names for the classes of ImageNet now. */
export class Library extends EventTarget {
  /** @type {Entry[]} */
  entries = [];

  /** Reads which weights the page ships. */
  async open() {
    const manifest = await (await fetch(new URL("manifest.json", FOLDER))).json();
    for (const { id, file, name, width, resolution, classes, stem, accuracy } of manifest) {
      this.entries.push({
        id,
        name: () => name[currentLanguage()] ?? name.en,
        family: name.en,
        config: { width, resolution, classes, stem },
        labels: [],
        accuracy,
        load: keep((how) => download(new URL(file, FOLDER), how)),
      });
    }
    this.dispatchEvent(new Event("change"));
  }

  /** @param {unknown} id */
  find(id) {
    return this.entries.find((entry) => entry.id === id);
  }

  /**
   * Adds weights, or replaces those of the same id.
   *
   * @param {{id: string, name: () => string, bytes: Uint8Array, config: Config, labels: string[], file?: File, options?: Config}} weights
   */
  add({ bytes, ...weights }) {
    const entry = { ...weights, family: weights.id, accuracy: undefined, load: async () => bytes };
    this.entries = [...this.entries.filter(({ id }) => id !== entry.id), entry];
    this.dispatchEvent(new Event("change"));
  }

  /** The entry's siblings at other widths, itself included. @param {Entry} entry */
  family(entry) {
    return this.entries.filter(({ family }) => family === entry.family);
  }
}

/**
 * Loads once and remembers; a failure is not remembered.
 *
 * @param {Entry["load"]} load
 * @returns {Entry["load"]}
 */
function keep(load) {
  /** @type {Uint8Array | undefined} */
  let bytes;
  return async (how) => (bytes ??= await load(how));
}

/** @type {Promise<string[]> | undefined} */
let imagenet;

/**
 * Names for a network that brings none: ImageNet's, where it has 1,000 classes (or 1,001, the first being background).
 *
 * @param {number} classes
 * @returns {Promise<string[]>}
 */
export async function usualNames(classes) {
  if (classes !== 1000 && classes !== 1001) return [];
  imagenet ??= fetch(new URL("imagenet-classes.txt", FOLDER)).then(async (response) =>
    (await response.text()).trim().split("\n"),
  );
  const names = await imagenet;
  return classes === 1001 ? ["background", ...names] : names;
}
