/**
 * One training after another: start, pause, one step, stop; every run is kept. What leads from state to state is the table of
 * machine.js; here is what is done then. Knows no DOM.
 *
 * @typedef {import("../settings.js").Values} Values
 * @typedef {import("../run.js").Run} Run
 * @typedef {import("../../engine/engine.js").Trainer} Trainer
 *
 * @typedef {object} Plan how a training begins
 * @property {Values} settings
 * @property {number} [steps] as many, then pause
 * @property {(signal: AbortSignal) => Promise<[
 *   how: Omit<Parameters<import("../../engine/engine.js").Engine["createTrainer"]>[0], "data">,
 *   runOf: (trainer: Trainer) => Promise<Run>,
 * ]>} prepare says how the trainer is made, and which run it trains then
 *
 * @typedef {object} Judged of each picture
 * @property {Uint32Array} labels
 * @property {Uint32Array} predictions
 * @property {Float32Array} confidences how probable the predicted class is to the network
 */
import { abortable } from "../../engine/download.js";
import { EngineError } from "../../engine/errors.js";
import { CURVES, newRun, stepOf } from "../run.js";
import { classesOf, configOf, dataOf, recipeOf } from "../settings.js";
import { claim } from "../storage/storage.js";
import { goodBest, guessing, isBetter, troubleOf } from "./health.js";
import { next } from "./machine.js";
import { Pace } from "./pace.js";
import { GRID, sampleOf } from "./sample.js";

/** Codes of errors after which the core has forgotten the training, or what it has is of no use; after others it can go on. */
const LOST = ["engine-stopped", "thread-lost", "closed", "diverged"];

/**
 * Events: `state` when what can be done has changed, `steps` after steps, `evaluation` after an evaluation.
 */
export class Session extends EventTarget {
  #engine;
  #project;
  #library;
  /** @type {Trainer | null} */
  trainer = null;
  /** @type {import("./machine.js").State} */
  state = "idle";
  /** The run in progress, else the last one or, at first, one that can go on. @type {Run | undefined} */
  run;
  /** @type {unknown} */
  problem = null;
  /** Images a second since training last went on. */
  rate = 0;
  /** Share of an evaluation that is done, null where none is under way. @type {number | null} */
  evaluating = null;
  /** Share of the person's own pictures that is ready for the training, null where none is being made ready. @type {number | null} */
  preparing = null;
  /** Held-out pictures for the grid. @type {import("../../engine/protocol.js").Batch | null} */
  heldOut = null;
  /** What the network said of the first held-out pictures last. @type {Judged | null} */
  judged = null;
  /** @type {AbortController} */
  #abort = new AbortController();
  /** Which of the projects that took each other's place the run learns. */
  #generation = 0;
  /** Lets another tab have the run under way. */
  #release = () => {};
  /** Changes of settings that the core has not confirmed, in their order. @type {Set<Values>} */
  #asked = new Set();
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
    goBack: (error) => this.#goBack(error),
    restart: () => this.#restart(),
    // what another tab goes on from has been written then
    release: () => void this.runs.settled.then(this.#release),
  };

  /**
   * @param {import("../../engine/engine.js").Engine} engine
   * @param {import("../project.js").Project} project
   * @param {import("../library.js").Library} library
   * @param {import("../runs.js").Runs} runs where they are kept
   */
  constructor(engine, project, library, runs) {
    super();
    this.runs = runs;
    this.run = runs.interrupted;
    this.#engine = engine;
    this.#project = project;
    this.#library = library;
    // a run that pauses asks nothing of the core, and would not hear of it
    for (const type of ["restart", "failure"]) {
      engine.addEventListener(type, (event) => {
        const reason =
          /** @type {CustomEvent} */ (event).detail ?? new EngineError("closed", "the engine was started anew");
        if (this.trainer) this.#lose(reason);
      });
    }
  }

  /** Whether a run is under way, be it paused. */
  get active() {
    return this.state !== "idle";
  }

