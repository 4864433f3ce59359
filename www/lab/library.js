/**
 * The available weights: those that the page ships, published ones, opened files, and networks trained here. Fetched,
 * opened and trained ones are kept in the browser's storage. Knows no DOM.
 *
 * @typedef {import("../engine/protocol.js").Config} Config
 * @typedef {import("./storage/weightstorage.js").Stored} Stored
 * @typedef {Awaited<ReturnType<typeof openWeightStorage>>} Storage
 *
 * @typedef {object} Entry
 * @property {string} id as in the link
 * @property {"shipped" | "published" | "opened" | "trained" | "project"} origin
 * @property {() => string} name in the chosen language
 * @property {string} family entries of one family differ only in width
 * @property {Config} config
 * @property {string[]} labels
 * @property {Config} [options] given by the person where the file leaves them open
 * @property {Record<string, number>} accuracy by resolution, from the manifest
 * @property {{activation: string, epochs: number, minutes: number, widened_from?: number}} [training] of shipped
 *   weights, if known
 * @property {string} [url] of the file
 * @property {string} [source] the publisher's page, which states the accuracy
 * @property {number} [size] of the file in bytes; approximate until it is here
 * @property {Uint8Array} [bytes] if in memory
 * @property {Stored} [stored] its record in the storage
 *
 * @typedef {object} Words names of weights in the page's language
 * @property {(names: Record<string, string>) => string} listed from the manifest's names by language
 * @property {(run: NonNullable<Stored["run"]>) => string} trained by a run
 *
 * @typedef {object} Fetching
 * @property {Entry} entry
 * @property {number} share fetched, 0 – 1
 * @property {AbortController} controller
 * @property {Promise<Uint8Array>} bytes
 */
import { download, fetchJson, gather, request } from "../engine/download.js";
import { EngineError, isOfFile } from "../engine/errors.js";
import { usualNames } from "./classnames.js";
import { signal } from "./signals.js";
import { answered } from "./storage/storage.js";
import { openWeightStorage } from "./storage/weightstorage.js";

const FOLDER = new URL("../weights/", import.meta.url);
/** Bytes stored at once: the most that an interruption can lose. */
const PART = 1 << 20;

/** The smallest of the page's own weights that were trained on photos. */
export const PHOTO_WEIGHTS = "cifar10-0.35";

export class Library {
  /**
   * Published anew when entries are added or removed, or one is stored.
   *
   * @type {import("./signals.js").Signal<Entry[]>}
   */
  entries = signal([]);
  /**
   * Fetches in progress, by the entry's id; published anew as they progress.
   *
   * @type {import("./signals.js").Signal<Map<string, Fetching>>}
   */
  fetching = signal(new Map());
  /** Why the last weights are not stored. @type {import("./signals.js").Signal<unknown>} */
  problem = signal(null);
  /** @type {Storage | null} */
  #storage = null;
  #engine;
  #words;

  /**
   * @param {Promise<import("../engine/engine.js").Engine>} engine tells whether a file can be read
   * @param {Words} words
   */
  constructor(engine, words) {
    this.#engine = engine;
    this.#words = words;
  }

  /** Reads the shipped and published lists, and the storage. */
  async open() {
    const manifest = await fetchJson(new URL("manifest.json", FOLDER));
    /** @type {Entry[]} */
    const entries = [];
    for (const one of manifest) {
      const { id, file, name, published, source, width, resolution, classes, stem, accuracy, training, bytes } = one;
      const url = new URL(file, FOLDER).href;
      entries.push({
        id,
        origin: published ? "published" : "shipped",
        name: () => this.#words.listed(name),
        family: name.en,
        config: { width, resolution, classes, stem },
        labels: [],
        options: published ? { resolution } : undefined,
        accuracy,
        training,
        url,
        source: published ? url : source,
        size: bytes,
      });
    }
    try {
      const storage = await answered(openWeightStorage);
      const list = await answered(storage.list);
      this.#storage = storage;
      for (const stored of list) this.#restore(entries, stored);
    } catch (error) {
      this.#fail(error);
    }
    this.entries.value = entries;
  }

