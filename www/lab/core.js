/**
 * The engine's events as signals; no other part of the lab listens to the engine.
 *
 * @typedef {object} Core
 * @property {import("./signals.js").ReadonlySignal<Loss | null>} loss the last time that it lost everything it held
 * @property {import("./signals.js").ReadonlySignal<Setup>} setup its variant and threads
 * @property {import("./signals.js").ReadonlySignal<string>} loading the data file being fetched, "" if none
 * @property {import("./signals.js").ReadonlySignal<number | null>} silent seconds since it last answered, null while it
 *   does
 *
 * @typedef {{reason: Error, alive: boolean}} Loss `alive`: it was restarted
 * @typedef {Pick<import("../engine/engine.js").Engine, "variant" | "threads" | "obstacle">} Setup
 */
import { EngineError } from "../engine/errors.js";
import { batch, signal } from "./signals.js";

/** @param {import("../engine/engine.js").Engine} engine @returns {Core} */
export function coreOf(engine) {
  const setupOf = () => {
    const { variant, threads, obstacle } = engine;
    return { variant, threads, obstacle };
  };
  /** @type {import("./signals.js").Signal<Loss | null>} */
  const loss = signal(null);
  const setup = signal(setupOf());
  const loading = signal("");
  /** @type {import("./signals.js").Signal<number | null>} */
  const silent = signal(null);
  /** @param {string} type @param {(detail: any) => void} hear */
  const listen = (type, hear) =>
    engine.addEventListener(type, (event) => hear(/** @type {CustomEvent} */ (event).detail));
  listen("restart", (reason) =>
    batch(() => {
      setup.value = setupOf(); // threads may have failed
      loss.value = { reason: reason ?? new EngineError("closed", "the engine was restarted"), alive: true };
    }),
  );
  listen("failure", (reason) => (loss.value = { reason, alive: false }));
  listen("loading", (file) => (loading.value = file ?? ""));
  listen("silent", (seconds) => (silent.value = seconds));
  return { loss, setup, loading, silent };
}
