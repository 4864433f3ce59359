/** The whole network in one picture: its tensors to scale, with the maps of the picture of Classify. */
import { costOf, indexOf, tensorsOf } from "../../../lab/networkmap.js";
import { selectedLayer, selecting } from "../../../lab/selection.js";
import { computed, effect, follow, signal, untracked } from "../../../lab/signals.js";
import { COLOURS } from "../../../lab/state.js";
import { goTo, h, loadStyle, setWords } from "../../shared/dom.js";
import { bytes, count, milliseconds, number, t } from "../../shared/i18n.js";
import { isDark } from "../../shared/theme.js";
import { createFold } from "./architecture.js";
import { createBeside } from "./besidemap.js";
import { createOpenBlock } from "./openblock.js";
import { createMapFigure, namesOf } from "./mapfigure.js";
import { createAsker, createPanel, followArchitecture } from "./panel.js";
import { onStrongest } from "./strongest.js";

loadStyle(new URL("./map.css", import.meta.url));

/** @param {import("../../context.js").Context} context */
export function createMap(context) {
  const { engine, core, state, model } = context;
  const choose = (/** @type {Record<string, any>} */ values) => state.set("apart", values);
  const isOpen = computed(() => state.room.value === "apart" && state.values.apart.value.panel === "map");
  const resized = signal(0);
  const figure = createMapFigure(select, () => resized.value++);
  const sliders = ["width", "resolution"].map((name) =>
    createDial(/** @type {"width" | "resolution"} */ (name), context),
  );
  const colour = h(
    "select",
    { id: "map-colour", onchange: () => choose({ colour: colour.value }) },
    ...COLOURS.map((value) => h("option", { value, t: `map.colour.${value}` })),
  );
  const scale = h(
    "select",
    { id: "map-scale", onchange: () => choose({ scale: scale.value }) },
    ...["log", "linear"].map((value) => h("option", { value, t: `map.scale.${value}` })),
  );
  const shows = h("p", { role: "status", class: "number map-shows" });
  const legend = createLegend();
  const source = h("p", { class: "muted" });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const block = createOpenBlock(context);
  const beside = createBeside(context, isOpen, problem);
  /** Milliseconds of layers by their names, once they are wanted. @type {import("../../../lab/signals.js").Signal<Record<string, number>>} */
  const times = signal({});
  const askTimes = createAsker(figure.element, problem);
  const element = createPanel(
    "map",
    h(
      "div",
      { class: "map-choices" },
      ...sliders.map((slider) => slider.element),
      h("label", { class: "field" }, h("span", { class: "hint", t: "map.colour" }), colour),
      h("label", { class: "field" }, h("span", { class: "hint", t: "map.scale" }), scale),
      beside.choice,
    ),
    figure.element,
    beside.element,
    legend,
    shows,
    block.element,
    h("p", { class: "curves-legend" }, source),
    problem,
    h(
      "div",
      { class: "actions" },
      h("button", { type: "button", t: "map.magnify", onclick: () => choose({ panel: "magnifier" }) }),
      h("button", { type: "button", t: "map.maps", onclick: () => choose({ panel: "maps" }) }),
      h("button", { type: "button", t: "maps.another", onclick: () => goTo(state, "classify") }),
    ),
    createFold(context),
  );

  /** Selects a layer; a click, or Enter, also opens its block, or closes it. @param {import("../../../lab/networkmap.js").Tensor} tensor @param {"pointer" | "keys"} by */
  function select({ layer, block }, by) {
    const description = model.description.peek();
    if (!description || layer === null) return;
    const { opened } = state.values.apart.peek();
    const opens = by === "pointer" && block !== null && !(opened === block + 1 && !isOutput(description, layer));
    const now = opened === (block ?? -1) + 1 ? 0 : (block ?? -1) + 1;
    choose({ ...selecting(description.layers[layer]), ...(opens && { opened: now }) });
  }

  /** @param {import("../../../engine/protocol.js").Description} description @param {number} layer */
  const isOutput = ({ layers }, layer) => layers[layer + 1]?.block !== layers[layer].block;

  function draw() {
    resized.value;
    const description = model.description.value;
    if (!isOpen.value || !description) return;
    const values = state.values.apart.value;
    const opened = Number(values.opened) - 1;
    const { layers } = description;
    const by = String(values.colour);
    colour.value = by;
    scale.value = String(values.scale);
    const tensors = tensorsOf(description, opened);
    const at = indexOf(tensors, layers, selectedLayer(layers, values));
    const key = /** @type {"parameters" | "macs" | "memory" | "time"} */ (by);
    const costs = tensors.map((tensor) => costOf(tensor, layers, opened, times.value));
    const amounts = costs.map((cost, i) => (tensors[i].layer === null ? 0 : cost[key]));
    const most = Math.max(...amounts.filter((_, i) => tensors[i].shown));
    const names = namesOf(tensors, opened);
    const shares = by === "kind" ? null : amounts.map((amount) => amount / (most || 1));
    figure.draw({
      layers,
      tensors,
      names,
      shares,
      opened,
      selected: at,
      log: values.scale === "log",
      alone: !beside.isWanted,
      beside: beside.tensors,
    });
    beside.draw(description, tensors);
    legend.dataset.by = by;
    const { parameters, macs, memory, time } = costs[at];
    const figures = { parameters: count(parameters), macs: count(macs), memory: bytes(memory) };
    const words = [t("map.shows", { name: names[at], ...figures })];
    if (by === "time") words.push(time ? t("map.time", { time: milliseconds(time) }) : t("map.timing"));
    setWords(shows, words.join(" "));
    block.draw(description, opened);
  }

  /** Times the layers, if that is what the colours are to show. */
  function timeLayers() {
    const { config } = model.network.value;
    core.loss.value; // a restarted core is asked again
    if (!isOpen.value || state.values.apart.value.colour !== "time") return;
    askTimes(
      [JSON.stringify(config)],
      () => engine.profile(config),
      ({ rows }) => {
        const found = /** @type {Record<string, number>} */ ({});
        for (const { layer, seconds } of rows) found[layer] = (found[layer] ?? 0) + 1000 * seconds;
        times.value = found;
      },
    );
  }

  followArchitecture(element, "map", context);
  effect(draw);
  effect(timeLayers);
  const strongest = onStrongest(context, isOpen, problem, () => ({
    description: model.description.value,
    opened: Number(state.values.apart.value.opened) - 1,
  }));
  effect(() => {
    const found = strongest.value;
    isDark.value;
    if (!isOpen.value) return;
    untracked(draw); // the boxes are there
    figure.clear();
    setWords(source, found ? t("map.source", { name: found.entry.name(), side: found.side }) : t("maps.waits"));
    if (!found) return;
    figure.showCrop(found.crop);
    for (const { at, maps, channel } of found.layers) figure.showMap(at, maps, channel);
  });
  follow(
    () => isOpen.value,
    () => resized.value++,
  );
  return element;
}

