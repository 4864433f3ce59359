/** Files and folders that a person drops, pastes or chooses: without junk, with each file's folder. */
import { EngineError } from "../../engine/errors.js";
import { isJunk, natural, nfc } from "../../engine/filenames.js";

/** @typedef {import("../../lab/zip.js").Packed} Packed */

/** Data type for pictures dragged between classes, which come without files. */
export const DRAGGED = "application/x-mobilenetv2-pictures";

/**
 * @template {File | Packed} [F=File]
 * @typedef {object} Found
 * @property {F} file
 * @property {string} folder name of its folder, "" if none
 * @property {string} name shown to the person: its folder's name and its own
 * @property {string} path all of its folders, and its name
 */

/**
 * @param {Iterable<File>} files from a file input, perhaps for folders; the chosen folder may have any name
 * @returns {Found[]}
 */
export function chosenFiles(files) {
  const lying = [...files].map((file) => ({ file, folders: file.webkitRelativePath.split("/").slice(0, -1) }));
  return visible(lying.filter(({ folders }) => !folders.slice(1).some(isJunk)));
}

/**
 * @param {DataTransfer | null} transfer @returns {Found[]}
 * @throws {EngineError} `no-file` if it is an address or text
 */
function filesOf(transfer) {
  if (!transfer?.files.length) throw new EngineError("no-file", `expected files, found ${transfer?.types.join(", ")}`);
  return chosenFiles(transfer.files);
}

/** Pasted files; none if text was pasted into a field. @param {ClipboardEvent} event @throws {EngineError} `no-file` */
export async function pastedFiles({ target, clipboardData }) {
  const typing = target instanceof HTMLElement && (target.matches("input, textarea") || target.isContentEditable);
  return typing && !clipboardData?.files.length ? [] : filesOf(clipboardData);
}

/**
 * Dropped files, including those in folders.
 *
 * @param {DataTransfer} transfer
 * @returns {Promise<Found[]>}
 * @throws {EngineError} `no-file`
 */
export async function droppedFiles(transfer) {
  // entries and files are only available before the first await
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry());
  if (!entries.some((entry) => entry?.isDirectory)) return filesOf(transfer);
  const found = await Promise.all(entries.map((entry) => (entry ? walk(entry, []) : [])));
  return inOrder(visible(found.flat()));
}

/** Whether it is a tar, gzipped or not. @param {string} name of a file */
export const isTar = (name) => /\.(tar|tgz|tar\.gz)$/i.test(name);

/** @param {string} name of a file */
export const isZip = (name) => name.toLowerCase().endsWith(".zip");

/**
 * The files of a zip, as if it were a folder of that name.
 *
 * @param {string} name of the zip @param {Packed[]} files
 * @throws {EngineError} `no-project` if it is empty
 */
export function zippedFiles(name, files) {
  const kept = files.filter(({ folders }) => !folders.some(isJunk));
  const found = visible(kept.map((file) => ({ file, folders: [name.replace(/\.zip$/i, ""), ...file.folders] })));
  if (!found.length) throw new EngineError("no-project", `${name} contains no files`);
  return inOrder(found);
}

/**
 * Natural order within each class: the held-out pictures must not depend on the file system's order.
 *
 * @template {File | Packed} F
 * @param {Found<F>[]} found
 */
export const inOrder = (found) => found.toSorted((a, b) => natural(a.folder, b.folder) || natural(a.path, b.path));

/**
 * @template {File | Packed} [F=File]
 * @typedef {{file: F, folders: string[]}} Lying a file and its folders, the outermost first
 */

/**
 * @template {File | Packed} F
 * @param {Lying<F>[]} files
 * @returns {Found<F>[]}
 */
const visible = (files) =>
  files
    .filter(({ file }) => !isJunk(file.name))
    .map(({ file, folders }) => {
      const [folder, name] = [folders.at(-1) ?? "", file.name].map(nfc);
      return { file, folder, name: folder ? `${folder}/${name}` : name, path: nfc([...folders, name].join("/")) };
    });

/**
 * Unreadable files count as empty: like others that are not pictures they are left out and named.
 *
 * @param {FileSystemEntry} entry @param {string[]} folders @returns {Promise<Lying[]>}
 */
const walk = (entry, folders) => read(entry, folders).catch(() => [{ file: new File([], entry.name), folders }]);

/** @param {FileSystemEntry} entry @param {string[]} folders @returns {Promise<Lying[]>} */
async function read(entry, folders) {
  if (entry.isFile) {
    const at = /** @type {FileSystemFileEntry} */ (entry);
    const file = await new Promise((resolve, reject) => at.file(resolve, reject));
    return [{ file, folders }];
  }
  if (isJunk(entry.name)) return [];
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  const all = [];
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) break;
    all.push(...some);
  }
  return (await Promise.all(all.map((inner) => walk(inner, [...folders, entry.name])))).flat();
}
