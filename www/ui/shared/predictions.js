import { h } from "./dom.js";
import { percent } from "./i18n.js";

/** Bars for the most probable classes; rows are reused, so that nothing jumps. */
export function createPredictions() {
  const element = h("ol", { class: "predictions" });

  /** @param {{name: string, more?: string, probability: number}[]} predictions best first; `more`: in small print */
  function show(predictions) {
    while (element.children.length > predictions.length) element.lastElementChild?.remove();
    predictions.forEach(({ name, more, probability }, i) => {
      const row = element.children[i] ?? element.appendChild(emptyRow());
      const [label, bar, value] = /** @type {HTMLElement[]} */ ([...row.children]);
      label.replaceChildren(name, ...(more ? [" ", h("small", {}, more)] : []));
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
