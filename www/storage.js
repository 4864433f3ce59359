/**
 * The browser's own storage of one project: IndexedDB, whose transactions are kept whole or not at all, so that a crash
 * leaves what was there before. Knows no DOM.
 *
 * @typedef {import("./project.js").Class} Class
 * @typedef {import("./project.js").Picture} Picture
 * @typedef {import("./project.js").Trained} Trained
 *
 * @typedef {object} Change
 * @property {Class[]} [classes] to be kept
 * @property {Picture[]} [pictures] to be kept
 * @property {string[]} [goneClasses] ids
 * @property {string[]} [gonePictures] ids
 * @property {boolean} [clear] whether all that was there goes first
 * @property {Trained | null} [trained] to be kept; null: none
 */
import { openDB } from "./vendor/idb/index.js";

const STORES = ["classes", "pictures", "trained"];
/** Milliseconds in which a page that is just being reloaded lets go of what it has. */
const PATIENCE = 1000;

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
    for (const request of requests(...stores)) made.push(request());
  } catch (error) {
    transaction.abort();
    await Promise.allSettled(made);
    throw error;
  }
  await Promise.all(made);
}

/** Opens the storage and reads what it holds. */
export async function openStorage() {
  const database = await openDB("mobilenetv2-project", 1, {
    upgrade(database) {
      database.createObjectStore("classes", { keyPath: "id" });
      database.createObjectStore("pictures", { keyPath: "id" });
      database.createObjectStore("trained");
    },
  });

  return {
    /** @returns {Promise<{classes: Class[], pictures: Picture[], trained: Trained | undefined}>} */
    async read() {
      const transaction = database.transaction(STORES);
      const [classes, pictures, trained] = await Promise.all([
        transaction.objectStore("classes").getAll(),
        transaction.objectStore("pictures").getAll(),
        transaction.objectStore("trained").get("weights"),
      ]);
      return { classes, pictures, trained };
    },

    /** Writes all of a change or, if that fails, nothing of it. @param {Change} change */
    async write({ classes = [], pictures = [], goneClasses = [], gonePictures = [], clear = false, trained }) {
      await whole(database, STORES, (ofClasses, ofPictures, ofTrained) => [
        ...(clear ? [ofClasses, ofPictures, ofTrained].map((store) => () => store.clear()) : []),
        ...goneClasses.map((id) => () => ofClasses.delete(id)),
        ...gonePictures.map((id) => () => ofPictures.delete(id)),
        ...classes.map((one) => () => ofClasses.put(one)),
        ...pictures.map((one) => () => ofPictures.put(one)),
        ...(trained ? [() => ofTrained.put(trained, "weights")] : []),
        ...(trained === null ? [() => ofTrained.clear()] : []),
      ]);
    },
  };
}
