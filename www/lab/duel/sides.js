/**
 * The trainers of a comparison's sides: their memory is checked before they are created, all at once or none.
 *
 * @typedef {import("../../engine/engine.js").Engine} Engine
 * @typedef {import("../../engine/engine.js").Trainer} Trainer
 * @typedef {import("./record.js").Contest} Contest
 * @typedef {{project: import("../project.js").Project, cifar: import("../cifar.js").Cifar}} Sources
 */
import { EngineError } from "../../engine/errors.js";
import { classesOf, configOf, dataOf, recipeOf } from "../settings.js";
import { settingsOf, stepsOf } from "./record.js";

/** Bytes that the core's memory can have, less what else it holds. */
const MEMORY = 1.7e9;
/** Bytes of training for each byte of the layers' outputs, measured: gradients, and what the kernels keep. */
const PER_OUTPUT = 1.8;
/** Bytes per parameter: weight, gradient, momentum, average. */
const PER_PARAMETER = 16;

/** A side's network. @param {Contest} contest @param {number} side @param {Sources} sources */
export const configOfSide = (contest, side, { project }) => {
  const values = settingsOf(contest, side);
  return configOf(values, classesOf(values, project));
};

/**
 * The costs of each side, in parameters, multiply-adds and bytes of training.
 *
 * @param {Pick<Engine, "describe">} engine @param {Contest} contest @param {Sources} sources
 */
export const costsOf = (engine, contest, sources) =>
  Promise.all(
    contest.sides.map(async (_, side) => {
      const { parameters, macs, layers } = await engine.describe(configOfSide(contest, side, sources));
      const outputs = layers.reduce((sum, { output_bytes }) => sum + output_bytes, 0);
      const { batch } = settingsOf(contest, side);
      return { parameters, macs, bytes: PER_OUTPUT * outputs * Number(batch) + PER_PARAMETER * parameters };
    }),
  );

/** @param {{bytes: number}[]} costs @throws {EngineError} `duel-memory` */
export function checkMemory(costs) {
  const needs = costs.reduce((sum, { bytes }) => sum + bytes, 0);
  if (needs <= MEMORY) return;
  const values = { needs: Math.ceil(needs / 1e8) / 10, has: MEMORY / 1e9 };
  throw new EngineError(
    "duel-memory",
    `the sides need ${values.needs} GB together, the core has ${values.has}`,
    values,
  );
}

/**
 * A trainer for each side: from the start, or from snapshots of one moment.
 *
 * @param {Engine} engine
 * @param {Contest} contest
 * @param {{seed: number, snapshots?: import("../../engine/protocol.js").Snapshot[], sources: Sources, signal: AbortSignal,
 *   onReady: (share: number) => void}} how
 * @returns {Promise<Trainer[]>}
 */
export async function createTrainers(engine, contest, { seed, snapshots, sources, signal, onReady }) {
  /** @type {Trainer[]} */
  const trainers = [];
  try {
    for (const side of contest.sides.keys()) {
      const values = settingsOf(contest, side, seed);
      const start = snapshots
        ? { snapshot: snapshots[side] }
        : { config: configOfSide(contest, side, sources), recipe: recipeOf(values) };
      const data = await dataOf(values, sources);
      const share = (/** @type {number} */ done) => onReady((side + done) / contest.sides.length);
      const trainer = await engine.createTrainer({ ...start, data, signal, onReady: share });
      trainers.push(trainer);
      if (!snapshots) await trainer.setRecipe({ decay_until: decayUntil(contest, side, trainer) });
    }
    onReady(1);
    return trainers;
  } catch (error) {
    for (const trainer of trainers) trainer.close();
    throw error;
  }
}

/**
 * The epoch, with decimals, at which a falling rate arrives at zero.
 *
 * @param {Contest} contest @param {number} side @param {{images_per_epoch: number}} data
 */
function decayUntil(contest, side, { images_per_epoch }) {
  const { batch, decay_until_share = 1 } = settingsOf(contest, side);
  return (Number(decay_until_share) * stepsOf(contest) * Number(batch)) / images_per_epoch;
}

/**
 * A side's recipe with the epoch of its zero, and its steps per epoch.
 *
 * @param {Contest} contest @param {number} side @param {number} images_per_epoch
 */
export function planned(contest, side, images_per_epoch) {
  const values = settingsOf(contest, side);
  const recipe = { ...recipeOf(values), decay_until: decayUntil(contest, side, { images_per_epoch }) };
  return { recipe, steps_per_epoch: images_per_epoch / Number(values.batch) };
}
