/**
 * Trainings, one at a time: start, pause, single step, stop; every run is kept. machine.js has the table of states;
 * this file has the effects. Knows no DOM.
 *
 * @typedef {import("../settings.js").Values} Values
 * @typedef {import("../run.js").Run} Run
 * @typedef {import("../../engine/engine.js").Trainer} Trainer
 * @typedef {import("./evaluation.js").Judged} Judged
 */
import { abortable } from "../../engine/download.js";
import { EngineError } from "../../engine/errors.js";
import { CURVES, stepOf } from "../run.js";
import { dataOf, recipeOf } from "../settings.js";
import { batch, computed, follow, signal } from "../signals.js";
import { claim } from "../storage/storage.js";
import { evaluate } from "./evaluation.js";
import { goodBest, troubleOf } from "./health.js";
import { checkFinite, hasDiverged, isLost } from "./lost.js";
import { Pace } from "./pace.js";
import { newPlan, planToGoOn } from "./plans.js";
import { FINAL, GRID, SAMPLE } from "./sample.js";
import { sender } from "./sender.js";

/** @template T @typedef {import("../signals.js").Signal<T>} Signal */

export class Session {
  #engine;
  #sources;
  #library;
  /** What plans need. */
  #means;
  /** @type {Signal<Trainer | null>} */
  trainer = signal(null);
  /** @type {Signal<import("./machine.js").State>} */
  state = signal("idle");
  /** The run in progress, else the last one or, at first, one that can continue. @type {Signal<Run | undefined>} */
  run = signal(undefined);
  /** Number of steps done, all of which are in the run's curves. */
  steps = signal(0);
  /** @type {Signal<unknown>} */
  problem = signal(null);
  /** Images per second since training last continued. */
  rate = signal(0);
  /** Progress of an evaluation, null if there is none. @type {Signal<number | null>} */
  evaluating = signal(null);
  /** Progress of preparing the person's own pictures, null if there is none. @type {Signal<number | null>} */
  preparing = signal(null);
  /** Held-out pictures for the grid. @type {Signal<import("../../engine/protocol.js").Batch | null>} */
  heldOut = signal(null);
  /**
   * The network's last results for the first held-out pictures, new with each evaluation.
   *
   * @type {Signal<Judged | null>}
   */
  judged = signal(null);
  /** The share done of a comparison in progress, during which no run can start; null if there is none. @type {Signal<number | null>} */
  comparing = signal(null);
  /** Whether a run is in progress or paused. */
  active = computed(() => this.state.value !== "idle");
  /** Changes of settings that the core has not confirmed, in order. @type {Signal<Values[]>} */
  #asked = signal([]);
  /** The settings of the run in progress after all changes that were asked for. */
  running = computed(() => {
    const settings = this.#settings.value;
    return this.active.value && settings
      ? /** @type {Values} */ (Object.assign({}, settings, ...this.#asked.value))
      : undefined;
  });
  /** The run's confirmed settings. */
  #settings = computed(() => {
    this.runs.all.value; // changes when a run has other settings
    return this.run.value?.settings;
  });
  /** Number of steps until the end of the last epoch. */
  total = computed(() => {
    const { steps_per_epoch = 0 } = this.run.value ?? {};
    return Math.ceil(steps_per_epoch * Number(this.#settings.value?.epochs ?? 0));
  });
  /**
   * Whether a full evaluation makes sense now: the last one is of an earlier step or not of all held-out pictures, and
   * the training is not busy.
   */
  canEvaluateAll = computed(() => {
    const [trainer, run, state] = [this.trainer.value, this.run.value, this.state.value];
    if (!trainer || !run || (state !== "paused" && state !== "idle")) return false;
    this.judged.value; // changes with each evaluation
    const last = run.evaluations.at(-1);
    return !!last && (last.step < this.steps.value || last.total < trainer.held_out);
  });
  /** @type {AbortController} */
  #abort = new AbortController();
  /** The generation of the project that the run learns. */
  #generation = 0;
  /** Releases the run for other tabs. */
  #release = () => {};
  /** Changes of settings, made one after another. @type {Promise<unknown>} */
  #changed = Promise.resolve();
  #send = sender(this.state, {
    prepare: (plan) => this.#prepare(plan),
    train: (steps) => this.#train(steps),
    abort: () => this.#abort.abort(),
    checkpoint: () => this.#attempt(() => this.#checkpoint().then(() => "kept")),
    evaluate: () => this.#evaluatePaused(),
    evaluateAll: () => this.#evaluateAll(),
    finish: () => this.#attempt((trainer, run) => this.#finish(trainer, run, "finished")),
    cutOff: () => this.#attempt((trainer, run) => this.#finish(trainer, run, "stopped")),
    tell: (error) => void (this.problem.value = error),
    goBack: (error) => this.#goBack(error),
    restart: () => this.#engine.restart().catch((error) => this.#send("lost", error)),
    // the state from which another tab would continue must be written first
    release: () => void this.runs.settled.then(this.#release),
  });

  /**
   * @param {import("../../engine/engine.js").Engine} engine
   * @param {{project: import("../project.js").Project, cifar: import("../cifar.js").Cifar}} sources of pictures
   * @param {import("../library.js").Library} library
   * @param {import("../runs.js").Runs} runs
   * @param {import("../core.js").Core} core
   */
  constructor(engine, sources, library, runs, core) {
    this.runs = runs;
    this.#show(runs.interrupted.value);
    this.#engine = engine;
    this.#sources = sources;
    this.#library = library;
    this.#means = { project: sources.project, library, runs, claim: (/** @type {Run} */ run) => this.#claim(run) };
    // a pausing run sends the core nothing, and would not notice
    follow(
      () => core.loss.value,
      (loss) => loss && this.trainer.value && this.#send("lost", loss.reason),
    );
  }

  /** Forgets an error while no run is in progress. */
  forgetProblem() {
    if (!this.active.peek()) this.problem.value = null;
  }

  /**
   * Starts a new run.
   *
   * @param {Values} settings
   * @param {import("../library.js").Entry | undefined} from weights to start from; by default random ones
   * @param {number} [steps] then pause
   */
  async start(settings, from, steps) {
    if (this.comparing.peek() === null) await this.#send("start", newPlan(this.#means, settings, from, steps));
  }

  /** Continues an interrupted run from its last checkpoint. @param {Run} run */
  async recover(run) {
    if (this.comparing.peek() === null) await this.#send("recover", planToGoOn(this.#means, run));
  }

  /** Continues for this many steps or until the last epoch. @param {number} [steps] */
  resume(steps) {
    return this.#send("resume", steps);
  }

  pause() {
    return this.#send("pause");
  }

  /** Ends the run; its curves and weights are kept. */
  stop() {
    return this.#send("stop");
  }

  /** Ends a step that takes too long, and with it the engine's state of this run; its curves are kept. */
  giveUp() {
    return this.#send("giveUp");
  }

  /** Evaluates on all held-out pictures, or stops that. */
  evaluateAll() {
    return this.#send("evaluateAll");
  }

  /**
   * Does a part of the training, which ends with an event or fails; neither counts if the training is gone by then.
   *
   * @param {(trainer: Trainer, run: Run) => Promise<import("./machine.js").Event>} work
   */
  async #attempt(work) {
    const { trainer, run } = this.#training;
    if (!trainer || !run) return;
    try {
      const event = await work(trainer, run);
      if (trainer === this.trainer.peek()) await this.#send(event);
    } catch (error) {
      if (trainer === this.trainer.peek()) await this.#send(isLost(error) ? "lost" : "failed", error);
    }
  }

