/**
 * Names of files and folders, read as on the command line (`src/data/names.rs`; `tests/cases/names.json` tests both):
 * in Unicode NFC, without junk, in natural order.
 */

/** Files that operating systems and programs put beside people's own, in lower case. */
const JUNK = new Set([
  "__macosx",
  "thumbs.db",
  "ehthumbs.db",
  "desktop.ini",
  "@eadir",
  "#recycle",
  "$recycle.bin",
  "system volume information",
  "lost+found",
  "__pycache__",
  "icon\r",
]);

/** The name in NFC: macOS writes "é" as two characters, other systems as one. @param {string} name */
export const nfc = (name) => name.normalize("NFC");

/** Whether a file or folder is hidden or junk, and silently left out. @param {string} name */
export const isJunk = (name) => name.startsWith(".") || JUNK.has(name.toLowerCase());

/**
 * Natural order: 1, 2, 10; ignores case. Never equal for different names.
 *
 * @param {string} a @param {string} b
 */
export function natural(a, b) {
  const [ofA, ofB] = [a, b].map((name) => name.toLowerCase().match(PARTS) ?? []);
  for (let i = 0; i < Math.min(ofA.length, ofB.length); i++) {
    const order = comparePart(ofA[i], ofB[i]);
    if (order) return order;
  }
  return ofA.length - ofB.length || compareCodes(a, b);
}

/** A run of digits, or else one character. */
const PARTS = /[0-9]+|[^0-9]/gsu;

/** @param {string} a @param {string} b */
function comparePart(a, b) {
  if (!/[0-9]/.test(a) || !/[0-9]/.test(b)) return /** @type {number} */ (a.codePointAt(0)) - (b.codePointAt(0) ?? 0);
  const [ofA, ofB] = [a, b].map((digits) => digits.replace(/^0+/, "")); // the longer string is the greater number
  return ofA.length - ofB.length || compareCodes(ofA, ofB);
}

/** By code points, not by surrogate halves as `<` does. @param {string} a @param {string} b */
function compareCodes(a, b) {
  const [ofA, ofB] = [[...a], [...b]];
  const at = ofA.findIndex((character, i) => character !== ofB[i]);
  if (at < 0) return ofA.length - ofB.length;
  return /** @type {number} */ (ofA[at].codePointAt(0)) - (ofB[at]?.codePointAt(0) ?? -1);
}
