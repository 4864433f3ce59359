/** The magnifier: one number of a layer's output, the inputs that it read, their products, and what follows the sum. */
import { largest, normalised, takeApart, windowOf, workUpTo } from "../../../lab/magnifier.js";
import { selectedLayer, selectedPixel, selecting, selectingPixel } from "../../../lab/selection.js";
import { computed, effect, follow, signal } from "../../../lab/signals.js";
import { tracingOf } from "../../../lab/tracing.js";
import { goTo, h, loadStyle, setOptions, setWords } from "../../shared/dom.js";
import { count, number, t } from "../../shared/i18n.js";
import { isDark } from "../../shared/theme.js";
import { createLens } from "./lens.js";
import { titleOf } from "./mapfigure.js";
import { createAsker, createPanel } from "./panel.js";
import { createSlider } from "./slider.js";
import { createSum } from "./sum.js";

loadStyle(new URL("./magnifier.css", import.meta.url));

/** Milliseconds in which the window slides over a whole map. */
const WALK = 15_000;

/**
 * A layer with everything that its numbers are made of.
 *
 * @typedef {object} Opened
 * @property {import("../../../lab/model.js").Loaded} loaded
 * @property {import("../../../engine/protocol.js").LayerCost[]} layers
 * @property {import("../../../engine/protocol.js").LayerCost} layer
 * @property {import("../../../engine/protocol.js").Filters} filters
 * @property {import("../../../engine/protocol.js").FeatureMaps} input
 * @property {import("../../../engine/protocol.js").FeatureMaps} output
 * @property {import("../../../engine/protocol.js").FeatureMaps | null} adds
 * @property {string} padding
 */

