/** Small values in the browser's storage; if a person blocks that, reading them throws. */

/** @param {string} key @param {"localStorage" | "sessionStorage"} [storage] @returns {string | null} */
export function recall(key, storage = "localStorage") {
  try {
    return globalThis[storage].getItem(key);
  } catch {
    return null;
  }
}

/** @param {string} key @param {string | null} value null: nothing any more @param {"localStorage" | "sessionStorage"} [storage] */
export function remember(key, value, storage = "localStorage") {
  try {
    if (value === null) globalThis[storage].removeItem(key);
    else globalThis[storage].setItem(key, value);
  } catch {
    // the page asks again next time
  }
}
