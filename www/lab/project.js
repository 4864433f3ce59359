/**
 * A person's own classes and pictures, kept in the browser's storage as they change. Knows no DOM.
 *
 * Of each class every fifth picture is held out when it is added, and stays so: a picture never changes sides.
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
 * @property {number} order in which pictures came
 * @property {Blob} blob
 *
 * @typedef {Blob | HTMLVideoElement | import("./zip.js").Packed} Source what a picture is made of
 *
 * @typedef {object} Trained a network that was trained on them
 * @property {Uint8Array} bytes
 * @property {import("../engine/protocol.js").Config} config
 * @property {string[]} labels
 */
import { EngineError } from "../engine/errors.js";
import { shrink } from "./shrink.js";
import { batch, computed, signal } from "./signals.js";
import { claim, openStorage } from "./storage/storage.js";

/** Of so many pictures of a class one is held out. */
export const HELD_OUT_EVERY = 5;
export const LEAST_CLASSES = 2;
/** Pictures that a class needs for a training. */
export const LEAST_PICTURES = HELD_OUT_EVERY;
/** Milliseconds between two changes told and stored while many pictures are added. */
const OFTEN = 250;
/** Milliseconds after which a storage that failed is tried again where there is more to store. */
const RETRY = 2000;

/** @template T @typedef {import("./signals.js").Signal<T>} Signal */
/** Pictures of a class, and how many of them are held out. @typedef {{pictures: Picture[], held: number}} Group */

export class Project {
  /** In their order; published anew when one came, went or has another name. @type {Signal<Class[]>} */
  classes = signal([]);
  /** In their order; published anew when some came, went or were moved, while many come every now and then. @type {Signal<Picture[]>} */
  pictures = signal([]);
  /** @type {Signal<Trained | null>} */
  trained = signal(null);
  /** Why the last change is not stored. @type {Signal<EngineError | null>} */
  problem = signal(null);
  /** Of each class, by its id; those that come meanwhile are counted as they come. */
  #groups = computed(() => {
    /** @type {Map<string, Group>} */
    const groups = new Map();
    for (const picture of this.pictures.value) count(groups, picture);
    return groups;
  });
  /** @type {Awaited<ReturnType<typeof openStorage>> | null} */
  #storage = null;
  /** Counts what took the place of all that was here. */
  generation = 0;
  /** Changes that wait to be stored, one after the other; null where none is being stored. @type {import("./storage/storage.js").Change[] | null} */
  #waiting = null;
  /** What brings back what was removed last. @type {Signal<(() => void) | null>} */
  #undo = signal(null);
  /** Whether something removed can be brought back. */
  canUndo = computed(() => this.#undo.value !== null);

  /** Reads what the storage holds; without storage, or in a second tab, what changes lives as long as the page. */
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

  /** The pictures of a class, in their order. @param {Class} one @returns {readonly Picture[]} */
  of(one) {
    return this.#group(one).pictures;
  }

  /** How many of a class are held out. @param {Class} one */
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

  /** Removes a class with its pictures, until that is undone. @param {Class} one */
  removeClass(one) {
    const gone = [...this.of(one)];
    const classes = this.classes.peek().filter((other) => other !== one);
    const pictures = this.pictures.peek().filter(({ class_id }) => class_id !== one.id);
    const undo = () => this.#restore([one], gone);
    this.#write({ goneClasses: [one.id], gonePictures: ids(gone) }, { classes, pictures, undo });
  }

  /**
   * Adds pictures to a class, shrunk to what is of use; what is none is left out. Ends early where the class is removed. Which
   * are held out `held_out` says, or else their number.
   *
   * @template {Source} S
   * @param {Class} one
   * @param {Iterable<S>} sources
   * @param {{signal?: AbortSignal, onProgress?: (done: number) => void, held_out?: boolean}} [how]
   * @returns {Promise<{source: S, error: unknown}[]>} what was left out, and why
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
      const pictures = fresh.filter((picture) => here.has(picture)); // or it was removed meanwhile
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
        this.pictures.peek().push(picture); // told of when it is stored
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

  /** Removes pictures, until that is undone. @param {Set<string>} gone ids */
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
   * Takes the place of all that was here, until that is undone.
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

  /** Keeps a network that was trained on these pictures. @param {Trained} trained */
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
   * What a training reads: the held-out pictures last, one of each class in turn, as an evaluation may look at the first
   * of them only.
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

  /** Why no training can start yet: key and values of the reason. @returns {[string, Record<string, string | number>] | null} */
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
   * Tells of a change and has it stored, which nobody waits for; what cannot be stored is still here, and the person is told.
   * The next change then stores all there is.
   *
   * @param {import("./storage/storage.js").Change} change
   * @param {{classes?: Class[], pictures?: Picture[], trained?: Trained | null, undo?: (() => void) | null}} [now] what is other
   *   than before; without, elements of the lists there are have changed
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
    const told = new EngineError(code, String(error), { reason: error?.message ?? String(error) });
    this.#say(error instanceof EngineError ? error : told);
  }

  /** Says once what is wrong with the storage. @param {EngineError | null} problem */
  #say(problem) {
    if (this.problem.peek()?.message !== problem?.message) this.problem.value = problem;
  }
}

/** Counts a picture among those of its class. @param {Map<string, Group>} groups @param {Picture} picture */
function count(groups, picture) {
  const group = groups.get(picture.class_id) ?? { pictures: [], held: 0 };
  group.pictures.push(picture);
  group.held += Number(picture.held_out);
  groups.set(picture.class_id, group);
}

/** An id that nothing else has, for pages that came by plain http too, where there is no `randomUUID`. */
export const newId = () => crypto.getRandomValues(new Uint32Array(4)).join("-");
/** @param {{order: number}} a @param {{order: number}} b */
const byOrder = (a, b) => a.order - b.order;
/** @param {{order: number}[]} all in their order */
const next = (all) => (all.at(-1)?.order ?? -1) + 1;
/** @param {Picture[]} pictures */
const ids = (pictures) => pictures.map(({ id }) => id);
