/**
 * One training as data: the part that is kept. Knows neither engine nor storage.
 *
 * @typedef {import("./settings.js").Values} Values
 * @typedef {import("./settings.js").Value} Value
 *
 * @typedef {object} Evaluated
 * @property {number} step
 * @property {number} loss
 * @property {number} accuracy
 * @property {number} total number of pictures
 * @property {number} [guessing] accuracy of always answering the most common class
 *
 * @typedef {object} Run
 * @property {string} id unique, even across reloads
 * @property {number} number from 1; unique among tabs
 * @property {string} [title] that a person gave it
 * @property {Values} settings including later changes
 * @property {{step: number[], loss: number[], accuracy: number[], learning_rate: number[]}} steps
 * @property {Evaluated[]} evaluations
 * @property {{step: number, key: string, from: Value, to: Value}[]} [changes] of settings, after the given step
 * @property {number} steps_per_epoch
 * @property {number} held_out pictures per evaluation, 0 until the first
 * @property {"active" | "interrupted" | "stopped" | "finished" | "failed" | "imported"} end interrupted: it can
 *   continue from its checkpoint; imported: only its curves are here
 * @property {import("../engine/protocol.js").Config} config
 * @property {string[]} labels
 * @property {Omit<import("../engine/protocol.js").Snapshot, "bytes">} [snapshot] of an interrupted run; its bytes are
 *   the weights
 * @property {Evaluated} [best] the best evaluation; none if that is of the final weights
 * @property {boolean} [hidden] whether its curves are hidden
 * @property {Uint8Array | null} weights the last weights' file of an ended run, or the checkpoint's bytes, if in memory
 * @property {Uint8Array | null} bestWeights the best weights' file, if in memory
 *
 * @typedef {"last" | "best"} Which of a run's weights
 */

/** Values kept of each step. */
export const CURVES = /** @type {const} */ (["step", "loss", "accuracy", "learning_rate"]);

/** A unique id, even across reloads. @param {number} number */
export const newId = (number) => `run-${Date.now().toString(36)}-${number}`;

/** Number of steps that a run has done. @param {Run} run */
export const stepOf = ({ steps }) => steps.step.at(-1) ?? 0;

/**
 * A run before its first step.
 *
 * @param {number} number @param {Values} settings @param {import("../engine/protocol.js").Config} config @param {string[]} labels
 * @param {number} steps_per_epoch
 * @returns {Run}
 */
export const newRun = (number, settings, config, labels, steps_per_epoch) => ({
  id: newId(number),
  number,
  settings: { ...settings },
  steps: { step: [], loss: [], accuracy: [], learning_rate: [] },
  evaluations: [],
  held_out: 0,
  steps_per_epoch,
  end: "active",
  config: { ...config, classes: labels.length },
  labels,
  weights: null,
  bestWeights: null,
});

/**
 * A copy of a run that does not change with it. Weights files, which never change, are shared.
 *
 * @param {Run} run
 * @returns {Run}
 */
export function copyOf(run) {
  const { weights, bestWeights, ...rest } = run;
  return { ...structuredClone(rest), weights, bestWeights };
}

/** The weights that a run offers: the last, and the best if they differ. @param {Run} run @returns {Which[]} */
export function weightsIn({ end, best, steps }) {
  if (end === "imported") return [];
  if (end === "failed" || end === "interrupted") return best ? ["best"] : [];
  return best && (end === "active" || best.step !== steps.step.at(-1)) ? ["last", "best"] : ["last"];
}
