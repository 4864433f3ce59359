/**
 * Observable state. A signal's value is never changed in place without notice: when an element of a list is added,
 * removed or replaced, a new list is published.
 */
import { batch, computed, effect as unguarded, signal, untracked } from "../vendor/@preact/signals-core/index.js";

export { batch, computed, signal, untracked };

/** @template T @typedef {import("../vendor/@preact/signals-core/index.js").Signal<T>} Signal */
/** @template T @typedef {import("../vendor/@preact/signals-core/index.js").ReadonlySignal<T>} ReadonlySignal */

/**
 * Runs now, and again whenever a signal that it read changes. Errors are reported like those of a listener, so that
 * they do not affect the code that changed the signal.
 *
 * @param {() => void} run
 */
export const effect = (run) =>
  unguarded(() => {
    try {
      run();
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  });

/**
 * Acts now and whenever the value that is read changes; signals that the action reads do not count.
 *
 * @template T
 * @param {() => T} read
 * @param {(value: T) => void} act
 */
export function follow(read, act) {
  const value = computed(read);
  return effect(() => {
    const now = value.value;
    untracked(() => act(now));
  });
}
