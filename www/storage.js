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
/** Milliseconds in which a page that is just being reloaded lets go of the project. */
const PATIENCE = 1000;

/**
 * Takes the project for this tab until it is closed, and tells whether that could be done: two tabs would write over what
 * the other has. Pages from insecure origins have no locks and take it unasked.
 *
 * @returns {Promise<boolean>}
 */
export async function claim() {
  if (!navigator.locks) return true;
  return new Promise((resolve) => {
    const hold = () => {
      resolve(true);
      return new Promise(() => {});
    };
    const signal = AbortSignal.timeout(PATIENCE);
    navigator.locks.request("mobilenetv2-project", { signal }, hold).catch(() => resolve(false));
  });
}

/**
 * Makes all of these requests or, where one cannot even be made, none.
 *
 * @param {{abort: () => void, done: Promise<void>}} transaction
 * @param {(() => Promise<unknown>)[]} requests
 */
export async function whole(transaction, requests) {
  const made = [transaction.done];
  try {
    for (const request of requests) made.push(/** @type {Promise<any>} */ (request()));
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
      const transaction = database.transaction(STORES, "readwrite");
      const store = (/** @type {string} */ name) => transaction.objectStore(name);
      await whole(transaction, [
        ...(clear ? STORES.map((name) => () => store(name).clear()) : []),
        ...goneClasses.map((id) => () => store("classes").delete(id)),
        ...gonePictures.map((id) => () => store("pictures").delete(id)),
        ...classes.map((one) => () => store("classes").put(one)),
        ...pictures.map((one) => () => store("pictures").put(one)),
        ...(trained ? [() => store("trained").put(trained, "weights")] : []),
        ...(trained === null ? [() => store("trained").clear()] : []),
      ]);
    },
  };
}
