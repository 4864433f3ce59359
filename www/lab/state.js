/**
 * The page's state, and the link that restores it: `#train?train.width=0.5&train.seed=7`. The link only contains values
 * that differ from the defaults. Values of the page as a whole have no room: `#train?stop=training&lock=setting-epochs`.
 */
import { BLOCKS } from "./network.js";
import { PARTS } from "./selection.js";
import { isResolution, parse, preset, SETTINGS, WIDTHS } from "./settings.js";
import { batch, signal } from "./signals.js";

export const ROOMS = ["classify", "train", "apart"];

/** Panels of the third room, one shown at a time. */
export const PANELS = [
  "map",
  "magnifier",
  "separable",
  "block",
  "maps",
  "manifold",
  "relu",
  "evidence",
  "memory",
  "tradeoff",
  "activation",
];
/** Panels that are part of others now: a link to one opens the other. @type {Record<string, string>} */
const MOVED = { architecture: "map" };
/** Channels and sides of the convolutions that race. */
export const DEPTHS = [8, 16, 32, 64, 128, 256, 512];
export const SIDES = [7, 14, 28, 56, 112];
/** Architectures that can stand beside the map's. */
export const BESIDE = ["mobilenet-v2", "mobilenet-v1", "plain"];
/** What the map's colours say. */
export const COLOURS = ["kind", "parameters", "macs", "memory", "time"];

/** Dimensions for the spiral of What ReLU destroys. */
export const DIMENSIONS = { least: 2, most: 64 };
/** Numbers of bits to which the core rounds. */
export const BITS = { least: 2, most: 16 };
/** Rows of a block at a time; 0: as many as a cache holds. */
export const ROWS = [0, 1, 2, 4, 8, 16, 32, 64, 112];
/** The initial matrix: a typical one in how much is lost. */
const MATRIX = 4;

/** Defaults of each room; 0 and "" mean: as in the weights. */
const DEFAULTS = {
  classify: { weights: "", resolution: 0, top: 5 },
  train: { from: "", width: 0.35, resolution: 32, ...preset("quick") },
  apart: {
    panel: PANELS[0],
    network: "",
    width: 0,
    resolution: 0,
    stem: "",
    block: 3,
    part: "project",
    channel: 1,
    x: 0.5,
    y: 0.5,
    opened: 0,
    colour: COLOURS[0],
    scale: "log",
    beside: "",
    d: 64,
    d2: 128,
    side: 14,
    relu: 0,
    cut: 6,
    bits: 8,
    rows: 0,
    classA: 0,
    classB: 0,
    axis: "macs",
    dimensions: 2,
    through: "relu",
    matrix: MATRIX,
  },
  duel: { compare: "", data: "", view: "", differs: "bottleneck", between: "linear relu6", steps: 300 },
  page: { lesson: "mobilenetv2", stop: "", path: "all", hide: "", lock: "", lang: "" },
};

/** The version of links. It changes when a key or value comes to mean something else; `#read` then has to know both. */
const LINKS = "1";
/** Marks history entries that the page has made itself. */
const OWN = { own: true };
/** Milliseconds between two changes of the address: browsers refuse more than some hundred in half a minute. */
const ADDRESS_EVERY = 320;

/** @typedef {keyof typeof DEFAULTS} Group those of a room, of its comparison, or of the page as a whole */
/** @typedef {Exclude<Group, "page" | "duel">} Room */
/** @typedef {Record<string, number | string | boolean>} Values */

/** Whether this numbers a class, from 1, or leaves the choice open with 0. @param {any} value */
const isClass = (value) => Number.isInteger(value) && value >= 0 && value <= 100_000;

/** Whether this is a whole number in a range. @param {any} value @param {{least: number, most: number}} range */
const isWithin = (value, { least, most }) => Number.isInteger(value) && value >= least && value <= most;

/** Checks of values in the link, for keys that are not settings. @type {Record<string, (value: any) => boolean>} */
const CHECKS = {
  width: (value) => [...WIDTHS, 1.3].includes(value), // which is published, though nothing here has it
  resolution: isResolution,
  top: (value) => Number.isInteger(value) && value >= 1 && value <= 20,
  panel: (value) => PANELS.includes(value),
  stem: (value) => ["imagenet", "cifar"].includes(value),
  network: (value) => value === "paper",
  block: (value) => Number.isInteger(value) && value >= 1 && value <= BLOCKS,
  part: (value) => PARTS.includes(value),
  x: (value) => value >= 0 && value < 1,
  y: (value) => value >= 0 && value < 1,
  opened: (value) => Number.isInteger(value) && value >= 0 && value <= BLOCKS,
  colour: (value) => COLOURS.includes(value),
  scale: (value) => ["log", "linear"].includes(value),
  beside: (value) => BESIDE.includes(value),
  d: (value) => DEPTHS.includes(value),
  d2: (value) => DEPTHS.includes(value),
  side: (value) => SIDES.includes(value),
  relu: (value) => Number.isInteger(value) && value >= 0 && value <= BLOCKS,
  cut: (value) => value >= 0.1 && value <= 99,
  bits: (value) => isWithin(value, BITS),
  rows: (value) => ROWS.includes(value),
  classA: isClass,
  classB: isClass,
  axis: (value) => ["macs", "time"].includes(value),
  channel: (value) => Number.isInteger(value) && value >= 1,
  dimensions: (value) => isWithin(value, DIMENSIONS),
  through: (value) => ["relu", "linear"].includes(value),
  matrix: (value) => Number.isInteger(value) && value >= 1 && value < 2 ** 32,
  between: (value) => /^[\w.,; -]{0,99}$/.test(value),
  steps: isSteps,
  view: (value) => value === "recorded",
  ...Object.fromEntries(["compare", "differs", "lesson", "stop", "path", "lang"].map((key) => [key, isName])),
};

