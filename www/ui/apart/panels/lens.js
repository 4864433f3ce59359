/** The two drawings of the magnifier: the maps before a layer, where what a pixel read lights up, and the layer's own map. */
import { h, setWords } from "../../shared/dom.js";
import { number, t } from "../../shared/i18n.js";
import { colour } from "../../shared/plot.js";
import { isDark } from "../../shared/theme.js";
import { gridOf, painter, rangesOf, tile } from "./paint.js";

/**
 * @typedef {import("../../../engine/protocol.js").FeatureMaps} Maps
 * @typedef {{x: number, y: number}} Pixel
 * @typedef {{x: number, y: number, side: number}} Window
 */

/** @param {(pixel: Pixel) => void} point */
export function createLens(point) {
  const [before, after] = [
    h("canvas", { role: "img" }),
    h("canvas", { role: "slider", tabindex: 0, "aria-valuemin": 0 }),
  ];
  const [readsTitle, writesTitle] = [h("figcaption"), h("figcaption")];
  /** Pictures of all maps of each tensor. @type {WeakMap<Maps, Map<string, OffscreenCanvas>>} */
  const drawings = new WeakMap();
  /** Lines around what was read, and around what counts most. */
  let ink = { dark: /** @type {boolean | null} */ (null), all: "", most: "" };
  /** What is shown. @type {{size: number, pixel: Pixel} | null} */
  let shown = null;

  after.addEventListener("pointerdown", (event) => {
    after.setPointerCapture(event.pointerId);
    pick(event);
  });
  after.addEventListener("pointermove", (event) => after.hasPointerCapture(event.pointerId) && pick(event));
  after.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step || !shown) return;
    event.preventDefault();
    point({ x: shown.pixel.x + step[0], y: shown.pixel.y + step[1] });
  });

  /** @param {PointerEvent} event */
  function pick({ offsetX, offsetY }) {
    if (!shown) return;
    const pixel = after.clientWidth / shown.size;
    point({ x: Math.floor(offsetX / pixel), y: Math.floor(offsetY / pixel) });
  }

  /** Maps side by side, in the colours of the theme. @param {Maps} maps @param {number[]} channels */
  function drawingOf(maps, channels) {
    const key = `${channels.length > 1 ? "all" : channels[0]} ${isDark.value}`;
    const known = drawings.get(maps) ?? new Map();
    drawings.set(maps, known);
    const made = known.get(key) ?? paintAll(maps, channels);
    known.set(key, made);
    return made;
  }

  /**
   * @param {{layer: import("../../../engine/protocol.js").LayerCost, input: Maps, output: Maps}} layer
   * @param {{channel: number, pixel: Pixel, window: Window, first: import("../../../lab/magnifier.js").Term[]}} chosen `first`:
   *   the terms that count most
   */
  function draw({ layer, input, output }, { channel, pixel, window, first }) {
    shown = { size: output.size, pixel };
    const depthwise = layer.kind === "depthwise";
    const channels = depthwise ? [channel] : Array.from({ length: input.channels }, (_, i) => i);
    const most = new Set(first.map(({ channel }) => (depthwise ? 0 : channel)));
    if (isDark.value !== ink.dark) ink = { dark: isDark.value, all: colour("--accent"), most: colour("--ink") };
    light(before, drawingOf(input, channels), channels.length, input.size, window, most, ink);
    light(after, drawingOf(output, [channel]), 1, output.size, { ...pixel, side: 1 }, new Set([0]), ink);
    const words = { n: channels.length, side: window.side, size: input.size };
    setWords(readsTitle, t(depthwise ? "magnifier.before.one" : "magnifier.before.all", words));
    setWords(writesTitle, t("magnifier.after", { channel: channel + 1, size: output.size }));
    before.ariaLabel = readsTitle.textContent;
    after.ariaLabel = writesTitle.textContent;
    after.ariaValueMax = String(output.size ** 2 - 1);
    after.ariaValueNow = String(pixel.y * output.size + pixel.x);
    after.ariaValueText = t("magnifier.pixel", { row: number(pixel.y + 1), column: number(pixel.x + 1) });
  }

  return {
    reads: h("figure", {}, readsTitle, before),
    writes: h("figure", { "data-control": "magnifier" }, writesTitle, after),
    draw,
  };
}

/** @param {Maps} maps @param {number[]} channels */
function paintAll(maps, channels) {
  const { size, values } = maps;
  const picked = channels.length > 1 ? values : values.subarray(channels[0] * size ** 2, (channels[0] + 1) * size ** 2);
  const own = { channels: channels.length, size, values: picked };
  return tile(channels.length, size, painter({ ...own, ranges: rangesOf(own) }));
}

/**
 * Shows a drawing dimmed but for a window in each of its maps.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {OffscreenCanvas} drawing
 * @param {number} count maps
 * @param {number} size of a map
 * @param {Window} window in its pixels, which may reach beyond the edge
 * @param {Set<number>} most maps whose window stands out
 * @param {{all: string, most: string}} ink
 */
function light(canvas, drawing, count, size, window, most, ink) {
  if (canvas.width !== drawing.width) canvas.width = canvas.height = drawing.width;
  const context = canvas.getContext("2d");
  if (!context) return;
  const { side, at } = gridOf(count, size);
  const value = side / size;
  context.globalAlpha = 0.45;
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.drawImage(drawing, 0, 0);
  context.globalAlpha = 1;
  const [left, top] = [Math.max(0, window.x), Math.max(0, window.y)];
  const width = Math.min(size, window.x + window.side) - left;
  const height = Math.min(size, window.y + window.side) - top;
  const line = Math.max(canvas.width / 400, 2);
  for (let map = 0; map < count; map++) {
    const [x, y] = at(map);
    const place = /** @type {const} */ ([x + left * value, y + top * value, width * value, height * value]);
    context.drawImage(drawing, ...place, ...place);
    const strong = most.has(map);
    context.strokeStyle = strong ? ink.most : ink.all;
    context.lineWidth = strong ? 2 * line : line / 2;
    context.strokeRect(...place);
  }
}
