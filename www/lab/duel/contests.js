/**
 * What can be compared: the table of ready-made comparisons, a person's own, and what our recorded runs gave.
 *
 * @typedef {import("./record.js").Contest} Contest
 * @typedef {import("../settings.js").Setting} Setting
 *
 * @typedef {object} Recorded outcome of a ready-made comparison
 * @property {number[][]} sides accuracies of each side, one for each seed
 * @property {number} steps
 * @property {string} command
 * @property {string} machine
 */
import { fetchJson } from "../../engine/download.js";
import { CONFIG } from "../coresettings.js";
import { parse, SETTINGS } from "../settings.js";
import { OWN } from "./record.js";

/** At least and at most so many sides. */
export const SIDES = [2, 4];

/** Settings of the model bar, which the form does not have. @type {Setting[]} */
const OF_BAR = CONFIG.filter(({ key }) => key === "width" || key === "resolution").map((setting) => ({
  ...setting,
  target: "config",
  group: "network",
  quick: setting.paper,
}));
/** Settings in which the sides of a person's own comparison can differ: all that do not choose other data. */
export const DIFFERING = [
  ...SETTINGS.filter(({ key, target }) => target === "config" && key !== "stem"),
  ...OF_BAR,
  ...SETTINGS.filter(({ key, target }) => target === "recipe" && key !== "decay_until" && key !== "seed"),
  ...SETTINGS.filter(({ key }) => key === "sizes"),
];

/** The images on which a ready-made comparison may be made. */
export const DATA = ["shapes", "cifar-10"];
/** Steps of a ready-made comparison on CIFAR-10: an epoch at their batch of 32. */
const CIFAR_STEPS = 1563;
/** The side of its images. */
const CIFAR_SIDE = 32;

/**
 * A ready-made comparison on CIFAR-10; null if a side needs images of another size.
 *
 * @param {Contest} contest @returns {Contest | null}
 */
export function onCifar(contest) {
  const { settings, sides } = contest;
  if (sides.some((side) => ({ ...settings, ...side }).resolution !== CIFAR_SIDE)) return null;
  return { ...contest, settings: { ...settings, data: "cifar-10", steps: CIFAR_STEPS } };
}

/** @returns {Promise<Contest[]>} */
export const readyMade = () => fetchJson(new URL("../../duels/duels.json", import.meta.url));

/** By name. @returns {Promise<Record<string, Recorded>>} */
export const recordedOutcomes = () => fetchJson(new URL("../../duels/outcomes.json", import.meta.url));

/**
 * A person's own comparison, or null if these are not two to four different values of the setting.
 *
 * @param {import("../settings.js").Values} settings of the form and the bar, common to all sides
 * @param {{differs: string, between: string, steps: number}} choice `between`: the values, separated by spaces
 * @returns {Contest | null}
 */
export function ownContest(settings, { differs, between, steps }) {
  const setting = DIFFERING.find(({ key }) => key === differs);
  if (!setting) return null;
  const texts = between.split(/[\s;]+/).filter(Boolean);
  const values = [...new Set(texts.map((text) => parse(setting, text)))];
  if (values.length < SIDES[0] || values.length > SIDES[1]) return null;
  const sides = values.flatMap((value) => (value === null ? [] : [{ [differs]: value }]));
  return sides.length < values.length ? null : { name: OWN, settings: { ...settings, steps }, sides };
}
