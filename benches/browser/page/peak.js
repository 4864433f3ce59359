// A worker that measures the peak performance of a thread in this browser; ../peak.js has the module that it runs.

import { serve, time } from "./serve.js";

const ITERATIONS = 2e6;

serve({
  /** Operations per second, the best of several runs. */
  async measure({ bytes, operations }) {
    const { instance } = await WebAssembly.instantiate(Uint8Array.from(bytes));
    const times = await time(10, () => instance.exports.run(ITERATIONS, 0.5));
    return (operations * ITERATIONS) / (Math.min(...times) / 1e3);
  },
});
