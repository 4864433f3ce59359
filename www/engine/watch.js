/**
 * Watches over the worker from the page's side, since a worker that is stuck cannot say so. What ends it must be certain, so
 * that no slow machine, sleeping laptop, hidden tab or debugger ends work that goes on:
 *
 * - **A thread that ends** lets go of its lock (thread.js holds one for as long as it computes), and whoever waits for it
 *   gets it at once: no time is measured.
 * - **Threads that do not start** are given up after a number of ticks of a timer of the page. A page that sleeps, or has no
 *   time itself, ticks no more, so the time that it does not have the worker is not charged for. To be wrong costs threads.
 * - **Silence** otherwise proves nothing: a step of a large network takes a slow phone minutes. It is counted in ticks too,
 *   from the last message on, while something is asked for; a worker that only waits for data answers a ping. A person is
 *   told, and may end it.
 */

const TICK = 1000;
/** Ticks within which threads start, which takes less than one. */
const START = 20;
/** Ticks of silence after which the worker is pinged, and after which a person is told, each so many. */
const PING = 5;
export const SILENT = 20;

export class Watch {
  #tell;
  #silent = 0;
  #timer = 0;
  #locks = new AbortController();

  /** @param {{ping: () => void, silent: (seconds: number | null) => void}} tell `silent`: for how long; null: it has answered */
  constructor(tell) {
    this.#tell = tell;
  }

  /** Something is asked for, or no longer. @param {boolean} waits */
  set waiting(waits) {
    if (waits && !this.#timer) this.#timer = setInterval(() => this.#tick(), TICK);
    if (waits) return;
    clearInterval(this.#timer);
    this.#timer = 0;
    this.heard();
  }

  /** The worker has sent something. */
  heard() {
    if (this.#silent >= SILENT) this.#tell.silent(null);
    this.#silent = 0;
  }

  #tick() {
    this.#silent++;
    if (this.#silent % PING === 0) this.#tell.ping();
    if (this.#silent % SILENT === 0) this.#tell.silent((this.#silent * TICK) / 1000);
  }

  /** Calls `late` unless what this returns is called in time. @param {() => void} late */
  startThreads(late) {
    let ticks = 0;
    const timer = setInterval(() => ++ticks === START && late(), TICK);
    this.#locks.signal.addEventListener("abort", () => clearInterval(timer));
    return () => clearInterval(timer);
  }

  /** Calls `lost` once one of the threads that hold these locks has ended. @param {string[]} locks @param {() => void} lost */
  threads(locks, lost) {
    const { signal } = this.#locks;
    for (const name of locks)
      navigator.locks.request(name, { signal }, () => !signal.aborted && lost()).catch(() => {}); // aborted: it no longer matters
  }

  /** The worker is ended. */
  stop() {
    this.waiting = false;
    this.#locks.abort();
  }
}
