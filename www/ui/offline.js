/**
 * The page's side of service-worker.js: isolation where the host does not give it, use without a network, newer builds.
 * Knows no DOM.
 */
import { recall, remember } from "../lab/remember.js";
import { signal } from "../lab/signals.js";

/** Remembers, for this tab, that the page was loaded again to become isolated: where that was in vain it stays so. */
const TRIED = "isolation-tried";
/** A first service worker starts in a fraction of this; the page does not wait longer. */
const START_MILLISECONDS = 5000;
const TAKE_OVER_MILLISECONDS = 3000;
/** Where the documents and the service worker lie, and the folder of this page's build within it: "" where there is none. */
const ROOT = new URL("./", location.href).href;
const FOLDER = new URL("../", import.meta.url).href.slice(ROOT.length);

/** Where the browser allows no service worker, nothing happens. */
export class Offline {
  /** Whether all that the page has used is kept for when there is no network. */
  ready = signal(false);
  /** Whether a newer build waits, or has taken over in another tab. */
  outdated = signal(false);
  #registration = register();
  #reload = false;

  constructor() {
    this.#watch();
  }

  async #watch() {
    const registration = await this.#registration;
    if (!registration) return;
    const look = async (/** @type {ServiceWorker | null} */ worker) => {
      if (worker && (await isOther(worker))) this.outdated.value = true;
    };
    registration.addEventListener("updatefound", () =>
      registration.installing?.addEventListener("statechange", () => look(registration.waiting)),
    );
    navigator.serviceWorker.addEventListener("controllerchange", () => {
      if (this.#reload) location.reload();
      else look(navigator.serviceWorker.controller);
    });
    look(registration.waiting);
  }

  /**
   * Loads the page again, once, where that isolates it: a page that came before the service worker has not got its
   * headers. Resolves if the page stays.
   */
  async isolate() {
    if (crossOriginIsolated) remember(TRIED, null, "sessionStorage");
    else if (!recall(TRIED, "sessionStorage") && (await this.#registration)) {
      const late = new Promise((resolve) => setTimeout(resolve, START_MILLISECONDS, null));
      if (!(await Promise.race([navigator.serviceWorker.ready, late]))) return;
      remember(TRIED, "yes", "sessionStorage");
      if (!recall(TRIED, "sessionStorage")) return; // or it would load again for ever
      location.reload();
      await new Promise(() => {});
    }
  }

  /**
   * Keeps the page and what it has used so far: what it fetched itself, and what these paths begin.
   *
   * @param {string[]} paths in the build's folder of files that others fetched for it
   */
  async keep(paths) {
    if (!(await this.#registration)) return;
    const { active } = await navigator.serviceWorker.ready;
    const fetched = performance.getEntriesByType("resource").filter(({ name }) => name.startsWith(ROOT));
    const keep = [...fetched.map(({ name }) => name.slice(ROOT.length)), ...paths.map((path) => FOLDER + path)];
    if (active) this.ready.value = await ask(active, { keep });
  }

  /** Goes over to the newer build. */
  async takeOver() {
    const registration = await this.#registration;
    const { controller } = navigator.serviceWorker ?? {};
    if (!registration || (controller && (await isOther(controller)))) return location.reload();
    if (!registration.waiting) {
      await registration.update().catch(() => {}); // it may not have been looked for yet
      const { installing } = registration;
      if (installing)
        await new Promise((resolve) => installing.addEventListener("statechange", resolve, { once: true }));
    }
    this.#reload = true;
    registration.waiting?.postMessage({ takeOver: true });
    // A browser lets the old one finish first, which can be never: then the page comes from its host.
    setTimeout(
      async () => {
        await registration.unregister();
        location.reload();
      },
      registration.waiting ? TAKE_OVER_MILLISECONDS : 0,
    );
  }
}

/** @returns {Promise<ServiceWorkerRegistration | null>} */
async function register() {
  const script = new URL("service-worker.js", ROOT);
  try {
    return (await navigator.serviceWorker?.register(script, { updateViaCache: "none" })) ?? null;
  } catch (error) {
    console.info("no service worker:", error);
    return null;
  }
}

/**
 * What a service worker answers; never, where it does not.
 *
 * @param {ServiceWorker} worker
 * @param {{which: true} | {keep: string[]}} question
 * @returns {Promise<any>}
 */
function ask(worker, question) {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = ({ data }) => resolve(data);
    worker.postMessage(question, [port2]);
  });
}

/** Whether it is of another build than this page. @param {ServiceWorker} worker */
const isOther = async (worker) => (await ask(worker, { which: true })) !== FOLDER.replace("/", "");
