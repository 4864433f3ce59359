/** What an activation cuts off: a layer's numbers before it as a histogram, ReLU and ReLU6 over it, the cut to be dragged. */
import { beforeActivation, sharesOf, spreadOf, stepOf } from "../../../lab/activations.js";
import { normalised } from "../../../lab/magnifier.js";
import { selectedLayer, selecting } from "../../../lab/selection.js";
import { effect, signal } from "../../../lab/signals.js";
import { tracingOf } from "../../../lab/tracing.js";
import { h, setOptions, setWords } from "../../shared/dom.js";
import { number, percent, t } from "../../shared/i18n.js";
import { createCutFigure } from "./cutfigure.js";
import { titleOf } from "./mapfigure.js";
import { createAsker } from "./panel.js";

/**
 * @typedef {object} Opened
 * @property {import("../../../lab/model.js").Loaded} loaded
 * @property {import("../../../engine/protocol.js").LayerCost[]} layers
 * @property {import("../../../engine/protocol.js").LayerCost} layer
 * @property {import("../../../lab/activations.js").Spread} spread
 */

/** @param {import("../../context.js").Context} context @param {import("../../../lab/signals.js").ReadonlySignal<boolean>} isOpen */
export function createCut(context, isOpen) {
  const { state, model } = context;
  /** @type {import("../../../lab/signals.js").Signal<Opened | null>} */
  const opened = signal(null);
  const select = h("select", { id: "cut-layer", onchange: () => choose(Number(select.value)) });
  const figure = createCutFigure((cut) => state.set("apart", { cut }));
  const shares = h("p", { class: "number cut-shares" });
  const steps = h("p", { class: "muted" });
  const source = h("p", { class: "hint" });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const element = h(
    "section",
    { class: "cut" },
    h("label", { class: "field inline" }, h("span", { t: "cut.layer" }), select),
    figure.element,
    shares,
    steps,
    source,
    problem,
  );
  const ask = createAsker(element, problem);
  const tracing = tracingOf(context);

  /** @param {number} index */
  function choose(index) {
    const found = opened.peek();
    if (found) state.set("apart", selecting(found.layers[index]));
  }

  /** Fetches what the selected layer reads, and computes its numbers. */
  function look() {
    const { block, part } = state.values.apart.value;
    const [picture, framing, loaded] = [model.picture.value, model.framing.value, model.loaded.value];
    if (!isOpen.value) return;
    if (!opened.peek()) setWords(shares, t(loaded && picture ? "maps.computes" : "maps.waits"));
    if (!loaded || !picture) return;
    const { config } = loaded.classifier;
    ask(
      [loaded.classifier, config.resolution, picture, framing, block, part],
      () =>
        tracing.look("cut", { loaded, picture, framing }, async ({ trace, crop, layers }) => {
          const index = activeLayer(layers, selectedLayer(layers, { block, part }));
          const layer = layers[index];
          const filters = await trace.filters(index);
          const input = layer.input === null ? normalised(crop, config) : await trace.maps(layer.input);
          const { padding } = config;
          return { loaded, layers, layer, spread: spreadOf(beforeActivation({ layer, filters, input, padding })) };
        }),
      (answer) => (opened.value = answer),
    );
  }

  function draw() {
    const found = opened.value;
    if (!isOpen.value || !found) return;
    const { layer, spread, loaded } = found;
    const { cut: wanted, bits } = state.values.apart.value;
    const cut = Math.min(Number(wanted), spread.high);
    const { zeroed, kept, above } = sharesOf(spread, cut);
    const words = { zeroed: percent(zeroed), kept: percent(kept), above: small(above), cut: short(cut) };
    figure.draw(spread, { cut, bits: Number(bits), label: t("cut.value", words) });
    setWords(shares, t("cut.shares", words));
    const largest = spread.sorted[spread.sorted.length - 1];
    const [with6, without] = [Math.min(cut, largest), largest].map((end) => short(stepOf(end, Number(bits))));
    setWords(
      steps,
      t("cut.steps", { bits: number(Number(bits)), with6, without, cut: short(cut), largest: short(largest) }),
    );
    const count = number(spread.sorted.length);
    setWords(source, t(`cut.source.${layer.activation}`, { count, name: loaded.entry.name() }));
  }

  /** The layers to choose from: those with an activation. */
  function list() {
    const found = opened.value;
    if (!isOpen.value || !found) return;
    const active = found.layers.flatMap((one, i) =>
      one.activation === "linear" ? [] : [h("option", { value: i }, titleOf(one))],
    );
    setOptions(select, active);
    select.value = String(found.layers.indexOf(found.layer));
  }

  effect(look);
  effect(list);
  effect(draw);
  return element;
}

/** The selected layer or, as a projection has no activation, the last one before it that has. @param {Opened["layers"]} layers @param {number} selected */
const activeLayer = (layers, selected) =>
  layers.findLastIndex(({ activation }, i) => i <= selected && activation !== "linear");

/** @param {number} value */
const short = (value) => number(value, { maximumSignificantDigits: 2 });

/** A share that may be small, but is only called 0 if it is. @param {number} share */
const small = (share) => (share > 0 && share < 0.0005 ? `< ${percent(0.001)}` : percent(share));
