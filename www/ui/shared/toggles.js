import { h } from "./dom.js";
import { number, t } from "./i18n.js";

/**
 * A row of values, one of them chosen, as radio buttons. Unavailable ones are dimmed and say why.
 *
 * @param {{name: string, legend: string, choose: (choice: import("../../lab/network.js").Choice) => void}} options `legend`: a key
 */
export function createToggles({ name, legend, choose }) {
  const row = h("div", { class: "toggles-row" });
  const element = h("fieldset", { class: "toggles", "data-control": name }, h("legend", { t: legend }), row);
  /** @type {Map<number, {label: HTMLLabelElement, input: HTMLInputElement, text: HTMLSpanElement}>} */
  const parts = new Map();
  /** @type {import("../../lab/network.js").Choice[]} */
  let current = [];

  /** @param {number} value */
  const part = (value) => {
    const input = h("input", {
      type: "radio",
      name,
      value,
      onclick: (/** @type {Event} */ event) => act(event, value),
    });
    const text = h("span");
    const made = { label: h("label", {}, input, text), input, text };
    parts.set(value, made);
    return made;
  };
  /** @param {Event} event @param {number} value */
  const act = (event, value) => {
    const choice = current.find((other) => other.value === value);
    if (!choice?.values) event.preventDefault();
    else if (!choice.chosen) choose(choice);
  };

  return {
    element,
    /** @param {import("../../lab/network.js").Choice[]} choices */
    update(choices) {
      current = choices;
      const labels = choices.map(({ value, chosen, reason }) => {
        const { label, input, text } = parts.get(value) ?? part(value);
        text.textContent = number(value);
        input.checked = chosen;
        input.toggleAttribute("aria-disabled", !!reason);
        if (reason) {
          input.setAttribute("aria-disabled", "true");
          label.dataset.explainText = t(...reason);
        } else delete label.dataset.explainText;
        return label;
      });
      if (labels.length !== row.children.length || labels.some((label, i) => label !== row.children[i])) {
        row.replaceChildren(...labels);
      }
    },
  };
}
