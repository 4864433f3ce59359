/** The search in the list of classes. */

/** What people write one way or the other: capitals, composed letters. @param {string} text */
const plain = (text) => text.normalize("NFC").toLowerCase();

/**
 * Which classes a query means: those of which a name has all of its words in it, and first those that have them as words of
 * their own ("cat" is in "catamaran"). Where a name has spaces does not count, which Koreans put differently.
 *
 * @param {string[]} texts of each class its names, with commas between
 * @param {string} query
 * @returns {number[]} indices
 */
export function findClasses(texts, query) {
  const words = plain(query).match(/\S+/g) ?? [];
  const first = [];
  const others = [];
  for (const [index, text] of texts.entries()) {
    const names = plain(text).split(", ");
    const isWhole = (/** @type {string} */ name) => words.every((word) => name.split(/[\s-]/).includes(word));
    const has = (/** @type {string} */ name) => words.every((word) => name.replaceAll(" ", "").includes(word));
    if (names.some(isWhole)) first.push(index);
    else if (names.some(has)) others.push(index);
  }
  return [...first, ...others];
}
