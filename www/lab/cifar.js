/**
 * Where CIFAR-10 is available: on the page's host, or in the browser, where a person opened or fetched it.
 *
 * @typedef {{bytes: number, stored: boolean, checked?: boolean}} Kept as `openCifar` returns it; 0 bytes if there is none
 */
import { cifar10IsAt } from "../engine/datasets.js";
import { fetchCifar, forgetCifar, openCifar, openedCifar } from "../engine/opencifar.js";
import { CIFAR_10 } from "./settings.js";
import { batch, computed, follow, signal } from "./signals.js";

/** @type {Kept} */
const NONE = { bytes: 0, stored: false };

export class Cifar {
  #engine;
  #work = new AbortController();
  /** The opening or fetching in progress; never rejects. @type {Promise<void>} */
  #taken = Promise.resolve();
  /** @type {Promise<void> | null} */
  #looking = null;
  /** Whether the host has it; null while unknown. @type {import("./signals.js").Signal<boolean | null>} */
  #onHost = signal(null);
  /** What the browser has of it. @type {import("./signals.js").Signal<Kept>} */
  kept = signal(NONE);
  /** The share that has been opened or fetched so far; null if nothing is in progress. @type {import("./signals.js").Signal<number | null>} */
  share = signal(null);
  /** Why it could not be opened or fetched. @type {import("./signals.js").Signal<unknown>} */
  problem = signal(null);
  /** Where trainings take it from, preferably the browser; null while unknown. */
  place = computed(() => {
    if (this.kept.value.bytes || this.share.value !== null) return "browser";
    const onHost = this.#onHost.value;
    return onHost === null ? null : onHost ? "host" : "nowhere";
  });

  /** @param {import("../engine/engine.js").Engine} engine @param {import("./core.js").Core} core */
  constructor(engine, core) {
    this.#engine = engine;
    // what the browser does not store is lost with the worker
    follow(
      () => core.loss.value,
      () => this.kept.peek().stored || (this.kept.value = NONE),
    );
  }

  /** Finds out where it is. A host that does not answer may have it, which a training finds out. */
  look() {
    this.#looking ??= this.#look().finally(() => (this.#looking = null));
    return this.#looking;
  }

  async #look() {
    if (this.place.peek() === "browser") return;
    const kept = await openedCifar(this.#engine).catch(() => NONE);
    if (this.share.peek() === null) this.kept.value = kept;
    if (!kept.bytes) this.#onHost.value ??= await cifar10IsAt(CIFAR_10).catch(() => null);
  }

  /** Why no training on it can start; null if one can. @returns {[string, Record<string, string | number>] | null} */
  get obstacle() {
    return this.place.value === "nowhere" ? ["cifar.need", {}] : null;
  }

  /** The data for the engine. @returns {Promise<import("../engine/protocol.js").Data>} */
  async data() {
    await this.look();
    return this.place.peek() === "browser" ? { kind: "cifar-10", opened: true } : { kind: "cifar-10", base: CIFAR_10 };
  }

  /** Opens its authors' archive, replacing what is there. @param {Blob} archive */
  open(archive) {
    return this.#take((options) => openCifar(this.#engine, archive, options));
  }

  /** Fetches it from the Hugging Face Hub, likewise. */
  fetch() {
    return this.#take((options) => fetchCifar(this.#engine, options));
  }

  cancel() {
    this.#work.abort();
  }

  /** Removes it from the browser. */
  async forget() {
    this.problem.value = null;
    await forgetCifar(this.#engine).catch((error) => (this.problem.value = error));
    this.kept.value = NONE;
    await this.look();
  }

  /** @param {(options: Parameters<typeof openCifar>[2]) => Promise<Kept>} take */
  #take(take) {
    this.cancel();
    const { signal } = (this.#work = new AbortController());
    navigator.storage?.persist?.().catch(() => {}); // so that the browser does not delete it when space runs low
    const before = this.#taken; // its cleaning up would remove what follows
    this.#taken = before.then(async () => {
      if (signal.aborted) return;
      batch(() => {
        this.problem.value = null;
        this.kept.value = NONE;
        this.share.value = 0;
      });
      try {
        const kept = await take({ signal, onProgress: (share) => (this.share.value = share) });
        this.kept.value = kept;
      } catch (error) {
        if (!signal.aborted) this.problem.value = error;
      }
      this.share.value = null;
      await this.look();
    });
    return this.#taken;
  }
}
