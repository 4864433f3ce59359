/** The next batch of a run: eight of its pictures with what is cut from them, and beside each what the network gets. */
import { coloursOf, frameOf, LIMIT, onOriginal } from "../../lab/feed.js";
import { latest } from "../../lab/latest.js";
import { effect, follow, signal } from "../../lab/signals.js";
import { h, paintRgb, setWords, showProblem, turnOff } from "../shared/dom.js";
import { currentLanguage, number, t } from "../shared/i18n.js";
import { classNames } from "./heldout.js";

const PICTURES = 8;
/** Pixels of an original's drawing. */
const SIDE = 240;

/** @param {import("../context.js").Context} context @param {import("../../lab/signals.js").ReadonlySignal<boolean>} open */
export function createBatch({ session }, open) {
  const list = h("ul", { class: "batch-list" });
  const empty = h("p", { class: "muted", t: "batch.empty" });
  const again = h("button", { type: "button", t: "batch.again", onclick: () => asking.ask() });
  const asSeen = h("input", { type: "checkbox", id: "batch-normalised", onchange: () => draw() });
  const note = h("p", { class: "hint" });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const element = h(
    "div",
    { class: "batch" },
    empty,
    list,
    h(
      "div",
      { class: "actions" },
      again,
      h("label", { class: "field inline" }, asSeen, h("span", { t: "feed.normalised" })),
    ),
    note,
    problem,
  );
  /** @typedef {Awaited<ReturnType<import("../../engine/engine.js").Trainer["nextBatch"]>>} Next */
  /** @type {import("../../lab/signals.js").Signal<{batch: Next, run: import("../../lab/run.js").Run} | null>} */
  const shown = signal(null);

  const asking = latest(async () => {
    const [trainer, run] = [session.trainer.peek(), session.run.peek()];
    if (!trainer || !run || !open.peek()) return;
    try {
      shown.value = { batch: await trainer.nextBatch(Math.min(PICTURES, Number(run.settings.batch))), run };
      showProblem(problem, null);
    } catch (error) {
      if (trainer === session.trainer.peek()) showProblem(problem, error); // else the run has ended
    }
  });

  function draw() {
    empty.hidden = !!shown.value;
    setWords(note, asSeen.checked ? t("feed.normalised.how", { limit: number(LIMIT) }) : t("batch.how"));
    if (!shown.value) return list.replaceChildren();
    const { batch, run } = shown.value;
    const { images, labels, resolution: side, inputs, windows } = batch;
    const { resolution = side, mean = [], std = [] } = run.config;
    const colours = coloursOf(inputs, { mean, std }, asSeen.checked);
    const places = windows.map((window) => onOriginal(window, resolution, side));
    const frame = frameOf(
      places.map(({ seen }) => seen),
      side,
    );
    const names = classNames(run);
    const tiles = windows.map((window, i) => {
      const [before, after] = [h("canvas", {}), h("canvas", {})];
      drawOriginal(before, { images, side, index: i }, places[i], frame);
      paintRgb(after, colours, resolution, i);
      const words = [names[labels[i]], t("batch.size", { size: window.size })];
      if (window.mirrored) words.push(t("batch.mirrored"));
      if (window.cutout) words.push(t("batch.cutout"));
      return h(
        "li",
        {},
        before,
        h("span", { "aria-hidden": "true" }, window.mirrored ? "⇄" : "→"),
        after,
        h("p", {}, words.join(" · ")),
      );
    });
    list.replaceChildren(...tiles);
  }

  effect(() => {
    currentLanguage();
    draw();
  });
  effect(() => turnOff(again, !session.trainer.value));
  // the batch before the run's first step, and after each pause or change of settings; while it trains, when asked for
  follow(
    () => [open.value, session.trainer.value, session.state.value, session.running.value],
    () => ["pausing", "stopping"].includes(session.state.peek()) || asking.ask(), // else the pause waits behind it
  );
  return element;
}

/**
 * A picture with its window: what lies outside is pale, black is added where the window leaves the picture.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {{images: Uint8Array, side: number, index: number}} picture
 * @param {ReturnType<typeof onOriginal>} place
 * @param {{from: number, to: number}} frame
 */
function drawOriginal(canvas, { images, side, index }, { seen, cutout }, { from, to }) {
  const source = h("canvas", {});
  paintRgb(source, images, side, index);
  canvas.width = canvas.height = SIDE;
  const pen = canvas.getContext("2d");
  if (!pen) return;
  const scale = SIDE / (to - from);
  const line = SIDE / 80;
  /** @param {import("../../lab/feed.js").Rectangle} part @returns {[number, number, number, number]} */
  const box = ({ x, y, width, height }) => [(x - from) * scale, (y - from) * scale, width * scale, height * scale];
  const window = box(seen);
  pen.imageSmoothingEnabled = false;
  pen.fillStyle = "#000";
  pen.fillRect(...window);
  const whole = box({ x: 0, y: 0, width: side, height: side });
  pen.globalAlpha = 0.35;
  pen.drawImage(source, ...whole);
  pen.globalAlpha = 1;
  pen.save();
  pen.beginPath();
  pen.rect(...window);
  pen.clip();
  pen.drawImage(source, ...whole);
  if (cutout) {
    pen.fillStyle = "rgb(128 128 128 / 75%)";
    pen.fillRect(...box(cutout));
  }
  pen.restore();
  const [x, y, width, height] = window;
  for (const [colour, wide] of /** @type {[string, number][]} */ ([
    ["#000", 2 * line],
    ["#fff", line],
  ])) {
    pen.strokeStyle = colour;
    pen.lineWidth = wide;
    pen.strokeRect(x + line, y + line, width - 2 * line, height - 2 * line);
  }
}
