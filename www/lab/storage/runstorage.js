/**
 * Storage of runs in IndexedDB. Weights are stored separately, so that listing runs reads no weights. Everything of one
 * moment is written and read in one transaction. Other tabs are notified of each change. Knows no DOM.
 *
 * @typedef {import("../run.js").Run} Run
 * @typedef {import("../run.js").Which} Which
 */
import { openDB } from "../../vendor/idb/index.js";
import { reading, whole } from "./storage.js";

const NAME = "mobilenetv2-runs";

/** Key of a run's weights. @param {string} id @param {Which} which */
const keyOf = (id, which) => (which === "last" ? id : `${id} best`);

/** Opens the storage. */
export async function openRunStorage() {
  const database = await openDB(NAME, 1, {
    upgrade(database) {
      database.createObjectStore("runs", { keyPath: "id" });
      database.createObjectStore("weights"); // a run's last weights under its id, the best ones under another key
    },
  });
  const tabs = new BroadcastChannel(NAME);

  /** @param {(runs: any, weights: any) => (() => Promise<unknown>)[]} requests */
  async function change(requests) {
    await whole(database, ["runs", "weights"], requests);
    tabs.postMessage(null);
  }

  return {
    /** Every run, without weights. @returns {Promise<Run[]>} */
    async list() {
      const all = await reading(database, ["runs"], (runs) => runs.getAll());
      return all.map((/** @type {Run} */ run) => ({ ...run, weights: null, bestWeights: null }));
    },

    /** A run with its last weights. @param {string} id @returns {Promise<Run | undefined>} */
    async read(id) {
      const [run, weights] = await reading(database, ["runs", "weights"], (runs, kept) =>
        Promise.all([runs.get(id), kept.get(keyOf(id, "last"))]),
      );
      return run && { ...run, weights: weights ?? null, bestWeights: null };
    },

    /** @param {string} id @param {Which} which @returns {Promise<Uint8Array | undefined>} */
    weights: (id, which) => reading(database, ["weights"], (kept) => kept.get(keyOf(id, which))),

    /**
     * Replaces a run's record. Weights that are not in memory stay as stored, if the run still has them: the last ones
     * unless it has failed, the best ones unless its record mentions none.
     *
     * @param {Run} run
     */
    keep: ({ weights, bestWeights, ...run }) =>
      change((runs, kept) => [
        () => runs.put(run),
        ...(weights ? [() => kept.put(weights, keyOf(run.id, "last"))] : []),
        ...(run.end === "failed" ? [() => kept.delete(keyOf(run.id, "last"))] : []),
        ...(bestWeights ? [() => kept.put(bestWeights, keyOf(run.id, "best"))] : []),
        ...(run.best ? [] : [() => kept.delete(keyOf(run.id, "best"))]),
      ]),

    /**
     * Changes only these fields of a run: another tab may have continued it.
     *
     * @param {string} id
     * @param {Pick<Run, "hidden" | "title">} fields
     */
    mark: (id, fields) =>
      whole(database, ["runs"], (runs) => [
        async () => {
          const run = await runs.get(id);
          if (run) await runs.put({ ...run, ...fields });
        },
      ]),

    /** @param {string} id */
    remove: (id) =>
      change((runs, weights) => [
        () => runs.delete(id),
        () => weights.delete(keyOf(id, "last")),
        () => weights.delete(keyOf(id, "best")),
      ]),

    /** Calls `hear` after each change by another tab. @param {() => void} hear */
    listen: (hear) => void (tabs.onmessage = hear),
  };
}