/** @param {import("../../context.js").Context} context */
export function createMagnifier(context) {
  const { state, model } = context;
  const choose = (/** @type {Record<string, any>} */ values) => state.set("apart", values);
  const isOpen = computed(() => state.room.value === "apart" && state.values.apart.value.panel === "magnifier");
  /** @type {import("../../../lab/signals.js").Signal<Opened | null>} */
  const opened = signal(null);
  /** The pixel's number while the window slides, else null. @type {import("../../../lab/signals.js").Signal<number | null>} */
  const walking = signal(null);

  const layer = h("select", { id: "magnifier-layer", onchange: () => selectLayer(Number(layer.value)) });
  const channel = createSlider("channel", (value) => choose({ channel: value }));
  const play = h("button", { type: "button", onclick: () => (walking.peek() === null ? walk() : pause()) });
  const counter = h("p", { class: "number magnifier-counter" });
  const lens = createLens((pixel) => {
    walking.value = null;
    choose(selectingPixel(pixel, opened.peek()?.output.size ?? 1));
  });
  const sum = createSum();
  const shows = h("p", { class: "muted" });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const element = createPanel(
    "magnifier",
    h(
      "div",
      { class: "maps-choices" },
      h("label", { class: "field" }, h("span", { class: "hint", t: "magnifier.layer" }), layer),
      channel.element,
      play,
      counter,
    ),
    h("div", { class: "magnifier" }, lens.reads, sum.element, lens.writes),
    shows,
    problem,
    h(
      "div",
      { class: "actions" },
      h("button", { type: "button", t: "maps.another", onclick: () => goTo(state, "classify") }),
    ),
    sum.fold,
  );

  const ask = createAsker(element, problem);
  const tracing = tracingOf(context);

  /** @param {number} index */
  function selectLayer(index) {
    pause();
    const found = opened.peek();
    if (found) choose(selecting(found.layers[index]));
  }

  /** Fetches the selected layer's maps and filters. */
  function fetchLayer() {
    const { block, part } = state.values.apart.value;
    const [picture, framing, loaded] = [model.picture.value, model.framing.value, model.loaded.value];
    if (!isOpen.value) return;
    if (!opened.peek()) setWords(shows, t(loaded && picture ? "maps.computes" : "maps.waits"));
    if (!loaded || !picture) return;
    const { config } = loaded.classifier;
    ask(
      [loaded.classifier, config.resolution, picture, framing, block, part],
      () =>
        tracing.look("magnifier", { loaded, picture, framing }, async ({ trace, crop, layers }) => {
          const maps = layers.length - 2; // the classifier has none
          const index = Math.min(selectedLayer(layers, { block, part }), maps);
          const { input, adds } = layers[index];
          return {
            ...{ loaded, layers, layer: layers[index], padding: config.padding },
            filters: await trace.filters(index),
            input: input === null ? normalised(crop, config) : await trace.maps(input),
            output: await trace.maps(index),
            adds: adds === null ? null : await trace.maps(adds),
          };
        }),
      (answer) => {
        walking.value = null;
        opened.value = answer;
      },
    );
  }

  /** The pixel shown: where the window is, or the selected one. @param {number} size */
  function pixelOf(size) {
    const at = walking.value;
    return at === null ? selectedPixel(state.values.apart.value, size) : { x: at % size, y: Math.floor(at / size) };
  }

  function draw() {
    const found = opened.value;
    isDark.value;
    if (!isOpen.value || !found) return;
    const { layers, layer: one, output, filters, padding, loaded } = found;
    const pixel = pixelOf(output.size);
    const chosen = Math.min(Number(state.values.apart.value.channel), output.channels);
    channel.show(chosen, output.channels);
    setOptions(
      layer,
      layers.slice(0, -1).map((layer, i) => h("option", { value: i }, titleOf(layer))),
    );
    layer.value = String(layers.indexOf(one));
    const value = takeApart(found, chosen - 1, pixel);
    const window = windowOf(one, pixel, filters.taps, padding);
    const computedHere = output.values[((chosen - 1) * output.size + pixel.y) * output.size + pixel.x];
    lens.draw(found, { channel: chosen - 1, pixel, window, first: largest(value.terms, 5).first });
    sum.draw(one, value, computedHere, filters, chosen - 1);
    counter.textContent = t("magnifier.counter", { done: number(workUpTo(one, pixel)), all: number(one.macs) });
    play.textContent = t(walking.value === null ? "magnifier.play" : "magnifier.pause");
    const { name } = loaded.entry;
    const kind = kindOf(one);
    setWords(
      shows,
      t(`magnifier.reads.${kind}`, {
        name: name(),
        d: one.c_in,
        all: count(filters.taps * one.c_in),
        to: one.c_out,
      }),
    );
  }

  /** Slides the window over the map, row by row. */
  function walk() {
    const found = opened.peek();
    if (!found) return;
    const pixels = found.output.size ** 2;
    const { x, y } = selectedPixel(state.values.apart.peek(), found.output.size);
    const from = (y * found.output.size + x + 1) % pixels;
    const start = performance.now();
    const frame = (/** @type {number} */ now) => {
      if (walking.peek() === null || found !== opened.peek() || !isOpen.peek()) return pause();
      const at = from + Math.floor((Math.max(0, now - start) / WALK) * pixels);
      walking.value = Math.min(at, pixels - 1);
      if (at < pixels - 1) requestAnimationFrame(frame);
      else pause();
    };
    walking.value = from;
    requestAnimationFrame(frame);
  }

  /** Stops the window, which becomes the selection. */
  function pause() {
    const [at, found] = [walking.peek(), opened.peek()];
    if (at === null || !found) return;
    walking.value = null;
    const { size } = found.output;
    choose(selectingPixel({ x: at % size, y: Math.floor(at / size) }, size));
  }

  effect(fetchLayer);
  effect(draw);
  follow(
    () => isOpen.value,
    (open) => open || pause(),
  );
  return element;
}

/** @param {import("../../../engine/protocol.js").LayerCost} layer */
const kindOf = ({ kind }) =>
  kind === "depthwise" ? "depthwise" : ["stem", "convolution"].includes(kind) ? "plain" : "point";
