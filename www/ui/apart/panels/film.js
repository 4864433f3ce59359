/** Memory as a film: boxes to scale in bytes, which appear and go as layer after layer runs. */
import { bytesOf } from "../../../lab/film.js";
import { effect, signal } from "../../../lab/signals.js";
import { h, setWords } from "../../shared/dom.js";
import { bytes, number, t } from "../../shared/i18n.js";

/** Milliseconds that a layer is shown. */
const SHOWN = 500;

/**
 * @typedef {import("../../../engine/protocol.js").LayerCost} Layer
 * @typedef {import("../../../lab/film.js").Frame} Frame
 * @typedef {import("../../../lab/film.js").Tensor} Tensor
 */

/** The two ways to run a network. */
const WAYS = /** @type {const} */ (["operation", "block"]);

/** @param {import("../../context.js").Context} context @param {(layer: number) => void} select */
export function createFilm({ state }, select) {
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const playing = signal(false);
  let timer = 0;
  /** @type {{frames: Frame[], at: number}} */
  let shown = { frames: [], at: 0 };

  const input = h("input", { type: "range", min: 0, id: "film-layer", oninput: () => go(Number(input.value)) });
  const label = h("span", { class: "number" });
  const play = h("button", { type: "button", class: "primary", onclick: () => (playing.peek() ? pause() : start()) });
  const back = h("button", { type: "button", t: "film.back", onclick: () => step(-1) });
  const on = h("button", { type: "button", t: "film.on", onclick: () => step(1) });
  const lanes = WAYS.map((way) => createLane(way));
  const legend = h("p", { class: "curves-legend" });
  const body = h("div", { class: "table-place", tabindex: 0, role: "region", "t-aria-label": "film.figures" });
  const element = h(
    "div",
    { class: "film" },
    h(
      "div",
      { class: "film-controls" },
      h("div", { class: "actions" }, play, back, on),
      h("label", { class: "slider", "data-control": "film" }, label, input),
    ),
    ...lanes.map(({ element }) => element),
    legend,
  );

  /** @param {number} frame */
  function go(frame) {
    pause();
    select(shown.frames[frame].layer);
  }

  /** @param {number} by */
  function step(by) {
    pause();
    const to = shown.frames[shown.at + by];
    if (to) select(to.layer);
  }

  function start() {
    playing.value = true;
    if (shown.at === shown.frames.length - 1) select(shown.frames[0].layer);
    next();
  }

  function next() {
    timer = window.setTimeout(() => {
      const to = shown.frames[shown.at + 1];
      const open = state.room.peek() === "apart" && state.values.apart.peek().panel === "memory";
      if (!to || !open) return pause();
      select(to.layer);
      next();
    }, SHOWN);
  }

  function pause() {
    clearTimeout(timer);
    playing.value = false;
  }

  effect(() => {
    play.textContent = t(playing.value ? "film.pause" : "film.play");
    play.hidden = still.matches;
  });

  /**
   * @param {import("../../../engine/protocol.js").Description} description @param {Frame[]} frames
   * @param {number} layer the selected one @param {number} rows of a block's middle at a time
   */
  function draw({ layers, memory }, frames, layer, rows) {
    setWords(legend, t("film.legend", { rows }));
    const at = Math.max(
      0,
      frames.findIndex((frame) => frame.layer === layer),
    );
    const changed =
      frames.length !== shown.frames.length ||
      frames.some((frame, i) => bytesOf(frame.operation) !== bytesOf(shown.frames[i].operation));
    shown = { frames, at };
    const one = layers[frames[at].layer];
    input.max = String(frames.length - 1);
    input.value = String(at);
    label.textContent = t("film.layer", { n: at + 1, of: frames.length, name: nameOf(one) });
    input.setAttribute("aria-valuetext", wordsOf(one));
    back.ariaDisabled = String(at === 0);
    on.ariaDisabled = String(at === frames.length - 1);
    // without motion, the states of a block are seen side by side
    const own =
      still.matches && one.block !== null
        ? frames.filter((frame) => layers[frame.layer].block === one.block)
        : [frames[at]];
    const scale = memory.by_operation;
    lanes[0].draw(own, { layers, scale, rows, peak: memory.by_operation, current: frames[at] });
    lanes[1].draw([frames[at]], { layers, scale, rows, peak: memory.by_block, current: frames[at] });
    if (changed) body.replaceChildren(table(layers, frames));
  }

  return {
    element,
    fold: h("details", { class: "figures" }, h("summary", { t: "film.figures" }), body),
    draw,
  };
}

