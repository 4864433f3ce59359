/**
 * One training as data: what is kept of it. Knows neither engine nor storage.
 *
 * @typedef {import("./settings.js").Values} Values
 * @typedef {import("./settings.js").Value} Value
 *
 * @typedef {object} Evaluated
 * @property {number} step
 * @property {number} loss
 * @property {number} accuracy
 * @property {number} total pictures it looked at
 * @property {number} [guessing] accuracy of whoever says the commonest of their classes every time
 *
 * @typedef {object} Run
 * @property {string} id no other run has it, not even before a reload
 * @property {number} number from 1; no other tab has it
 * @property {Values} settings it was started with, later changes included
 * @property {{step: number[], loss: number[], accuracy: number[], learning_rate: number[]}} steps
 * @property {Evaluated[]} evaluations
 * @property {{step: number, key: string, from: Value, to: Value}[]} [changes] of settings, after so many steps
 * @property {number} steps_per_epoch
 * @property {number} held_out pictures an evaluation looks at, 0 until the first
 * @property {"active" | "interrupted" | "stopped" | "finished" | "failed"} end interrupted: it can go on from its checkpoint
 * @property {import("../engine/protocol.js").Config} config
 * @property {string[]} labels
 * @property {Omit<import("../engine/protocol.js").Snapshot, "bytes">} [snapshot] of one that was interrupted; its bytes are the weights
 * @property {Evaluated} [best] the evaluation that went best; none where that is of the weights it has ended with
 * @property {boolean} [hidden] whether its curves are not drawn
 * @property {Uint8Array | null} weights a file of the last ones, once it has ended, or the bytes of its checkpoint, where they are in memory
 * @property {Uint8Array | null} bestWeights a file of the best ones, where they are in memory
 *
 * @typedef {"last" | "best"} Which weights of a run
 */

/** What is kept of each step. */
export const CURVES = /** @type {const} */ (["step", "loss", "accuracy", "learning_rate"]);

/** Steps that a run has done. @param {Run} run */
export const stepOf = ({ steps }) => steps.step.at(-1) ?? 0;

/**
 * A run before its first step.
 *
 * @param {number} number @param {Values} settings @param {import("../engine/protocol.js").Config} config @param {string[]} labels
 * @param {number} steps_per_epoch
 * @returns {Run}
 */
export const newRun = (number, settings, config, labels, steps_per_epoch) => ({
  id: `run-${Date.now().toString(36)}-${number}`,
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

/** A run as it is now, which does not change with it. Files of weights, which never change, are shared. @param {Run} run @returns {Run} */
export function copyOf(run) {
  const { weights, bestWeights, ...rest } = run;
  return { ...structuredClone(rest), weights, bestWeights };
}

/** The weights of a run that a person can have: the last ones, and the best where those are others. @param {Run} run @returns {Which[]} */
export function weightsIn({ end, best, steps }) {
  if (end === "failed" || end === "interrupted") return best ? ["best"] : [];
  return best && (end === "active" || best.step !== steps.step.at(-1)) ? ["last", "best"] : ["last"];
}