  /** The settings of the run under way, as they will be when the core has heard of all changes. */
  get running() {
    return this.active && this.run ? Object.assign({}, this.run.settings, ...this.#asked) : undefined;
  }

  /** Forgets what went wrong, where nothing is under way. */
  forgetProblem() {
    if (this.active || !this.problem) return;
    this.problem = null;
    this.dispatchEvent(new Event("state"));
  }

  /**
   * Starts a new run.
   *
   * @param {Values} settings
   * @param {import("../library.js").Entry | undefined} from weights to start from; else random ones
   * @param {number} [steps] as many steps, then pause
   */
  async start(settings, from, steps) {
    if (!from) settings = { ...settings, from: "" }; // those it names may be gone
    /** @type {Plan["prepare"]} */
    const prepare = async (signal) => {
      const resolution = Number(settings.resolution);
      const config = from ? { ...from.config, resolution } : configOf(settings, classesOf(settings, this.#project));
      const weights = from && (await abortable(this.#library.load(from), signal));
      const how = { config, recipe: recipeOf(settings), weights, options: from?.options };
      return [how, (trainer) => this.#newRun(settings, config, trainer)];
    };
    await this.#send("start", { settings, steps, prepare });
  }

  /** @param {Values} settings @param {import("../../engine/protocol.js").Config} config @param {Trainer} trainer */
  async #newRun(settings, config, { images_per_epoch, labels }) {
    const steps_per_epoch = images_per_epoch / Number(settings.batch);
    const run = newRun(await this.runs.claimNumber(), settings, config, labels, steps_per_epoch);
    await this.#claim(run);
    this.runs.add(run);
    return run;
  }

  /** Goes on with a run that was interrupted, from its last checkpoint. @param {Run} run */
  async recover(run) {
    /** @type {Plan["prepare"]} */
    const prepare = async (signal) => {
      await this.#claim(run);
      const bytes = await abortable(this.runs.reread(run), signal);
      const { settings, steps } = run;
      // checkpoints of earlier builds say nothing of it
      const { recipe = recipeOf(settings), position = steps.step.length * Number(settings.batch) } = run.snapshot ?? {};
      return [{ snapshot: { bytes, recipe, position } }, async () => this.runs.reopen(run)];
    };
    await this.#send("recover", { settings: run.settings, prepare });
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
    const { state, effects } = next(this.state, event);
    this.state = state;
    const done = effects.map((effect) => this.#effects[effect](detail));
    this.dispatchEvent(new Event("state"));
    await Promise.all(done);
  }

  /**
   * Does a part of the training, which ends with an event or fails; neither counts once the training is gone.
   *
   * @param {(trainer: Trainer, run: Run) => Promise<import("./machine.js").Event>} work
   */
  async #attempt(work) {
    const { trainer, run } = this;
    if (!trainer || !run) return;
    try {
      const event = await work(trainer, run);
      if (trainer === this.trainer) await this.#send(event);
    } catch (error) {
      if (trainer === this.trainer) await this.#fail(error);
    }
  }

  /** @param {unknown} error */
  async #fail(error) {
    if (isLost(error)) return this.#lose(error);
    this.problem = error;
    await this.#send("failed");
  }

  /** The core has forgotten the training, or what it has is of no use. @param {unknown} error */
  async #lose(error) {
    if (!this.active) return; // what it has ended with is kept
    this.problem = error;
    await this.#send("lost", error);
  }

  /** What was under way gives way to what the signal returned is for. */
  #newSignal() {
    this.#abort.abort();
    this.#abort = new AbortController();
    return this.#abort.signal;
  }

  /** @param {Plan} plan */
  async #prepare({ settings, steps, prepare }) {
    this.problem = null;
    this.rate = 0;
    this.#generation = this.#project.generation;
    const signal = this.#newSignal();
    this.trainer?.close();
    this.trainer = null;
    /** @type {Trainer | null} */
    let trainer = null;
    try {
      const [how, runOf] = await prepare(signal);
      trainer = await this.#engine.createTrainer({
        ...how,
        data: dataOf(settings, this.#project),
        signal,
        onReady: (share) => {
          this.preparing = share < 1 ? share : null;
          this.dispatchEvent(new Event("steps"));
        },
      });
      this.heldOut = await trainer.heldOut(Math.min(GRID, trainer.held_out));
      this.judged = null;
      this.run = await runOf(trainer);
      this.trainer = trainer;
    } catch (error) {
      // or the person has stopped it, or cancelled the fetch of the weights
      const cancelled = signal.aborted || /** @type {Error} */ (error).name === "AbortError";
      if (!cancelled) this.problem = error;
      trainer?.close();
      this.preparing = null;
      return this.#send("refused");
    }
    await this.#send("ready", steps);
  }

