/**
 * One training after another: start, pause, one step, stop; every run is kept. Knows no DOM.
 *
 * @typedef {import("./settings.js").Values} Values
 * @typedef {import("./settings.js").Value} Value
 *
 * @typedef {object} Evaluated
 * @property {number} step
 * @property {number} loss
 * @property {number} accuracy
 * @property {number} total pictures it looked at
 *
 * @typedef {object} Judged of each picture
 * @property {Uint32Array} labels
 * @property {Uint32Array} predictions
 * @property {Float32Array} confidences how probable the predicted class is to the network
 *
 * @typedef {object} Run
 * @property {string} id no other run has it, not even before a reload
 * @property {number} number from 1
 * @property {Values} settings it was started with, later changes included
 * @property {{step: number[], loss: number[], accuracy: number[], learning_rate: number[]}} steps
 * @property {Evaluated[]} evaluations
 * @property {{step: number, key: string, from: Value, to: Value}[]} [changes] of settings, after so many steps
 * @property {number} steps_per_epoch
 * @property {number} held_out pictures an evaluation looks at, 0 until the first
 * @property {"active" | "interrupted" | "stopped" | "finished" | "failed"} end interrupted: it can go on from its checkpoint
 * @property {import("./protocol.js").Config} config
 * @property {string[]} labels
 * @property {number} [checkpoint] steps that were done when its last checkpoint was stored
 * @property {boolean} [hidden] whether its curves are not drawn
 * @property {Uint8Array | null} weights once it has ended, where they are in memory
 */
import { abortable } from "./download.js";
import { EngineError } from "./errors.js";
import { classesOf, configOf, dataOf, recipeOf } from "./settings.js";
import { claim } from "./storage.js";

/** What is kept of each step. */
const CURVES = /** @type {const} */ (["step", "loss", "accuracy", "learning_rate"]);
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
/** Codes of errors after which the core has forgotten the training, or what it has is of no use; after others it can go on. */
const LOST = ["engine-stopped", "closed", "diverged"];

/**
 * Events: `state` when what can be done has changed, `steps` after steps, `evaluation` after an evaluation.
 */
export class Session extends EventTarget {
  #engine;
  #project;
  #library;
  /** @type {import("./engine.js").Trainer | null} */
  trainer = null;
  /** @type {"idle" | "starting" | "running" | "pausing" | "paused" | "stopping"} */
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
  /** Held-out pictures for the grid. @type {import("./protocol.js").Batch | null} */
  heldOut = null;
  /** What the network said of the first held-out pictures last. @type {Judged | null} */
  judged = null;
  /** @type {AbortController} */
  #abort = new AbortController();
  #stopping = false;
  /** Which of the projects that took each other's place the run learns. */
  #generation = 0;
  /** Lets another tab have the run under way. */
  #release = () => {};

  /**
   * @param {import("./engine.js").Engine} engine
   * @param {import("./project.js").Project} project
   * @param {import("./library.js").Library} library
   * @param {import("./runs.js").Runs} runs where they are kept
   */
  constructor(engine, project, library, runs) {
    super();
    this.runs = runs;
    this.run = runs.interrupted;
    this.#engine = engine;
    this.#project = project;
    this.#library = library;
  }

  /** Whether a run is under way, be it paused. */
  get active() {
    return this.state !== "idle";
  }

  /** The settings of the run under way. */
  get running() {
    return this.active ? this.run?.settings : undefined;
  }

