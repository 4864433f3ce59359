// The browser's storage in memory, which fails at the request that a test says.

import "fake-indexeddb/auto";

/**
 * How a request fails: at once, as one to a storage that is closed; later, as one for which there is no room; with all others of
 * its transaction, which ends; or not, and then its transaction is not kept, as when the disk is full.
 */
export const WAYS = /** @type {const} */ (["throws", "refuses", "ends all", "is not kept"]);
/** @typedef {typeof WAYS[number]} Way */

const full = "QuotaExceededError";

/** Requests until the first that fails, how many of them do, and how. */
let plan = { at: Infinity, times: 0, way: /** @type {Way} */ ("throws") };

/** The `at`-th request from now on fails, counted from 1, and as many after it. @param {number} at @param {Way} way @param {number} [times] */
export const failAt = (at, way, times = 1) => void (plan = { at, times, way });

/** The storage works again. Returns whether it has failed since that was planned. */
export function heal() {
  const failed = plan.at < 1;
  plan = { ...plan, at: Infinity };
  return failed;
}

/** Whether this request is one to fail. */
const strikes = () => --plan.at < 1 && plan.at > -plan.times;

/** What always works, for the tests themselves. */
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
      const canFail = plan.way === "throws" || this instanceof IDBObjectStore; // a database has no other way
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

/** Channels of the pages so far. @type {Set<BroadcastChannel>} */
const channels = new Set();

/** A browser in which nothing is stored yet; pages so far hear nothing more. */
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

/** All that a database holds: of each store, what is under each key. @param {string} name */
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

// Channels between tabs do not keep a test from ending.
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
 * Tries something with a storage whose first request fails, whose second does, and so on in every way, until it needs no more.
 *
 * @param {(way: Way, at: number) => Promise<boolean>} attempt says whether the storage has failed
 */
export async function atEachRequest(attempt) {
  let failures = 0;
  for (const way of WAYS) for (let at = 1; await attempt(way, at); at++) failures++;
  if (!failures) throw new Error("nothing was asked of the storage");
}
