/**
 * Storage of weights files in IndexedDB. A file that is being fetched is stored in parts and marked as whole at the
 * end, so that an interrupted one is resumed and never used. Knows no DOM.
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
 * @property {Config} [options] given by the person where the file leaves them open
 * @property {number} size bytes stored
 * @property {boolean} whole
 * @property {string} [version] of the file being fetched, as its host identifies it
 * @property {number} [total] bytes of the file being fetched, 0 if its host does not say
 */
import { join } from "../../engine/download.js";
import { openDB } from "../../vendor/idb/index.js";
import { reading, whole } from "./storage.js";

/** Opens the storage. */
export async function openWeightStorage() {
  const database = await openDB("mobilenetv2-weights", 1, {
    upgrade(database) {
      database.createObjectStore("files", { keyPath: "id" });
      database.createObjectStore("parts"); // keys: a file's id and the part's first byte
    },
  });
  const partsOf = (/** @type {string} */ id) => IDBKeyRange.bound([id, 0], [id, Infinity]);

  /** @param {(files: any, parts: any) => (() => Promise<unknown>)[]} requests */
  const change = (requests) => whole(database, ["files", "parts"], requests);

  return {
    /** @returns {Promise<Stored[]>} */
    list: () => reading(database, ["files"], (files) => files.getAll()),

    /** The stored bytes of a file. @param {string} id */
    read: async (id) => join(await reading(database, ["parts"], (parts) => parts.getAll(partsOf(id)))),

    /** Replaces a file. @param {Stored} file @param {Uint8Array} [bytes] */
    replace: (file, bytes) =>
      change((files, parts) => [
        () => parts.delete(partsOf(file.id)),
        ...(bytes ? [() => parts.put(bytes, [file.id, 0])] : []),
        () => files.put(file),
      ]),

    /** Appends bytes. @param {Stored} file as it is without them @param {Uint8Array} part @returns {Promise<Stored>} */
    async append(file, part) {
      const longer = { ...file, size: file.size + part.length };
      await change((files, parts) => [() => parts.put(part, [file.id, file.size]), () => files.put(longer)]);
      return longer;
    },

    /** Changes a file's record. @param {Stored} file */
    describe: (file) => database.put("files", file),

    /** @param {string} id */
    remove: (id) => change((files, parts) => [() => parts.delete(partsOf(id)), () => files.delete(id)]),
  };
}
