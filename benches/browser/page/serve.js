// Message handling for everything that is timed, in a worker or a frame: runs one method per message.

/** @param {Record<string, (args: any) => any>} methods */
export function serve(methods) {
  const asker = globalThis.document ? parent : globalThis;
  onmessage = async ({ data: { method, args } }) => {
    try {
      asker.postMessage({ result: await methods[method](args) });
    } catch (error) {
      asker.postMessage({ error: String(error?.stack ?? error) });
    }
  };
}

/**
 * Milliseconds of each of `runs` runs.
 *
 * @param {number} runs
 * @param {() => any} run
 */
export async function time(runs, run) {
  const times = [];
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  }
  return times;
}
