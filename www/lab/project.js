/**
 * A person's own classes and pictures, kept in the browser's storage as they change. Knows no DOM.
 *
 * Every fifth picture of a class is held out when it is added, and stays so: a picture never changes sides.
 *
 * @typedef {object} Class
 * @property {string} id
 * @property {string} name
 * @property {number} order
 *
 * @typedef {object} Picture
 * @property {string} id
 * @property {string} class_id
 * @property {boolean} held_out
 * @property {number} order in which pictures were added
 * @property {Blob} blob
 *
 * @typedef {Blob | HTMLVideoElement | import("./zip.js").Packed} Source of a picture
 *
 * @typedef {object} Trained a network trained on the project
 * @property {Uint8Array} bytes
 * @property {import("../engine/protocol.js").Config} config
 * @property {string[]} labels
 */
import { EngineError } from "../engine/errors.js";
import { shrink } from "./shrink.js";
import { batch, computed, signal } from "./signals.js";
import { claim, openStorage } from "./storage/storage.js";

/** One picture in this many of a class is held out. */
export const HELD_OUT_EVERY = 5;
export const LEAST_CLASSES = 2;
/** Pictures per class that a training needs. */
export const LEAST_PICTURES = HELD_OUT_EVERY;
/** Milliseconds between updates and writes while many pictures are added. */
const OFTEN = 250;
/** Milliseconds after a storage failure before the next write tries again. */
const RETRY = 2000;

/** @template T @typedef {import("./signals.js").Signal<T>} Signal */
/** Pictures of a class, and the number of held-out ones. @typedef {{pictures: Picture[], held: number}} Group */

