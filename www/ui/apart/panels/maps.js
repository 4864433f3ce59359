/** Feature maps: the output of each block for the current picture, channel by channel. */
import { effect, follow } from "../../../lab/signals.js";
import { blocksOf } from "../../../lab/network.js";
import { goTo, h, setWords } from "../../shared/dom.js";
import { number, percent, t } from "../../shared/i18n.js";
import { colour } from "../../shared/plot.js";
import { isDark } from "../../shared/theme.js";
import { columnsOf, gridOf, paintCrop, painter, rangesOf, show, tile } from "./paint.js";
import { createAsker, createPanel } from "./panel.js";
import { createSlider } from "./slider.js";

/** @param {import("../../context.js").Context} context */
export function createMaps({ state, model }) {
  const choose = (/** @type {Record<string, number | string>} */ values) => state.set("apart", values);
  const block = createSlider("block", (value) => choose({ block: value, part: "project", channel: 1 }));
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
   * @type {import("../../../engine/protocol.js").Seen & {block: number, ranges: import("./paint.js").Range[], below: number,
   *   entry: import("../../../lab/library.js").Entry} | null}
   */
  let seen = null;
  /** All channels, while they need no repainting. @type {OffscreenCanvas | null} */
  let painted = null;
  const ask = createAsker(element, problem);

  function update() {
    const { panel, block: wanted } = state.values.apart.value;
    if (state.room.value !== "apart" || panel !== "maps") return;
    const [picture, framing, loaded] = [model.picture.value, model.framing.value, model.loaded.value];
    const blocks = blocksOf(loaded?.classifier.config ?? {});
    const n = Math.min(Number(wanted), blocks);
    block.show(n, blocks);
    if (!seen) shows.textContent = t("maps.waits");
    if (!loaded || !picture) return;
    const { classifier, entry } = loaded;
    const asks = ask(
      [classifier, classifier.config.resolution, picture, framing, n],
      () => classifier.featureMaps(picture, n - 1, framing),
      (maps) => {
        const below = maps.values.reduce((count, value) => count + Number(value < 0), 0) / maps.values.length;
        seen = { ...maps, block: n, ranges: rangesOf(maps), below, entry };
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
    paintCrop(saw, crop);
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

/** @param {number} value */
const short = (value) => number(value, { maximumSignificantDigits: 2 });

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
