/**
 * One training after another: start, pause, one step, stop; every run is kept. What leads from state to state is the table of
 * machine.js; here is what is done then. Knows no DOM.
 *
 * @typedef {import("../settings.js").Values} Values
 * @typedef {import("../run.js").Run} Run
 * @typedef {import("../../engine/engine.js").Trainer} Trainer
 * @typedef {import("./evaluation.js").Judged} Judged
 */
import { EngineError } from "../../engine/errors.js";
import { CURVES, stepOf } from "../run.js";
import { dataOf, recipeOf } from "../settings.js";
import { batch, computed, follow, signal } from "../signals.js";
import { claim } from "../storage/storage.js";
import { evaluate } from "./evaluation.js";
import { goodBest, troubleOf } from "./health.js";
import { checkFinite, hasDiverged, isLost } from "./lost.js";
import { next } from "./machine.js";
import { Pace } from "./pace.js";
import { newPlan, planToGoOn } from "./plans.js";
import { GRID, sampleOf } from "./sample.js";

/** @template T @typedef {import("../signals.js").Signal<T>} Signal */

export class Session {
  #engine;
  #project;
  #library;
  /** What plans are made of. */
  #means;
  /** @type {Signal<Trainer | null>} */
  trainer = signal(null);
  /** @type {Signal<import("./machine.js").State>} */
  state = signal("idle");
  /** The run in progress, else the last one or, at first, one that can go on. @type {Signal<Run | undefined>} */
  run = signal(undefined);
  /** How many steps the run has done: that many are in its curves. */
  steps = signal(0);
  /** @type {Signal<unknown>} */
  problem = signal(null);
  /** Images a second since training last went on. */
  rate = signal(0);
  /** Share of an evaluation that is done, null where none is under way. @type {Signal<number | null>} */
  evaluating = signal(null);
  /** Share of the person's own pictures that is ready for the training, null where none is being made ready. @type {Signal<number | null>} */
  preparing = signal(null);
  /** Held-out pictures for the grid. @type {Signal<import("../../engine/protocol.js").Batch | null>} */
  heldOut = signal(null);
  /** What the network said of the first held-out pictures last, anew with each evaluation. @type {Signal<Judged | null>} */
  judged = signal(null);
  /** Whether a run is under way, be it paused. */
  active = computed(() => this.state.value !== "idle");
  /** Changes of settings that the core has not confirmed, in their order. @type {Signal<Values[]>} */
  #asked = signal([]);
  /** The settings of the run under way, as they will be when the core has heard of all changes. */
  running = computed(() => {
    const settings = this.#settings.value;
    return this.active.value && settings
      ? /** @type {Values} */ (Object.assign({}, settings, ...this.#asked.value))
      : undefined;
  });
  /** Those of the run. */
  #settings = computed(() => {
    this.runs.all.value; // tells when a run has others
    return this.run.value?.settings;
  });
  /** Steps from the first to the last epoch's end. */
  total = computed(() => {
    const { steps_per_epoch = 0 } = this.run.value ?? {};
    return Math.ceil(steps_per_epoch * Number(this.#settings.value?.epochs ?? 0));
  });
  /** Whether the last evaluation is of an earlier step, or not of all held-out pictures, and there is time for one. */
  canEvaluateAll = computed(() => {
    const [trainer, run, state] = [this.trainer.value, this.run.value, this.state.value];
    if (!trainer || !run || (state !== "paused" && state !== "idle")) return false;
    this.judged.value; // tells of each evaluation
    const last = run.evaluations.at(-1);
    return !!last && (last.step < this.steps.value || last.total < trainer.held_out);
  });
  /** @type {AbortController} */
  #abort = new AbortController();
  /** Which of the projects that took each other's place the run learns. */
  #generation = 0;
  /** Lets another tab have the run under way. */
  #release = () => {};
  /** They are made one after the other. @type {Promise<unknown>} */
  #changed = Promise.resolve();
  /** What the table's effects do, with what came with the event. @type {Record<import("./machine.js").Effect, (detail: any) => unknown>} */
  #effects = {
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
    // what another tab goes on from has been written then
    release: () => void this.runs.settled.then(this.#release),
  };

  /**
   * @param {import("../../engine/engine.js").Engine} engine
   * @param {import("../project.js").Project} project
   * @param {import("../library.js").Library} library
   * @param {import("../runs.js").Runs} runs where they are kept
   * @param {import("../core.js").Core} core
   */
  constructor(engine, project, library, runs, core) {
    this.runs = runs;
    this.#show(runs.interrupted.value);
    this.#engine = engine;
    this.#project = project;
    this.#library = library;
    this.#means = { project, library, runs, claim: (/** @type {Run} */ run) => this.#claim(run) };
    // a run that pauses asks nothing of the core, and would not hear of it
    follow(
      () => core.loss.value,
      (loss) => loss && this.trainer.value && this.#send("lost", loss.reason),
    );
  }

  /** Forgets what went wrong, where nothing is under way. */
  forgetProblem() {
    if (!this.active.peek()) this.problem.value = null;
  }

  /**
   * Starts a new run.
   *
   * @param {Values} settings
   * @param {import("../library.js").Entry | undefined} from weights to start from; else random ones
   * @param {number} [steps] as many steps, then pause
   */
  async start(settings, from, steps) {
    await this.#send("start", newPlan(this.#means, settings, from, steps));
  }

  /** Goes on with a run that was interrupted, from its last checkpoint. @param {Run} run */
  async recover(run) {
    await this.#send("recover", planToGoOn(this.#means, run));
  }

  /** Goes on, for as many steps or until the last epoch. @param {number} [steps] */
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

  /** Ends a step that takes too long, and with it the engine's memory of this run; its curves are kept. */
  giveUp() {
    return this.#send("giveUp");
  }

  /** Evaluates on every held-out picture, or gives that up. */
  evaluateAll() {
    return this.#send("evaluateAll");
  }

  /**
   * Something happens: the table says which state that leads to and what is done. Resolves when all of that is done.
   *
   * @param {import("./machine.js").Event} event @param {unknown} [detail]
   */
  async #send(event, detail) {
    const { state, effects } = next(this.state.peek(), event);
    const done = batch(() => {
      this.state.value = state;
      return effects.map((effect) => this.#effects[effect](detail));
    });
    await Promise.all(done);
  }

  /**
   * Does a part of the training, which ends with an event or fails; neither counts once the training is gone.
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

  /** Shows another run, or that it is another by now. @param {Run | undefined} run */
  #show(run) {
    this.run.value = run;
    this.steps.value = run?.steps.step.length ?? 0;
  }

  /** What was under way gives way to what the signal returned is for. */
  #newSignal() {
    this.#abort.abort();
    this.#abort = new AbortController();
    return this.#abort.signal;
  }

