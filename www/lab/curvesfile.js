/**
 * Runs' curves as files: CSV for spreadsheets, and JSON, which this page reads again. Weights are not in them.
 *
 * @typedef {import("./run.js").Run} Run
 */
import { EngineError } from "../engine/errors.js";
import { CURVES } from "./run.js";

/** What a JSON file says it is. */
const FORMAT = "mobilenetv2-curves";
const VERSION = 1;
/** More than any training here has; a file with more is not one of ours. */
const MOST = { runs: 1000, steps: 5_000_000, text: 200 };

/** One line per step; of several evaluations at a step, the last one. @param {Run[]} runs */
export function csvOf(runs) {
  const held = ["loss", "accuracy", "total"].map((key) => `held_out_${key}`);
  const lines = runs.flatMap(({ number, title = "", steps, evaluations }) => {
    const at = new Map(evaluations.map((evaluation) => [evaluation.step, evaluation]));
    return steps.step.map((step, i) => {
      const { loss = "", accuracy = "", total = "" } = at.get(step) ?? {};
      return [number, quoted(title), ...CURVES.map((key) => steps[key][i]), loss, accuracy, total].join(",");
    });
  });
  return `${["run", "name", ...CURVES, ...held].join(",")}\n${lines.join("\n")}\n`;
}

/** A text as a field; a leading = would be a formula. @param {string} text */
export const quoted = (text) => `"${text.replace(/^[=+@-]/, " $&").replaceAll('"', '""')}"`;

/** @param {Run[]} runs */
export function jsonOf(runs) {
  const told = runs.map(
    ({ number, title, settings, config, labels, steps, evaluations, changes, steps_per_epoch }) => ({
      ...{ number, title, settings, config, labels, steps, evaluations, changes, steps_per_epoch },
    }),
  );
  return JSON.stringify({ format: FORMAT, version: VERSION, runs: told });
}

/**
 * The runs of a JSON file, without numbers and ids of this page.
 *
 * @param {string} text
 * @returns {Omit<Run, "id" | "number">[]}
 * @throws {EngineError} `not-curves`
 */
export function runsOf(text) {
  try {
    const { format, version, runs } = JSON.parse(text);
    check(format === FORMAT && version === VERSION && Array.isArray(runs) && runs.length <= MOST.runs);
    return runs.map(runOf);
  } catch (error) {
    throw error instanceof EngineError ? error : notCurves();
  }
}

/** @param {any} run @returns {Omit<Run, "id" | "number">} */
function runOf({ title, settings, config, labels, steps, evaluations, changes = [], steps_per_epoch }) {
  const count = steps.step.length;
  check(count <= MOST.steps && CURVES.every((key) => steps[key].length === count && steps[key].every(Number.isFinite)));
  check(labels.length > 0 && labels.every(isText) && Number.isFinite(steps_per_epoch));
  const keys = /** @type {const} */ (["step", "loss", "accuracy", "total"]);
  check(evaluations.every((/** @type {any} */ one) => keys.every((key) => Number.isFinite(one[key]))));
  check(changes.every((/** @type {any} */ { step, key }) => Number.isFinite(step) && isText(key)));
  return {
    ...(isText(title) && { title }),
    settings: values(settings),
    config: values(config),
    labels: labels.map(String),
    steps: { step: steps.step, loss: steps.loss, accuracy: steps.accuracy, learning_rate: steps.learning_rate },
    evaluations: evaluations.map((/** @type {any} */ { step, loss, accuracy, total, guessing }) => ({
      ...{ step, loss, accuracy, total },
      ...(Number.isFinite(guessing) && { guessing }),
    })),
    changes: changes.map((/** @type {any} */ { step, key, from, to }) => ({ step, key, ...values({ from, to }) })),
    steps_per_epoch,
    held_out: evaluations.at(-1)?.total ?? 0,
    end: "imported",
    weights: null,
    bestWeights: null,
  };
}

/** Numbers, texts and switches only. @param {Record<string, unknown>} found @returns {any} */
const values = (found) =>
  Object.fromEntries(
    Object.entries(found).filter(([, value]) => isText(value) || typeof value === "boolean" || Number.isFinite(value)),
  );

/** @param {unknown} value */
const isText = (value) => typeof value === "string" && value.length <= MOST.text;

/** @param {boolean} holds */
function check(holds) {
  if (!holds) throw notCurves();
}

const notCurves = () => new EngineError("not-curves", "this is not a file of curves");