  async #restart() {
    try {
      await this.#engine.restart();
    } catch (error) {
      this.#lose(error);
    }
  }

  /**
   * Trains by these settings too from the next step on; where that fails, as before. What the run says of itself changes when
   * the core has confirmed it: answers come in the order of what was done, so a checkpoint has the settings that it was
   * trained by.
   *
   * @param {Values} changes
   */
  async change(changes) {
    const { trainer, run } = this;
    if (!this.active || !trainer || !run) return;
    this.#asked.add(changes);
    this.dispatchEvent(new Event("state"));
    const change = this.#changed.then(async () => {
      const before = run.settings;
      const settings = { ...before, ...changes };
      const { position } = await trainer.setRecipe(recipeOf(settings));
      run.settings = settings;
      this.runs.note(run, before, Math.round(position / Number(settings.batch)));
    });
    this.#changed = change.catch(() => {});
    await change.finally(() => {
      this.#asked.delete(changes);
      this.dispatchEvent(new Event("state"));
    });
  }

  /** Steps from the first to the last epoch's end. */
  get total() {
    return this.run ? Math.ceil(this.run.steps_per_epoch * Number(this.run.settings.epochs)) : 0;
  }

  /** Some of the weights of a run, which it has, as a file. @param {Run} run @param {import("../run.js").Which} which */
  weightsOf(run, which) {
    const under_way = run.end === "active" && which === "last" && this.trainer;
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
    this.problem = null;
    const signal = this.#newSignal();
    await this.#attempt(async (trainer, run) => {
      await this.#steps(trainer, run, signal, steps);
      return run.steps.step.length < this.total ? "halted" : "finished";
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
    const { trainer, run } = this;
    if (!trainer || !run) return;
    const snapshot = await trainer.snapshot();
    if (run.end === "active") this.runs.checkpoint(run, snapshot);
  }

  /** A run whose training is gone is what its last checkpoint is, if that is of use. @param {unknown} error */
  #goBack(error) {
    const { run } = this;
    if (run && (codeOf(error) === "diverged" || !this.runs.goBack(run))) {
      run.end = "failed";
      this.runs.keep(run);
    }
    this.trainer?.close();
    this.trainer = null;
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
    const left = () => Math.min(end, this.total) - done.length;
    try {
      while (left() > 0) {
        for await (const step of trainer.run({ steps: left(), signal })) {
          checkFinite(step.loss);
          for (const key of CURVES) run.steps[key].push(step[key]);
          this.rate = pace.step();
          this.dispatchEvent(new Event("steps"));
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

  /** Whether the last evaluation is of an earlier step, or not of all held-out pictures, and there is time for one. */
  get canEvaluateAll() {
    const { trainer, run, state } = this;
    const last = run?.evaluations.at(-1);
    const stale = !!last && !!run && last.step < stepOf(run);
    return !!trainer && !!last && (stale || last.total < trainer.held_out) && (state === "paused" || state === "idle");
  }

  async #evaluateAll() {
    const goesOn = this.evaluating !== null;
    const signal = this.#newSignal();
    if (goesOn) return;
    this.problem = null;
    try {
      await this.#evaluate(signal, this.trainer?.held_out);
    } catch (error) {
      if (!signal.aborted) this.problem = error;
    }
    this.dispatchEvent(new Event("state"));
  }

  /** What a pause asks for, and what follows gives up. */
  async #evaluatePaused() {
    const { trainer } = this;
    const signal = this.#newSignal();
    try {
      await this.#evaluate(signal);
    } catch (error) {
      if (!signal.aborted && trainer === this.trainer) await this.#fail(error);
    }
  }

  /** @param {AbortSignal} [signal] @param {number} [images] as many as a second is enough for, where it is left out */
  async #evaluate(signal, images) {
    const { trainer, run } = this;
    if (!trainer || !run) return;
    run.held_out ||= Math.min(sampleOf(run, this.runs.all, this.rate), trainer.held_out);
    const onProgress = (/** @type {number} */ share) => {
      this.evaluating = share < 1 ? share : null;
      this.dispatchEvent(new Event("steps"));
    };
    const sample = images === undefined;
    const evaluation = trainer.evaluate({
      images: images ?? run.held_out,
      signal,
      onProgress,
      weightsIf: ({ accuracy, loss }) => sample && isBetter({ step: 0, loss, accuracy, total: 0 }, run.best),
    });
    const { loss, accuracy, total, weights, ...judged } = await evaluation.finally(() => (this.evaluating = null));
    checkFinite(loss);
    const evaluated = { step: stepOf(run), loss, accuracy, total, guessing: guessing(judged.labels) };
    run.evaluations.push(evaluated);
    if (weights) {
      run.best = evaluated;
      run.bestWeights = weights;
    }
    this.judged = judged;
    this.runs.keep(run);
    this.dispatchEvent(new Event("evaluation"));
    if (this.state === "paused") await this.#checkpoint();
  }

  /** @param {Trainer} trainer @param {Run} run @param {"stopped" | "finished"} end @returns {Promise<"over">} */
  async #finish(trainer, run, end) {
    try {
      // so that what is said of held-out pictures is of the run's last weights
      if (run.evaluations.at(-1)?.step !== stepOf(run)) await this.#evaluate();
    } catch (error) {
      if (isLost(error)) throw error;
      this.problem = error; // no reason to keep the run from its end
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

/** @param {unknown} error */
const codeOf = (error) => /** @type {any} */ (error).code;
/** @param {unknown} error */
const isLost = (error) => LOST.includes(codeOf(error));

/** Where a loss is no number, neither are the weights. @param {number} loss */
function checkFinite(loss) {
  if (!Number.isFinite(loss)) throw new EngineError("diverged", `the loss is ${loss}`);
}
