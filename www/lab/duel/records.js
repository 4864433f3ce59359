/**
 * The comparisons, one of each name, also kept in the browser's storage. Without storage they live as long as the page.
 *
 * @typedef {import("./record.js").Record} Record
 * @typedef {import("../../engine/protocol.js").Snapshot} Snapshot
 * @typedef {Awaited<ReturnType<typeof openDuelStorage>>} Storage
 */
import { signal } from "../signals.js";
import { openDuelStorage } from "../storage/duelstorage.js";
import { answered } from "../storage/storage.js";

/** Those of each page, by its engine. @type {WeakMap<object, Promise<Records>>} */
const known = new WeakMap();

/** The page's comparisons, read from the storage when first asked for. @param {object} engine */
export function recordsOf(engine) {
  const opening = known.get(engine) ?? opened();
  known.set(engine, opening);
  return opening;
}

async function opened() {
  const records = new Records();
  await records.open();
  return records;
}

export class Records {
  /** By name; published anew when one is added, replaced or ends. @type {import("../signals.js").Signal<Map<string, Record>>} */
  all = signal(new Map());
  /** Why the last change is not stored. @type {import("../signals.js").Signal<unknown>} */
  problem = signal(null);
  /** Whether a change is being written. */
  writing = false;
  /** Resolves when all changes so far are written, or have failed. */
  settled = Promise.resolve();
  /** The state to which the comparison in progress returns if the core loses it. @type {{record: Record, snapshots?: Snapshot[]} | null} */
  #last = null;
  /** @type {Storage | null} */
  #storage = null;

  /** Reads the storage. @param {() => Promise<Storage>} [openStorage] */
  async open(openStorage = openDuelStorage) {
    try {
      const storage = await answered(openStorage);
      const records = await answered(storage.list);
      this.all.value = new Map(records.map((record) => [record.id, record]));
      this.#storage = storage;
    } catch (error) {
      this.problem.value = error;
    }
  }

  /** Adds a record, or replaces the one of its name. @param {Record} record */
  add(record) {
    this.all.value = new Map(this.all.peek()).set(record.id, record);
  }

  /**
   * Reads a record again, since another tab may have continued it. Returns the snapshots of its sides, of the same moment,
   * if it was interrupted.
   *
   * @param {Record} record @returns {Promise<Snapshot[] | undefined>}
   */
  async reread(record) {
    await this.settled;
    const storage = this.#storage;
    const stored = storage && (await answered(() => storage.read(record.id)));
    // without a storage, or if it refused the last change, the page has them
    const found = stored && !this.problem.peek() ? stored : this.#last;
    if (found?.record.id !== record.id) return undefined;
    Object.assign(record, structuredClone(found.record));
    return record.end === "interrupted" ? found.snapshots : undefined;
  }

  /** Stores the progress: without its page, the comparison is an interrupted one. @param {Record} record @param {Snapshot[]} snapshots */
  checkpoint(record, snapshots) {
    const kept = { ...structuredClone(record), end: /** @type {const} */ ("interrupted") };
    this.#last = { record: kept, snapshots };
    this.#write(kept, snapshots);
  }

  /** Stores the final state of a comparison. @param {Record} record */
  keep(record) {
    this.#last = null;
    this.#write(structuredClone(record), null);
    this.add(record);
  }

  /** Takes a record back to its last checkpoint. Returns whether there is one. @param {Record} record */
  goBack(record) {
    if (this.#last?.record.id !== record.id) return false;
    Object.assign(record, structuredClone(this.#last.record));
    this.add(record);
    return true;
  }

  /** @param {Record} record @param {Snapshot[] | null} snapshots */
  #write(record, snapshots) {
    const storage = this.#storage;
    if (!storage) return;
    this.writing = true;
    const written = this.settled
      .then(() => storage.keep(record, snapshots))
      .then(
        () => void (this.problem.value = null),
        (error) => void (this.problem.value = error),
      )
      .then(() => void (this.writing = written !== this.settled));
    this.settled = written;
  }
}
