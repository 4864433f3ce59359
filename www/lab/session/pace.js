/** When to evaluate and store a training: only so often that it costs little. */

/** Training takes at least this many times as long as the evaluations in between. */
const EVALUATION_SHARE = 6;
const EVALUATE_AFTER = 1500;
/** Milliseconds of training that may be lost with the page. */
const CHECKPOINT_AFTER = 20_000;

/** The pace of a training that is in progress, from the time when it is created. */
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

  /** Counts a step; returns images per second. */
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

  /** Excludes the time of an evaluation from training. @param {Promise<void>} evaluation */
  async evaluating(evaluation) {
    const from = performance.now();
    await evaluation;
    const now = performance.now();
    this.#began += now - from;
    this.#evaluate = now + Math.max(EVALUATE_AFTER, EVALUATION_SHARE * (now - from));
  }
}
