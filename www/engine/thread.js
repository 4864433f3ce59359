/**
 * One of the core's threads: loads the core again, on the memory of the worker that started it (worker.js), and joins
 * its pool. Knows nothing else.
 *
 * It holds a lock for as long as it computes. If it ends, because it crashed or the browser ended it, the lock goes to
 * whoever waits for it (watch.js); the worker that waits for the thread's work cannot report that itself.
 */

/** @param {MessageEvent<{glue: string, module: WebAssembly.Module, memory: WebAssembly.Memory, lock: string}>} event */
onmessage = async ({ data: { glue, module, memory, lock } }) => {
  try {
    const core = await import(/* @vite-ignore */ /* webpackIgnore: true */ glue);
    await core.default({ module_or_path: module, memory });
    await navigator.locks.request(lock, () => {
      postMessage({ loaded: true });
      core.joinPool();
    });
  } catch (error) {
    postMessage({ loaded: false, reason: String(error) });
  }
};