  /** @param {import("./plans.js").Plan} plan */
  async #prepare({ settings, steps, prepare }) {
    this.problem.value = null;
    this.rate.value = 0;
    this.#generation = this.#project.generation;
    const signal = this.#newSignal();
    this.#close();
    /** @type {Trainer | null} */
    let trainer = null;
    try {
      const [how, runOf] = await prepare(signal);
      trainer = await this.#engine.createTrainer({
        ...how,
        data: dataOf(settings, this.#project),
        signal,
        onReady: (share) => (this.preparing.value = share < 1 ? share : null),
      });
      const heldOut = await trainer.heldOut(Math.min(GRID, trainer.held_out));
      const run = await runOf(trainer);
      batch(() => {
        this.heldOut.value = heldOut;
        this.judged.value = null;
        this.trainer.value = trainer;
        this.#show(run);
      });
    } catch (error) {
      // or the person has stopped it, or cancelled the fetch of the weights
      const cancelled = signal.aborted || /** @type {Error} */ (error).name === "AbortError";
      trainer?.close();
      this.preparing.value = null;
      return this.#send("refused", cancelled ? null : error);
    }
    await this.#send("ready", steps);
  }

  /**
   * Trains by these settings too from the next step on; where that fails, as before. What the run says of itself changes when
   * the core has confirmed it: answers come in the order of what was done, so a checkpoint has the settings that it was
   * trained by.
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

  /** Some of the weights of a run, which it has, as a file. @param {Run} run @param {import("../run.js").Which} which */
  weightsOf(run, which) {
    const under_way = run.end === "active" && which === "last" && this.trainer.peek();
    return under_way ? under_way.weights() : this.runs.weightsOf(run, which);
  }

  /** Puts some of a run's weights among those at hand. Returns by which id. @param {Run} of @param {import("../run.js").Which} which @param {Uint8Array} bytes */
  keep(of, which, bytes) {
    const { number, config, labels, best } = of;
    const id = which === "last" ? of.id : `${of.id}-best`;
    const step = (which === "best" && best?.step) || stepOf(of);
    this.#library.keep({ id, origin: "trained", run: { number, step, when: new Date() }, config, labels }, bytes);
    return id;
  }

  /** As many steps, or until it is aborted or the last epoch is over. @param {number} [steps] */
  async #train(steps) {
    this.problem.value = null;
    const signal = this.#newSignal();
    await this.#attempt(async (trainer, run) => {
      await this.#steps(trainer, run, signal, steps);
      return run.steps.step.length < this.total.value ? "halted" : "finished";
    });
  }

  /** Takes a run for this tab until it has ended. @param {Run} run */
  async #claim({ id, number }) {
    const release = await claim(id);
    if (!release) throw new EngineError("run-elsewhere", `another tab trains run ${number}`, { number });
    this.#release = release;
  }

  /** Keeps all that the run needs to go on, should the page or the core be lost: what it is when the core answers. */
  async #checkpoint() {
    const { trainer, run } = this.#training;
    if (!trainer || !run) return;
    const snapshot = await trainer.snapshot();
    if (run.end === "active") this.runs.checkpoint(run, snapshot);
  }

  /** A run whose training is gone is what its last checkpoint is, if that is of use. @param {unknown} error */
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
   * Trains and evaluates in turns until it is aborted, the steps are done or the last epoch is over.
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
          if (trainer.ahead) continue; // what is done is done, though the number of epochs may have changed meanwhile
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

  /** What a pause asks for, and what follows gives up. */
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

  /** @param {AbortSignal} [signal] @param {number} [images] as many as a second is enough for, where it is left out */
  async #evaluate(signal, images) {
    const { trainer, run } = this.#training;
    if (!trainer || !run) return;
    run.held_out ||= Math.min(sampleOf(run, this.runs.all.peek(), this.rate.peek()), trainer.held_out);
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
    try {
      // so that what is said of held-out pictures is of the run's last weights
      if (run.evaluations.at(-1)?.step !== stepOf(run)) await this.#evaluate();
    } catch (error) {
      if (isLost(error)) throw error;
      this.problem.value = error; // no reason to keep the run from its end
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

  /** Puts what a run has ended with among the weights at hand; where that is of no use, its best, or nothing. @param {Run} run @param {Uint8Array | null} best */
  #offer(run, best) {
    const bytes = troubleOf(run) ? best : run.weights;
    if (!bytes) return;
    if (run.settings.data === "pictures" && this.#generation === this.#project.generation)
      this.#project.keep({ bytes, config: run.config, labels: run.labels });
    else this.keep(run, best ? "best" : "last", bytes);
  }
}
