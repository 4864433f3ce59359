/**
 * One evaluation of a run in progress, on its sample or on all held-out pictures.
 *
 * @typedef {object} Judged results per picture
 * @property {Uint32Array} labels
 * @property {Uint32Array} predictions
 * @property {Float32Array} confidences probability of the predicted class
 */
import { stepOf } from "../run.js";
import { guessing, isBetter } from "./health.js";
import { checkFinite } from "./lost.js";

/**
 * Adds the result to the run and, if its sample went better than ever, the weights.
 *
 * @param {import("../../engine/engine.js").Trainer} trainer
 * @param {import("../run.js").Run} run
 * @param {{images?: number, signal?: AbortSignal, onProgress: (share: number) => void}} how `images`: by default the
 *   run's sample
 * @returns {Promise<Judged>}
 */
export async function evaluate(trainer, run, { images, signal, onProgress }) {
  const sample = images === undefined;
  const { loss, accuracy, total, weights, ...judged } = await trainer.evaluate({
    images: images ?? run.held_out,
    signal,
    onProgress,
    weightsIf: ({ accuracy, loss }) => sample && isBetter({ step: 0, loss, accuracy, total: 0 }, run.best),
  });
  checkFinite(loss);
  const evaluated = { step: stepOf(run), loss, accuracy, total, guessing: guessing(judged.labels) };
  run.evaluations.push(evaluated);
  if (weights) {
    run.best = evaluated;
    run.bestWeights = weights;
  }
  return judged;
}
