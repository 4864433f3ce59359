/** The third room: a table of contents, one panel at a time. */
import { imported } from "../../engine/download.js";
import { computed, effect, follow } from "../../lab/signals.js";
import { PANELS } from "../../lab/state.js";
import { h, showProblem, styled } from "../shared/dom.js";
import { addStrings, translate } from "../shared/i18n.js";

/**
 * Modules that create the panels, each fetched when its panel is opened.
 *
 * @type {Record<string, () => Promise<(context: import("../context.js").Context) => HTMLElement>>}
 */
const VIEWS = {
  map: async () => (await import("./panels/map.js")).createMap,
  magnifier: async () => (await import("./panels/magnifier.js")).createMagnifier,
  separable: async () => (await import("./panels/separable.js")).createSeparable,
  block: async () => (await import("./panels/block.js")).createBlock,
  maps: async () => (await import("./panels/maps.js")).createMaps,
  manifold: async () => (await import("./panels/manifold.js")).createManifold,
  relu: async () => (await import("./panels/relu.js")).createRelu,
  evidence: async () => (await import("./panels/evidence.js")).createEvidence,
  memory: async () => (await import("./panels/memory.js")).createMemory,
  tradeoff: async () => (await import("./panels/tradeoff.js")).createTradeoff,
  activation: async () => (await import("./panels/activation.js")).createActivation,
};
/** Panels about the network in the bar. */
const OF_NETWORK = ["map", "separable", "block", "memory"];

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

  const chosen = computed(() => String(state.values.apart.value.panel));

  const problem = h("p", { class: "problem", role: "alert" });

  /** The panel, created when it is first opened. @param {string} name */
  async function panelOf(name) {
    if (!made.has(name)) {
      const view = imported(VIEWS[name](), new URL(`./panels/${name}.js`, import.meta.url));
      const [create] = await Promise.all([view, addStrings("apart")]);
      await styled(); // else it would jump, and some be far too wide at first
      if (!made.has(name)) made.set(name, create(context));
    }
    const panel = /** @type {HTMLElement} */ (made.get(name));
    translate(panel); // the language may have changed since it was last shown
    return panel;
  }

  /** @param {string} name */
  async function show(name) {
    if (made.has(name) && place.firstChild === made.get(name)) return;
    const panel = await panelOf(name).catch((error) => {
      showProblem(problem, error);
      return problem;
    });
    if (name === chosen.peek()) place.replaceChildren(panel);
  }

  effect(() => {
    select.value = chosen.value;
    links.forEach((link, i) => link.setAttribute("aria-current", String(PANELS[i] === chosen.value)));
  });
  follow(
    () => (state.room.value === "apart" ? chosen.value : null),
    (name) => name && show(name),
  );
  effect(() => place.classList.toggle("outdated", OF_NETWORK.includes(chosen.value) && model.costOutdated.value));
  return h(
    "div",
    { class: "apart" },
    h(
      "nav",
      { class: "apart-contents", "data-control": "contents", "t-aria-label": "apart.contents" },
      ...links,
      select,
    ),
    place,
  );
}
