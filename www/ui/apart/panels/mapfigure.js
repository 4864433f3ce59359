/**
 * The drawing of the whole network: a box for each tensor, arcs for shortcuts, and the stages' t, c, n, s. Boxes that change
 * are moved by transitions of the style, so a drag can overtake them. On a phone it runs from top to bottom.
 */
import { place, shortcutsOf, stagesOf } from "../../../lab/networkmap.js";
import { h, onResize } from "../../shared/dom.js";
import { number, t } from "../../shared/i18n.js";
import { rem } from "../../shared/plot.js";
import { presenting } from "../../shared/presenting.js";
import { paintChannel, paintCrop } from "./paint.js";

/** Pixels below which the network is drawn from top to bottom. */
const NARROW = 640;
/** Pixels along the drawing if it is vertical. */
const LONG = 900;
/** Two maps above each other share the height with what comes with the second one: each has one of so many parts. */
const PARTS = 2.5;
/** Pixels across it at least, and the part of a window left for all else, in the page's unit. */
const TALL = 200;
const REST = 30.5;
const REST_PRESENTED = 24.5;
/** The rows below the drawing, in the page's unit. */
const BELOW = 8.5;
/** Pixels of a target for a finger. */
const TARGET = 44;
/** Pixels by which an arc rises above what it spans. */
const RISE = 14;
/** How close two numbers below the drawing may be, in the page's unit. */
const CLOSE = 1.4;
/** Rows below the drawing. */
const ROWS = /** @type {const} */ (["block", "t", "c", "n", "s"]);

/** @typedef {import("../../../lab/networkmap.js").Tensor} Tensor */

/**
 * @typedef {object} Shown
 * @property {import("../../../engine/protocol.js").LayerCost[]} layers
 * @property {Tensor[]} tensors
 * @property {string[]} names of the tensors
 * @property {number[] | null} shares of the full colour, 0 – 1; null: colours by kind
 * @property {number} opened the block that is open, from 0, or -1
 * @property {number} selected index of a tensor
 * @property {boolean} log
 * @property {boolean} alone whether no other network is, or will be, on the screen
 * @property {Tensor[]} [beside] the other one, which has the same scale
 */

/**
 * @param {(tensor: Tensor, by: "pointer" | "keys") => void} select @param {() => void} redraw after a change of the size
 * @param {string} [name] its control's
 */
