/** A line for a first visit, which offers to be shown around; never again after it was answered. */
import { recall, remember } from "../lab/remember.js";
import { h } from "./shared/dom.js";

/** @param {() => void} tour */
export function createWelcome(tour) {
  if (recall("welcomed")) return null;
  const answer = (/** @type {() => void} */ act) => () => {
    remember("welcomed", "yes");
    element.remove();
    act();
  };
  const element = h(
    "p",
    { class: "welcome" },
    h("span", { t: "welcome" }),
    h("button", { type: "button", t: "welcome.tour", onclick: answer(tour) }),
    h("button", { type: "button", "t-aria-label": "welcome.no", onclick: answer(() => {}) }, "×"),
  );
  return element;
}