  get #training() {
    return { trainer: this.trainer.peek(), run: this.run.peek() };
  }

  /** Shows another run, or the same after it was replaced. @param {Run | undefined} run */
  #show(run) {
    this.run.value = run;
    this.steps.value = run?.steps.step.length ?? 0;
  }

  /** Aborts what is in progress, and returns a signal for what follows. */
  #newSignal() {
    this.#abort.abort();
    this.#abort = new AbortController();
    return this.#abort.signal;
  }

  /** @param {import("./plans.js").Plan} plan */
  async #prepare({ settings, steps, prepare }) {
    this.problem.value = null;
    this.rate.value = 0;
    this.#generation = this.#sources.project.generation;
    const signal = this.#newSignal();
    this.#close();
    /** @type {Trainer | null} */
    let trainer = null;
    try {
      const [how, runOf] = await prepare(signal);
      trainer = await this.#engine.createTrainer({
        ...how,
        data: await dataOf(settings, this.#sources),
        signal,
        onReady: (share) => (this.preparing.value = share < 1 ? share : null),
      });
      const heldOut = await abortable(trainer.heldOut(Math.min(GRID, trainer.held_out)), signal);
      const run = await runOf(trainer);
      batch(() => {
        this.heldOut.value = heldOut;
        this.judged.value = null;
        this.trainer.value = trainer;
        this.#show(run);
      });
    } catch (error) {
      // the person stopped it, or cancelled the download of the weights
      const cancelled = signal.aborted || /** @type {Error} */ (error).name === "AbortError";
      trainer?.close();
      this.preparing.value = null;
      return this.#send("refused", cancelled ? null : error);
    }
    await this.#send("ready", steps);
  }

  /**
   * Changes settings from the next step on; if that fails, they stay. The run's record changes when the core confirms:
   * answers come in order, so a checkpoint has the settings that it was trained with.
   *
   * @param {Values} changes
   */
  async change(changes) {
    const { trainer, run } = this.#training;
    if (!this.active.peek() || !trainer || !run) return;
    this.#asked.value = [...this.#asked.peek(), changes];
    const change = this.#changed.then(async () => {
      const before = run.settings;
      const settings = { ...before, ...changes };
      const { position } = await trainer.setRecipe(recipeOf(settings));
      run.settings = settings;
      this.runs.note(run, before, Math.round(position / Number(settings.batch)));
    });
    this.#changed = change.catch(() => {});
    await change.finally(() => (this.#asked.value = this.#asked.peek().filter((asked) => asked !== changes)));
  }

  /** Some of a run's weights as a file. @param {Run} run @param {import("../run.js").Which} which */
  weightsOf(run, which) {
    const under_way = run.end === "active" && which === "last" && this.trainer.peek();
    return under_way ? under_way.weights() : this.runs.weightsOf(run, which);
  }

  /**
   * Adds some of a run's weights to the library. Returns their id.
   *
   * @param {Run} of
   * @param {import("../run.js").Which} which
   * @param {Uint8Array} bytes
   */
  keep(of, which, bytes) {
    const { number, config, labels, best } = of;
    const id = which === "last" ? of.id : `${of.id}-best`;
    const step = (which === "best" && best?.step) || stepOf(of);
    this.#library.keep({ id, origin: "trained", run: { number, step, when: new Date() }, config, labels }, bytes);
    return id;
  }

  /** Trains for this many steps, until aborted or until the last epoch is over. @param {number} [steps] */
  async #train(steps) {
    this.problem.value = null;
    const signal = this.#newSignal();
    await this.#attempt(async (trainer, run) => {
      await this.#steps(trainer, run, signal, steps);
      return run.steps.step.length < this.total.value ? "halted" : "finished";
    });
  }

  /** Reserves a run for this tab until it has ended. @param {Run} run */
  async #claim({ id, number }) {
    const release = await claim(id);
    if (!release) throw new EngineError("run-elsewhere", `another tab trains run ${number}`, { number });
    this.#release = release;
  }

  /** Stores everything that the run needs to continue if the page or the core is lost, as of the core's answer. */
  async #checkpoint() {
    const { trainer, run } = this.#training;
    if (!trainer || !run) return;
    const snapshot = await trainer.snapshot();
    if (run.end === "active") this.runs.checkpoint(run, snapshot);
  }

  /** Returns a run whose training is gone to its last checkpoint, if that is useful. @param {unknown} error */
  #goBack(error) {
    const run = this.run.peek();
    if (run && (hasDiverged(error) || !this.runs.goBack(run))) {
      run.end = "failed";
      this.runs.keep(run);
    }
    this.#show(run);
    this.#close();
  }

  #close() {
    this.trainer.peek()?.close();
    this.trainer.value = null;
  }

  /**
   * Trains and evaluates in turns until aborted, out of steps, or past the last epoch.
   *
   * @param {Trainer} trainer @param {Run} run @param {AbortSignal} signal @param {number} [steps]
   */
  async #steps(trainer, run, signal, steps) {
    const { step: done } = run.steps;
    const pace = new Pace(Number(run.settings.batch));
    const end = done.length + (steps ?? Infinity);
    const left = () => Math.min(end, this.total.value) - done.length;
    try {
      while (left() > 0) {
        for await (const step of trainer.run({ steps: left(), signal })) {
          checkFinite(step.loss);
          for (const key of CURVES) run.steps[key].push(step[key]);
          batch(() => {
            this.rate.value = pace.step();
            this.steps.value = done.length;
          });
          if (trainer.ahead) continue; // hand over what is done, although the number of epochs may have changed
          if (left() <= 0) break;
          if (signal.aborted) continue;
          if (pace.checkpointDue && !this.runs.writing) {
            await this.#checkpoint();
            pace.checkpointed();
          }
          if (pace.evaluationDue) await pace.evaluating(this.#evaluate(signal));
        }
      }
    } catch (error) {
      if (!signal.aborted || isLost(error)) throw error;
    }
  }

  async #evaluateAll() {
    const goesOn = this.evaluating.peek() !== null;
    const signal = this.#newSignal();
    if (goesOn) return;
    this.problem.value = null;
    try {
      await this.#evaluate(signal, this.trainer.peek()?.held_out);
    } catch (error) {
      if (!signal.aborted) this.problem.value = error;
    }
  }

  /** The evaluation during a pause, which whatever follows aborts. */
  async #evaluatePaused() {
    const { trainer } = this.#training;
    const signal = this.#newSignal();
    try {
      await this.#evaluate(signal);
    } catch (error) {
      if (!signal.aborted && trainer === this.trainer.peek())
        await this.#send(isLost(error) ? "lost" : "failed", error);
    }
  }

  /** @param {AbortSignal} [signal] @param {number} [images] by default the sample */
  async #evaluate(signal, images) {
    const { trainer, run } = this.#training;
    if (!trainer || !run) return;
    run.held_out ||= Math.min(SAMPLE, trainer.held_out);
    const onProgress = (/** @type {number} */ share) => (this.evaluating.value = share < 1 ? share : null);
    const evaluation = evaluate(trainer, run, { images, signal, onProgress });
    const judged = await evaluation.finally(() => (this.evaluating.value = null));
    batch(() => {
      this.judged.value = judged;
      this.runs.keep(run);
    });
    if (this.state.peek() === "paused") await this.#checkpoint();
  }

  /** @param {Trainer} trainer @param {Run} run @param {"stopped" | "finished"} end @returns {Promise<"over">} */
  async #finish(trainer, run, end) {
    const signal = this.#newSignal();
    try {
      // so that the results shown are those of the run's last weights
      if (run.evaluations.at(-1)?.step !== stepOf(run)) await this.#evaluate(signal);
      // the score, by which runs are compared
      if ((run.evaluations.at(-1)?.total ?? 0) < Math.min(FINAL, trainer.held_out)) await this.#evaluate(signal, FINAL);
    } catch (error) {
      if (isLost(error)) throw error;
      if (!signal.aborted) this.problem.value = error; // not a reason to keep the run from ending
    }
    run.weights = await trainer.weights();
    const best = troubleOf(run) && goodBest(run) ? await this.runs.weightsOf(run, "best").catch(() => null) : null;
    run.end = end;
    if (run.best?.step === stepOf(run)) {
      run.best = undefined;
      run.bestWeights = null;
    }
    this.runs.keep(run);
    this.#offer(run, best);
    return "over";
  }

  /**
   * Adds a run's final weights to the library; if they are useless, its best ones, or none.
   *
   * @param {Run} run
   * @param {Uint8Array | null} best
   */
  #offer(run, best) {
    const bytes = troubleOf(run) ? best : run.weights;
    if (!bytes) return;
    const { project } = this.#sources;
    if (run.settings.data === "pictures" && this.#generation === project.generation)
      project.keep({ bytes, config: run.config, labels: run.labels });
    else this.keep(run, best ? "best" : "last", bytes);
  }
}
