/**
 * Runs a task, and runs it again if it is requested meanwhile, so that it always ends with the latest input.
 *
 * @param {(superseded: Promise<void>) => Promise<void>} task never rejects; `superseded` resolves when it is requested again
 */
export function latest(task) {
  let asked = false;
  let supersede = () => {};
  /** @type {Promise<void> | null} */
  let running = null;
  async function run() {
    while (asked) {
      asked = false;
      await task(new Promise((resolve) => (supersede = resolve)));
    }
    running = null;
  }
  return {
    /** Resolves when the latest request is done. */
    ask() {
      asked = true;
      supersede();
      return (running ??= run());
    },
    /** Resolves when the latest request is done. */
    get done() {
      return running;
    },
  };
}
