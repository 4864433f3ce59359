/**
 * A comparison in training: its sides take steps in turn, so that they are always at the same one, and see the same
 * pictures in the same order. The states are those of a single run (session/machine.js); this file has the effects. Knows
 * no DOM.
 *
 * @typedef {import("./record.js").Record} Record
 * @typedef {import("./record.js").Contest} Contest
 * @typedef {import("../../engine/engine.js").Trainer} Trainer
 *
 * @typedef {object} Plan
 * @property {() => Promise<[record: Record, snapshots?: import("../../engine/protocol.js").Snapshot[]]>} find a new record, or one that goes on
 * @property {number} [seeds] in total, if that changes
 * @property {number} [steps] then pause
 */
import { EngineError } from "../../engine/errors.js";
import { CURVES } from "../run.js";
import { guessing } from "../session/health.js";
import { checkFinite, hasDiverged, isLost } from "../session/lost.js";
import { FINAL, SAMPLE } from "../session/sample.js";
import { sender } from "../session/sender.js";
import { batch, computed, effect, follow, signal } from "../signals.js";
import { claim } from "../storage/storage.js";
import { EVALUATIONS, firstSeed, isJudged, newRecord, newRound, stepsDone, stepsOf } from "./record.js";
import { checkMemory, costsOf, createTrainers } from "./sides.js";

/** @template T @typedef {import("../signals.js").Signal<T>} Signal */

/** Milliseconds of training that may be lost with the page. */
const CHECKPOINT_AFTER = 10_000;
/** Weight of the latest step in the time of a step. */
const LATEST = 0.1;