export function createMapFigure(select, redraw, name = "map") {
  const room = h("div", { class: "netmap-room", role: "group", "t-aria-label": "map.figure", onkeydown: step });
  const rows = h("div", { class: "netmap-rows", "aria-hidden": "true" });
  const element = h("div", { class: "netmap", "data-control": name }, room, rows);
  /** @type {Map<string, {button: HTMLButtonElement, box: HTMLElement, canvas: HTMLCanvasElement, label: HTMLElement}>} */
  const boxes = new Map();
  /** @type {Tensor[]} */
  let tensors = [];

  /** @param {string} key */
  function createBox(key) {
    const canvas = h("canvas", { hidden: true });
    const box = h("span", { class: "box" }, canvas);
    const label = h("span", { class: "netmap-label" });
    const button = h("button", { type: "button", "data-key": key, onclick: () => select(tensorOf(key), "pointer") });
    button.append(box, label);
    const made = { button, box, canvas, label };
    boxes.set(key, made);
    return made;
  }

  /** @param {string} key */
  const tensorOf = (key) => /** @type {Tensor} */ (tensors.find((tensor) => tensor.key === key));

  /** Moves the selection along the tensors that show. @param {KeyboardEvent} event */
  function step(event) {
    const shown = tensors.filter(({ shown }) => shown);
    const from = shown.findIndex(({ key }) => key === /** @type {HTMLElement} */ (event.target).dataset.key);
    const to = { ArrowRight: from + 1, ArrowDown: from + 1, ArrowLeft: from - 1, ArrowUp: from - 1 }[event.key];
    const goal = to ?? { Home: 0, End: shown.length - 1 }[event.key];
    if (goal === undefined || from < 0) return;
    event.preventDefault();
    const tensor = shown[Math.min(Math.max(goal, 0), shown.length - 1)];
    boxes.get(tensor.key)?.button.focus();
    select(tensor, "keys");
  }

  /** Presented, the rows below the drawing are on the screen too, however many rows of controls are above it. */
  function roomPresented() {
    const above = element.getBoundingClientRect().top + scrollY;
    return innerHeight - Math.max(rem(REST_PRESENTED), above + rem(BELOW));
  }

  /** @param {Shown} shown */
  function draw(shown) {
    const { layers, names, shares, opened, selected, log, alone, beside } = shown;
    const width = element.clientWidth;
    if (!width) return;
    const vertical = width < NARROW;
    const across = vertical
      ? width * 0.5
      : Math.max(TALL, Math.min(presenting.peek() ? roomPresented() : innerHeight - rem(REST), width / 3)) /
        (alone ? 1 : PARTS);
    element.style.setProperty("--tall", String(across));
    tensors = shown.tensors;
    const first = !boxes.size;
    const places = place(tensors, {
      length: vertical ? LONG : width,
      across,
      log,
      least: vertical ? TARGET : 0,
      beside,
    });
    const end = Math.max(...places.map(({ at, slot }) => at + slot));
    element.classList.toggle("vertical", vertical);
    element.classList.toggle("still", first);
    room.style.height = vertical ? `${end}px` : "";

    const stages = stagesOf(layers);
    const parts = tensors.map((tensor, i) => {
      const part = boxes.get(tensor.key) ?? createBox(tensor.key);
      const { button, box, label } = part;
      const { at, slot, along, across } = places[i];
      button.style.cssText = `--at: ${at}; --slot: ${slot}; --along: ${along}; --across: ${across}`;
      if (shares) box.style.setProperty("--share", `${100 * shares[i]}%`);
      box.className = shares ? "box by-cost" : "box";
      box.dataset.kind = tensor.kind;
      box.toggleAttribute("data-linear", tensor.linear && tensor.layer !== null);
      box.toggleAttribute("data-folded", tensor.block !== null && tensor.block !== opened && tensor.shown);
      button.hidden = !tensor.shown;
      const chosen = i === selected;
      button.tabIndex = chosen ? 0 : -1;
      button.setAttribute("aria-pressed", String(chosen));
      if (tensor.block !== null) button.setAttribute("aria-expanded", String(tensor.block === opened));
      button.setAttribute("aria-label", names[i]);
      const stage = tensor.starts && stages.find(({ first }) => first === tensor.block);
      label.replaceChildren(names[i], ...(stage ? [h("small", {}, t("map.stage", stage))] : []));
      return button;
    });
    const arcs = shortcutsOf(tensors, layers).map(({ from, to }) => arc(from, to, places, vertical, across));
    setChildren(room, [...arcs, ...parts]);
    rows.replaceChildren(...(vertical ? [] : rowsOf(layers, alone ? stages : [], places)));
    if (first) requestAnimationFrame(() => element.classList.remove("still"));
  }

  /** @type {HTMLElement[]} */
  const pool = [];
  /** @param {number} from @param {number} to @param {import("../../../lab/networkmap.js").Place[]} places @param {boolean} vertical @param {number} across */
  function arc(from, to, places, vertical, across) {
    const middle = (/** @type {number} */ i) => places[i].at + places[i].slot / 2;
    const highest = Math.max(...places.slice(from, to + 1).map((place) => (place.slot ? place.across : 0)));
    const own = places[from].across;
    const length = middle(to) - middle(from);
    const rise = vertical ? highest - own + RISE : (highest - own) / 2 + RISE;
    const start = vertical ? own : (across - highest) / 2 - RISE;
    const element = pool[to] ?? h("span", { class: "netmap-arc" });
    pool[to] = element;
    element.style.cssText = `--at: ${middle(from)}; --along: ${length}; --start: ${start}; --rise: ${rise}`;
    return element;
  }

  /**
   * @param {import("../../../engine/protocol.js").LayerCost[]} layers
   * @param {ReturnType<typeof stagesOf>} stages
   * @param {import("../../../lab/networkmap.js").Place[]} places
   */
  function rowsOf(layers, stages, places) {
    /** The middle of some blocks. @param {number} first @param {number} last */
    const middleOf = (first, last) => {
      const own = places.filter((_, i) => {
        const { block, shown } = tensors[i];
        return shown && block !== null && block >= first && block <= last;
      });
      const [from, to] = [own[0].at, own[own.length - 1].at + own[own.length - 1].slot];
      return (from + to) / 2;
    };
    const blocks = [...new Set(layers.flatMap(({ block }) => block ?? []))];
    return ROWS.filter((row) => row === "block" || stages.length).map((row) => {
      const all =
        row === "block"
          ? blocks.map((block) => ({ at: middleOf(block, block), words: String(block + 1) }))
          : stages.map((stage) => ({ at: middleOf(stage.first, stage.last), words: number(stage[row]) }));
      let last = -Infinity;
      const cells = all.flatMap(({ at, words }) => {
        if (at < last + rem(CLOSE)) return []; // there is no room for another number
        last = at;
        return h("span", { style: `--at: ${at}` }, words);
      });
      return h("div", {}, h("b", { t: `map.row.${row}` }), ...cells);
    });
  }

  onResize(element, redraw);
  return {
    element,
    draw,
    /** Shows the network's input. @param {Uint8Array} crop */
    showCrop(crop) {
      const canvas = boxes.get("picture")?.canvas;
      if (!canvas) return;
      paintCrop(canvas, crop);
      canvas.hidden = false;
    },
    /** Shows a channel in a layer's box. @param {number} layer @param {import("../../../engine/protocol.js").FeatureMaps} maps @param {number} channel */
    showMap(layer, maps, channel) {
      const canvas = boxes.get(String(layer))?.canvas;
      if (!canvas) return;
      paintChannel(canvas, maps, channel);
      canvas.hidden = false;
    },
    clear() {
      for (const { canvas } of boxes.values()) canvas.hidden = true;
    },
  };
}

/** Gives an element its children; those already there stay, since moving them would end their transitions. @param {Element} element @param {Element[]} children */
function setChildren(element, children) {
  const wanted = new Set(children);
  for (const child of [...element.children]) if (!wanted.has(child)) child.remove();
  children.forEach((child, i) => {
    if (child.parentElement !== element) element.insertBefore(child, element.children[i] ?? null);
  });
}

/** What tensors are called, with their shapes. @param {Tensor[]} tensors @param {number} opened the block that is open, from 0, or -1 */
export const namesOf = (tensors, opened) =>
  tensors.map((tensor) => {
    const closed = tensor.block !== null && tensor.block !== opened;
    const shape = `${tensor.size}² × ${number(tensor.channels, { useGrouping: false })}`;
    return `${closed ? t("architecture.block", { n: Number(tensor.block) + 1 }) : titleOf(tensor)}: ${shape}`;
  });

/** A layer's name, or that of another tensor. @param {{kind: Tensor["kind"], block: number | null}} tensor */
export function titleOf({ kind, block }) {
  if (kind === "picture") return t("block.input");
  if (kind === "pool") return t("map.pool");
  const name = t(`layer.${kind}`);
  return block === null ? name : `${t("architecture.block", { n: block + 1 })}, ${name}`;
}
