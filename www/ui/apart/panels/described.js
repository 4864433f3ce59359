import { effect } from "../../../lab/signals.js";

/**
 * Makes a panel of Take apart draw the cost of the network in the bar, and redraw it when that or anything else it
 * reads changes.
 *
 * @param {import("../../context.js").Context} context
 * @param {(description: import("../../../engine/protocol.js").Description) => void} draw
 */
export function onDescription({ state, model }, draw) {
  effect(() => {
    if (state.room.value !== "apart") return;
    const description = model.description.value;
    if (description) draw(description);
  });
}
