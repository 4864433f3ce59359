import { effect } from "../../../lab/signals.js";

/**
 * Has a panel of Take apart draw what the network in the bar costs, and draw it anew where that changes, or what else it reads.
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
