/** The buttons of a training, single or compared: each with its drawing. */
import { h, svg } from "../shared/dom.js";

/** In a square of 16. */
const PATHS = {
  start: "M4 2l10 6-10 6z",
  pause: "M3 2h4v12H3zM9 2h4v12H9z",
  step: "M3 2l7 6-7 6zM10 2h3v12h-3z",
  stop: "M3 3h10v10H3z",
};

/** What a button shows. @param {keyof typeof PATHS} name @param {string} key of its text @returns {Element[]} */
export const shows = (name, key) => [
  svg({ viewBox: "0 0 16 16", class: "icon" }, ["path", { d: PATHS[name] }]),
  h("span", { t: key }),
];

/** @param {"pause" | "step" | "stop"} name @param {() => void} act */
export const button = (name, act) => h("button", { type: "button", onclick: act }, ...shows(name, `train.${name}`));
