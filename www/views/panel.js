import { h } from "../dom.js";

/**
 * A panel of Take apart: the idea, something to try, what there is to see, and where the paper has it.
 *
 * @param {string} name as in its strings, `apart.NAME.…`
 * @param {...HTMLElement} shows
 */
export const createPanel = (name, ...shows) =>
  h(
    "article",
    { class: "panel" },
    h("h2", { t: `apart.${name}` }),
    h("p", { t: `apart.${name}.idea` }),
    h("p", { class: "muted", t: `apart.${name}.try` }),
    ...shows,
    h("p", { class: "muted", t: `apart.${name}.paper` }),
  );