export class Duel {
  /** @type {Signal<import("../session/machine.js").State>} */
  state = signal("idle");
  /** The comparison in progress, or the last one. @type {Signal<Record | null>} */
  record = signal(null);
  /** Changes with every step and evaluation: a record changes in place. */
  changed = signal(0);
  /** @type {Signal<unknown>} */
  problem = signal(null);
  /** Progress of preparing pictures or of an evaluation, null if there is none. @type {Signal<number | null>} */
  waiting = signal(null);
  /** Whether a comparison is in progress or paused. */
  active = computed(() => this.state.value !== "idle");
  #engine;
  #sources;
  #session;
  #records;
  /** One for each side. @type {Trainer[]} */
  #trainers = [];
  /** Another one after the core has lost a training. */
  #current = {};
  #abort = new AbortController();
  #release = () => {};
  #send = sender(this.state, {
    prepare: (plan) => this.#prepare(plan),
    train: (steps) => this.#train(steps),
    abort: () => this.#abort.abort(),
    checkpoint: () => this.#attempt(() => this.#checkpoint().then(() => "kept")),
    evaluate: () => {}, // at fixed steps only
    evaluateAll: () => {},
    finish: () => this.#attempt(() => this.#finish("finished")),
    cutOff: () => this.#attempt(() => this.#finish("stopped")),
    tell: (error) => void (this.problem.value = error),
    goBack: (error) => this.#goBack(error),
    restart: () => this.#engine.restart().catch((error) => this.#send("lost", error)),
    release: () => void this.#records.settled.then(this.#release),
  });

  /**
   * @param {import("../../engine/engine.js").Engine} engine
   * @param {import("./sides.js").Sources} sources of pictures
   * @param {import("../session/session.js").Session} session which never trains at the same time
   * @param {import("./records.js").Records} records
   * @param {import("../core.js").Core} core
   */
  constructor(engine, sources, session, records, core) {
    this.#engine = engine;
    this.#sources = sources;
    this.#session = session;
    this.#records = records;
    effect(() => {
      this.changed.value;
      session.comparing.value = this.active.value ? this.done : null;
    });
    follow(
      () => core.loss.value,
      (loss) => loss && this.#trainers.length && this.#send("lost", loss.reason),
    );
  }

  /** The share of the work that is done. */
  get done() {
    const record = this.record.peek();
    if (!record) return 0;
    const steps = record.rounds.reduce((sum, round) => sum + stepsDone(round), 0);
    return steps / (record.seeds * stepsOf(record.contest));
  }

  /** Milliseconds left, NaN while unknown. */
  get left() {
    const { contest, seeds, milliseconds } = this.record.peek() ?? { seeds: 0, milliseconds: [0] };
    if (!contest || milliseconds.includes(0)) return NaN;
    return (1 - this.done) * seeds * stepsOf(contest) * milliseconds.reduce((sum, one) => sum + one, 0);
  }

  /**
   * Starts a comparison; the results of an earlier one of this name are replaced.
   *
   * @param {Contest} contest @param {number} [steps] then pause
   */
  start(contest, steps) {
    return this.#begin({
      steps,
      find: async () => {
        const costs = await costsOf(this.#engine, contest, this.#sources);
        checkMemory(costs);
        return [newRecord(contest, costs)];
      },
    });
  }

  /** Continues one that was interrupted. @param {Record} record */
  recover(record) {
    return this.#begin({
      find: async () => {
        const snapshots = await this.#records.reread(record);
        if (!snapshots) throw new EngineError("duel-over", "another tab has ended this comparison");
        return [record, snapshots];
      },
    });
  }

  /** Repeats one that has ended with further seeds. @param {Record} record @param {number} more */
  repeat(record, more) {
    return this.#begin({
      find: async () => [record, await this.#records.reread(record)],
      seeds: record.rounds.filter(isJudged).length + more,
    });
  }

  /** Continues for this many steps, or until the end. @param {number} [steps] */
  resume(steps) {
    return this.#send("resume", steps);
  }

  pause() {
    return this.#send("pause");
  }

  /** Ends it; what has been trained is judged. */
  stop() {
    return this.#send("stop");
  }

  /** Ends a step that takes too long: back to the last checkpoint. */
  giveUp() {
    return this.#send("giveUp");
  }

  /** @param {Plan} plan */
  async #begin(plan) {
    if (!this.#session.active.peek()) await this.#send("start", plan);
  }

  /**
   * Does a part of the training, which ends with an event or fails; neither counts if the training is gone by then.
   *
   * @param {() => Promise<import("../session/machine.js").Event>} work
   */
  async #attempt(work) {
    const training = this.#current;
    try {
      const event = await work();
      if (training === this.#current) await this.#send(event);
    } catch (error) {
      if (training === this.#current) await this.#send(isLost(error) ? "lost" : "failed", error);
    }
  }

  #newSignal() {
    this.#abort.abort();
    this.#abort = new AbortController();
    return this.#abort.signal;
  }

  #close() {
    for (const trainer of this.#trainers) trainer.close();
    this.#trainers = [];
  }

  #change() {
    this.changed.value++;
  }

  /** @param {Plan} plan */
  async #prepare({ find, seeds, steps }) {
    this.problem.value = null;
    const signal = this.#newSignal();
    try {
      const release = await claim("duel");
      if (!release) throw new EngineError("duel-elsewhere", "another tab compares");
      this.#release = release;
      const [record, snapshots] = await find();
      await this.#open(record, signal, snapshots);
      const first = await this.#snapshots();
      batch(() => {
        record.end = "active";
        record.seeds = seeds ?? record.seeds;
        this.record.value = record;
        this.#records.add(record);
        this.#records.checkpoint(record, first);
        this.#change();
      });
    } catch (error) {
      this.#close();
      return this.#send("refused", signal.aborted ? null : error);
    } finally {
      this.waiting.value = null;
    }
    await this.#send("ready", steps);
  }

  /**
   * Creates the trainers of the current round, from its snapshots, or those of the next round.
   *
   * @param {Record} record @param {AbortSignal} signal @param {import("../../engine/protocol.js").Snapshot[]} [snapshots]
   */
  async #open(record, signal, snapshots) {
    this.#close();
    const { contest, rounds } = record;
    const judged = rounds.filter(isJudged);
    const seed = snapshots ? rounds[rounds.length - 1].seed : firstSeed(contest) + judged.length;
    const onReady = (/** @type {number} */ share) => (this.waiting.value = share);
    const how = { seed, snapshots, sources: this.#sources, signal, onReady };
    this.#trainers = await createTrainers(this.#engine, contest, how);
    record.images_per_epoch = this.#trainers[0].images_per_epoch;
    if (!snapshots) record.rounds = [...judged, newRound(seed, contest.sides.length)];
  }

  get #training() {
    const record = /** @type {Record} */ (this.record.peek());
    return { record, round: record.rounds[record.rounds.length - 1], total: stepsOf(record.contest) };
  }

  /** Trains for this many steps, or until all rounds are over. @param {number} [steps] */
  async #train(steps) {
    this.problem.value = null;
    const signal = this.#newSignal();
    await this.#attempt(async () => {
      const until = steps === undefined ? Infinity : stepsDone(this.#training.round) + steps;
      for (;;) {
        await this.#steps(signal, until);
        const { record, round, total } = this.#training;
        if (signal.aborted || stepsDone(round) < total) return "halted";
        if (!(await this.#judge(signal))) return "halted";
        if (record.rounds.length >= record.seeds) return "finished";
        // A pause waits for the trainers: without them there is no checkpoint
        await this.#open(record, new AbortController().signal);
        this.waiting.value = null;
        await this.#checkpoint();
        this.#change();
      }
    });
  }

  /** Steps of all sides in turn. A pause waits for the last side. @param {AbortSignal} signal @param {number} until this step */
  async #steps(signal, until) {
    const { record, round, total } = this.#training;
    const every = Math.ceil(total / EVALUATIONS);
    let checkpoint = performance.now() + CHECKPOINT_AFTER;
    for (let done = stepsDone(round); done < Math.min(total, until) && !signal.aborted; done++) {
      for (const [side, trainer] of this.#trainers.entries()) {
        if (round.sides[side].steps.step.length > done) continue;
        const from = performance.now();
        for await (const step of trainer.run({ steps: 1 })) {
          checkFinite(step.loss);
          for (const key of CURVES) round.sides[side].steps[key].push(step[key]);
        }
        if (round.sides[side].steps.step.length === 1) continue; // code that runs for the first time is slower
        const [before, now] = [record.milliseconds[side], performance.now() - from];
        record.milliseconds[side] = before ? before + LATEST * (now - before) : now;
      }
      if ((done + 1) % every === 0 || done + 1 === total) await this.#evaluate(round);
      this.#change();
      if (performance.now() < checkpoint || this.#records.writing) continue;
      await this.#checkpoint();
      checkpoint = performance.now() + CHECKPOINT_AFTER;
    }
  }

  /** All sides on the sample. @param {import("./record.js").Round} round */
  async #evaluate(round) {
    for (const [side, trainer] of this.#trainers.entries()) {
      const { steps, evaluations } = round.sides[side];
      evaluations.push(evaluated(await trainer.evaluate({ images: SAMPLE }), steps.step.length));
    }
  }

  /** All sides on the pictures that decide. Returns false if it was aborted. @param {AbortSignal} signal */
  async #judge(signal) {
    const { round } = this.#training;
    try {
      for (const [side, trainer] of this.#trainers.entries()) {
        const onProgress = (/** @type {number} */ share) =>
          (this.waiting.value = (side + share) / this.#trainers.length);
        const found = await trainer.evaluate({ images: FINAL, signal, onProgress });
        const { steps } = round.sides[side];
        round.sides[side].final = evaluated(found, steps.step.length);
        round.sides[side].right = Uint8Array.from(found.labels, (label, i) => Number(label === found.predictions[i]));
      }
      return true;
    } catch (error) {
      if (!signal.aborted || isLost(error)) throw error;
      for (const side of round.sides) side.final = side.right = null; // all or none
      return false;
    } finally {
      this.waiting.value = null;
      this.#change();
    }
  }

  /** Stores everything that is needed to continue. */
  async #checkpoint() {
    const snapshots = await this.#snapshots();
    this.#records.checkpoint(this.#training.record, snapshots);
  }

  async #snapshots() {
    const snapshots = [];
    for (const trainer of this.#trainers) snapshots.push(await trainer.snapshot());
    return snapshots;
  }

  /** @param {"finished" | "stopped"} end @returns {Promise<"over">} */
  async #finish(end) {
    const { record, round, total } = this.#training;
    if (!isJudged(round)) {
      // of several seeds, one that was cut off would not compare with the others
      if (record.rounds.length > 1 && stepsDone(round) < total) record.rounds.pop();
      else if (stepsDone(round)) await this.#judge(this.#newSignal());
    }
    record.end = end;
    this.#records.keep(record);
    this.#close();
    this.#change();
    return "over";
  }

  /** Returns to the last checkpoint. @param {unknown} error */
  #goBack(error) {
    this.#current = {};
    this.#close();
    const record = this.record.peek();
    if (record && (hasDiverged(error) || !this.#records.goBack(record))) {
      record.end = "failed";
      this.#records.keep(record);
    }
    this.waiting.value = null;
    this.#change();
  }
}

/**
 * @param {{loss: number, accuracy: number, total: number, labels: Uint32Array}} found @param {number} step
 * @returns {import("../run.js").Evaluated}
 */
function evaluated({ loss, accuracy, total, labels }, step) {
  checkFinite(loss);
  return { step, loss, accuracy, total, guessing: guessing(labels) };
}
