/** ReLU in the bottleneck: the network of Classify with ReLU6 after its projections too, from a block on. */
import { BLOCKS, isInverted } from "../../../lab/network.js";
import { outputOf } from "../../../lab/selection.js";
import { computed, effect, signal } from "../../../lab/signals.js";
import { branchOf, tracingOf } from "../../../lab/tracing.js";
import { createNames } from "../../shared/classnames.js";
import { goTo, h, loadStyle, setWords } from "../../shared/dom.js";
import { number, percent, t } from "../../shared/i18n.js";
import { createPredictions } from "../../shared/predictions.js";
import { isDark } from "../../shared/theme.js";
import { createLayerBars } from "./layerbars.js";
import { painter, rangesOf, show, tile } from "./paint.js";
import { createAsker, createPanel } from "./panel.js";
import { createSlider } from "./slider.js";

loadStyle(new URL("./relu.css", import.meta.url));

/** Milliseconds without a change after which all layers are counted, which takes a while. */
const REST = 300;

/**
 * @typedef {import("../../../engine/protocol.js").LayerCost} Layer
 * @typedef {{zeros: number, sixes: number, rank: number}} Statistics
 *
 * @typedef {object} Run
 * @property {number} from the block from which on there is a ReLU6, from 1; 0: none
 * @property {number} block whose maps these are, from 0
 * @property {import("../../../engine/protocol.js").FeatureMaps} maps
 * @property {import("../../../engine/protocol.js").Prediction[]} predictions
 * @property {import("../../../lab/library.js").Entry} entry
 */

