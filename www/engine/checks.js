/** Checks of the engine's arguments by name, before they reach the core, which would take NaN for 0. */
import { EngineError } from "./errors.js";

const MOST = 2 ** 32 - 1;

/** @param {unknown} value @param {number} [least] */
const isWhole = (value, least = 0) => Number.isInteger(value) && Number(value) >= least && Number(value) <= MOST;

/** @param {string} name @param {string} expected @param {unknown} found */
function wrong(name, expected, found) {
  const plain = found === null || ["number", "string", "boolean"].includes(typeof found);
  const told = plain ? String(found) : typeof found;
  return new EngineError("wrong-argument", `${name} must be ${expected}, not ${told}`, { name });
}

/** Checks whole numbers by their names. @param {Record<string, unknown>} numbers */
export function checkWhole(numbers) {
  for (const [name, value] of Object.entries(numbers)) {
    if (!isWhole(value)) throw wrong(name, `a whole number, 0 to ${MOST}`, value);
  }
}

const FITS = ["crop", "squeeze", "bars"];
/** Pixels by which a box may exceed the picture: sums of fractions are not exact. */
const ROUNDING = 1e-6;

/**
 * Checks how a picture is fed to a network.
 *
 * @param {any} framing as in protocol.js
 * @param {{width: number, height: number}} picture
 */
export function checkFraming({ fit = "crop", box }, { width, height }) {
  if (!FITS.includes(fit)) throw wrong("fit", `${FITS.slice(0, -1).join(", ")} or ${FITS.at(-1)}`, fit);
  if (box === undefined) return;
  if (fit !== "crop") throw wrong("box", `left out where fit is ${fit}, which takes the whole picture`, box);
  if (typeof box !== "object" || !box) throw wrong("box", "an object of x, y, width and height", box);
  /** @param {string} start @param {string} size @param {number} side */
  const check = (start, size, side) => {
    const [from, length] = [box[start], box[size]];
    const starts = Number.isFinite(from) && from >= -ROUNDING && from < side;
    if (!starts) throw wrong(`box.${start}`, `a number from 0 on, below ${side}`, from);
    const ends = Number.isFinite(length) && length > 0 && from + length <= side + ROUNDING;
    if (!ends) throw wrong(`box.${size}`, `a number above 0, at most ${side - from}`, length);
  };
  check("x", "width", width);
  check("y", "height", height);
}

const KINDS = ["shapes", "cifar-10", "hub", "images", "pictures"];

/** Checks the data of a training. @param {any} data as protocol.js has it */
export function checkData(data) {
  if (typeof data !== "object" || !data) throw wrong("data", "an object with a kind", data);
  /** @param {string} field @param {boolean} right @param {string} expected */
  const check = (field, right, expected) => {
    if (!right) throw wrong(`data.${field}`, expected, data[field]);
  };
  const { kind, images, labels, names } = data;
  check("kind", KINDS.includes(kind), `${KINDS.slice(0, -1).join(", ")} or ${KINDS.at(-1)}`);
  if (kind === "shapes") check("images", images === undefined || isWhole(images, 1), "a whole number, 1 or more");
  if (kind === "cifar-10")
    check("base", typeof data.base === "string" || data.opened === true, "the address of a folder");
  if (kind === "hub") {
    check("id", typeof data.id === "string", "a data set's owner/name");
    check("images", isWhole(images, 1), "a whole number, 1 or more");
  }
  if (kind !== "images" && kind !== "pictures") return;
  const given = Array.isArray(names) && names.length > 0 && names.every((name) => typeof name === "string");
  check("names", given, "an array of class names");
  check("labels", labels instanceof Uint32Array || Array.isArray(labels), "a Uint32Array");
  const strange = [...labels].find((label) => !(isWhole(label) && label < names.length));
  if (strange !== undefined) throw wrong("data.labels", `classes from 0 to ${names.length - 1}`, strange);
  check("held_out", isWhole(data.held_out), "a whole number");
  if (kind === "images") {
    check("images", images instanceof Uint8Array, "a Uint8Array");
    check("resolution", isWhole(data.resolution, 1), "a whole number, 1 or more");
  } else {
    const blobs =
      Array.isArray(data.pictures) && data.pictures.every((/** @type {unknown} */ one) => one instanceof Blob);
    check("pictures", blobs, "an array of Blobs");
    const [pictures, found] = [data.pictures.length, labels.length];
    if (pictures !== found) throw wrong("data.labels", `as many as the ${pictures} pictures`, found);
  }
}
