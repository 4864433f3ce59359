/**
 * How long comparisons take on this device: a step of each side is timed, while nothing trains, once for each network and
 * batch. A comparison that was trained here has its own times.
 *
 * @typedef {import("./record.js").Contest} Contest
 */
import { signal } from "../signals.js";
import { FINAL, SAMPLE } from "../session/sample.js";
import { EVALUATIONS, settingsOf, stepsOf } from "./record.js";
import { configOfSide } from "./sides.js";

/** A step is forward and backward, the latter twice the work: an evaluated picture takes a third of a trained one. */
const OF_STEP = 1 / 3;
/** Drawing, pictures and checkpoints, as a share of the rest. */
const REST = 1.1;

export class Estimate {
  #engine;
  #sources;
  #isBusy;
  /** Milliseconds of a step by network and batch. @type {import("../signals.js").Signal<Map<string, number>>} */
  #times = signal(new Map());
  /** The measurements so far, one after another. */
  #turn = Promise.resolve();

  /**
   * @param {Pick<import("../../engine/engine.js").Engine, "profile">} engine @param {import("./sides.js").Sources} sources
   * @param {() => boolean} isBusy whether something trains, which has precedence
   */
  constructor(engine, sources, isBusy) {
    this.#engine = engine;
    this.#sources = sources;
    this.#isBusy = isBusy;
  }

  /** Times a step of each side of these, unless that is known. @param {Contest[]} contests */
  measure(contests) {
    this.#turn = this.#turn.then(() => this.#measure(contests)).catch((error) => console.info(error)); // only times are missing
    return this.#turn;
  }

  /** @param {Contest[]} contests */
  async #measure(contests) {
    for (const contest of contests) {
      for (const side of contest.sides.keys()) {
        const { key, config, batch } = this.#timed(contest, side);
        if (this.#times.peek().has(key)) continue;
        if (this.#isBusy()) return;
        const { milliseconds } = await this.#engine.profile(config, { batch });
        this.#times.value = new Map(this.#times.peek()).set(key, milliseconds);
      }
    }
  }

  /** @param {Contest} contest @param {number} side */
  #timed(contest, side) {
    const config = configOfSide(contest, side, this.#sources);
    const batch = Number(settingsOf(contest, side).batch);
    return { key: JSON.stringify([config, batch]), config, batch };
  }

  /** Seconds for one seed; NaN while unknown. @param {Contest} contest @param {import("./record.js").Record | null} [record] */
  seconds(contest, record) {
    const known = record && !record.milliseconds.includes(0) ? record.milliseconds : null;
    const all = contest.sides.map((_, side) => {
      const { key, batch } = this.#timed(contest, side);
      const step = known?.[side] ?? this.#times.value.get(key) ?? NaN;
      const evaluated = (EVALUATIONS * SAMPLE + FINAL) / batch;
      return step * (stepsOf(contest) + OF_STEP * evaluated);
    });
    return (REST * all.reduce((sum, one) => sum + one, 0)) / 1000;
  }
}