  /** @param {Entry[]} entries @param {Stored} stored */
  #restore(entries, stored) {
    const listed = entries.find(({ id }) => id === stored.id);
    if (listed?.origin === "published") listed.stored = stored;
    else if (listed || !stored.whole)
      this.#storage?.remove(stored.id).catch((error) => this.#fail(error)); // the host ships them by now, or they no longer have a name
    else
      entries.push(
        this.#entryOf(stored.origin === "published" ? { ...stored, origin: "opened", title: stored.id } : stored),
      );
  }

  /** @param {Stored} stored @returns {Entry} */
  #entryOf(stored) {
    const { id, origin, title = "", run, config, labels, options, size } = stored;
    const name = () => (run ? this.#words.trained(run) : title);
    return { id, origin, name, family: id, config, labels, options, accuracy: {}, size, stored };
  }

  /** @param {unknown} id */
  find(id) {
    return this.entries.value.find((entry) => entry.id === id);
  }

  /** The entry and its siblings at other widths. @param {Entry} entry */
  family(entry) {
    return this.entries.value.filter(({ family }) => family === entry.family);
  }

  /** Adds an entry, or replaces the one with the same id. @param {Entry} entry */
  add(entry) {
    this.#publish([...this.entries.peek().filter(({ id }) => id !== entry.id), entry]);
  }

  /**
   * Adds weights and stores them. If storing fails, they stay until the page is closed, and the person is told.
   *
   * @param {Omit<Stored, "size" | "whole">} described
   * @param {Uint8Array} bytes
   */
  async keep(described, bytes) {
    const stored = { ...described, size: bytes.length, whole: true };
    const entry = { ...this.#entryOf(stored), stored: undefined, bytes };
    this.add(entry);
    if (!this.#storage) return;
    try {
      await this.#storage.replace(stored, bytes);
      this.problem.value = null;
      Object.assign(entry, { stored, bytes: undefined });
      navigator.storage?.persist?.(); // else the browser may clear it when it needs space
    } catch (error) {
      this.#fail(error, entry);
    }
    this.#publish();
  }

  /** Publishes a new list, or the current one after an entry has changed. */
  #publish(entries = this.entries.peek()) {
    this.entries.value = [...entries];
  }

  /** Removes weights from the storage; published ones can be fetched again. @param {Entry} entry */
  async remove(entry) {
    this.cancel(entry.id);
    try {
      await this.#storage?.remove(entry.id);
      this.problem.value = null;
    } catch (error) {
      return this.#fail(error, entry);
    }
    entry.stored = undefined;
    this.#publish(this.entries.peek().filter((other) => other !== entry || entry.origin === "published"));
  }

  /**
   * The bytes of an entry; fetched only once, however many ask.
   *
   * @param {Entry} entry
   * @returns {Promise<Uint8Array>}
   */
  async load(entry) {
    if (entry.bytes) return entry.bytes;
    const started = this.fetching.peek().get(entry.id);
    if (started) return started.bytes;
    const controller = new AbortController();
    const bytes = this.#load(entry, controller.signal);
    this.#tell(entry.id, { entry, share: 0, controller, bytes });
    try {
      return await bytes;
    } finally {
      this.#tell(entry.id, null); // more of it may be stored now
    }
  }

  /** Publishes the progress of a fetch; null: it is over. @param {string} id @param {Fetching | null} fetching */
  #tell(id, fetching) {
    const all = new Map(this.fetching.peek());
    if (fetching) all.set(id, fetching);
    else all.delete(id);
    this.fetching.value = all;
  }

  /** Stops fetching an entry; what has arrived stays stored. @param {string} id */
  cancel(id) {
    this.fetching.peek().get(id)?.controller.abort();
  }

  /** @param {Entry} entry @param {AbortSignal} signal */
  async #load(entry, signal) {
    const { url = "", origin, stored } = entry;
    const storage = this.#storage;
    if (stored?.whole && storage) {
      const bytes = await storage.read(entry.id);
      if (bytes.length === stored.size) return bytes;
      entry.stored = undefined; // another tab has deleted it
      if (origin !== "published") {
        this.#publish(this.entries.peek().filter((other) => other !== entry));
        throw new EngineError("deleted", `the storage has ${bytes.length} of ${stored.size} bytes`, {
          name: entry.name(),
        });
      }
    }
    const onProgress = (/** @type {number} */ share) => {
      const fetching = this.fetching.peek().get(entry.id);
      if (fetching) this.#tell(entry.id, { ...fetching, share: Math.min(share, 1) });
    };
    if (origin === "published" && storage) {
      const complete = () => this.#complete(storage, entry, signal, onProgress);
      // one tab at a time; pages from insecure origins have no locks
      return navigator.locks?.request(entry.id, { signal }, complete) ?? complete();
    }
    return (entry.bytes = await download(url, { signal, onProgress }));
  }

  /**
   * Fetches the missing rest of a published file and stores it as it arrives. It is complete when the engine can read
   * it.
   *
   * @param {Storage} storage
   * @param {Entry} entry
   * @param {AbortSignal} signal
   * @param {(share: number) => void} onProgress
   */
  async #complete(storage, entry, signal, onProgress) {
    const { id, url = "", config, options } = entry;
    let stored = (await storage.list()).find((file) => file.id === id);
    try {
      if (!stored || (!stored.whole && stored.size !== stored.total)) {
        const incoming = await request(url, { signal, from: stored?.size, version: stored?.version });
        if (!stored || !incoming.from) {
          const { version, total } = incoming;
          /** @type {Stored} */
          const none = { id, origin: "published", config, labels: [], size: 0, whole: false, version, total };
          await storage.replace(none);
          stored = none;
        }
        for await (const part of gather(incoming.chunks, PART)) {
          stored = await storage.append(stored, part);
          onProgress(stored.size / (incoming.total || entry.size || Infinity));
        }
      }
      const bytes = await storage.read(id);
      const classifier = await (await this.#engine).loadClassifier(bytes, { options });
      classifier.close();
      usualNames(classifier.config.classes); // fetches them, so that the page also has them offline
      const whole = { ...stored, whole: true };
      await storage.describe(whole);
      stored = whole;
      this.problem.value = null;
      navigator.storage?.persist?.();
      return bytes;
    } catch (error) {
      if (!(error instanceof EngineError)) throw isQuota(error) ? noRoom(error, entry) : error;
      const { code, message, values } = error;
      if (code === "network") throw new EngineError("refused", message, values);
      if (!isOfFile(error)) throw error;
      // all of it has arrived, and it is not a valid file
      await storage.remove(id);
      stored = undefined;
      throw new EngineError("not-weights", message, { url, host: new URL(url).host, reason: error });
    } finally {
      entry.stored = stored;
    }
  }

  /** @param {any} error @param {Entry} [entry] */
  #fail(error, entry) {
    const told = new EngineError("no-storage", String(error), { name: entry?.name() ?? "", reason: error });
    this.problem.value = entry && isQuota(error) ? noRoom(error, entry) : told;
  }
}

/** @param {any} error */
const isQuota = (error) => error?.name === "QuotaExceededError";
/** @param {any} error @param {Entry} entry */
const noRoom = (error, entry) => new EngineError("no-room", String(error), { name: entry.name() });
