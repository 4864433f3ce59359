/** Whether a training still makes sense. */
import { stepOf } from "../run.js";

/**
 * @typedef {import("../run.js").Run} Run
 * @typedef {import("../run.js").Evaluated} Evaluated
 */

/** The loss is taken over this many of the last steps, at the start of a run over fewer. */
const STEPS = 20;
const FEW_STEPS = 8;
/**
 * How many times its initial value a loss must be to be more than noise. A network that knows nothing gives each of n
 * classes 1/n, and its loss is ln n; at three times that, it gives the right one of ten classes a thousandth. Trainings
 * that go well jump there for a few steps, at a high rate in the beginning, but not for half of twenty.
 */
const EXPLODED = 3;
/** With two classes, three times ln 2 is easily reached by chance. */
const LEAST_EXPLODED = 5;
/** Standard deviations from guessing within which an accuracy counts as guessing, and beyond which it does not. */
const GUESS = 2;
const NO_GUESS = 5;
/** Consecutive evaluations no better than guessing: after just one, batch norm's averages may lag. */
const COLLAPSED = 2;

/**
 * Problems of a run whose numbers are finite: `exploded` if the loss is far above that of guessing and above its start;
 * `collapsed` if held-out accuracy was better than guessing and no longer is.
 *
 * @param {Run} run
 * @returns {"exploded" | "collapsed" | null}
 */
export function troubleOf(run) {
  if (recentLoss(run) > Math.max(EXPLODED * Math.max(guessingLoss(run), run.steps.loss[0]), LEAST_EXPLODED))
    return "exploded";
  const last = run.evaluations.slice(-COLLAPSED);
  const better = run.evaluations.some((evaluation) => beats(evaluation, NO_GUESS));
  return better && last.length === COLLAPSED && !last.some((evaluation) => beats(evaluation, GUESS))
    ? "collapsed"
    : null;
}

/** The median loss of the last steps; NaN if there are too few. @param {Run} run */
export function recentLoss({ steps }) {
  const last = steps.loss.slice(-STEPS).sort((a, b) => a - b);
  return last.length < FEW_STEPS ? NaN : last[last.length >> 1];
}

/** The loss of a network that gives every class the same probability. @param {Run} run */
export const guessingLoss = ({ labels }) => Math.log(labels.length);

/**
 * Whether one evaluation is better than another on the same pictures.
 *
 * @param {Evaluated} one
 * @param {Evaluated} [other]
 */
export const isBetter = (one, other) =>
  !other || one.accuracy > other.accuracy || (one.accuracy === other.accuracy && one.loss < other.loss);

/** The best evaluation, if its weights differ from the last ones and are better than guessing. @param {Run} run */
export function goodBest(run) {
  const { best, end } = run;
  return best && (best.step !== stepOf(run) || end === "failed") && beats(best, GUESS) ? best : undefined;
}

/** Accuracy of always answering the most common class. @param {Uint32Array} labels of pictures */
export function guessing(labels) {
  /** @type {Map<number, number>} */
  const counts = new Map();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return Math.max(0, ...counts.values()) / labels.length;
}

/**
 * Whether an accuracy exceeds guessing by this many standard deviations.
 *
 * @param {Evaluated} evaluation
 * @param {number} deviations
 */
function beats({ accuracy, total, guessing = 1 }, deviations) {
  return accuracy > guessing + deviations * Math.sqrt((guessing * (1 - guessing)) / total);
}
