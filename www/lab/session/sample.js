/** On how many held-out pictures a run is evaluated. */

/** @typedef {import("../run.js").Run} Run */

/** Held-out pictures shown. */
export const GRID = 40;
/** Held-out pictures of an evaluation while training: about as many as a second is enough for. */
const HELD_OUT = [GRID, 500];
/** How many times as many it may be for the sake of comparing runs, or as few. */
const COMPARABLE = 3;
/** How much faster a picture is evaluated than trained on, roughly. */
const EVALUATION_SPEED = 3;
/**
 * How many held-out pictures a run is judged by: about as many as a second is enough for and, if that is not far off, the
 * same as the run before it on the same data, so that the two can be compared.
 *
 * @param {Run} run @param {Run[]} runs all of them @param {number} rate images a second
 */
export function sampleOf(run, runs, rate) {
  const [least, most] = HELD_OUT;
  const affordable = Math.min(Math.max(Math.round(EVALUATION_SPEED * rate), least), most);
  const { data } = run.settings;
  const before = runs.findLast((other) => other !== run && other.settings.data === data)?.held_out ?? 0;
  const near = before <= COMPARABLE * affordable && affordable <= COMPARABLE * before;
  return near && data !== "pictures" ? before : affordable; // one's own pictures become more
}
