/** The third room: a table of contents, one panel at a time. */
import { PANELS } from "../../lab/state.js";
import { h } from "../shared/dom.js";
import { translate } from "../shared/i18n.js";
import { createActivation } from "./activation.js";
import { createArchitecture } from "./architecture.js";
import { createBlock } from "./block.js";
import { createManifold } from "./manifold.js";
import { createMaps } from "./maps.js";
import { createMemory } from "./memory.js";
import { createSeparable } from "./separable.js";
import { createTradeoff } from "./tradeoff.js";

/** @type {Record<string, (context: import("../context.js").Context) => HTMLElement>} */
const VIEWS = {
  architecture: createArchitecture,
  separable: createSeparable,
  block: createBlock,
  maps: createMaps,
  manifold: createManifold,
  memory: createMemory,
  tradeoff: createTradeoff,
  activation: createActivation,
};
/** Panels that draw the network in the bar. */
const OF_NETWORK = ["architecture", "separable", "block", "memory"];

/** @param {import("../context.js").Context} context */
export function createApart(context) {
  const { state, model } = context;
  const place = h("div", { class: "apart-panel" });
  const choose = (/** @type {string} */ panel) => state.set("apart", { panel });
  const links = PANELS.map((name) => h("button", { type: "button", t: `apart.${name}`, onclick: () => choose(name) }));
  const select = h("select", { "t-aria-label": "apart.contents", onchange: () => choose(select.value) });
  for (const name of PANELS) select.append(h("option", { value: name, t: `apart.${name}` }));
  /** @type {Map<string, HTMLElement>} */
  const made = new Map();

  function show() {
    const name = String(state.values.apart.panel);
    const panel = made.get(name) ?? VIEWS[name](context);
    made.set(name, panel);
    if (place.firstChild !== panel) {
      translate(panel); // the language may have changed while it was not there
      place.replaceChildren(panel);
    }
    select.value = name;
    links.forEach((link, i) => link.setAttribute("aria-current", String(PANELS[i] === name)));
    place.classList.toggle("outdated", OF_NETWORK.includes(name) && model.costOutdated);
  }
  state.addEventListener("change", show);
  model.addEventListener("change", show);
  show();
  return h(
    "div",
    { class: "apart" },
    h("nav", { class: "apart-contents", "t-aria-label": "apart.contents" }, ...links, select),
    place,
  );
}
