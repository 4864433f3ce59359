/** Which errors end a training, and after which it can continue. */
import { EngineError } from "../../engine/errors.js";

/** Codes after which the core has lost the training, or holds useless values. */
const LOST = ["engine-stopped", "thread-lost", "closed", "diverged"];

/** @param {unknown} error */
const codeOf = (error) => /** @type {any} */ (error).code;
/** @param {unknown} error */
export const isLost = (error) => LOST.includes(codeOf(error));
/** @param {unknown} error */
export const hasDiverged = (error) => codeOf(error) === "diverged";

/** If a loss is not finite, neither are the weights. @param {number} loss */
export function checkFinite(loss) {
  if (!Number.isFinite(loss)) throw new EngineError("diverged", `the loss is ${loss}`);
}
