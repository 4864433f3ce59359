/**
 * The browser's own storage of runs: IndexedDB. Weights lie apart, so that reading what runs there are reads no weights; what
 * is of one moment is written, and read, in one transaction. Other tabs hear of each change. Knows no DOM.
 *
 * @typedef {import("../run.js").Run} Run
 * @typedef {import("../run.js").Which} Which
 */
import { openDB } from "../../vendor/idb/index.js";
import { reading, whole } from "./storage.js";

const NAME = "mobilenetv2-runs";

/** Under which a run's weights lie. @param {string} id @param {Which} which */
const keyOf = (id, which) => (which === "last" ? id : `${id} best`);

/** Opens the storage. */
export async function openRunStorage() {
  const database = await openDB(NAME, 1, {
    upgrade(database) {
      database.createObjectStore("runs", { keyPath: "id" });
      database.createObjectStore("weights"); // the last ones of a run under its id, the best ones beside them
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
     * Takes the place of what was there. Weights that are not in memory stay as they are, where the run still has some: the
     * last ones unless it has failed, the best ones unless it says nothing of them.
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

    /** Changes only this of a run: another tab may have brought it further. @param {string} id @param {boolean} hidden */
    hide: (id, hidden) =>
      whole(database, ["runs"], (runs) => [
        async () => {
          const run = await runs.get(id);
          if (run) await runs.put({ ...run, hidden });
        },
      ]),

    /** @param {string} id */
    remove: (id) =>
      change((runs, weights) => [
        () => runs.delete(id),
        () => weights.delete(keyOf(id, "last")),
        () => weights.delete(keyOf(id, "best")),
      ]),

    /** Hears of each change that another tab makes. @param {() => void} hear */
    listen: (hear) => void (tabs.onmessage = hear),
  };
}
