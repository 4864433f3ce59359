/** Feature maps: the output of each block for the current picture, channel by channel. */
import { effect, follow } from "../../../lab/signals.js";
import { BLOCKS } from "../../../lab/state.js";
import { goTo, h, setWords } from "../../shared/dom.js";
import { number, percent, t } from "../../shared/i18n.js";
import { colour } from "../../shared/plot.js";
import { isDark } from "../../shared/theme.js";
import { createAsker, createPanel } from "./panel.js";

/** Minimum side of a drawing in pixels: each value is drawn as a square of pixels. */
const SIDE = 800;

/** Lowest and highest number of a channel. @typedef {{low: number, high: number}} Range */

/** @param {import("../../context.js").Context} context */
export function createMaps({ state, model }) {
  const choose = (/** @type {Record<string, number>} */ values) => state.set("apart", values);
  const block = createSlider("block", (value) => choose({ block: value, channel: 1 }));
  const channel = createSlider("channel", (value) => choose({ channel: value }));
  const all = h("canvas", { role: "img", onclick: point });
  const one = h("canvas", { role: "img" });
  const saw = h("canvas", { role: "img", "t-aria-label": "classify.crop.label" });
  const network = h("p", { class: "muted" });
  const range = h("p", { class: "number muted" });
  const shows = h("p", { role: "status" });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const figures = h(
    "div",
    { class: "maps", inert: true }, // until it has content
    h("figure", {}, h("figcaption", { t: "maps.all" }), all),
    h("figure", {}, h("figcaption", { t: "block.input" }), saw, network),
    h("figure", {}, h("figcaption", { t: "maps.one" }), one, channel.element, range),
  );
  const element = createPanel(
    "maps",
    h(
      "div",
      { class: "maps-choices" },
      block.element,
      h("button", { type: "button", t: "maps.another", onclick: () => goTo(state, "classify") }),
    ),
    figures,
    h("p", { class: "curves-legend", t: "maps.legend" }),
    shows,
    problem,
  );

  /**
   * The result shown; `below`: the share of its values below 0.
   *
   * @type {import("../../../engine/protocol.js").Seen & {block: number, ranges: Range[], below: number,
   *   entry: import("../../../lab/library.js").Entry} | null}
   */
  let seen = null;
  /** All channels, while they need no repainting. @type {OffscreenCanvas | null} */
  let painted = null;
  const ask = createAsker(element, problem);

  function update() {
    const { panel, block: n } = state.values.apart.value;
    if (state.room.value !== "apart" || panel !== "maps") return;
    block.show(Number(n), BLOCKS);
    const [picture, framing, loaded] = [model.picture.value, model.framing.value, model.loaded.value];
    if (!seen) shows.textContent = t("maps.waits");
    if (!loaded || !picture) return;
    const { classifier, entry } = loaded;
    const asks = ask(
      [classifier, classifier.config.resolution, picture, framing, n],
      () => classifier.featureMaps(picture, Number(n) - 1, framing),
      (maps) => {
        const below = maps.values.reduce((count, value) => count + Number(value < 0), 0) / maps.values.length;
        seen = { ...maps, block: Number(n), ranges: rangesOf(maps), below, entry };
        painted = null;
        figures.inert = false;
        draw();
      },
    );
    if (!asks) draw();
  }

  function draw() {
    if (!seen) return;
    const { channels, size, crop, ranges, below, entry } = seen;
    const chosen = Math.min(Number(state.values.apart.value.channel), channels);
    channel.show(chosen, channels);
    const paint = painter(seen);
    painted ??= tile(channels, size, paint);
    show(all, painted);
    mark(all, channels, size, chosen - 1);
    show(
      one,
      tile(1, size, (image) => paint(image, chosen - 1)),
    );
    saw.width = saw.height = Math.sqrt(crop.length / 4);
    saw.getContext("2d")?.putImageData(new ImageData(new Uint8ClampedArray(crop), saw.width), 0, 0);
    const { width, stem, resolution } = model.network.value.config;
    const barred = width === entry.config.width && stem === entry.config.stem && resolution === saw.width;
    network.textContent = t(barred ? "maps.network" : "maps.network.other", { name: entry.name(), side: saw.width });

    const { low, high } = ranges[chosen - 1];
    range.textContent = t("maps.range", { low: short(low), high: short(high) });
    const words = { n: seen.block, channels, size, share: percent(below) };
    setWords(shows, t(below ? "maps.shows" : "maps.rectified", words));
    all.ariaLabel = t("maps.all.label", words);
    one.ariaLabel = `${t("maps.channel", { n: chosen, of: channels })}, ${range.textContent}`;
  }

  /** Selects the channel under the pointer. @param {MouseEvent} event */
  function point({ offsetX, offsetY }) {
    if (!seen) return;
    const columns = columnsOf(seen.channels);
    const cell = all.clientWidth / columns;
    const chosen = Math.floor(offsetY / cell) * columns + Math.floor(offsetX / cell) + 1;
    if (chosen <= seen.channels) choose({ channel: chosen });
  }

  effect(update);
  follow(
    () => isDark.value,
    () => {
      painted = null;
      draw();
    },
  );
  return element;
}

