/**
 * The browser's own storage of runs: IndexedDB. Weights lie apart, so that reading what runs there are reads no weights.
 * Knows no DOM.
 *
 * @typedef {import("./session.js").Run} Run
 */
import { whole } from "./storage.js";
import { openDB } from "./vendor/idb/index.js";

/** Opens the storage. */
export async function openRunStorage() {
  const database = await openDB("mobilenetv2-runs", 1, {
    upgrade(database) {
      database.createObjectStore("runs", { keyPath: "id" });
      database.createObjectStore("weights"); // each under its run's id
    },
  });

  /** @param {(runs: any, weights: any) => (() => Promise<unknown>)[]} requests */
  const change = (requests) => whole(database, ["runs", "weights"], requests);

  return {
    /** Every run, without weights. @returns {Promise<Run[]>} */
    list: async () => (await database.getAll("runs")).map((run) => ({ ...run, weights: null })),

    /** @param {string} id @returns {Promise<Run | undefined>} */
    run: (id) => database.get("runs", id),

    /** @param {string} id @returns {Promise<Uint8Array | undefined>} */
    weights: (id) => database.get("weights", id),

    /**
     * Takes the place of what was there; of a run without weights they stay as they are, unless it has failed.
     *
     * @param {Run} run
     */
    keep: ({ weights, ...run }) =>
      change((runs, kept) => [
        () => runs.put(run),
        ...(weights ? [() => kept.put(weights, run.id)] : []),
        ...(run.end === "failed" ? [() => kept.delete(run.id)] : []),
      ]),

    /** Changes only this of a run: another tab may have brought it further. @param {string} id @param {boolean} hidden */
    async hide(id, hidden) {
      const transaction = database.transaction("runs", "readwrite");
      const run = await transaction.store.get(id);
      if (run) transaction.store.put({ ...run, hidden });
      await transaction.done;
    },

    /** @param {string} id */
    remove: (id) => change((runs, weights) => [() => runs.delete(id), () => weights.delete(id)]),
  };
}
