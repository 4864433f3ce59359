/**
 * Comparisons as files: CSV for spreadsheets, and JSON, which this page opens again.
 *
 * @typedef {import("./record.js").Record} Record
 * @typedef {import("./record.js").Side} Side
 */
import { EngineError } from "../../engine/errors.js";
import { quoted } from "../curvesfile.js";
import { CURVES } from "../run.js";
import { SIDES } from "./contests.js";
import { idOf } from "./record.js";

/** What a JSON file says it is. */
const FORMAT = "mobilenetv2-comparison";
const VERSION = 1;
/** More than any comparison here has; a file with more is not one of ours. */
const MOST = { seeds: 1000, steps: 100_000, pictures: 10_000, text: 200 };
/** How a comparison in a file may have ended. */
const ENDS = ["finished", "stopped", "failed"];

/** The name of a comparison's file, without its ending. @param {Record} record */
export const fileOf = ({ id }) => `mobilenetv2-comparison-${id.replaceAll(" ", "-")}`;

/** One line per seed, side and step. @param {Record} record @param {string[]} labels of the sides */
export function csvOf({ rounds }, labels) {
  const head = ["seed", "side", ...CURVES, "held_out_loss", "held_out_accuracy", "held_out_total"];
  const lines = rounds.flatMap(({ seed, sides }) =>
    sides.flatMap(({ steps, evaluations, final }, side) => {
      const at = new Map([...evaluations, ...(final ? [final] : [])].map((one) => [one.step, one]));
      return steps.step.map((step, i) => {
        const { loss = "", accuracy = "", total = "" } = at.get(step) ?? {};
        return [seed, quoted(labels[side]), ...CURVES.map((key) => steps[key][i]), loss, accuracy, total].join(",");
      });
    }),
  );
  return `${head.join(",")}\n${lines.join("\n")}\n`;
}

/** A comparison that goes on is as one that was stopped here. @param {Record} record */
export function jsonOf({ contest, seeds, rounds, images_per_epoch, costs, milliseconds, end }) {
  const told = rounds.map(({ seed, sides }) => ({
    seed,
    sides: sides.map((side) => ({ ...side, right: side.right && [...side.right].join("") })),
  }));
  const how = { costs, milliseconds, images_per_epoch, end: ENDS.includes(end) ? end : "stopped" };
  return JSON.stringify({ format: FORMAT, version: VERSION, contest, seeds, rounds: told, ...how });
}

/**
 * The comparison of a JSON file.
 *
 * @param {string} text @returns {Record}
 * @throws {EngineError} `not-comparison`
 */
export function recordOf(text) {
  try {
    const { format, version, ...found } = JSON.parse(text);
    check(format === FORMAT && version === VERSION);
    return read(found);
  } catch (error) {
    throw error instanceof EngineError ? error : notOurs();
  }
}

/** @param {any} found @returns {Record} */
function read({ contest, rounds, images_per_epoch, costs, milliseconds, end }) {
  const sides = contest.sides.map(valuesOf);
  check(sides.length >= SIDES[0] && sides.length <= SIDES[1] && isText(contest.name) && ENDS.includes(end));
  check(rounds.length <= MOST.seeds && costs.length === sides.length && milliseconds.length === sides.length);
  const read = { name: contest.name, settings: valuesOf(contest.settings), sides };
  check(Number.isInteger(read.settings.steps));
  const all = rounds.map((/** @type {any} */ { seed, sides: own }) => {
    check(Number.isInteger(seed) && own.length === sides.length);
    return { seed, sides: own.map(sideOf) };
  });
  return {
    id: idOf(read),
    contest: read,
    seeds: all.length,
    rounds: all,
    costs: costs.map((/** @type {any} */ { parameters, macs }) => ({
      parameters: finite(parameters),
      macs: finite(macs),
    })),
    milliseconds: milliseconds.map(finite),
    ...(images_per_epoch !== undefined && { images_per_epoch: finite(images_per_epoch) }),
    end,
  };
}

/** @param {any} side @returns {Side} */
function sideOf({ steps, evaluations, final, right }) {
  const count = steps.step.length;
  check(count <= MOST.steps && CURVES.every((key) => steps[key].length === count && steps[key].every(Number.isFinite)));
  check((right === null) === (final === null));
  check(right === null || (/^[01]+$/.test(right) && right.length <= MOST.pictures && right.length === final.total));
  return {
    steps: { step: steps.step, loss: steps.loss, accuracy: steps.accuracy, learning_rate: steps.learning_rate },
    evaluations: evaluations.map(evaluated),
    final: final && evaluated(final),
    right: right && Uint8Array.from(right, Number),
  };
}

/** @param {any} one @returns {import("../run.js").Evaluated} */
const evaluated = ({ step, loss, accuracy, total, guessing }) => ({
  step: finite(step),
  loss: finite(loss),
  accuracy: finite(accuracy),
  total: finite(total),
  ...(Number.isFinite(guessing) && { guessing }),
});

/** Numbers, texts and switches only. @param {object} found @returns {import("../settings.js").Values} */
const valuesOf = (found) =>
  /** @type {any} */ (
    Object.fromEntries(
      Object.entries(found).filter(
        ([, value]) => isText(value) || typeof value === "boolean" || Number.isFinite(value),
      ),
    )
  );

/** @param {unknown} value @returns {number} */
function finite(value) {
  check(Number.isFinite(value));
  return /** @type {number} */ (value);
}

/** @param {unknown} value */
const isText = (value) => typeof value === "string" && value.length <= MOST.text;

/** @param {boolean} holds */
function check(holds) {
  if (!holds) throw notOurs();
}

const notOurs = () => new EngineError("not-comparison", "this is not a file of a comparison");
