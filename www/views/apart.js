/** The third room: a table of contents, one panel at a time. */
import { h } from "../dom.js";
import { createActivation } from "./activation.js";
import { createArchitecture } from "./architecture.js";

/** @type {Record<string, (context: import("../main.js").Context) => HTMLElement>} */
const PANELS = { architecture: createArchitecture, activation: createActivation };

/** @param {import("../main.js").Context} context */
export function createApart(context) {
  const place = h("div", { class: "apart-panel" });
  const links = Object.keys(PANELS).map((name) =>
    h("button", { type: "button", t: `apart.${name}`, onclick: () => show(name) }),
  );
  const select = h("select", { "t-aria-label": "apart.contents", onchange: () => show(select.value) });
  for (const name of Object.keys(PANELS)) select.append(h("option", { value: name, t: `apart.${name}` }));
  /** @type {Map<string, HTMLElement>} */
  const made = new Map();

  /** @param {string} name */
  function show(name) {
    const panel = made.get(name) ?? PANELS[name](context);
    made.set(name, panel);
    place.replaceChildren(panel);
    select.value = name;
    links.forEach((link, i) => link.setAttribute("aria-current", String(Object.keys(PANELS)[i] === name)));
  }
  show("architecture");
  return h(
    "div",
    { class: "apart" },
    h("nav", { class: "apart-contents", "t-aria-label": "apart.contents" }, ...links, select),
    place,
  );
}
