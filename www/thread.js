/**
 * One of the core's threads: loads the core once more, on the memory of the worker that started it (worker.js), and joins
 * its pool. Knows nothing else.
 */

/** @param {MessageEvent<{glue: string, module: WebAssembly.Module, memory: WebAssembly.Memory}>} event */
onmessage = async ({ data: { glue, module, memory } }) => {
  try {
    const core = await import(/* @vite-ignore */ /* webpackIgnore: true */ glue);
    await core.default({ module_or_path: module, memory });
    postMessage({ loaded: true });
    core.joinPool();
  } catch (error) {
    postMessage({ loaded: false, reason: String(error) });
  }
};
