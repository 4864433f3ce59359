/**
 * Our recorded trainings on CIFAR-10 (`cargo xtask experiments`), which need no training here. The files of curves/ that
 * exist are listed beside them, so that none is asked for in vain. Knows no DOM.
 *
 * @typedef {object} Epoch figures on the 10,000 test images after an epoch
 * @property {number} step
 * @property {number} loss
 * @property {number} accuracy
 *
 * @typedef {object} Recording
 * @property {string} name
 * @property {import("../settings.js").Values} settings common to all sides
 * @property {string} command
 * @property {{settings: import("../settings.js").Values, runs: Run[]}[]} sides
 *
 * @typedef {object} Run
 * @property {number} seed
 * @property {string} commit of the code that trained it
 * @property {Epoch[]} epochs
 *
 * @typedef {{step: number, low: number, high: number}} Range
 * @typedef {object} Line what is drawn of a side: the mean of its seeds, and their range
 * @property {Epoch[]} mean
 * @property {Record<"loss" | "accuracy", Range[]> | undefined} band
 */
import { fetchJson } from "../../engine/download.js";
import { differencesOfSeeds, mean } from "./outcome.js";
import { CIFAR_IMAGES } from "../settings.js";
import { OWN } from "./record.js";

/** The recording that asks the same as a ready-made comparison. @type {Record<string, string>} */
const ASKS = {
  bottleneck: "bottleneck",
  shortcut: "shortcut",
  parameters: "architecture",
  expansion: "expansion",
  activation: "relu",
  rate: "decay",
};
/** The recording in which a setting differs, for a person's own comparison. @type {Record<string, string>} */
const DIFFERS = {
  bottleneck: "bottleneck",
  shortcut: "shortcut",
  architecture: "architecture",
  expansion: "expansion",
  activation: "relu",
};
/** Images by which they are judged. */
export const TEST_IMAGES = 10_000;

/** Requests so far, by file name. @type {Map<string, Promise<any>>} */
const asked = new Map();

/** A file of curves/, fetched once. @param {string} name */
function fileOf(name) {
  const request = asked.get(name) ?? fetchJson(new URL(`../../curves/${name}.json`, import.meta.url));
  asked.set(name, request);
  request.catch(() => asked.delete(name)); // a failure is tried again
  return request;
}

/** A recording, or null if it is not there. @param {string} name @returns {Promise<Recording | null>} */
export async function recordingOf(name) {
  const there = await fileOf("recorded");
  return there.includes(name) ? fileOf(name) : null;
}

/**
 * The name of the recording that asks the same as a comparison; "": none does.
 *
 * @param {string} contest its name @param {string} differs the setting in which a person's own one differs
 */
export const asksOf = (contest, differs) => (contest === OWN ? DIFFERS[differs] : ASKS[contest]) ?? "";

/**
 * The sides that have runs: later ones may still be in training.
 *
 * @param {Recording} recording
 */
export const trained = ({ sides }) => sides.filter(({ runs }) => runs.length > 0);

/** How many seeds all sides with runs have. @param {Recording} recording */
export const seedsOf = (recording) => Math.min(...trained(recording).map(({ runs }) => runs.length));

/** @param {Recording["sides"][number]} side @returns {Line} */
export function lineOf({ runs }) {
  const [{ epochs }] = runs;
  const length = Math.min(...runs.map((run) => run.epochs.length));
  /** @param {number} i @param {"loss" | "accuracy"} key */
  const all = (i, key) => runs.map((run) => run.epochs[i][key]);
  /** @param {"loss" | "accuracy"} key */
  const band = (key) =>
    epochs
      .slice(0, length)
      .map(({ step }, i) => ({ step, low: Math.min(...all(i, key)), high: Math.max(...all(i, key)) }));
  return {
    mean: epochs
      .slice(0, length)
      .map(({ step }, i) => ({ step, loss: mean(all(i, "loss")), accuracy: mean(all(i, "accuracy")) })),
    band: runs.length > 1 ? { loss: band("loss"), accuracy: band("accuracy") } : undefined,
  };
}

/** The accuracy after the last epoch of each seed. @param {Recording["sides"][number]} side */
export const finalsOf = ({ runs }) => runs.map(({ epochs }) => epochs[epochs.length - 1].accuracy);

/**
 * The differences between the first side and the others over the seeds that all have; none from fewer than two.
 *
 * @param {Recording} recording
 */
export function differencesOf(recording) {
  const [sides, seeds] = [trained(recording).map(finalsOf), seedsOf(recording)];
  if (sides.length < 2 || seeds < 2) return [];
  return differencesOfSeeds(Array.from({ length: seeds }, (_, seed) => sides.map((finals) => finals[seed])));
}

/**
 * A recorded line over the steps of another training: at the same number of images seen.
 *
 * @template {{step: number}} T
 * @param {T[]} points @param {number} from batch of the recording @param {number} to batch of the other training
 * @returns {T[]}
 */
export const atImages = (points, from, to) => points.map((point) => ({ ...point, step: (point.step * from) / to }));

/**
 * Whether recorded lines can stand behind a comparison: it sees the same images, and long enough to be seen beside them.
 *
 * @param {Recording} recording @param {import("./record.js").Contest} contest
 */
export function comparable(recording, { settings: { data, steps, batch } }) {
  const images = Number(recording.settings.epochs) * CIFAR_IMAGES;
  return data === "cifar-10" && Number(steps) * Number(batch) >= images / 4;
}
