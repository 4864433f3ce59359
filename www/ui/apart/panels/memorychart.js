/** Memory by layer as two lines: the film's second view. */
import { strokeOf, swatch } from "../../shared/curves.js";
import { h } from "../../shared/dom.js";
import { bytes, number, t } from "../../shared/i18n.js";
import { axisStyle, fitPlot, rem } from "../../shared/plot.js";
import { wordsOf } from "./film.js";

/** @typedef {import("../../../engine/protocol.js").LayerCost} Layer */

/** The two ways to execute a network, in the order of their lines. */
const READINGS = /** @type {const} */ (["by_operation", "by_block"]);

/** @param {(layer: number) => void} select */
export function createMemoryChart(select) {
  const place = h("div", {
    class: "large-place",
    "data-control": "memory",
    role: "slider",
    tabindex: 0,
    "aria-valuemin": 1,
    onkeydown: walk,
    onclick: () => pointed >= 0 && select(pointed),
  });
  const reading = h("span", { class: "chart-reading number" });
  const keys = h("ul", { class: "curves-keys" });
  const element = h(
    "div",
    { class: "memory-chart" },
    h("figure", { class: "chart" }, h("figcaption", {}, h("strong", { t: "memory.axes" }), reading), place),
    keys,
  );
  /** @type {Layer[]} */
  let layers = [];
  /** @type {import("../../../lab/film.js").Frame[]} */
  let frames = [];
  let told = "";
  /** The selected layer, and the one under the pointer or -1. */
  let [at, pointed] = [0, -1];
  /** @type {import("uplot") | undefined} */
  let plot;

  const redraw = fitPlot(place, (uPlot, size) => {
    if (!layers.length) return null;
    const stepped = uPlot.paths.stepped?.({ align: 1 });
    const line = { width: 2.5, paths: stepped, points: { show: false } };
    const series = READINGS.map((_, i) => ({ ...strokeOf({ number: i + 1 }), ...line }));
    // a layer extends from its number to the next
    const steps = [...layers, layers[layers.length - 1]];
    const data = READINGS.map((reading) => steps.map(({ memory }) => memory[reading]));
    /** @type {import("uplot").Options} */
    const options = {
      ...size,
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { setScale: false, x: false } },
      hooks: { setCursor: [pointTo] },
      scales: { x: { time: false, range: [1, steps.length] }, y: { range: (_, _low, high) => [0, high * 1.05] } },
      axes: [
        {
          ...axisStyle(3.5),
          size: rem(1.75),
          label: t("memory.layer"),
          labelSize: rem(1.25),
          labelFont: axisStyle().font,
          values: (_, ticks) => ticks.map((tick) => number(tick)),
        },
        { ...axisStyle(), size: rem(4.5), values: (_, ticks) => ticks.map(bytes) },
      ],
      series: [{}, ...series],
    };
    plot = new uPlot(options, [steps.map((_, i) => i + 1), ...data]);
    return plot;
  });

  /** Shows the memory of the layer under the pointer, else of the selected one. @param {import("uplot")} plot */
  function pointTo(plot) {
    const { left = -1 } = plot.cursor;
    pointed = left < 0 ? -1 : Math.min(Math.floor(plot.posToVal(left, "x")), layers.length) - 1;
    reading.textContent = wordsOf(layers[pointed < 0 ? at : pointed]);
  }

  /** Moves from layer to layer by keyboard. @param {KeyboardEvent} event */
  function walk(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step || !layers.length) return;
    event.preventDefault();
    const to = frames[frames.findIndex(({ layer }) => layer === at) + step];
    if (to) select(to.layer);
  }

  return {
    element,
    /**
     * @param {import("../../../engine/protocol.js").Description} description @param {import("../../../lab/film.js").Frame[]} film
     * @param {number} selected @param {string} shows what the chart shows, in words
     */
    draw(description, film, selected, shows) {
      const changed = description.layers !== layers || told !== shows;
      told = shows;
      frames = film;
      ({ layers } = description);
      at = selected;
      const words = wordsOf(layers[at]);
      reading.textContent = words;
      place.ariaValueMax = String(layers.length);
      place.ariaValueNow = String(at + 1);
      place.ariaValueText = words;
      place.ariaLabel = `${t("memory.axes")}. ${shows}`;
      if (changed) {
        keys.replaceChildren(
          ...READINGS.map((reading, i) => h("li", {}, swatch({ number: i + 1 }), t(`memory.${reading}`))),
        );
        redraw();
      } else plot?.setCursor({ left: plot.valToPos(at + 1.5, "x"), top: 0 }); // the middle of its step
    },
  };
}
