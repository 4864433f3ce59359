/**
 * How long comparisons take on this device. One training step is timed, once; others follow from their multiply-adds. A
 * comparison that was trained here has its own times.
 *
 * @typedef {import("./record.js").Contest} Contest
 */
import { signal } from "../signals.js";
import { settingsOf, stepsOf } from "./record.js";
import { costsOf } from "./sides.js";

/** The network timed: that of most ready-made comparisons, with its multiply-adds. */
const TIMED = { config: { width: 0.35, resolution: 32, classes: 10, stem: /** @type {const} */ ("cifar") }, batch: 32 };
/** Work besides the steps, as a share of it: evaluations, drawing. */
const REST = 1.15;

export class Estimate {
  #engine;
  #sources;
  /** Milliseconds of a step for each multiply-add of its pictures; 0 while unknown. */
  #pace = signal(0);
  /** Steps of multiply-adds of all sides, by contest. @type {import("../signals.js").Signal<Map<Contest, number>>} */
  #work = signal(new Map());

  /** @param {import("../../engine/engine.js").Engine} engine @param {import("./sides.js").Sources} sources */
  constructor(engine, sources) {
    this.#engine = engine;
    this.#sources = sources;
  }

  /** Times a step, while nothing trains. */
  async measure() {
    if (this.#pace.peek()) return;
    const { config, batch } = TIMED;
    const [{ macs }, { milliseconds }] = await Promise.all([
      this.#engine.describe(config),
      this.#engine.profile(config, { batch }),
    ]);
    this.#pace.value = milliseconds / (macs * batch);
  }

  /** Finds out how much work contests are. @param {Contest[]} contests */
  async weigh(contests) {
    const works = contests.map(async (contest) => {
      const costs = await costsOf(this.#engine, contest, this.#sources);
      const each = costs.map(({ macs }, side) => macs * Number(settingsOf(contest, side).batch));
      return /** @type {const} */ ([contest, each.reduce((sum, one) => sum + one, 0) * stepsOf(contest)]);
    });
    this.#work.value = new Map([...this.#work.peek(), ...(await Promise.all(works))]);
  }

  /** Seconds for one seed; NaN while unknown. @param {Contest} contest @param {import("./record.js").Record} [record] */
  seconds(contest, record) {
    const work = this.#work.value.get(contest);
    const pace = this.#pace.value;
    if (record && !record.milliseconds.includes(0)) {
      const step = record.milliseconds.reduce((sum, one) => sum + one, 0);
      return (REST * step * stepsOf(record.contest)) / 1000;
    }
    return work && pace ? (REST * work * pace) / 1000 : NaN;
  }
}
