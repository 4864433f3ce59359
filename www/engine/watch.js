/**
 * Watches the worker from the page, since a worker that is stuck cannot say so. Only certain signs may end it, so that
 * no slow machine, sleeping laptop, hidden tab or debugger ends work in progress:
 *
 * - **A thread that ends** releases its lock (thread.js holds one for as long as it computes), and whoever waits for
 *   the lock gets it at once. No time is measured.
 * - **Threads that do not start** are given up after a number of ticks of a page timer. A page that sleeps, or is busy
 *   itself, does not tick, so its own delays are not blamed on the worker. A wrong decision costs threads.
 * - **Silence** otherwise proves nothing: a step of a large network takes minutes on a slow phone. It is counted in
 *   ticks too, from the last message on, while a call waits; a worker that only waits for data answers a ping. The
 *   person is told and may end it.
 */

const TICK = 1000;
/** Ticks within which threads must start, which takes less than one. */
const START = 20;
/** Ticks of silence after which the worker is pinged, and between two reports to the person. */
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

  /** Whether a call waits for the worker. @param {boolean} waits */
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

  /** Calls `late` unless the returned function is called in time. @param {() => void} late */
  startThreads(late) {
    let ticks = 0;
    const timer = setInterval(() => ++ticks === START && late(), TICK);
    this.#locks.signal.addEventListener("abort", () => clearInterval(timer));
    return () => clearInterval(timer);
  }

  /**
   * Calls `lost` once a thread that holds one of these locks has ended.
   *
   * @param {string[]} locks
   * @param {() => void} lost
   */
  threads(locks, lost) {
    const { signal } = this.#locks;
    for (const name of locks)
      navigator.locks.request(name, { signal }, () => !signal.aborted && lost()).catch(() => {}); // aborted: it no longer matters
  }

  /** Stops watching, when the worker is ended. */
  stop() {
    this.waiting = false;
    this.#locks.abort();
  }
}
