/**
 * Has a panel of Take apart draw what the network in the bar costs, and draw it anew where that or the language changes.
 *
 * @param {import("../context.js").Context} context
 * @param {(description: import("../../engine/protocol.js").Description) => void} draw
 */
export function onDescription({ state, model }, draw) {
  /** @type {import("../../engine/protocol.js").Description | null} */
  let shown = null;

  function update() {
    const { description } = model;
    if (state.room !== "apart" || !description || description === shown) return;
    shown = description;
    draw(description);
  }
  model.addEventListener("change", update);
  document.addEventListener("language", () => {
    shown = null;
    update();
  });
  update();
}
