/**
 * How trainings begin: a new run, from random or other weights, or a run that continues from its checkpoint.
 *
 * @typedef {import("../run.js").Run} Run
 * @typedef {import("../settings.js").Values} Values
 * @typedef {import("../../engine/engine.js").Trainer} Trainer
 *
 * @typedef {object} Plan
 * @property {Values} settings
 * @property {number} [steps] then pause
 * @property {(signal: AbortSignal) => Promise<[
 *   how: Omit<Parameters<import("../../engine/engine.js").Engine["createTrainer"]>[0], "data">,
 *   runOf: (trainer: Trainer) => Promise<Run>,
 * ]>} prepare how to create the trainer, and the run that it then trains
 *
 * @typedef {object} Means
 * @property {import("../project.js").Project} project
 * @property {import("../library.js").Library} library
 * @property {import("../runs.js").Runs} runs
 * @property {(run: Run) => Promise<void>} claim reserves a run for this tab until it has ended
 */
import { abortable } from "../../engine/download.js";
import { newRun } from "../run.js";
import { classesOf, configOf, recipeOf } from "../settings.js";

/**
 * @param {Means} means
 * @param {Values} wanted
 * @param {import("../library.js").Entry | undefined} from weights to start from; by default random ones
 * @param {number} [steps]
 * @returns {Plan}
 */
export function newPlan({ project, library, runs, claim }, wanted, from, steps) {
  const settings = from ? wanted : { ...wanted, from: "" }; // the weights it names may be gone
  return {
    settings,
    steps,
    async prepare(signal) {
      const resolution = Number(settings.resolution);
      const config = from ? { ...from.config, resolution } : configOf(settings, classesOf(settings, project));
      const weights = from && (await abortable(library.load(from), signal));
      const how = { config, recipe: recipeOf(settings), weights, options: from?.options };
      return [
        how,
        async ({ images_per_epoch, labels }) => {
          const steps_per_epoch = images_per_epoch / Number(settings.batch);
          const run = newRun(await runs.claimNumber(), settings, config, labels, steps_per_epoch);
          await claim(run);
          runs.add(run);
          return run;
        },
      ];
    },
  };
}

/** @param {Means} means @param {Run} run that was interrupted @returns {Plan} */
export function planToGoOn({ runs, claim }, run) {
  return {
    settings: run.settings,
    async prepare(signal) {
      await claim(run);
      const bytes = await abortable(runs.reread(run), signal);
      const { settings, steps } = run;
      // checkpoints of earlier builds lack these
      const { recipe = recipeOf(settings), position = steps.step.length * Number(settings.batch) } = run.snapshot ?? {};
      return [{ snapshot: { bytes, recipe, position } }, async () => runs.reopen(run)];
    },
  };
}
