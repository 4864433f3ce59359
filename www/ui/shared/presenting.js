/** Whether the page is presented: large type, the figure first. */
import { signal } from "../../lab/signals.js";

export const presenting = signal(false);

/** @param {boolean} on */
export function present(on) {
  document.documentElement.toggleAttribute("data-present", on);
  presenting.value = on; // after the style, so that drawings use the new sizes
}
