/** The names of ImageNet's 1,000 classes, in files of one line a class, each fetched when it is asked for. */
import { download } from "../engine/download.js";

const FOLDER = new URL("../weights/", import.meta.url);
const CLASSES = 1000;

/** @type {Map<string, Promise<string[]>>} */
const files = new Map();

/** The lines of a file; one that did not come is fetched anew when it is asked for again. @param {string} name */
function linesOf(name) {
  const known = files.get(name);
  if (known) return known;
  const coming = download(new URL(name, FOLDER)).then((bytes) => new TextDecoder().decode(bytes).trim().split("\n"));
  files.set(name, coming);
  coming.catch(() => files.delete(name));
  return coming;
}

const englishNames = () => linesOf("imagenet-classes.txt");
export const koreanNames = () => linesOf("imagenet-classes.ko.txt");
/** WordNet's ids of the classes. */
export const synsets = () => linesOf("imagenet-synsets.txt");

/**
 * Names for a network that brings none: ImageNet's, where it has 1,000 classes (or 1,001, the first being background).
 *
 * @param {number} classes
 * @returns {Promise<string[]>}
 */
export async function usualNames(classes) {
  if (classes !== CLASSES && classes !== CLASSES + 1) return [];
  const names = await englishNames().catch(() => []); // without them the classes have their numbers
  return names.length && classes > CLASSES ? ["background", ...names] : names;
}

/**
 * With which of a network's classes ImageNet's begin; -1 where its classes are others.
 *
 * @param {string[]} names of the network's classes
 */
export function imagenetStart(names) {
  const start = names.length - CLASSES;
  const are = names[start]?.startsWith("tench") && names.at(-1)?.startsWith("toilet tissue");
  return are ? start : -1;
}
