/**
 * Where batch norm's running averages lag. Training normalises each batch by its own statistics, an evaluation by averages
 * over the steps so far. While weights change fast, these fit weights that are gone, and the held-out loss leaps far above the
 * training loss (docs/performance.md has the measurement). Only images that were never seen twice prove it: with them, nothing
 * can have been learnt by heart.
 *
 * @typedef {import("./run.js").Run["steps"]} Steps
 * @typedef {import("./run.js").Evaluated} Evaluated
 */

/** How many times the training loss a held-out loss must be. */
const FACTOR = 1.5;
/** And by how much it must be above it: of small losses, a few images of the sample make twice as much. */
const GAP = 0.5;
/** The training loss is the mean over this many steps. */
const STEPS = 10;

/**
 * The evaluation that is furthest above the training loss, if averages explain it.
 *
 * @param {Steps} steps @param {Evaluated[]} evaluations
 * @param {number} fresh steps before any image is seen for the second time
 * @returns {{step: number, held: number, training: number} | null}
 */
export function lagOf({ step: steps, loss: losses }, evaluations, fresh) {
  const found = evaluations.flatMap(({ step, loss: held }) => {
    const at = steps.findLastIndex((one) => one <= step);
    const last = losses.slice(Math.max(0, at + 1 - STEPS), at + 1);
    const training = last.reduce((sum, one) => sum + one, 0) / last.length;
    return step <= fresh && held > FACTOR * training && held - training > GAP ? [{ step, held, training }] : [];
  });
  const furthest = (/** @type {typeof found[0] | null} */ most, /** @type {typeof found[0]} */ one) =>
    !most || one.held / one.training > most.held / most.training ? one : most;
  return found.reduce(furthest, null);
}

/**
 * Steps before any image of a training is seen twice. Drawings never are; averaged weights differ from the trained ones, and
 * frozen layers keep their averages, so nothing is told of those.
 *
 * @param {import("./settings.js").Values} settings @param {number} stepsPerEpoch
 */
export function freshSteps({ data, average, from }, stepsPerEpoch) {
  if (average || from) return 0;
  return data === "shapes" ? Infinity : stepsPerEpoch;
}