/** @param {import("../../context.js").Context} context */
export function createRelu(context) {
  const { state, model } = context;
  const choose = (/** @type {Record<string, number | string>} */ values) => state.set("apart", values);
  const isOpen = computed(() => state.room.value === "apart" && state.values.apart.value.panel === "relu");
  const hasBottlenecks = computed(() => !model.loaded.value || isInverted(model.loaded.value.classifier.config));
  const names = createNames(model);
  /** As trained, and changed. @type {import("../../../lab/signals.js").Signal<[Run, Run] | null>} */
  const found = signal(null);

  const input = h("input", {
    type: "range",
    min: 0,
    max: BLOCKS,
    id: "relu-from",
    oninput: setFrom,
  });
  /** Also shows the first block that has changed. */
  function setFrom() {
    const relu = Number(input.value) && BLOCKS + 1 - Number(input.value);
    choose({ relu, ...(relu && { block: relu, part: "project" }) });
  }
  const label = h("span", { class: "number" });
  const block = createSlider("block", (value) => choose({ block: value, part: "project", channel: 1 }));
  const sides = ["relu.before", "relu.after"].map((key) => {
    const [canvas, zeroed, predictions] = [
      h("canvas", { role: "img" }),
      h("strong", { class: "number" }),
      createPredictions(),
    ];
    const element = h("figure", {}, h("figcaption", { t: key }), canvas, zeroed, predictions.element);
    return { canvas, zeroed, predictions, element };
  });
  const shows = h("p", { role: "status" });
  const source = h("p", { class: "muted" });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const bars = createLayerBars();
  const choices = h(
    "div",
    { class: "maps-choices" },
    h("label", { class: "slider relu-slider", "data-control": "relu" }, label, input),
    block.element,
  );
  const element = createPanel(
    "relu",
    choices,
    h("div", { class: "relu", inert: true }, ...sides.map(({ element }) => element)),
    shows,
    bars.element,
    source,
    problem,
    h(
      "div",
      { class: "actions" },
      h("button", { type: "button", t: "maps.another", onclick: () => goTo(state, "classify") }),
    ),
    bars.fold,
  );
  const figure = /** @type {HTMLElement} */ (element.querySelector(".relu"));
  const ask = createAsker(element, problem);
  const tracing = tracingOf(context);
  const askLayers = createAsker(bars.element, problem);
  /** The last run as trained, and what it is of. @type {{of: unknown[], run: Run} | null} */
  let trained = null;
  /** Starts to count, once the slider rests. */
  let counting = 0;
  /** The same of the figures. @type {{of: unknown[], layers: Layer[], statistics: Statistics[]} | null} */
  let counted = null;

  function run() {
    const { relu, block: n } = state.values.apart.value;
    const [picture, framing, loaded] = [model.picture.value, model.framing.value, model.loaded.value];
    if (!isOpen.value) return;
    const from = Number(relu);
    input.value = String(from && BLOCKS + 1 - from);
    label.textContent = from ? t("relu.from", { n: from, of: BLOCKS }) : t("relu.none");
    input.setAttribute("aria-valuetext", label.textContent);
    block.show(Number(n), BLOCKS);
    if (!found.peek()) setWords(shows, t(loaded && picture ? "maps.computes" : "maps.waits"));
    for (const part of [choices, figure, bars.element, bars.fold, source]) part.hidden = !hasBottlenecks.value;
    if (loaded && !hasBottlenecks.value) return setWords(shows, t("relu.others", { name: loaded.entry.name() }));
    if (!loaded || !picture) return;
    const { entry, classifier } = loaded;
    const of = [classifier, classifier.config.resolution, picture, framing, n];
    /** @param {number} reluFrom @returns {Promise<Run>} */
    const look = (reluFrom) =>
      tracing.look("relu", { loaded, picture, framing, reluFrom }, async (traced) => {
        const { layers, predictions } = traced;
        const maps = await branchOf(traced, outputOf(layers, Number(n) - 1));
        return { from: reluFrom, block: Number(n) - 1, predictions, entry, maps };
      });
    ask(
      [...of, from],
      async (isWanted) => {
        if (!trained || !isSame(of, trained.of)) trained = { of, run: await look(0) };
        const before = trained.run;
        return /** @type {[Run, Run]} */ ([before, from && isWanted() ? await look(from) : before]);
      },
      (answer) => {
        figure.inert = false;
        found.value = answer;
        clearTimeout(counting);
        counting = window.setTimeout(() => countLayers(of.slice(0, -1), { loaded, picture, framing }, from), REST);
      },
    );
  }

  /**
   * Counts zeros and ranks in all layers, which takes longer and comes later.
   *
   * @param {unknown[]} of what the figures are of, whatever the ReLU
   * @param {import("../../../lab/tracing.js").Wanted} wanted
   * @param {number} from
   */
  function countLayers(of, wanted, from) {
    const count = (/** @type {number} */ reluFrom) =>
      tracing.look("relu-layers", { ...wanted, reluFrom }, async (traced) => {
        const { trace, layers } = traced;
        const statistics = await trace.statistics();
        // what a shortcut adds would hide the zeros
        for (const [i, { adds }] of layers.entries())
          if (adds !== null) statistics[i].zeros = zerosOf(await branchOf(traced, i));
        return { layers, statistics };
      });
    askLayers(
      [...of, from],
      async (isWanted) => {
        if (!counted || !isSame(of, counted.of)) counted = { of, ...(await count(0)) };
        const before = counted;
        return { ...before, after: from && isWanted() ? (await count(from)).statistics : before.statistics };
      },
      ({ layers, statistics, after }) => bars.draw(layers, statistics, after),
    );
  }

  function draw() {
    const runs = found.value;
    isDark.value;
    if (!isOpen.value || !runs || !hasBottlenecks.value) return;
    sides.forEach(({ canvas, zeroed, predictions }, i) => {
      const { maps, predictions: said, block } = runs[i];
      const ranges = rangesOf(runs[0].maps); // both on the scale of the network as trained
      show(canvas, tile(maps.channels, maps.size, painter({ ...maps, ranges })));
      const share = percent(zerosOf(maps));
      const words = { n: block + 1, channels: maps.channels, size: maps.size, share };
      canvas.ariaLabel = t("maps.all.label", words);
      zeroed.textContent = t("relu.zeroed", words);
      predictions.show(said.map((one) => ({ name: names.nameOf(one.class).name, probability: one.probability })));
    });
    const [before, after] = runs;
    const [best] = before.predictions;
    const still = after.predictions.find((one) => one.class === best.class);
    const words = {
      name: names.nameOf(best.class).name,
      before: percent(best.probability),
      after: still ? percent(still.probability) : t("relu.below"),
      n: number(after.from),
    };
    setWords(shows, t(after.from ? "relu.shows" : "relu.untouched", words));
    setWords(source, t("relu.source", { name: before.entry.name() }));
  }

  effect(run);
  effect(draw);
  return element;
}

/** The share of values that are 0. @param {import("../../../engine/protocol.js").FeatureMaps} maps */
const zerosOf = ({ values }) => values.reduce((zeros, value) => zeros + Number(value === 0), 0) / values.length;

/** @param {unknown[]} a @param {unknown[]} b */
const isSame = (a, b) => a.every((value, i) => value === b[i]);
