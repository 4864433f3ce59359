import { h } from "../../shared/dom.js";

/**
 * A row of radio buttons.
 *
 * @param {string} name its control's
 * @param {string} legend the key of its words
 * @param {[value: string, key: string][]} options each with the key of its words
 * @param {(value: string) => void} choose
 */
export function createChoice(name, legend, options, choose) {
  const inputs = options.map(([value]) => h("input", { type: "radio", name, value, onchange: () => choose(value) }));
  const labels = options.map(([, key], i) => h("label", {}, inputs[i], h("span", { t: key })));
  const row = h("div", { class: "toggles-row" }, ...labels);
  const element = h("fieldset", { class: "toggles", "data-control": name, "t-aria-label": legend }, row);
  return {
    element,
    /** @param {string} value @param {string[]} [off] values that cannot be chosen */
    show(value, off = []) {
      for (const input of inputs) {
        input.checked = input.value === value;
        input.disabled = off.includes(input.value);
      }
    },
  };
}
