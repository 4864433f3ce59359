/** Memory: tensors held while each layer runs, convolution by convolution and block by block (paper §5.1). */
import { strokeOf, swatch } from "../../shared/curves.js";
import { h } from "../../shared/dom.js";
import { bytes, number, t } from "../../shared/i18n.js";
import { axisStyle, fitPlot, rem } from "../../shared/plot.js";
import { onDescription } from "./described.js";
import { createPanel } from "./panel.js";

/** The two ways to execute a network, in the order of their lines. */
const READINGS = /** @type {const} */ (["by_operation", "by_block"]);

/** @param {import("../../context.js").Context} context */
export function createMemory(context) {
  const place = h("div", {
    class: "large-place",
    "data-control": "memory",
    role: "slider",
    tabindex: 0,
    "aria-valuemin": 1,
    onkeydown: walk,
  });
  const reading = h("span", { class: "chart-reading number" });
  const keys = h("ul", { class: "curves-keys" });
  const shows = h("p");
  const element = createPanel(
    "memory",
    h("figure", { class: "chart" }, h("figcaption", {}, h("strong", { t: "memory.axes" }), reading), place),
    keys,
    shows,
  );
  /** @type {import("../../../engine/protocol.js").Description | undefined} */
  let shown;
  /** @type {import("uplot") | undefined} */
  let plot;
  /** Index of the layer last pointed at. */
  let at = 0;

  const redraw = fitPlot(place, (uPlot, size) => {
    if (!shown) return null;
    const { layers } = shown;
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
      hooks: { setCursor: [(plot) => pointTo(plot, layers)] },
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

  /** Shows the memory of the layer under the pointer. @param {import("uplot")} plot @param {Layer[]} layers */
  function pointTo(plot, layers) {
    const { left = -1 } = plot.cursor;
    reading.textContent = "";
    if (left < 0) return;
    at = Math.min(Math.floor(plot.posToVal(left, "x")), layers.length) - 1;
    reading.textContent = tell(layers);
  }

  /** Also for people who do not see the chart. @param {Layer[]} layers */
  function tell(layers) {
    const words = wordsOf(layers[at]);
    place.setAttribute("aria-valuenow", String(at + 1));
    place.setAttribute("aria-valuetext", words);
    return words;
  }

  /** Moves from layer to layer by keyboard. @param {KeyboardEvent} event */
  function walk(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step || !plot || !shown) return;
    event.preventDefault();
    at = Math.min(Math.max(at + step, 0), shown.layers.length - 1);
    plot.setCursor({ left: plot.valToPos(at + 1.5, "x"), top: 0 }); // the middle of its step
  }

  onDescription(context, (description) => {
    shown = description;
    reading.textContent = "";
    const { layers } = description;
    at = Math.min(at, layers.length - 1);
    place.setAttribute("aria-valuemax", String(layers.length));
    tell(layers);
    const { by_operation, by_block } = description.memory;
    const times = number(by_operation / by_block, { maximumSignificantDigits: 2 });
    shows.textContent = t("memory.shows", { operation: bytes(by_operation), block: bytes(by_block), times });
    place.setAttribute("aria-label", `${t("memory.axes")}. ${shows.textContent}`);
    keys.replaceChildren(
      ...READINGS.map((reading, i) => h("li", {}, swatch({ number: i + 1 }), t(`memory.${reading}`))),
    );
    redraw();
  });
  return element;
}

/** @typedef {import("../../../engine/protocol.js").LayerCost} Layer */

/** A layer's memory in words. @param {Layer} layer */
function wordsOf({ block: index, kind, memory }) {
  const block = index === null ? "" : `${t("architecture.block", { n: index + 1 })}, `;
  return t(block ? "memory.reading" : "memory.reading.alone", {
    layer: `${block}${t(`layer.${kind}`)}`,
    operation: bytes(memory.by_operation),
    block: bytes(memory.by_block),
  });
}