  /**
   * Starts a new run.
   *
   * @param {Values} settings
   * @param {import("./library.js").Entry | undefined} from weights to start from; else random ones
   * @param {number} [steps] as many steps, then pause
   */
  async start(settings, from, steps) {
    if (!from) settings = { ...settings, from: "" }; // those it names may be gone
    await this.#begin(settings, steps, async (signal) => {
      const resolution = Number(settings.resolution);
      const config = from ? { ...from.config, resolution } : configOf(settings, classesOf(settings, this.#project));
      const weights = from && (await abortable(this.#library.load(from), signal));
      const how = { config, recipe: recipeOf(settings), weights, options: from?.options };
      return [how, (trainer) => this.#newRun(settings, config, trainer)];
    });
  }

  /** @param {Values} settings @param {import("./protocol.js").Config} config @param {import("./engine.js").Trainer} trainer */
  async #newRun(settings, config, { images_per_epoch, labels }) {
    /** @type {Run} */
    const run = {
      id: `run-${Date.now().toString(36)}`,
      number: this.runs.next,
      settings: { ...settings },
      steps: { step: [], loss: [], accuracy: [], learning_rate: [] },
      evaluations: [],
      held_out: 0,
      steps_per_epoch: images_per_epoch / Number(settings.batch),
      end: "active",
      config: { ...config, classes: labels.length },
      labels,
      weights: null,
    };
    await this.#claim(run);
    this.runs.add(run);
    return run;
  }

  /** Goes on with a run that was interrupted. @param {Run} run */
  async recover(run) {
    await this.#begin(run.settings, undefined, async () => {
      await this.#claim(run);
      await this.runs.refresh(run);
      const { settings, steps } = run;
      const bytes = await this.runs.weightsOf(run);
      const position = steps.step.length * Number(settings.batch);
      const how = { snapshot: { bytes, recipe: recipeOf(settings), position } };
      return [how, async () => this.runs.reopen(run)];
    });
  }

