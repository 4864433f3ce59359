/**
 * State that tells who reads it when it changes. A signal's value is never changed in place without saying so: a list of which an
 * element came, went or is another now is published as a new list.
 */
import { batch, computed, effect as unguarded, signal, untracked } from "../vendor/@preact/signals-core/index.js";

export { batch, computed, signal, untracked };

/** @template T @typedef {import("../vendor/@preact/signals-core/index.js").Signal<T>} Signal */
/** @template T @typedef {import("../vendor/@preact/signals-core/index.js").ReadonlySignal<T>} ReadonlySignal */

/**
 * Runs now and again whenever a signal that it read has another value. An error in it is reported as that of a listener is: whoever
 * changed the signal does not suffer from it.
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
 * Acts now and whenever what is read has another value; what the action reads itself does not count.
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
