/** Files and folders that a person drops or chooses, with the folder each lies in. */

/**
 * @typedef {{file: File, folder: string}} Found `folder` is the name of the one it lies in, "" outside of any
 */

/** @param {Iterable<File>} files from a file input, one for folders perhaps @returns {Found[]} */
export function chosenFiles(files) {
  return [...files].filter(visible).map((file) => ({ file, folder: file.webkitRelativePath.split("/").at(-2) ?? "" }));
}

/** What was dropped, folders opened. @param {DataTransfer} transfer @returns {Promise<Found[]>} */
export async function droppedFiles(transfer) {
  // entries and files are there only until the first await
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry());
  if (!entries.some((entry) => entry?.isDirectory)) return chosenFiles(transfer.files);
  const found = await Promise.all(entries.map((entry) => (entry ? walk(entry, "") : [])));
  return found.flat().filter(({ file }) => visible(file));
}

/**
 * What cannot be read counts as an empty file: like others that are no pictures it is left out and named.
 *
 * @param {FileSystemEntry} entry @param {string} folder
 */
const walk = (entry, folder) => read(entry, folder).catch(() => [{ file: new File([], entry.name), folder }]);

/** @param {FileSystemEntry} entry @param {string} folder @returns {Promise<Found[]>} */
async function read(entry, folder) {
  if (entry.isFile) {
    const at = /** @type {FileSystemFileEntry} */ (entry);
    const file = await new Promise((resolve, reject) => at.file(resolve, reject));
    return [{ file, folder }];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  const all = [];
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) break;
    all.push(...some);
  }
  return (await Promise.all(all.map((inner) => walk(inner, entry.name)))).flat();
}

/** What systems leave in folders is no picture of anybody's. @param {File} file */
const visible = ({ name }) => !name.startsWith(".") && !/^(thumbs\.db|desktop\.ini)$/i.test(name);
