/** Inside a network while it learns: first filters, guesses, activations and gradients, and a slider back through them. */
import { Looks } from "../../lab/looks.js";
import { GRID } from "../../lab/session/sample.js";
import { computed, effect, follow, signal } from "../../lab/signals.js";
import { h, onFrame, paintRgb, setWords } from "../shared/dom.js";
import { currentLanguage, milliseconds, number, percent, t, tiny } from "../shared/i18n.js";
import { classNames } from "./heldout.js";
import { createLayers } from "./layers.js";

/** Rows and columns of a filter, and of its picture. */
const KERNEL = 3;

/** @param {import("../context.js").Context} context @param {import("./fold.js").Open} open */
export function createInside({ engine, session }, open) {
  const looks = new Looks(session);
  /** The look that a person went back to; null: the latest. @type {import("../../lab/signals.js").Signal<number | null>} */
  const back = signal(null);
  const shown = computed(() => {
    const all = looks.all.value;
    return all.find(({ step }) => step === back.value) ?? all.at(-1);
  });
  const slider = h("input", { type: "range", id: "inside-step", min: 0, oninput: () => scrub(Number(slider.value)) });
  const at = h("output", { class: "number", for: slider.id });
  const empty = h("p", { class: "muted", t: "inside.empty" });
  const filters = h("div", { class: "inside-filters", role: "img" });
  const guesses = h("div", { class: "inside-guesses", role: "img" });
  const guessed = h("figcaption");
  const layers = createLayers();
  const cost = h("p", { class: "hint" });
  const body = h(
    "div",
    { class: "inside-body", hidden: true },
    h("div", { class: "inside-scrub" }, h("label", { for: slider.id, t: "inside.step" }), slider, at),
    h("figure", {}, h("figcaption", { t: "inside.filters" }), filters),
    h("figure", {}, guessed, guesses),
    layers.element,
    layers.fold,
    cost,
  );
  const element = h("div", { class: "inside" }, empty, body);

  /** To the look of this number; the last one follows the training. @param {number} index */
  function scrub(index) {
    const all = looks.all.peek();
    back.value = index < all.length - 1 ? all[index].step : null;
  }

  function draw() {
    const [all, look, run] = [looks.all.value, shown.value, session.run.peek()];
    empty.hidden = !!look;
    if (!look) body.hidden = true;
    if (!look || !run || !open.value) return;
    slider.max = String(all.length - 1);
    slider.value = String(all.indexOf(look));
    at.textContent = t("inside.at", { step: look.step });
    slider.setAttribute("aria-valuetext", at.textContent);
    drawFilters(look.filters);
    drawGuesses(look, run);
    layers.draw(look, all);
    const { last, looks: spent, training } = looks.spent.value;
    const share = percent(spent / (spent + training));
    const words = { each: milliseconds(last), n: all.length, share };
    setWords(cost, t(all.length > 1 ? "inside.cost" : "inside.cost.first", words)); // the first one is not paid for yet
    body.hidden = false; // its drawings have names now
  }

  /** Each filter as a picture of the colours to which it responds. @param {Float32Array} values (C, 3, 9) */
  function drawFilters(values) {
    const size = KERNEL * KERNEL;
    const count = values.length / (3 * size);
    const most = values.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-9);
    if (filters.childElementCount !== count)
      filters.replaceChildren(...Array.from({ length: count }, () => h("canvas", {})));
    const pixels = new Uint8Array(3 * size);
    for (let filter = 0; filter < count; filter++) {
      for (let i = 0; i < size; i++) {
        for (let c = 0; c < 3; c++) {
          pixels[3 * i + c] = Math.round(127.5 * (1 + values[(3 * filter + c) * size + i] / most));
        }
      }
      paintRgb(/** @type {HTMLCanvasElement} */ (filters.children[filter]), pixels, KERNEL, 0);
    }
    filters.setAttribute(
      "aria-label",
      t("inside.filters.label", { n: count, most: number(most, { maximumSignificantDigits: 2 }) }),
    );
  }

  /** @type {import("../../engine/protocol.js").Batch | null} */
  let painted = null;
  /** @param {import("../../lab/looks.js").Look} look @param {import("../../lab/run.js").Run} run */
  function drawGuesses({ guesses: found }, run) {
    const batch = session.heldOut.peek();
    if (batch && batch !== painted) {
      painted = batch;
      const tiles = Array.from(batch.labels, (_, i) => {
        const canvas = h("canvas", {});
        paintRgb(canvas, batch.images, batch.resolution, i);
        return h("span", {}, canvas, h("b"));
      });
      guesses.replaceChildren(...tiles);
    }
    if (!painted) return;
    const { labels } = painted;
    const names = classNames(run);
    let right = 0;
    [...guesses.children].forEach((tile, i) => {
      const guess = found?.predictions[i];
      const is = guess === labels[i];
      if (is) right++;
      tile.className = guess === undefined ? "" : is ? "right" : "wrong";
      const words =
        guess === undefined
          ? ""
          : is
            ? names[guess]
            : t("results.mistake", { truth: names[labels[i]], guess: names[guess] });
      tile.setAttribute("title", words);
      /** @type {HTMLElement} */ (tile.lastElementChild).textContent = guess === undefined ? "" : is ? "✓" : "✕";
    });
    const told = found
      ? t("inside.guesses", { right, total: Math.min(GRID, labels.length), step: found.step })
      : t("inside.guesses.none");
    guessed.textContent = told;
    guesses.setAttribute("aria-label", told);
  }

  const redraw = onFrame(draw);
  follow(
    () => session.run.value?.config,
    async (config) => {
      if (!config) return;
      const found = await engine.describe(config).catch(() => null); // the bars have no names then
      if (found && config === session.run.peek()?.config) layers.describe(found.layers);
      redraw();
    },
  );
  effect(() => {
    currentLanguage();
    open.value && [shown.value, looks.spent.value];
    redraw();
  });
  return element;
}
