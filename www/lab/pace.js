/** When a training is evaluated and kept, and on how many pictures: no more often than costs little. */

/** @typedef {import("./run.js").Run} Run */

/** Held-out pictures shown. */
export const GRID = 40;
/** Held-out pictures of an evaluation while training: about as many as a second is enough for. */
const HELD_OUT = [GRID, 500];
/** How many times as many it may be for the sake of comparing runs, or as few. */
const COMPARABLE = 3;
/** How much faster a picture is evaluated than trained on, roughly. */
const EVALUATION_SPEED = 3;
/** Training takes at least this many times as long as the evaluations between it. */
const EVALUATION_SHARE = 6;
const EVALUATE_AFTER = 1500;
/** Milliseconds of training that may be lost with the page. */
const CHECKPOINT_AFTER = 20_000;

/** Of a training that goes on, from the moment when it is made. */
export class Pace {
  #batch;
  #images = 0;
  #began = performance.now();
  #evaluate = this.#began + EVALUATE_AFTER;
  #checkpoint = this.#began + CHECKPOINT_AFTER;

  /** @param {number} batch */
  constructor(batch) {
    this.#batch = batch;
  }

  /** Another step is done; gives the images a second. */
  step() {
    this.#images += this.#batch;
    return (1000 * this.#images) / Math.max(performance.now() - this.#began, 1);
  }

  get evaluationDue() {
    return performance.now() >= this.#evaluate;
  }

  get checkpointDue() {
    return performance.now() >= this.#checkpoint;
  }

  checkpointed() {
    this.#checkpoint = performance.now() + CHECKPOINT_AFTER;
  }

  /** The time that an evaluation takes is none of training's. @param {Promise<void>} evaluation */
  async evaluating(evaluation) {
    const from = performance.now();
    await evaluation;
    const now = performance.now();
    this.#began += now - from;
    this.#evaluate = now + Math.max(EVALUATE_AFTER, EVALUATION_SHARE * (now - from));
  }
}

/**
 * How many held-out pictures a run is judged by: about as many as a second is enough for and, if that is not far off, the
 * same as the run before it on the same data, so that the two can be compared.
 *
 * @param {Run} run @param {Run[]} runs all of them @param {number} rate images a second
 */
export function sampleOf(run, runs, rate) {
  const [least, most] = HELD_OUT;
  const affordable = Math.min(Math.max(Math.round(EVALUATION_SPEED * rate), least), most);
  const { data } = run.settings;
  const before = runs.findLast((other) => other !== run && other.settings.data === data)?.held_out ?? 0;
  const near = before <= COMPARABLE * affordable && affordable <= COMPARABLE * before;
  return near && data !== "pictures" ? before : affordable; // one's own pictures become more
}
