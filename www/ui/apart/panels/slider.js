import { h } from "../../shared/dom.js";
import { t } from "../../shared/i18n.js";

/**
 * A slider that starts at 1.
 *
 * @param {"block" | "channel"} name its label shows the value and the maximum
 * @param {(value: number) => void} choose
 */
export function createSlider(name, choose) {
  const input = h("input", { type: "range", min: 1, oninput: () => choose(Number(input.value)) });
  const label = h("span", { class: "number" });
  return {
    element: h("label", { class: "slider", "data-control": name }, label, input),
    /** @param {number} value @param {number} of */
    show(value, of) {
      input.max = String(of);
      input.value = String(value);
      label.textContent = t(`maps.${name}`, { n: value, of });
    },
  };
}
