import { h } from "./dom.js";
import { percent } from "./i18n.js";

/** Bars for the most probable classes; rows are reused, so that nothing jumps. */
export function createPredictions() {
  const element = h("ol", { class: "predictions" });

  /**
   * @param {{name: string, probability: number}[]} predictions best first
   * @param {boolean} [own] whether the names are the person's own; others may be comma-separated synonyms
   */
  function show(predictions, own = false) {
    while (element.children.length > predictions.length) element.lastElementChild?.remove();
    predictions.forEach(({ name, probability }, i) => {
      const row = element.children[i] ?? element.appendChild(emptyRow());
      const [label, bar, value] = /** @type {HTMLElement[]} */ ([...row.children]);
      const [first, ...others] = own ? [name] : name.split(", ");
      label.replaceChildren(first, others.length ? h("small", {}, others.join(", ")) : "");
      /** @type {HTMLElement} */ (bar.firstElementChild).style.transform = `scaleX(${probability})`;
      value.textContent = percent(probability);
    });
  }
  return { element, show };
}

function emptyRow() {
  return h(
    "li",
    {},
    h("span", { class: "name" }),
    h("span", { class: "bar-track" }, h("span", { class: "bar-fill" })),
    h("span", { class: "number value" }),
  );
}