/** The page's state. */
class State {
  room = signal(/** @type {Room} */ ("classify"));
  /** The chosen values of each room, and the page's. @type {Record<Group, import("./signals.js").Signal<Values>>} */
  values = { classify: signal({}), train: signal({}), apart: signal({}), duel: signal({}), page: signal({}) };
  /** When the address last changed, and the timer of its next change, if any. */
  #address = { changed: -Infinity, timer: 0 };

  constructor() {
    this.#read();
    addEventListener("pagehide", () => this.#address.timer && this.#writeAddress());
    addEventListener("popstate", ({ state }) => {
      // Back and Forward only change the room and lose no value; an entered link sets everything
      if (state?.own) {
        this.room.value = roomOf(location.hash);
        this.#writeAddress();
      } else this.#read();
    });
  }

  /** @param {Room} room */
  enter(room) {
    if (room === this.room.peek()) return;
    batch(() => {
      this.room.value = room;
      history.pushState(OWN, "", this.link());
    });
  }

  /** @param {Group} group @param {Values} values */
  set(group, values) {
    const before = this.values[group].peek();
    if (Object.entries(values).every(([key, value]) => before[key] === value)) return;
    batch(() => {
      this.values[group].value = { ...before, ...values };
      this.#changeAddress();
    });
  }

  /** Whether nobody has chosen a value. @param {Group} group @param {string} key */
  isDefault(group, key) {
    return this.values[group].peek()[key] === /** @type {Values} */ (DEFAULTS[group])[key];
  }

  /** Selects other weights if those with this id, which are gone, are selected. @param {string} id */
  forget(id) {
    if (this.values.train.peek().from === id) this.set("train", { from: "" });
    if (this.values.classify.peek().weights === id) this.set("classify", { weights: "" });
  }

  /** The link to the current state. */
  link() {
    const groups = /** @type {Group[]} */ (Object.keys(DEFAULTS));
    return linkTo(this.room.peek(), Object.fromEntries(groups.map((group) => [group, this.values[group].peek()])));
  }

  /**
   * A link to hand on: with the language, and the version of links.
   *
   * @param {string} lang @param {Values} [settings] of a training, instead of the current state
   */
  linkToShare(lang, settings) {
    const link = settings ? linkTo("train", { train: settings }) : this.link();
    return new URL(`${link}${link.includes("?") ? "&" : "?"}v=${LINKS}&lang=${lang}`, location.href).href;
  }

  /** Now, or as soon as the browser allows: dragging a slider sets a value per frame. */
  #changeAddress() {
    const { changed, timer } = this.#address;
    if (timer) return;
    const wait = changed + ADDRESS_EVERY - performance.now();
    if (wait > 0) this.#address.timer = window.setTimeout(() => this.#writeAddress(), wait);
    else this.#writeAddress();
  }

  #writeAddress() {
    clearTimeout(this.#address.timer);
    this.#address = { changed: performance.now(), timer: 0 };
    history.replaceState(OWN, "", this.link());
  }

  #read() {
    const [, query] = /\?(.*)/s.exec(location.hash) ?? [];
    const room = roomOf(location.hash);
    history.replaceState(OWN, "");
    /** @type {Record<Group, Values>} */
    const values = structuredClone(DEFAULTS);
    for (const [path, given] of new URLSearchParams(query)) {
      const [name, key] = path.includes(".") ? path.split(".") : ["page", path];
      const text = path === "apart.panel" ? (MOVED[given] ?? given) : given;
      if (!Object.hasOwn(DEFAULTS, name)) continue;
      const defaults = /** @type {Values} */ (DEFAULTS[/** @type {Group} */ (name)]);
      if (!Object.hasOwn(defaults, key)) continue;
      const value = readValue(key, text, defaults[key]);
      if (value !== null) values[/** @type {Group} */ (name)][key] = value;
    }
    batch(() => {
      this.room.value = room;
      for (const group of /** @type {Group[]} */ (Object.keys(values))) this.values[group].value = values[group];
    });
  }
}

/** Steps of a comparison. @param {number} value */
export function isSteps(value) {
  return Number.isInteger(value) && value >= 10 && value <= 100_000;
}

/**
 * The link to a room and these values; all others are as by default.
 *
 * @param {Room} room @param {Partial<Record<Group, Values>>} values
 */
function linkTo(room, values) {
  const query = new URLSearchParams();
  for (const [group, defaults] of Object.entries(DEFAULTS)) {
    for (const [key, value] of Object.entries(values[/** @type {Group} */ (group)] ?? {})) {
      const path = group === "page" ? key : `${group}.${key}`;
      if (Object.hasOwn(defaults, key) && value !== /** @type {Values} */ (defaults)[key])
        query.set(path, String(value));
    }
  }
  return `#${room}${query.toString() && "?"}${query}`;
}

/** A short name, which may become part of a file's. @param {string} value */
function isName(value) {
  return /^[a-z0-9_-]{0,40}$/.test(value);
}

/** @param {string} hash @returns {Room} */
function roomOf(hash) {
  const [room] = hash.slice(1).split("?");
  return /** @type {Room} */ (ROOMS.includes(room) ? room : "classify");
}

/** @param {string} key @param {string} text @param {number | string | boolean} fallback */
function readValue(key, text, fallback) {
  const value = typeof fallback === "number" ? Number(text) : text;
  if (Object.hasOwn(CHECKS, key)) return value === fallback || CHECKS[key](value) ? value : null;
  const setting = SETTINGS.find((s) => s.key === key);
  return setting ? parse(setting, text) : value;
}

export const createState = () => new State();
/** @typedef {State} PageState */