  /**
   * @param {Values} settings
   * @param {number | undefined} steps
   * @param {(signal: AbortSignal) => Promise<[
   *   how: Omit<Parameters<import("./engine.js").Engine["createTrainer"]>[0], "data">,
   *   runOf: (trainer: import("./engine.js").Trainer) => Promise<Run>,
   * ]>} prepare says how the trainer is made, and which run it trains then
   */
  async #begin(settings, steps, prepare) {
    this.problem = null;
    this.#stopping = false;
    this.rate = 0;
    this.#abort.abort(); // an evaluation that goes on
    this.#abort = new AbortController();
    this.#generation = this.#project.generation;
    this.#enter("starting");
    this.trainer?.close();
    this.trainer = null;
    /** @type {import("./engine.js").Trainer | null} */
    let trainer = null;
    try {
      const { signal } = this.#abort;
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
      const cancelled = this.#abort.signal.aborted || /** @type {Error} */ (error).name === "AbortError";
      if (!cancelled) this.problem = error;
      trainer?.close();
      this.preparing = null;
      this.#enter("idle");
      return;
    }
    await this.#train(steps);
  }

  /** Goes on, for as many steps or until the last epoch. @param {number} [steps] */
  async resume(steps) {
    if (this.state !== "paused") return;
    this.problem = null;
    this.#abort.abort(); // an evaluation that goes on
    this.#abort = new AbortController();
    await this.#train(steps);
  }

  pause() {
    if (this.state !== "running") return;
    this.#enter("pausing");
    this.#abort.abort();
  }

  /** Ends the run; its curves and weights are kept. */
  async stop() {
    const paused = this.state === "paused";
    this.#stopping = true;
    this.#enter("stopping");
    this.#abort.abort();
    if (!paused) return;
    try {
      await this.#finish("stopped");
    } catch (error) {
      this.#interrupt(error);
    }
  }

  /** Ends a step that takes too long, and with it the engine's memory of this run; its curves are kept. */
  async giveUp() {
    try {
      await this.#engine.restart();
    } catch (error) {
      this.#interrupt(error);
    }
  }

  /** Trains by these settings too from now on, which may change while training; where that fails, as before. @param {Values} changes */
  async change(changes) {
    const { trainer, run } = this;
    if (!this.active || !trainer || !run) return;
    const before = run.settings;
    run.settings = { ...before, ...changes };
    this.dispatchEvent(new Event("state"));
    try {
      await trainer.setRecipe(recipeOf(run.settings));
      this.runs.note(run, before);
    } catch (error) {
      run.settings = before;
      this.dispatchEvent(new Event("state"));
      throw error;
    }
  }

  /** Steps from the first to the last epoch's end. */
  get total() {
    return this.run ? Math.ceil(this.run.steps_per_epoch * Number(this.run.settings.epochs)) : 0;
  }

  /** The weights of a run that has not failed, as a file. @param {Run} run */
  weightsOf(run) {
    return run.end === "active" && this.trainer ? this.trainer.weights() : this.runs.weightsOf(run);
  }

  /** Puts a run's weights among those at hand. @param {Run} run @param {Uint8Array} bytes */
  keep({ id, number, steps, config, labels }, bytes) {
    const run = { number, step: steps.step.at(-1) ?? 0, when: new Date() };
    this.#library.keep({ id, origin: "trained", run, config, labels }, bytes);
  }

  /** @param {number} [steps] */
  async #train(steps) {
    const { trainer, run } = this;
    if (!trainer || !run) return;
    const { signal } = this.#abort;
    if (!signal.aborted) this.#enter("running");
    try {
      await this.#steps(trainer, run, signal, steps);
      const finished = run.steps.step.length >= this.total;
      if (finished || this.#stopping) return await this.#finish(finished ? "finished" : "stopped");
      await this.#checkpoint();
      this.#enter("paused");
      if (signal.aborted) this.#abort = new AbortController();
      const { signal: interrupted } = this.#abort;
      await this.#evaluate(interrupted).catch((error) => {
        if (!interrupted.aborted) throw error;
      });
    } catch (error) {
      this.#interrupt(error);
    }
  }

  /** Takes a run for this tab until it has ended. @param {Run} run */
  async #claim({ id, number }) {
    const release = await claim(id);
    if (!release) throw new EngineError("run-elsewhere", `another tab trains run ${number}`, { number });
    this.#release = release;
  }

  /** Stores all that the run needs to go on, should the page or the core be lost. */
  async #checkpoint() {
    const { trainer, run } = this;
    if (trainer && run) await this.runs.checkpoint(run, (await trainer.snapshot()).bytes);
  }

  /** Something went wrong: the run is paused or, where the core has forgotten it, back at its checkpoint. @param {unknown} error */
  #interrupt(error) {
    this.problem = error;
    if (!isLost(error)) return this.#enter("paused");
    const { run } = this;
    if (run) {
      const { checkpoint = 0 } = run;
      if (checkpoint && codeOf(error) !== "diverged") {
        run.end = "interrupted";
        for (const key of CURVES) run.steps[key].length = checkpoint;
        run.evaluations = run.evaluations.filter(({ step }) => step <= checkpoint);
        run.changes = run.changes?.filter(({ step }) => step <= checkpoint);
      } else run.end = "failed";
      this.runs.keep(run);
    }
    this.trainer?.close();
    this.trainer = null;
    this.#enter("idle");
  }

  /**
   * Trains and evaluates in turns until it is aborted, the steps are done or the last epoch is over.
   *
   * @param {import("./engine.js").Trainer} trainer @param {Run} run @param {AbortSignal} signal @param {number} [steps]
   */
  async #steps(trainer, run, signal, steps) {
    const { step: done } = run.steps;
    let images = 0;
    let began = performance.now();
    let evaluate = began + EVALUATE_AFTER;
    let checkpoint = began + CHECKPOINT_AFTER;
    const end = done.length + (steps ?? Infinity);
    const left = () => Math.min(end, this.total) - done.length;
    try {
      while (left() > 0) {
        for await (const step of trainer.run({ steps: left(), signal })) {
          checkFinite(step.loss);
          for (const key of CURVES) run.steps[key].push(step[key]);
          images += Number(run.settings.batch);
          const now = performance.now();
          this.rate = (1000 * images) / Math.max(now - began, 1);
          this.dispatchEvent(new Event("steps"));
          if (left() <= 0) break; // the number of epochs may change meanwhile
          if (trainer.ahead || signal.aborted) continue;
          if (now >= checkpoint) {
            await this.#checkpoint();
            checkpoint = performance.now() + CHECKPOINT_AFTER;
          }
          if (now < evaluate) continue;
          await this.#evaluate(signal);
          const took = performance.now() - now;
          began += took;
          evaluate = now + took + Math.max(EVALUATE_AFTER, EVALUATION_SHARE * took);
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Whether the last evaluation is of an earlier step, or not of all held-out pictures, and there is time for one. */
  get canEvaluateAll() {
    const { trainer, run, state } = this;
    const last = run?.evaluations.at(-1);
    const stale = !!last && last.step < (run?.steps.step.at(-1) ?? 0);
    return !!trainer && !!last && (stale || last.total < trainer.held_out) && (state === "paused" || state === "idle");
  }

  /** Evaluates on every held-out picture, or gives that up. */
  async evaluateAll() {
    const goesOn = this.evaluating !== null;
    this.#abort.abort();
    if (goesOn) return;
    this.problem = null;
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    try {
      await this.#evaluate(signal, this.trainer?.held_out);
    } catch (error) {
      if (!signal.aborted) this.problem = error;
    }
    this.dispatchEvent(new Event("state"));
  }

  /** @param {AbortSignal} [signal] @param {number} [images] as many as a second is enough for, where it is left out */
  async #evaluate(signal, images) {
    const { trainer, run } = this;
    if (!trainer || !run) return;
    run.held_out ||= Math.min(this.#sample(run), trainer.held_out);
    const onProgress = (/** @type {number} */ share) => {
      this.evaluating = share < 1 ? share : null;
      this.dispatchEvent(new Event("steps"));
    };
    const evaluation = trainer.evaluate({ images: images ?? run.held_out, signal, onProgress });
    const { loss, accuracy, total, ...judged } = await evaluation.finally(() => (this.evaluating = null));
    checkFinite(loss);
    run.evaluations.push({ step: run.steps.step.at(-1) ?? 0, loss, accuracy, total });
    this.judged = judged;
    this.runs.keep(run);
    this.dispatchEvent(new Event("evaluation"));
  }

  /**
   * How many held-out pictures a run is judged by: about as many as a second is enough for and, if that is not far off, the
   * same as the run before it on the same data, so that the two can be compared.
   *
   * @param {Run} run
   */
  #sample(run) {
    const [least, most] = HELD_OUT;
    const affordable = Math.min(Math.max(Math.round(EVALUATION_SPEED * this.rate), least), most);
    const { data } = run.settings;
    const before = this.runs.all.findLast((other) => other !== run && other.settings.data === data)?.held_out ?? 0;
    const near = before <= COMPARABLE * affordable && affordable <= COMPARABLE * before;
    return near && data !== "pictures" ? before : affordable; // one's own pictures become more
  }

  /** @param {"stopped" | "finished"} end */
  async #finish(end) {
    const { trainer, run } = this;
    if (!trainer || !run) return;
    try {
      // so that what is said of held-out pictures is of the run's last weights
      if (run.evaluations.at(-1)?.step !== run.steps.step.at(-1)) await this.#evaluate();
    } catch (error) {
      if (isLost(error)) throw error;
      this.problem = error; // no reason to keep the run from its end
    }
    run.weights = await trainer.weights();
    run.end = end;
    const stored = this.runs.keep(run);
    if (run.settings.data === "pictures" && this.#generation === this.#project.generation) {
      this.#project.keep({ bytes: run.weights, config: run.config, labels: run.labels });
    } else this.keep(run, run.weights);
    await stored;
    this.#enter("idle");
  }

  /** @param {Session["state"]} state */
  #enter(state) {
    this.state = state;
    if (state === "idle") this.#release();
    this.dispatchEvent(new Event("state"));
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
