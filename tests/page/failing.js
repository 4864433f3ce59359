// The browser's storage in memory, which fails at a request chosen by the test.

import "fake-indexeddb/auto";

/**
 * How a request fails: at once, as with a closed storage; later, as without space; with all others of
 * its transaction, which is aborted; or not at all, but the transaction is not committed, as with a full disk.
 */
export const WAYS = /** @type {const} */ (["throws", "refuses", "ends all", "is not kept"]);
/** @typedef {typeof WAYS[number]} Way */

const full = "QuotaExceededError";

/** The first request to fail, how many do, and how. */
let plan = { at: Infinity, times: 0, way: /** @type {Way} */ ("throws") };

/** Makes the `at`-th request from now on fail, counted from 1, and further ones up to `times`. @param {number} at @param {Way} way @param {number} [times] */
export const failAt = (at, way, times = 1) => void (plan = { at, times, way });

/** Makes the storage work again. Returns whether it has failed as planned. */
export function heal() {
  const failed = plan.at < 1;
  plan = { ...plan, at: Infinity };
  return failed;
}

/** Whether this request must fail. */
const strikes = () => --plan.at < 1 && plan.at > -plan.times;

/** Functions that always work, for the tests themselves. */
const well = {
  open: IDBFactory.prototype.open,
  transaction: IDBDatabase.prototype.transaction,
  getAll: IDBObjectStore.prototype.getAll,
};

for (const [{ prototype }, ...names] of /** @type {[any, ...string[]][]} */ ([
  [IDBObjectStore, "get", "getAll", "put", "delete", "clear"],
  [IDBFactory, "open"],
  [IDBDatabase, "transaction"],
])) {
  for (const name of names) {
    const request = prototype[name];
    prototype[name] = function (/** @type {any[]} */ ...args) {
      const canFail = plan.way === "throws" || this instanceof IDBObjectStore; // a database can only throw
      if (!canFail || !strikes()) return request.apply(this, args);
      if (plan.way === "throws") throw new DOMException("closed", "InvalidStateError");
      const { transaction } = this;
      if (plan.way === "refuses" || transaction.mode === "readonly") {
        const operation = () => {
          throw new DOMException("no room", full);
        };
        return transaction._execRequestAsync({ source: this, operation });
      }
      if (plan.way === "ends all") {
        setImmediate(() => transaction._state === "finished" || transaction._abort(full));
        return request.apply(this, args);
      }
      transaction._markFinished = function () {
        delete transaction._markFinished;
        transaction._abort(full);
      };
      return request.apply(this, args);
    };
  }
}

/** Channels of earlier pages. @type {Set<BroadcastChannel>} */
const channels = new Set();

/** Empties the storage; earlier pages receive no more messages. */
export function clearStorage() {
  globalThis.indexedDB = new IDBFactory();
  for (const channel of channels) channel.close();
  channels.clear();
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
const answer = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** The content of a database: each store's values by key. @param {string} name */
export async function contents(name) {
  const database = await answer(well.open.call(indexedDB, name));
  const stores = [...database.objectStoreNames].map(async (name) => {
    const store = well.transaction.call(database, name).objectStore(name);
    const [keys, values] = await Promise.all([answer(store.getAllKeys()), answer(well.getAll.call(store))]);
    return [name, Object.fromEntries(keys.map((key, i) => [String(key), values[i]]))];
  });
  const all = Object.fromEntries(await Promise.all(stores));
  database.close();
  return all;
}

// Channels between tabs must not keep a test running.
const Channel = globalThis.BroadcastChannel;
globalThis.BroadcastChannel = class extends Channel {
  /** @param {string} name */
  constructor(name) {
    super(name);
    channels.add(this);
    /** @type {any} */ (this).unref();
  }
};

/** @param {() => unknown} holds */
export async function until(holds) {
  for (let i = 0; !(await holds()); i++) {
    if (i > 5000) throw new Error(`never: ${holds}`);
    await new Promise(setImmediate);
  }
}

/**
 * Repeats an attempt with the first request failing, then the second, and so on in every way, until it makes no more requests.
 *
 * @param {(way: Way, at: number) => Promise<boolean>} attempt returns whether the storage has failed
 */
export async function atEachRequest(attempt) {
  let failures = 0;
  for (const way of WAYS) for (let at = 1; await attempt(way, at); at++) failures++;
  if (!failures) throw new Error("the storage received no request");
}
