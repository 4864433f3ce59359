/**
 * Storage of a project in IndexedDB, whose transactions are atomic, so that a crash leaves the state before. Knows no
 * DOM.
 *
 * @typedef {import("../project.js").Class} Class
 * @typedef {import("../project.js").Picture} Picture
 * @typedef {import("../project.js").Trained} Trained
 *
 * @typedef {object} Change
 * @property {Class[]} [classes] to store
 * @property {Picture[]} [pictures] to store
 * @property {string[]} [goneClasses] ids
 * @property {string[]} [gonePictures] ids
 * @property {boolean} [clear] whether to delete everything first
 * @property {Trained | null} [trained] to store; null: none
 */
import { EngineError } from "../../engine/errors.js";
import { openDB } from "../../vendor/idb/index.js";

const STORES = ["classes", "pictures", "trained"];
/** Milliseconds that a page which is being reloaded needs to release its locks. */
const PATIENCE = 1000;
/** Milliseconds without a sign of life after which a storage counts as unresponsive: some never answer. */
const SILENCE = 8000;
/** Pictures read, and requests made, at a time: thousands would block the page. */
const AT_ONCE = 50;

/**
 * Claims something for this tab, since two tabs would overwrite each other's data. Pages from insecure origins have no
 * locks and skip this.
 *
 * @param {string} name
 * @returns {Promise<(() => void) | null>} releases it, as closing the tab does; null if another tab has it
 */
export async function claim(name) {
  if (!navigator.locks) return () => {};
  return new Promise((resolve) => {
    const hold = () => new Promise((release) => resolve(() => release(null)));
    const signal = AbortSignal.timeout(PATIENCE);
    navigator.locks.request(`mobilenetv2-${name}`, { signal }, hold).catch(() => resolve(null));
  });
}

/**
 * Waits for a storage that may never answer.
 *
 * @template T
 * @param {(heard: () => void) => Promise<T>} ask receives a function to call with each sign of life
 * @returns {Promise<T>}
 * @throws {EngineError} `storage-silent`
 */
export async function answered(ask) {
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;
  let heard = () => {};
  const silence = new Promise((_, reject) => {
    heard = () => {
      clearTimeout(timer);
      timer = setTimeout(() => reject(new EngineError("storage-silent", "the storage does not answer")), SILENCE);
    };
  });
  heard();
  const answer = (async () => ask(() => heard()))(); // it may throw at once
  return Promise.race([answer, silence]).finally(() => {
    clearTimeout(timer);
    heard = () => {}; // a late sign starts no new wait
  });
}

/**
 * Changes a database's stores: makes all of these requests or, if one cannot be made, none.
 *
 * @param {any} database
 * @param {string[]} names of the stores
 * @param {(...stores: any[]) => (() => Promise<unknown>)[]} requests
 */
export async function whole(database, names, requests) {
  const transaction = database.transaction(names, "readwrite");
  const made = [transaction.done];
  try {
    const stores = names.map((name) => transaction.objectStore(name));
    await answered(async (heard) => {
      for (const request of requests(...stores)) {
        const one = request().then(heard);
        if (made.push(one) % AT_ONCE === 0) await one;
      }
      await Promise.all(made);
    });
  } catch (error) {
    try {
      transaction.abort();
    } catch {} // it is over already
    Promise.allSettled(made); // their results no longer matter
    throw transaction.error ?? error; // some requests only report that it was aborted
  }
}

/**
 * Reads a database's stores at one moment.
 *
 * @template T
 * @param {any} database
 * @param {string[]} names of the stores
 * @param {(...stores: any[]) => Promise<T>} ask
 */
export async function reading(database, names, ask) {
  const transaction = database.transaction(names);
  transaction.done.catch(() => {}); // the failed request reports it
  return ask(...names.map((name) => transaction.objectStore(name)));
}

/**
 * A picture as stored: its bytes, since WebKit's private windows refuse Blobs. Earlier versions stored Blobs.
 * @typedef {Omit<Picture, "blob"> & ({bytes: ArrayBuffer, type: string} | {blob: Blob})} Stored
 */

/** @param {Picture} picture @returns {Promise<Stored>} */
const toStored = async ({ blob, ...rest }) => ({ ...rest, bytes: await blob.arrayBuffer(), type: blob.type });

/** @param {Stored} stored @returns {Picture} */
function fromStored(stored) {
  if ("blob" in stored) return stored;
  const { bytes, type, ...rest } = stored;
  return { ...rest, blob: new Blob([bytes], { type }) };
}

/** Opens the storage and reads it. */
export async function openStorage() {
  const upgrade = (/** @type {any} */ database) => {
    database.createObjectStore("classes", { keyPath: "id" });
    database.createObjectStore("pictures", { keyPath: "id" });
    database.createObjectStore("trained");
  };
  const database = await answered(() => openDB("mobilenetv2-project", 1, { upgrade }));

  return {
    /** @returns {Promise<{classes: Class[], pictures: Picture[], trained: Trained | undefined}>} */
    async read() {
      return reading(database, STORES, (ofClasses, ofPictures, ofTrained) =>
        answered(async (heard) => {
          const classes = await ofClasses.getAll();
          const trained = await ofTrained.get("weights");
          /** @type {Picture[]} */
          const pictures = [];
          for (let last = ""; ;) {
            heard();
            const some = await ofPictures.getAll(IDBKeyRange.lowerBound(last, true), AT_ONCE);
            if (!some.length) return { classes, pictures, trained };
            last = some.at(-1).id;
            pictures.push(...some.map(fromStored));
          }
        }),
      );
    },

    /** Writes a change completely or not at all. @param {Change} change */
    async write({ classes = [], pictures = [], goneClasses = [], gonePictures = [], clear = false, trained }) {
      const stored = await Promise.all(pictures.map(toStored)); // before the transaction, which would end while waiting for anything else
      await whole(database, STORES, (ofClasses, ofPictures, ofTrained) => [
        ...(clear ? [ofClasses, ofPictures, ofTrained].map((store) => () => store.clear()) : []),
        ...goneClasses.map((id) => () => ofClasses.delete(id)),
        ...gonePictures.map((id) => () => ofPictures.delete(id)),
        ...classes.map((one) => () => ofClasses.put(one)),
        ...stored.map((one) => () => ofPictures.put(one)),
        ...(trained ? [() => ofTrained.put(trained, "weights")] : []),
        ...(trained === null ? [() => ofTrained.clear()] : []),
      ]);
    },
  };
}
