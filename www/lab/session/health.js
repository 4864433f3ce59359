/** Whether a training is still worth its time. */
import { stepOf } from "../run.js";

/**
 * @typedef {import("../run.js").Run} Run
 * @typedef {import("../run.js").Evaluated} Evaluated
 */

/** The loss is taken over so many of the last steps, and of a run that has just begun over a few. */
const STEPS = 20;
const FEW_STEPS = 8;
/**
 * How many times as large as in the beginning a loss is no longer noise. A network that knows nothing says 1/n of each of n
 * classes, and its loss is ln n: at three times that it gives the right class of ten a thousandth. Trainings that go well
 * leap there for a step or a few, at a high rate in the beginning, but half of twenty steps do not.
 */
const EXPLODED = 3;
/** Of two classes three times ln 2 is soon reached by chance. */
const LEAST_EXPLODED = 5;
/** Standard deviations of a guess within which an accuracy is one, and beyond which it surely is none. */
const GUESS = 2;
const NO_GUESS = 5;
/** Evaluations, one after the other, that are no better than guessing: batch norm's averages may lag at one. */
const COLLAPSED = 2;

/**
 * What is wrong with a run as it is now, though its numbers are finite: `exploded`, where the loss is far above that of
 * guessing and above where it began; `collapsed`, where held-out accuracy was better than guessing and no longer is.
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

/** The median loss of the last steps; of too few it is none. @param {Run} run */
export function recentLoss({ steps }) {
  const last = steps.loss.slice(-STEPS).sort((a, b) => a - b);
  return last.length < FEW_STEPS ? NaN : last[last.length >> 1];
}

/** The loss of a network that says the same of every class. @param {Run} run */
export const guessingLoss = ({ labels }) => Math.log(labels.length);

/** Whether one evaluation went better than another, on the same pictures. @param {Evaluated} one @param {Evaluated} [other] */
export const isBetter = (one, other) =>
  !other || one.accuracy > other.accuracy || (one.accuracy === other.accuracy && one.loss < other.loss);

/** The best evaluation, where its weights are others than the last and know something. @param {Run} run */
export function goodBest(run) {
  const { best, end } = run;
  return best && (best.step !== stepOf(run) || end === "failed") && beats(best, GUESS) ? best : undefined;
}

/** Accuracy of whoever says the commonest class every time. @param {Uint32Array} labels of pictures */
export function guessing(labels) {
  /** @type {Map<number, number>} */
  const counts = new Map();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return Math.max(0, ...counts.values()) / labels.length;
}

/** Whether it is more by so many standard deviations than guessing gives. @param {Evaluated} evaluation @param {number} deviations */
function beats({ accuracy, total, guessing = 1 }, deviations) {
  return accuracy > guessing + deviations * Math.sqrt((guessing * (1 - guessing)) / total);
}
