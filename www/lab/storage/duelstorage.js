/**
 * Storage of comparisons in IndexedDB. A comparison's record and the snapshots of all its sides are of one moment, so they
 * are written in one transaction. Knows no DOM.
 *
 * @typedef {import("../duel/record.js").Record} Record
 * @typedef {import("../../engine/protocol.js").Snapshot[]} Snapshots
 */
import { openDB } from "../../vendor/idb/index.js";
import { reading, whole } from "./storage.js";

/** Opens the storage. */
export async function openDuelStorage() {
  const database = await openDB("mobilenetv2-duels", 1, {
    upgrade(database) {
      database.createObjectStore("records", { keyPath: "id" });
      database.createObjectStore("snapshots"); // of all sides, under the record's id
    },
  });
  return {
    /** @returns {Promise<Record[]>} */
    list: () => reading(database, ["records"], (records) => records.getAll()),

    /** A record and its snapshots. @param {string} id @returns {Promise<{record: Record, snapshots?: Snapshots} | null>} */
    async read(id) {
      const [record, snapshots] = await reading(database, ["records", "snapshots"], (records, kept) =>
        Promise.all([records.get(id), kept.get(id)]),
      );
      return record ? { record, snapshots } : null;
    },

    /** Replaces a record and its snapshots. @param {Record} record @param {Snapshots | null} snapshots null: none */
    keep: (record, snapshots) =>
      whole(database, ["records", "snapshots"], (records, kept) => [
        () => records.put(record),
        () => (snapshots ? kept.put(snapshots, record.id) : kept.delete(record.id)),
      ]),
  };
}
