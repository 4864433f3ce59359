/**
 * The page's side of service-worker.js: isolation if the host does not provide it, offline use, newer builds.
 * Knows no DOM.
 */
import { recall, remember } from "../lab/remember.js";
import { signal } from "../lab/signals.js";

/** Remembers per tab that the page was reloaded to become isolated: if that failed, it is not repeated. */
const TRIED = "isolation-tried";
/** A first service worker starts in a fraction of this; the page waits no longer. */
const START_MILLISECONDS = 5000;
const TAKE_OVER_MILLISECONDS = 3000;
/** The folder of the documents and the service worker, and this build's folder in it, "" without a build. */
const ROOT = new URL("./", location.href).href;
const FOLDER = new URL("../", import.meta.url).href.slice(ROOT.length);

/** Does nothing if the browser allows no service worker. */
export class Offline {
  /** Whether everything that the page has used is stored for offline use. */
  ready = signal(false);
  /** Whether a newer build waits, or has taken over in another tab. */
  outdated = signal(false);
  #registration = register();
  #reload = false;
  /** What the page last asked to keep. @type {string[] | null} */
  #used = null;

  constructor() {
    this.#watch();
  }

  async #watch() {
    const registration = await this.#registration;
    if (!registration) return;
    const look = async (/** @type {ServiceWorker | null} */ worker) => {
      if (!worker) return;
      if (await isOther(worker)) this.outdated.value = true;
      else if (worker === registration.waiting && this.#used) await this.keep(this.#used);
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
   * Reloads the page once if that isolates it: a page loaded before the service worker lacks its headers. Resolves if
   * the page stays.
   */
  async isolate() {
    if (crossOriginIsolated) remember(TRIED, null, "sessionStorage");
    else if (!recall(TRIED, "sessionStorage") && (await this.#registration)) {
      const late = new Promise((resolve) => setTimeout(resolve, START_MILLISECONDS, null));
      if (!(await Promise.race([navigator.serviceWorker.ready, late]))) return;
      remember(TRIED, "yes", "sessionStorage");
      if (!recall(TRIED, "sessionStorage")) return; // else it would reload forever
      location.reload();
      await new Promise(() => {});
    }
  }

  /**
   * Stores the page and what it has used so far: files that it fetched itself, and those below these paths. If the page
   * came past the service worker of a build that was never complete, that of its own build stores it, and takes over.
   *
   * @param {string[]} paths in the build's folder, of files that others fetched for it
   */
  async keep(paths) {
    this.#used = paths;
    const registration = await this.#registration;
    if (!registration) return;
    await navigator.serviceWorker.ready;
    const { active, waiting } = registration;
    const own = waiting && !(await isOther(waiting)) ? waiting : active;
    const fetched = performance.getEntriesByType("resource").filter(({ name }) => name.startsWith(ROOT));
    const keep = [...fetched.map(({ name }) => name.slice(ROOT.length)), ...paths.map((path) => FOLDER + path)];
    if (own) this.ready.value = await ask(own, { keep });
  }

  /** Switches to the newer build. */
  async takeOver() {
    const registration = await this.#registration;
    const { controller } = navigator.serviceWorker ?? {};
    if (!registration || (controller && (await isOther(controller)))) return location.reload();
    if (!registration.waiting) {
      await registration.update().catch(() => {}); // the browser may not have looked for it yet
      const { installing } = registration;
      if (installing)
        await new Promise((resolve) => installing.addEventListener("statechange", resolve, { once: true }));
    }
    this.#reload = true;
    registration.waiting?.postMessage({ takeOver: true });
    // A browser lets the old worker finish first, which may take forever: then load the page from its host.
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
 * A service worker's answer; never resolves if it does not answer.
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

/** Whether it belongs to another build than this page. @param {ServiceWorker} worker */
const isOther = async (worker) => (await ask(worker, { which: true })) !== FOLDER.replace("/", "");