/** A slider over the bar's widths or resolutions. @param {"width" | "resolution"} name @param {import("../../context.js").Context} context */
function createDial(name, { state, model }) {
  const input = h("input", { type: "range", min: 0, step: 1, id: `map-${name}`, oninput: set });
  const label = h("span", { class: "number" });
  const choices = () => model.network.value[name === "width" ? "widths" : "resolutions"];
  function set() {
    const choice = choices()[Number(input.value)];
    if (choice && !choice.chosen) state.set("apart", { [name]: choice.value });
  }
  effect(() => {
    if (state.room.value !== "apart") return;
    const all = choices();
    input.max = String(all.length - 1);
    const at = all.findIndex(({ chosen }) => chosen);
    input.value = String(at);
    const value = name === "width" ? number(all[at]?.value ?? 1) : `${all[at]?.value}²`;
    label.textContent = t(`map.${name}`, { value });
    input.setAttribute("aria-valuetext", value);
  });
  return { element: h("label", { class: "slider" }, label, input) };
}

/** What the colours mean. */
function createLegend() {
  const key = (/** @type {string} */ kind, /** @type {Record<string, any>} */ more = {}) =>
    h("li", {}, h("i", { class: "box", "data-kind": kind, ...more }), h("span", { t: `map.key.${kind}` }));
  return h(
    "ul",
    { class: "netmap-legend" },
    key("expand"),
    key("depthwise"),
    key("project", { "data-linear": true }),
    key("last"),
    h("li", {}, h("i", { class: "netmap-arc" }), h("span", { t: "map.key.shortcut" })),
    h("li", { class: "costs" }, h("i", { class: "ramp" }), h("span", { t: "map.key.cost" })),
  );
}
