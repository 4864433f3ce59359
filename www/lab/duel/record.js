/**
 * A comparison as data: what is kept of it. Knows neither engine nor storage.
 *
 * @typedef {import("../settings.js").Values} Values
 * @typedef {import("../run.js").Evaluated} Evaluated
 *
 * @typedef {object} Contest what is compared: the table of ready-made ones, or a person's own
 * @property {string} name
 * @property {Values} settings that all sides have, with `steps`: how long each trains
 * @property {Values[]} sides for each what differs; `decay_until_share`: of the steps, after which a falling rate is zero
 *
 * @typedef {object} Side one network of one seed
 * @property {import("../run.js").Run["steps"]} steps
 * @property {Evaluated[]} evaluations on the sample
 * @property {Evaluated | null} final on the pictures that decide
 * @property {Uint8Array | null} right whether each of those pictures was right: 1 or 0
 *
 * @typedef {object} Round all sides with one seed
 * @property {number} seed
 * @property {Side[]} sides
 *
 * @typedef {object} Record
 * @property {string} id of the contest, by {@link idOf}: a new comparison replaces the one before
 * @property {Contest} contest
 * @property {number} seeds rounds wanted
 * @property {Round[]} rounds the last one may be in progress
 * @property {{parameters: number, macs: number}[]} costs of each side
 * @property {number} [images_per_epoch] once a training has begun
 * @property {number[]} milliseconds of a step of each side on this device; 0: unknown
 * @property {"active" | "interrupted" | "stopped" | "finished" | "failed"} end interrupted: it can continue from its
 *   snapshots
 */
import { preset } from "../settings.js";

/** The name of a person's own comparison. */
export const OWN = "own";
/** Evaluations of each side while it trains, at steps that follow from the length alone. */
export const EVALUATIONS = 15;

/** What a comparison is kept under: its name and, unless they are drawings, its images. @param {Contest} contest */
export const idOf = ({ name, settings: { data } }) => (name === OWN || data === "shapes" ? name : `${name} ${data}`);

/** @param {Contest} contest @param {Record["costs"]} costs @returns {Record} */
export const newRecord = (contest, costs) => ({
  id: idOf(contest),
  contest: structuredClone(contest),
  seeds: 1,
  rounds: [],
  costs,
  milliseconds: costs.map(() => 0),
  end: "active",
});

/** @param {number} seed @param {number} sides @returns {Round} */
export const newRound = (seed, sides) => ({
  seed,
  sides: Array.from({ length: sides }, () => ({
    steps: { step: [], loss: [], accuracy: [], learning_rate: [] },
    evaluations: [],
    final: null,
    right: null,
  })),
});

/** All settings of a side, from random weights. @param {Contest} contest @param {number} side @param {number} [seed] @returns {Values} */
export function settingsOf({ settings, sides }, side, seed) {
  const values = { ...preset("quick", String(settings.data)), ...settings, ...sides[side] };
  return { ...values, from: "", ...(seed !== undefined && { seed }) };
}

/** The seed of the first round. @param {Contest} contest */
export const firstSeed = (contest) => Number(settingsOf(contest, 0).seed);

/** Steps that each side trains. @param {Contest} contest */
export const stepsOf = ({ settings }) => Number(settings.steps);

/** Steps that all sides of a round have done. @param {Round} round */
export const stepsDone = ({ sides }) => Math.min(...sides.map(({ steps }) => steps.step.length));

/** Whether all sides have been judged. @param {Round} round */
export const isJudged = ({ sides }) => sides.every(({ right }) => right);

/** For each judged round and side, which pictures were right. @param {Record} record @returns {Uint8Array[][]} */
export const judgedOf = ({ rounds }) =>
  rounds.filter(isJudged).map(({ sides }) => sides.map(({ right }) => /** @type {Uint8Array} */ (right)));
