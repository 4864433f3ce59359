/**
 * Looks into a network while it trains: at its first filters, its activations and its gradients, every so many steps. They are
 * kept in memory only, and cost at most a fixed share of the training on any machine. Knows no DOM.
 *
 * @typedef {object} Look
 * @property {number} step
 * @property {{zeros: number, sixes: number}[]} statistics of each layer
 * @property {Float32Array} gradients lengths, of each layer
 * @property {Float32Array} filters of the stem, (C, 3, 9)
 * @property {{step: number, predictions: Uint32Array} | null} guesses of the last evaluation, on the first held-out pictures
 */
import { follow, signal } from "./signals.js";
import { GRID } from "./session/sample.js";

/** Of the time of training and looks together, at most this share goes to the looks. */
export const SHARE = 0.02;
/** Looks kept. */
export const MOST = 60;

/**
 * After how many steps looks that took so long altogether are no more than their share.
 *
 * @param {number} spent milliseconds @param {number} step milliseconds of one
 */
export const stepsFor = (spent, step) => Math.max(1, Math.ceil((spent * (1 / SHARE - 1)) / step));

/** Every second one, with the first and the last. @template T @param {T[]} all */
export const thinned = (all) => all.filter((_, i) => i % 2 === 0 || i === all.length - 1);

export class Looks {
  #session;
  /** Of the running or last run, in order. @type {import("./signals.js").Signal<Look[]>} */
  all = signal([]);
  /** What they took, in milliseconds: the last one, all, and the training meanwhile. */
  spent = signal({ last: 0, looks: 0, training: 0 });
  /** @type {import("../engine/engine.js").Trainer | null} */
  #trainer = null;
  /** The step from which on training counts. */
  #from = 0;
  /** Steps between two, at least: more once some were dropped. */
  #spacing = 1;
  /** Whether one is being taken, or none can be taken any more. */
  #busy = false;

  /** @param {import("./session/session.js").Session} session */
  constructor(session) {
    this.#session = session;
    follow(
      () => [session.trainer.value, session.steps.value, session.judged.value],
      () => this.#consider(),
    );
  }

  #consider() {
    const { trainer, steps, state, judged } = this.#session;
    const now = trainer.peek();
    if (now && now !== this.#trainer) {
      this.#trainer = now;
      [this.#from, this.#spacing, this.#busy] = [steps.peek(), 1, false];
      this.all.value = [];
      this.spent.value = { last: 0, looks: 0, training: 0 };
    }
    // the guesses are those of an evaluation
    if (!now || this.#busy || !judged.peek() || !["running", "paused"].includes(state.peek())) return;
    if (steps.peek() >= this.#due) this.#look(now);
  }

  /** Milliseconds of a step. */
  get #each() {
    const { run, rate } = this.#session;
    return (1000 * Number(run.peek()?.settings.batch)) / Math.max(rate.peek(), 1e-9);
  }

  /** The step at which the next one is paid for, with some to spare since it may take longer than the last one. */
  get #due() {
    const before = this.all.peek().at(-1);
    if (!before) return this.#from + 1;
    const { last, looks } = this.spent.peek();
    return Math.max(this.#from + stepsFor(looks + 2 * last, this.#each), before.step + this.#spacing);
  }

  /** @param {import("../engine/engine.js").Trainer} trainer */
  async #look(trainer) {
    this.#busy = true;
    try {
      const { position, milliseconds, ...inside } = await trainer.inside();
      if (trainer !== this.#trainer) return;
      this.#add(inside, position, milliseconds);
      this.#busy = false;
    } catch {
      // the training is gone or has diverged, as the session finds out by itself
    }
  }

  /** @param {Pick<Look, "statistics" | "gradients" | "filters">} inside @param {number} position @param {number} milliseconds */
  #add(inside, position, milliseconds) {
    const { run, judged } = this.#session;
    const now = run.peek();
    if (!now) return;
    const step = Math.round(position / Number(now.settings.batch));
    const evaluated = now.evaluations.at(-1);
    const predictions = judged.peek()?.predictions.slice(0, GRID);
    const guesses = evaluated && predictions ? { step: evaluated.step, predictions } : null;
    const before = this.all.peek();
    const all = [...before, { step, ...inside, guesses }];
    if (all.length > MOST) this.#spacing = 2 * Math.max(this.#spacing, step - before[before.length - 1].step);
    this.all.value = all.length > MOST ? thinned(all) : all;
    const looks = this.spent.peek().looks + milliseconds;
    this.spent.value = { last: milliseconds, looks, training: (step - this.#from) * this.#each };
  }
}
