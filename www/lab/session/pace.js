/** When a training is evaluated and kept: no more often than costs little. */

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
