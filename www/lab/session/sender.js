/** Runs a process by the table of states. */
import { batch } from "../signals.js";
import { next } from "./machine.js";

/**
 * Returns a function that handles an event by the table: it changes the state and runs the effects, and resolves when they are
 * done.
 *
 * @param {import("../signals.js").Signal<import("./machine.js").State>} state
 * @param {Record<import("./machine.js").Effect, (detail: any) => unknown>} effects `detail` came with the event
 */
export const sender =
  (state, effects) =>
  /** @param {import("./machine.js").Event} event @param {unknown} [detail] */
  async (event, detail) => {
    const { state: following, effects: due } = next(state.peek(), event);
    const done = batch(() => {
      state.value = following;
      return due.map((effect) => effects[effect](detail));
    });
    await Promise.all(done);
  };
