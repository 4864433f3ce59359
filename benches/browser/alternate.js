// Timing against peers.

import { setTimeout } from "node:timers/promises";

/** Milliseconds before a block: some engines' threads look for work for a while before they sleep. */
const PAUSE = 300;

/**
 * Times engines in alternating blocks.
 *
 * @param {number} rounds blocks per engine
 * @param {Record<string, () => Promise<number[]>>} engines by name: the milliseconds of a block of runs
 * @returns {Promise<Record<string, number[]>>} by name: the milliseconds of all runs
 */
export async function alternate(rounds, engines) {
  /** @type {Record<string, number[]>} */
  const times = {};
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of Object.entries(engines)) {
      await setTimeout(PAUSE);
      (times[name] ??= []).push(...(await run()));
    }
  }
  return times;
}
