/**
 * The browser's own storage of weights files: IndexedDB. A file that is being fetched lies there in parts and is whole
 * only when that is said of it, so that one which was cut off is gone on with and never used. Knows no DOM.
 *
 * @typedef {import("../../engine/protocol.js").Config} Config
 *
 * @typedef {object} Stored
 * @property {string} id
 * @property {"published" | "opened" | "trained"} origin
 * @property {string} [title] the name of a file
 * @property {{number: number, step: number, when: Date}} [run] that trained them
 * @property {Config} config
 * @property {string[]} labels
 * @property {Config} [options] what the person says that the file does not
 * @property {number} size bytes that are here
 * @property {boolean} whole
 * @property {string} [version] of the file that is being fetched, by which its host knows it
 * @property {number} [total] bytes of the file that is being fetched, 0 where its host does not say
 */
import { join } from "../../engine/download.js";
import { openDB } from "../../vendor/idb/index.js";
import { reading, whole } from "./storage.js";

/** Opens the storage. */
export async function openWeightStorage() {
  const database = await openDB("mobilenetv2-weights", 1, {
    upgrade(database) {
      database.createObjectStore("files", { keyPath: "id" });
      database.createObjectStore("parts"); // each under its file's id and its first byte
    },
  });
  const partsOf = (/** @type {string} */ id) => IDBKeyRange.bound([id, 0], [id, Infinity]);

  /** @param {(files: any, parts: any) => (() => Promise<unknown>)[]} requests */
  const change = (requests) => whole(database, ["files", "parts"], requests);

  return {
    /** @returns {Promise<Stored[]>} */
    list: () => reading(database, ["files"], (files) => files.getAll()),

    /** The bytes of a file, as many as are here. @param {string} id */
    read: async (id) => join(await reading(database, ["parts"], (parts) => parts.getAll(partsOf(id)))),

    /** Takes the place of what was there. @param {Stored} file @param {Uint8Array} [bytes] */
    replace: (file, bytes) =>
      change((files, parts) => [
        () => parts.delete(partsOf(file.id)),
        ...(bytes ? [() => parts.put(bytes, [file.id, 0])] : []),
        () => files.put(file),
      ]),

    /** Adds bytes to the end. @param {Stored} file as it is without them @param {Uint8Array} part @returns {Promise<Stored>} */
    async append(file, part) {
      const longer = { ...file, size: file.size + part.length };
      await change((files, parts) => [() => parts.put(part, [file.id, file.size]), () => files.put(longer)]);
      return longer;
    },

    /** Says something else of a file. @param {Stored} file */
    describe: (file) => database.put("files", file),

    /** @param {string} id */
    remove: (id) => change((files, parts) => [() => parts.delete(partsOf(id)), () => files.delete(id)]),
  };
}
