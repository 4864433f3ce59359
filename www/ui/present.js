/** Presenting: large type, one line of the network, the figure first. */
import { loadStyle } from "./shared/dom.js";
import { present, presenting } from "./shared/presenting.js";

/** Turns it on or off. @param {HTMLElement} button */
export async function togglePresent(button) {
  await loadStyle(new URL("./present.css", import.meta.url));
  present(!presenting.peek());
  button.setAttribute("aria-pressed", String(presenting.peek()));
}
