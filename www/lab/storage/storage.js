/**
 * The browser's own storage of one project: IndexedDB, whose transactions are kept whole or not at all, so that a crash
 * leaves what was there before. Knows no DOM.
 *
 * @typedef {import("../project.js").Class} Class
 * @typedef {import("../project.js").Picture} Picture
 * @typedef {import("../project.js").Trained} Trained
 *
 * @typedef {object} Change
 * @property {Class[]} [classes] to be kept
 * @property {Picture[]} [pictures] to be kept
 * @property {string[]} [goneClasses] ids
 * @property {string[]} [gonePictures] ids
 * @property {boolean} [clear] whether all that was there goes first
 * @property {Trained | null} [trained] to be kept; null: none
 */
import { EngineError } from "../../engine/errors.js";
import { openDB } from "../../vendor/idb/index.js";

const STORES = ["classes", "pictures", "trained"];
/** Milliseconds in which a page that is just being reloaded lets go of what it has. */
const PATIENCE = 1000;
/** Milliseconds without a sign of life after which a storage counts as one that does not answer: some never do. */
const SILENCE = 8000;
/** Pictures that are read, and requests that are made, without waiting: thousands would hold up the page. */
const AT_ONCE = 50;

/**
 * Takes something for this tab, as two tabs would write over what the other has. Pages from insecure origins have no locks
 * and take it unasked.
 *
 * @param {string} name
 * @returns {Promise<(() => void) | null>} what gives it back, as closing the tab does; null where another tab has it
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
 * Asks a storage, which may never answer.
 *
 * @template T
 * @param {(heard: () => void) => Promise<T>} ask is given what it calls with each sign of life
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
  const answer = (async () => ask(() => heard()))(); // which may throw at once
  return Promise.race([answer, silence]).finally(() => {
    clearTimeout(timer);
    heard = () => {}; // what comes late starts no new wait
  });
}

/**
 * Changes a database's stores: makes all of these requests or, where one cannot even be made, none.
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
    Promise.allSettled(made); // what they say now is of no interest
    throw transaction.error ?? error; // of its requests some say only that it ended
  }
}

/**
 * Reads a database's stores as they are at one moment.
 *
 * @template T
 * @param {any} database
 * @param {string[]} names of the stores
 * @param {(...stores: any[]) => Promise<T>} ask
 */
export async function reading(database, names, ask) {
  const transaction = database.transaction(names);
  transaction.done.catch(() => {}); // whoever asks hears of it from the request that failed
  return ask(...names.map((name) => transaction.objectStore(name)));
}

/**
 * A picture as it is stored: its bytes, since private windows of WebKit refuse Blobs. Earlier pages stored those.
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

/** Opens the storage and reads what it holds. */
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

    /** Writes all of a change or, if that fails, nothing of it. @param {Change} change */
    async write({ classes = [], pictures = [], goneClasses = [], gonePictures = [], clear = false, trained }) {
      const stored = await Promise.all(pictures.map(toStored)); // before the transaction, which waits for nothing else
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
