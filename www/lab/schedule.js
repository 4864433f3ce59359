/**
 * The learning rate's plan, as it is drawn and dragged: axes, handles, times of day, and how far ahead a chart's axis reaches.
 * The rates themselves come from the core. Knows no DOM.
 *
 * @typedef {import("./settings.js").Values} Values
 * @typedef {{step: number[], rate: number[]}} Plan
 * @typedef {"learning_rate" | "hold_until" | "warmup" | "decay_until"} Handle the setting that it changes
 */
import { CONFIG } from "./coresettings.js";

/** @type {Handle[]} */
export const HANDLES = ["learning_rate", "hold_until", "warmup", "decay_until"];
/** Ends of the rate's axis, times a power of ten. */
const TOPS = [1, 1.5, 2, 3, 5, 7.5, 10];
/** Room above the highest rate. */
const ABOVE = 1.15;
/** A drag moves an epoch by steps of at least this share of the run. */
const SHARE = 0.01;
/** A key changes the rate by this factor. */
const FACTOR = 1.1;
/** The highest rate that the core takes. */
const MOST = 10;
/** A chart's axis is not shortened below so many steps. */
const FEWEST = 60;

/** Whether a setting can be dragged on the plan. @param {Handle} handle @param {Values} values */
export function isShown(handle, { schedule }) {
  if (handle === "hold_until") return schedule !== "constant";
  return handle !== "decay_until" || schedule === "linear" || schedule === "cosine";
}

/** The upper end of the rate's axis. @param {number} rate the highest one */
export function topOf(rate) {
  const least = Math.max(rate, 1e-6) * ABOVE;
  const power = 10 ** Math.floor(Math.log10(least));
  return Number((power * (TOPS.find((top) => top * power >= least) ?? 10)).toPrecision(2));
}

/** Epochs between which a dragged handle snaps. @param {number} epochs */
export function gridOf(epochs) {
  const least = epochs * SHARE;
  const power = 10 ** Math.floor(Math.log10(least));
  return Number((power * ([1, 2, 5, 10].find((step) => step * power >= least * 0.999) ?? 10)).toPrecision(1));
}

/** A handle's value on its axis; the zero of 0 is the last epoch. @param {Handle} handle @param {Values} values */
export const valueOf = (handle, values) =>
  Number(values[handle]) || (handle === "decay_until" ? Number(values.epochs) : 0);

/**
 * A handle's setting after it was moved to a value: on the grid, within the run; a zero at the last epoch stays there if the
 * number of epochs changes.
 *
 * @param {Handle} handle @param {number} value @param {Values} values
 */
export function moved(handle, value, values) {
  if (handle === "learning_rate") return Math.min(Math.max(Number(value.toPrecision(2)), 0), MOST);
  const epochs = Number(values.epochs);
  const grid = gridOf(epochs);
  const most = handle === "hold_until" ? Math.min(valueOf("decay_until", values), epochs) : epochs;
  const snapped = Math.min(Math.max(Number((Math.round(value / grid) * grid).toPrecision(6)), 0), most);
  if (handle === "decay_until") return snapped === epochs ? 0 : Math.max(snapped, grid);
  return snapped;
}

/** A handle's setting after a key has moved it by so many steps. @param {Handle} handle @param {number} by @param {Values} values */
export function nudged(handle, by, values) {
  const value = valueOf(handle, values);
  if (handle !== "learning_rate") return moved(handle, value + by * gridOf(Number(values.epochs)), values);
  if (!value) return by > 0 ? 0.001 : 0;
  const near = moved(handle, value * FACTOR ** by, values);
  // where two digits hide a tenth, the last one changes by one
  return near === value
    ? moved(handle, value + Math.sign(by) * 10 ** (Math.floor(Math.log10(value)) - 1), values)
    : near;
}

/**
 * Where to ask for rates: evenly over a run, and at every bend.
 *
 * @param {Values} values @param {number} count
 */
export function epochsOf(values, count) {
  const epochs = Number(values.epochs);
  const even = Array.from({ length: count + 1 }, (_, i) => (epochs * i) / count);
  const bends = ["warmup", "hold_until", "decay_until"].map((key) => Number(values[key]));
  return [...new Set([...even, ...bends.filter((epoch) => epoch > 0 && epoch < epochs)])].sort((a, b) => a - b);
}

/** Settings on which the time of a step depends. */
const WORK = ["data", "trained", "from", "width", "resolution", "batch", ...CONFIG.map(({ key }) => key)];
/** Whether a step takes as long with other settings. @param {Values} one @param {Values} other */
export const sameWork = (one, other) => WORK.every((key) => one[key] === other[key]);

/**
 * When epochs are reached, in milliseconds since 1970.
 *
 * @param {number[]} epochs @param {{now: number, done: number, perEpoch: number}} run `done`: epochs, `perEpoch`: milliseconds
 */
export const timesOf = (epochs, { now, done, perEpoch }) => epochs.map((epoch) => now + (epoch - done) * perEpoch);

/**
 * How many steps a chart's axis covers: the whole run, or a half, a quarter… of it while that is enough and half of it would
 * stay empty; so it rarely changes.
 *
 * @param {number} done @param {number} total
 */
export function axisEnd(done, total) {
  let end = Math.max(done, total);
  while (end / 2 >= Math.max(done * 1.1, FEWEST)) end /= 2;
  return end;
}

/** Points of a plan, at most. */
const POINTS = 240;
/** More plans than a page shows at a time; dragging makes many. */
const KEPT = 100;

/**
 * Finds the planned rates of runs, as the core computes them. The first request for a plan returns undefined, and `changed` is
 * called when it is there.
 *
 * @param {Pick<import("../engine/engine.js").Engine, "learningRates">} engine @param {() => void} changed
 */
export function createPlans(engine, changed) {
  /** @type {Map<string, Plan | null>} */
  const known = new Map();

  /** @param {import("../engine/protocol.js").Recipe} recipe @param {number} total steps @param {number} perEpoch steps */
  async function find(recipe, total, perEpoch) {
    const count = Math.min(total, POINTS);
    const step = Array.from({ length: count }, (_, i) => 1 + Math.round(((total - 1) * i) / Math.max(count - 1, 1)));
    const rates = await engine.learningRates(
      recipe,
      step.map((one) => (one - 1) / perEpoch),
    );
    return { step, rate: [...rates] };
  }

  /** @param {import("../engine/protocol.js").Recipe} recipe @param {number} total @param {number} perEpoch */
  return (recipe, total, perEpoch) => {
    if (!(total > 0 && perEpoch > 0)) return undefined;
    const key = JSON.stringify([recipe, total, perEpoch]);
    const plan = known.get(key);
    if (plan !== undefined) return plan ?? undefined;
    if (known.size >= KEPT) known.clear();
    known.set(key, null);
    find(recipe, total, perEpoch).then(
      (found) => {
        known.set(key, found);
        changed();
      },
      () => {}, // settings of another build, or the core has stopped: the line is missing
    );
    return undefined;
  };
}
