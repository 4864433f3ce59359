// A worker that measures the most that a thread of this browser computes; ../peak.js has the module it runs.

import { serve, time } from "./serve.js";

const ITERATIONS = 2e6;

serve({
  /** Operations a second, the best of some runs. */
  async measure({ bytes, operations }) {
    const { instance } = await WebAssembly.instantiate(Uint8Array.from(bytes));
    const times = await time(10, () => instance.exports.run(ITERATIONS, 0.5));
    return (operations * ITERATIONS) / (Math.min(...times) / 1e3);
  },
});