/**
 * A slider that starts at 1.
 *
 * @param {"block" | "channel"} name its label shows the value and the maximum
 * @param {(value: number) => void} choose
 */
function createSlider(name, choose) {
  const input = h("input", { type: "range", min: 1, oninput: () => choose(Number(input.value)) });
  const label = h("span", { class: "number" });
  return {
    element: h("label", { class: "slider", "data-control": name }, label, input),
    /** @param {number} value @param {number} of */
    show(value, of) {
      input.max = String(of);
      input.value = String(value);
      label.textContent = t(`maps.${name}`, { n: value, of });
    },
  };
}

/** @param {import("../../../engine/protocol.js").FeatureMaps} maps @returns {Range[]} */
function rangesOf({ channels, size, values }) {
  return Array.from({ length: channels }, (_, channel) => {
    const own = values.subarray(channel * size * size, (channel + 1) * size * size);
    return { low: own.reduce((a, b) => Math.min(a, b)), high: own.reduce((a, b) => Math.max(a, b)) };
  });
}

/** Channels are arranged in a square, or nearly so. @param {number} channels */
const columnsOf = (channels) => Math.ceil(Math.sqrt(channels));

/** @param {number} value */
const short = (value) => number(value, { maximumSignificantDigits: 2 });

/**
 * Paints a channel's values as colours: from none at 0 to full at the channel's largest value.
 *
 * @param {import("../../../engine/protocol.js").FeatureMaps & {ranges: Range[]}} maps
 * @returns {(image: ImageData, channel: number) => void}
 */
function painter({ size, values, ranges }) {
  const [zero, above, below] = ["--surface", "--run-2", "--run-1"].map(rgb);
  return ({ data }, channel) => {
    const { low, high } = ranges[channel];
    const most = Math.max(high, -low) || 1;
    for (let i = 0; i < size * size; i++) {
      const value = values[channel * size * size + i];
      const full = value > 0 ? above : below;
      const share = Math.abs(value) / most;
      for (let c = 0; c < 3; c++) data[4 * i + c] = zero[c] + share * (full[c] - zero[c]);
      data[4 * i + 3] = 255;
    }
  };
}

/** A colour of style.css as red, green and blue. @param {string} name */
const rgb = (name) => (colour(name, "none").match(/\d+/g) ?? []).map(Number);

/**
 * The layout of `count` maps of a size in rows, in pixels of the drawing.
 *
 * @param {number} count
 * @param {number} size
 */
function gridOf(count, size) {
  const columns = columnsOf(count);
  const side = size * Math.ceil(SIDE / (columns * size));
  const margin = count > 1 ? Math.min(Math.ceil(side / 20), 8) : 0;
  const cell = side + 2 * margin;
  /** The upper left corner of a map. @param {number} index */
  const at = (index) => [index % columns, Math.floor(index / columns)].map((place) => margin + place * cell);
  return { side, margin, at, whole: columns * cell };
}

/**
 * Paints `count` maps in rows.
 *
 * @param {number} count
 * @param {number} size height and width of a map
 * @param {(image: ImageData, index: number) => void} paint
 */
function tile(count, size, paint) {
  const { side, at, whole } = gridOf(count, size);
  const drawing = new OffscreenCanvas(whole, whole);
  const map = new OffscreenCanvas(size, size);
  const image = new ImageData(size, size);
  const [from, to] = [map.getContext("2d"), drawing.getContext("2d")];
  if (!from || !to) return drawing;
  to.imageSmoothingEnabled = false; // each value is a square
  for (let index = 0; index < count; index++) {
    paint(image, index);
    from.putImageData(image, 0, 0);
    const [x, y] = at(index);
    to.drawImage(map, x, y, side, side);
  }
  return drawing;
}

/** Shows a painted drawing. @param {HTMLCanvasElement} canvas @param {OffscreenCanvas} drawing */
function show(canvas, drawing) {
  canvas.width = canvas.height = drawing.width;
  canvas.getContext("2d")?.drawImage(drawing, 0, 0);
}

/**
 * Draws a line around one of the maps.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {number} count
 * @param {number} size
 * @param {number} chosen
 */
function mark(canvas, count, size, chosen) {
  const { side, margin, at } = gridOf(count, size);
  const context = canvas.getContext("2d");
  if (!context) return;
  const [x, y] = at(chosen);
  context.strokeStyle = colour("--ink");
  context.lineWidth = margin;
  context.strokeRect(x - margin / 2, y - margin / 2, side + margin, side + margin);
}
