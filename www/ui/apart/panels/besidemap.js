/** Another architecture beside the map, at the same width, resolution and scale: MobileNetV1, its plain twin, or V2. */
import { costOf, tensorsOf } from "../../../lab/networkmap.js";
import { effect, signal } from "../../../lab/signals.js";
import { BESIDE } from "../../../lab/state.js";
import { h, setOptions, setWords } from "../../shared/dom.js";
import { bytes, count, t } from "../../shared/i18n.js";
import { createMapFigure, namesOf } from "./mapfigure.js";
import { createAsker } from "./panel.js";

/** @typedef {import("../../../engine/protocol.js").Description} Description */

/**
 * @param {import("../../context.js").Context} context
 * @param {import("../../../lab/signals.js").ReadonlySignal<boolean>} isOpen @param {HTMLElement} problem
 */
export function createBeside({ engine, state, model }, isOpen, problem) {
  const choice = h("select", { id: "beside", onchange: () => state.set("apart", { beside: choice.value }) });
  const resized = signal(0);
  /** The key of the selected tensor; at first the first block. */
  const selected = signal("");
  const own = h("p", { class: "number" });
  const title = h("p", { class: "number" });
  const shows = h("p", { role: "status", class: "number map-shows" });
  const figure = createMapFigure(
    ({ key }) => (selected.value = key),
    () => resized.value++,
    "map-beside",
  );
  const element = h("section", { class: "map-beside", hidden: true });
  /** The other network, once it is counted. @type {import("../../../lab/signals.js").Signal<Description | null>} */
  const other = signal(null);
  const ask = createAsker(element, problem);

  effect(() => {
    const { architecture = "mobilenet-v2", ...config } = model.network.value.config;
    const wanted = String(state.values.apart.value.beside);
    const offered = ["", ...BESIDE].filter((one) => one !== architecture);
    setOptions(
      choice,
      offered.map((one) => h("option", { value: one }, one ? t(`setting.architecture.${one}`) : t("map.beside.none"))),
    );
    choice.value = offered.includes(wanted) ? wanted : "";
    if (!isOpen.value) return;
    if (!choice.value) other.value = null;
    const settings = { ...config, architecture: /** @type {typeof architecture} */ (choice.value) };
    ask(
      [choice.value, JSON.stringify(config)],
      async () => (choice.value ? engine.describe(settings) : null),
      (description) => (other.value = description),
    );
  });

  /** Draws it beside the map's tensors. @param {Description} description of the map @param {import("../../../lab/networkmap.js").Tensor[]} shown */
  function draw(description, shown) {
    resized.value;
    const found = other.value;
    element.hidden = !found;
    if (!found) return;
    if (!element.firstChild) element.append(own, figure.element, title, shows);
    const tensors = tensorsOf(found, -1);
    const names = namesOf(tensors, -1);
    const chosen = tensors.findIndex(({ key }) => key === selected.value);
    const at = chosen < 0 ? tensors.findIndex(({ block, shown }) => block === 0 && shown) : chosen;
    const { architecture = "mobilenet-v2" } = model.network.peek().config;
    const { scale } = state.values.apart.value;
    const { layers } = found;
    figure.draw({
      layers,
      tensors,
      names,
      shares: null,
      opened: -1,
      selected: at,
      log: scale === "log",
      alone: false,
      beside: shown,
    });
    setWords(own, t("map.beside.counts", countsOf(architecture, description)));
    setWords(title, t("map.beside.counts", countsOf(choice.value, found)));
    const { parameters, macs, memory } = costOf(tensors[at], layers, -1);
    const figures = { parameters: count(parameters), macs: count(macs), memory: bytes(memory) };
    setWords(shows, t("map.shows", { name: names[at], ...figures }));
  }

  return {
    element,
    choice: h("label", { class: "field" }, h("span", { class: "hint", t: "map.beside" }), choice),
    /** Whether there is or will be another network. */
    get isWanted() {
      return choice.value !== "";
    },
    /** The other network's tensors, or undefined. */
    get tensors() {
      return other.value ? tensorsOf(other.value, -1) : undefined;
    },
    draw,
  };
}

/** @param {string} architecture @param {Description} description */
const countsOf = (architecture, { parameters, macs }) => ({
  name: t(`setting.architecture.${architecture}`),
  parameters: count(parameters),
  macs: count(macs),
});