/** One way to run the network: a row of boxes, or several, its peak, and what is held now. @param {"operation" | "block"} way */
function createLane(way) {
  const title = h("span", { t: `memory.by_${way}` });
  const now = h("strong", { class: "number" });
  const rows = h("div", { class: "film-rows", role: "img" });
  const element = h("figure", { class: "film-lane" }, h("figcaption", {}, title, " ", now), rows);
  /** The boxes of the one row that moves. @type {Map<number, HTMLElement>} */
  const boxes = new Map();
  const moving = h("div", { class: "film-row" });

  /** @param {Frame[]} frames @param {{layers: Layer[], scale: number, rows: number, peak: number, current: Frame}} of */
  function draw(frames, { layers, scale, rows: tile, peak, current }) {
    const total = bytesOf(current[way]);
    setWords(now, t("film.now", { bytes: bytes(total), peak: bytes(peak) }));
    rows.ariaLabel = current[way].map((tensor) => tellOf(tensor, layers)).join("; ");
    rows.style.setProperty("--peak", `${(100 * peak) / scale}%`);
    rows.classList.toggle("at-peak", total === peak);
    const several = frames.length > 1;
    const each = frames.map((frame) => (several ? h("div", { class: "film-row" }) : moving));
    if (several) boxes.clear();
    each.forEach((row, i) => {
      const known = several ? new Map() : boxes;
      place(row, known, frames[i], { layers, scale, tile });
      row.toggleAttribute("data-current", several && frames[i] === current);
    });
    if (rows.children.length !== each.length || several || rows.firstChild !== moving) rows.replaceChildren(...each);
  }

  /** Puts a row's boxes where they belong. @param {HTMLElement} row @param {Map<number, HTMLElement>} known @param {Frame} frame @param {{layers: Layer[], scale: number, tile: number}} of */
  function place(row, known, frame, { layers, scale, tile }) {
    const tensors = frame[way];
    let left = 0;
    const kept = tensors.map((tensor) => {
      const box =
        known.get(tensor.from) ??
        row.appendChild(h("div", { class: "film-box" }, h("span"), h("small", { class: "number" })));
      known.set(tensor.from, box);
      const made = layers[tensor.from];
      box.dataset.kind = made?.kind ?? "stem";
      box.toggleAttribute("data-linear", made?.activation === "linear");
      box.dataset.role = tensor.role;
      box.style.cssText = `left: ${(100 * left) / scale}%; width: ${(100 * tensor.bytes) / scale}%`;
      const [name, size] = box.children;
      name.textContent = t(`film.${tensor.role}`);
      size.textContent = bytes(tensor.bytes);
      left += tensor.bytes;
      return box;
    });
    const inner = way === "block" && frame.inner;
    if (inner) {
      const box =
        known.get(Infinity) ?? row.appendChild(h("div", { class: "film-box film-inner", "data-kind": "depthwise" }));
      known.set(Infinity, box);
      box.style.cssText = `left: ${(100 * left) / scale}%; width: ${(100 * inner.bytes * Math.min(tile, inner.rows)) / scale}%`;
      kept.push(box);
    }
    for (const [from, box] of known) {
      if (kept.includes(box)) continue;
      box.remove();
      known.delete(from);
    }
  }
  return { element, draw };
}

/** A tensor in words. @param {Tensor} tensor @param {Layer[]} layers */
function tellOf({ from, bytes: size, role }, layers) {
  const name = from < 0 ? t("film.image") : nameOf(layers[from]);
  return t("film.tensor", { role: t(`film.${role}`), name, bytes: bytes(size) });
}

/** @param {Layer} layer */
function nameOf({ block, kind }) {
  const name = t(`layer.${kind}`);
  return block === null ? name : `${t("architecture.block", { n: block + 1 })}, ${name}`;
}

/** A layer's memory in words. @param {Layer} layer */
export function wordsOf(layer) {
  const { block, memory } = layer;
  return t(block === null ? "memory.reading.alone" : "memory.reading", {
    layer: nameOf(layer),
    operation: bytes(memory.by_operation),
    block: bytes(memory.by_block),
  });
}

/** @param {Layer[]} layers @param {Frame[]} frames */
function table(layers, frames) {
  const columns = ["film.column.layer", "film.column.held", "memory.by_operation", "memory.by_block"];
  const head = h("tr", {}, ...columns.map((column) => h("th", { scope: "col", t: column })));
  const rows = frames.map(({ layer, operation, block }) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, nameOf(layers[layer])),
      h("td", {}, operation.map(({ role, bytes: size }) => `${t(`film.${role}`)} ${bytes(size)}`).join(" + ")),
      h("td", {}, bytes(bytesOf(operation))),
      h("td", {}, bytes(bytesOf(block))),
    ),
  );
  return h("table", {}, h("thead", {}, head), h("tbody", {}, ...rows));
}
