/** After which errors a training is gone, and after which it can go on. */
import { EngineError } from "../../engine/errors.js";

/** Codes of those after which the core has forgotten the training, or what it has is of no use. */
const LOST = ["engine-stopped", "thread-lost", "closed", "diverged"];

/** @param {unknown} error */
const codeOf = (error) => /** @type {any} */ (error).code;
/** @param {unknown} error */
export const isLost = (error) => LOST.includes(codeOf(error));
/** @param {unknown} error */
export const hasDiverged = (error) => codeOf(error) === "diverged";

/** Where a loss is no number, neither are the weights. @param {number} loss */
export function checkFinite(loss) {
  if (!Number.isFinite(loss)) throw new EngineError("diverged", `the loss is ${loss}`);
}