export class Project {
  /** In order; published anew when one is added, removed or renamed. @type {Signal<Class[]>} */
  classes = signal([]);
  /**
   * In order; published anew when some are added, removed or moved, at intervals while many are added.
   *
   * @type {Signal<Picture[]>}
   */
  pictures = signal([]);
  /** @type {Signal<Trained | null>} */
  trained = signal(null);
  /** Why the last change is not stored. @type {Signal<EngineError | null>} */
  problem = signal(null);
  /** By class id; kept up to date while pictures are added. */
  #groups = computed(() => {
    /** @type {Map<string, Group>} */
    const groups = new Map();
    for (const picture of this.pictures.value) count(groups, picture);
    return groups;
  });
  /** @type {Awaited<ReturnType<typeof openStorage>> | null} */
  #storage = null;
  /** Counts replacements of the whole project. */
  generation = 0;
  /**
   * Changes waiting to be stored, one after another; null if none is being stored.
   *
   * @type {import("./storage/storage.js").Change[] | null}
   */
  #waiting = null;
  /** Brings back what was removed last. @type {Signal<(() => void) | null>} */
  #undo = signal(null);
  /** Whether something that was removed can be brought back. */
  canUndo = computed(() => this.#undo.value !== null);

  /** Reads the storage. Without storage, or in a second tab, changes live as long as the page. */
  async open() {
    try {
      const [mine, storage] = await Promise.all([claim("project"), openStorage()]);
      const { classes, pictures, trained } = await storage.read();
      batch(() => {
        this.classes.value = classes.sort(byOrder);
        this.pictures.value = pictures.filter((one) => classes.some(({ id }) => id === one.class_id)).sort(byOrder);
        this.trained.value = trained ?? null;
      });
      if (!mine) throw new EngineError("other-tab", "another tab has the project");
      this.#storage = storage;
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The pictures of a class, in order. @param {Class} one @returns {readonly Picture[]} */
  of(one) {
    return this.#group(one).pictures;
  }

  /** Number of held-out pictures in a class. @param {Class} one */
  heldOutOf(one) {
    return this.#group(one).held;
  }

  /** @param {Class} one */
  #group({ id }) {
    return this.#groups.value.get(id) ?? { pictures: [], held: 0 };
  }

  undo() {
    batch(() => {
      this.#undo.peek()?.();
      this.#undo.value = null;
    });
  }

  /** @param {string} name @returns {Class} */
  addClass(name) {
    const one = { id: newId(), name, order: next(this.classes.peek()) };
    this.#write({ classes: [one] }, { classes: [...this.classes.peek(), one] });
    return one;
  }

  /** @param {Class} one @param {string} name */
  renameClass(one, name) {
    one.name = name;
    this.#write({ classes: [one] });
  }

  /** Removes a class with its pictures; can be undone. @param {Class} one */
  removeClass(one) {
    const gone = [...this.of(one)];
    const classes = this.classes.peek().filter((other) => other !== one);
    const pictures = this.pictures.peek().filter(({ class_id }) => class_id !== one.id);
    const undo = () => this.#restore([one], gone);
    this.#write({ goneClasses: [one.id], gonePictures: ids(gone) }, { classes, pictures, undo });
  }

  /**
   * Adds pictures to a class, shrunk to a useful size; files that are not pictures are left out. Stops if the class is
   * removed. `held_out` decides which are held out, by default their number does.
   *
   * @template {Source} S
   * @param {Class} one
   * @param {Iterable<S>} sources
   * @param {{signal?: AbortSignal, onProgress?: (done: number) => void, held_out?: boolean}} [how]
   * @returns {Promise<{source: S, error: unknown}[]>} files left out, and why
   */
  async add(one, sources, { signal, onProgress, held_out } = {}) {
    const failed = [];
    /** @type {Picture[]} */
    let fresh = [];
    let told = performance.now();
    let done = 0;
    const keep = () => {
      told = performance.now();
      const here = new Set(this.pictures.peek());
      const pictures = fresh.filter((picture) => here.has(picture)); // others were removed meanwhile
      if (pictures.length) this.#write({ pictures });
      fresh = [];
    };
    const over = () => signal?.aborted || !this.classes.peek().includes(one);
    for (const source of sources) {
      if (over()) break;
      try {
        const blob = await shrink("read" in source ? await source.read() : source);
        if (over()) break;
        const picture = this.#newPicture(one, blob, held_out);
        count(this.#groups.peek(), picture);
        this.pictures.peek().push(picture); // published when it is stored
        fresh.push(picture);
      } catch (error) {
        failed.push({ source, error });
      }
      onProgress?.(++done);
      if (performance.now() - told >= OFTEN) keep();
    }
    keep();
    return failed;
  }

  /** @param {Class} one @param {Blob} blob @param {boolean} [wanted] whether it is held out @returns {Picture} */
  #newPicture(one, blob, wanted) {
    const { pictures, held } = this.#group(one);
    const held_out = wanted ?? held < Math.floor((pictures.length + 1) / HELD_OUT_EVERY);
    return { id: newId(), class_id: one.id, held_out, order: next(this.pictures.peek()), blob };
  }

  /** Removes pictures; can be undone. @param {Set<string>} gone ids */
  remove(gone) {
    const removed = this.pictures.peek().filter(({ id }) => gone.has(id));
    const pictures = this.pictures.peek().filter(({ id }) => !gone.has(id));
    this.#write({ gonePictures: [...gone] }, { pictures, undo: () => this.#restore([], removed) });
  }

  /** @param {Set<string>} moved ids @param {Class} to */
  move(moved, to) {
    const pictures = this.pictures.peek().filter(({ id }) => moved.has(id));
    for (const picture of pictures) picture.class_id = to.id;
    this.#write({ pictures });
  }

  /**
   * Replaces the whole project; can be undone.
   *
   * @param {{classes: Class[], pictures: Picture[], trained: Trained | null}} other
   */
  replace({ classes, pictures, trained }) {
    const before = { classes: this.classes.peek(), pictures: this.pictures.peek(), trained: this.trained.peek() };
    this.generation++;
    const all = { classes: [...classes].sort(byOrder), pictures: [...pictures].sort(byOrder), trained };
    const undo = before.classes.length ? () => this.replace(before) : null;
    this.#write({ classes, pictures, trained, clear: true }, { ...all, undo });
  }

  /** Keeps a network trained on these pictures. @param {Trained} trained */
  keep(trained) {
    this.#write({ trained }, { trained });
  }

  /** @param {Class[]} classes @param {Picture[]} pictures */
  #restore(classes, pictures) {
    const all = {
      classes: [...this.classes.peek(), ...classes].sort(byOrder),
      pictures: [...this.pictures.peek(), ...pictures].sort(byOrder),
    };
    this.#write({ classes, pictures }, all);
  }

  /**
   * The data of a training: held-out pictures last, one of each class in turn, since an evaluation may only look at the
   * first of them.
   *
   * @returns {import("../engine/protocol.js").Data}
   */
  data() {
    /** @type {Map<string, number>} */
    const counts = new Map();
    const turns = this.pictures.value.map((picture) => {
      const turn = picture.held_out ? (counts.get(picture.class_id) ?? 0) + 1 : 0;
      if (turn) counts.set(picture.class_id, turn);
      return { picture, turn };
    });
    const pictures = turns.sort((a, b) => a.turn - b.turn).map(({ picture }) => picture);
    const labels = pictures.map(({ class_id }) => this.classes.value.findIndex(({ id }) => id === class_id));
    return {
      kind: "pictures",
      pictures: pictures.map(({ blob }) => blob),
      labels: Uint32Array.from(labels),
      names: this.classes.value.map(({ name }) => name),
      held_out: this.heldOut,
    };
  }

  get heldOut() {
    return this.pictures.value.filter(({ held_out }) => held_out).length;
  }

  /**
   * Why no training can start yet: key and values of the reason.
   *
   * @returns {[string, Record<string, string | number>] | null}
   */
  get obstacle() {
    const classes = this.classes.value;
    if (classes.length < LEAST_CLASSES) return ["pictures.need.classes", { least: LEAST_CLASSES }];
    const names = classes.map(({ name }) => name);
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined) return ["pictures.need.names", { name: twice }];
    for (const one of classes) {
      const pictures = this.of(one);
      const values = { name: one.name, count: pictures.length, least: LEAST_PICTURES };
      if (pictures.length < LEAST_PICTURES) return ["pictures.need.pictures", values];
      const held = this.heldOutOf(one);
      if (!held || held === pictures.length) return ["pictures.need.split", values];
    }
    return null;
  }

  /**
   * Publishes a change and stores it in the background. If it cannot be stored, it is still in memory, the person is
   * told, and the next change stores everything.
   *
   * @param {import("./storage/storage.js").Change} change
   * @param {{classes?: Class[], pictures?: Picture[], trained?: Trained | null, undo?: (() => void) | null}} [now] what differs
   *   from before; by default, elements of the current lists have changed
   */
  #write(change, now = {}) {
    batch(() => {
      this.classes.value = now.classes ?? [...this.classes.peek()];
      this.pictures.value = now.pictures ?? [...this.pictures.peek()];
      if (now.trained !== undefined) this.trained.value = now.trained;
      if (now.undo !== undefined) this.#undo.value = now.undo;
    });
    if (this.#waiting) this.#waiting.push(change);
    else this.#store(change);
  }

  /** Stores a change, and those that come meanwhile. @param {import("./storage/storage.js").Change} first */
  async #store(first) {
    if (!this.#storage) return;
    this.#waiting = [first];
    while (this.#waiting.length) {
      const failed = this.problem.peek() !== null;
      const [classes, pictures, trained] = [this.classes.peek(), this.pictures.peek(), this.trained.peek()];
      const all = { classes, pictures, trained, clear: true };
      const change = failed ? all : this.#waiting[0];
      this.#waiting = failed ? [] : this.#waiting.slice(1);
      try {
        await this.#storage.write(change);
        if (failed) this.#say(null);
      } catch (error) {
        this.#fail(error);
        if (this.#waiting.length) await new Promise((resolve) => setTimeout(resolve, RETRY));
      }
    }
    this.#waiting = null;
  }

  /** @param {any} error */
  #fail(error) {
    const code = error?.name === "QuotaExceededError" ? "quota" : "storage";
    const told = new EngineError(code, String(error), { reason: error });
    this.#say(error instanceof EngineError ? error : told);
  }

  /** Reports each problem with the storage once. @param {EngineError | null} problem */
  #say(problem) {
    if (this.problem.peek()?.message !== problem?.message) this.problem.value = problem;
  }
}

/** Counts a picture in its class. @param {Map<string, Group>} groups @param {Picture} picture */
function count(groups, picture) {
  const group = groups.get(picture.class_id) ?? { pictures: [], held: 0 };
  group.pictures.push(picture);
  group.held += Number(picture.held_out);
  groups.set(picture.class_id, group);
}

/** A unique id; pages from plain http lack `randomUUID`. */
export const newId = () => crypto.getRandomValues(new Uint32Array(4)).join("-");
/** @param {{order: number}} a @param {{order: number}} b */
const byOrder = (a, b) => a.order - b.order;
/** @param {{order: number}[]} all in their order */
const next = (all) => (all.at(-1)?.order ?? -1) + 1;
/** @param {Picture[]} pictures */
const ids = (pictures) => pictures.map(({ id }) => id);
