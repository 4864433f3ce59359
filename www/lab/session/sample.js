/** The number of held-out pictures on which a run is evaluated. */

/** @typedef {import("../run.js").Run} Run */

/** Number of held-out pictures shown. */
export const GRID = 40;
/** Held-out pictures per evaluation during training: about as many as fit into a second. */
const HELD_OUT = [GRID, 500];
/** Factor by which the number may differ to make runs comparable. */
const COMPARABLE = 3;
/** How much faster evaluating a picture is than training on it, roughly. */
const EVALUATION_SPEED = 3;
/**
 * The number of held-out pictures on which to evaluate a run: about as many as fit into a second or, if that is close,
 * as many as in the run before on the same data, so that the two can be compared.
 *
 * @param {Run} run @param {Run[]} runs all of them @param {number} rate images per second
 */
export function sampleOf(run, runs, rate) {
  const [least, most] = HELD_OUT;
  const affordable = Math.min(Math.max(Math.round(EVALUATION_SPEED * rate), least), most);
  const { data } = run.settings;
  const before = runs.findLast((other) => other !== run && other.settings.data === data)?.held_out ?? 0;
  const near = before <= COMPARABLE * affordable && affordable <= COMPARABLE * before;
  return near && data !== "pictures" ? before : affordable; // the person's own pictures may have become more
}
