/**
 * A lesson: stops in an order, where the person is, and what they guessed. It only sets the page's state and reads it;
 * knows no DOM. CONTRIBUTING.md explains the files in lessons/.
 *
 * @typedef {object} Words of a stop, in one language
 * @property {string} title
 * @property {string} idea what one has to know before the question, at most 60 words
 * @property {string} question
 * @property {string[]} answers or, for a value, one with `{n}`
 * @property {string} do what to try on the page
 * @property {string} reveal the outcome, with its source if it was published
 * @property {string} [measured] the outcome on this page, with `{name}` for each value of the stop's measure
 * @property {string} why
 * @property {string} paper where the paper says it
 * @property {string} mistakes for the teacher: what people get wrong
 * @property {string} [also] another control to use, if there is
 * @property {string[]} [more] for each place of `more`, what to do there
 *
 * @typedef {{value: string, is?: (string | number)[]} | {use: string} | {steps: number} | {looked: true}} Done
 *   a value of the state (one of `is`, or any other than at first), a control that is used, steps of a training, or the
 *   person says so
 *
 * @typedef {object} Place of the page
 * @property {import("../state.js").Room} room
 * @property {Record<string, string | number | boolean>} set values as in a link: `apart.panel`
 * @property {string} [part] to bring into view (ui/shared/controls.js)
 *
 * @typedef {object} Stop
 * @property {string} id in links
 * @property {number} minutes
 * @property {import("../state.js").Room} room
 * @property {Record<string, string | number | boolean>} set values as in a link: `apart.panel`
 * @property {string} [ring] the control to use (ui/shared/controls.js)
 * @property {string[]} [keys] with which the keyboard does it
 * @property {Done} done
 * @property {number} [right] the right answer, from 0
 * @property {{min: number, max: number, step: number, start: number, right: number, within: number, epochs?: number,
 *   epoch?: number}} [value] instead of answers; with `epochs` it is dragged as the learning rate at an `epoch` of so many
 * @property {string} [also] the control of the words `also`
 * @property {string} [measure] one of ui/lesson/measures.js
 * @property {Place[]} [more] where to go on from here
 * @property {Words} en
 * @property {Words} ko
 *
 * @typedef {{title: Record<string, string>, paths: Record<string, {title: Record<string, string>, stops: string[]}>, stops: Stop[]}} Data
 *
 * @typedef {object} Note what is kept of a stop
 * @property {number} [guess] an answer from 0, or a value
 * @property {string} [outcome] what was measured, in the page's words
 * @property {boolean} [seen] whether the outcome was shown
 * @property {string} [words] the person's own
 * @property {number[]} [hands] raised for each answer
 * @property {string} [link] to the state of the page when the outcome was shown
 */
import { fetchJson } from "../../engine/download.js";
import { recall, remember } from "../remember.js";
import { batch, computed, signal } from "../signals.js";

/** @typedef {"question" | "try" | "outcome"} Phase of a stop */
/** @type {Phase[]} */
const PHASES = ["question", "try", "outcome"];

export class Lesson {
  #state;
  /** @type {import("../signals.js").Signal<Data | null>} */
  data = signal(null);
  /** The lesson that was loaded. */
  #loaded = "";
  /** What is kept of each stop. @type {import("../signals.js").Signal<Record<string, Note>>} */
  notes = signal({});
  /** @type {import("../signals.js").Signal<Phase>} */
  phase = signal("question");
  /** The id of the stop that `phase` is about. */
  #arrived = "";
  path = computed(() => {
    const { paths = {} } = this.data.value ?? {};
    return paths[String(this.#state.values.page.value.path)] ?? paths.all;
  });
  /** The stops of the path. */
  stops = computed(() => {
    const all = this.data.value?.stops ?? [];
    return (this.path.value?.stops ?? []).flatMap((id) => all.find((stop) => stop.id === id) ?? []);
  });
  /** The stop that the link names, also one beside the path. @type {import("../signals.js").ReadonlySignal<Stop | undefined>} */
  stop = computed(() => this.data.value?.stops.find(({ id }) => id === this.#state.values.page.value.stop));
  at = computed(() => this.stops.value.findIndex(({ id }) => id === this.stop.value?.id));

  /** @param {import("../state.js").PageState} state */
  constructor(state) {
    this.#state = state;
  }

  get #name() {
    return String(this.#state.values.page.peek().lesson);
  }

  /** Where the notes are kept. */
  get #key() {
    return `lesson-${this.#name}`;
  }

  /** Loads the lesson that the state names. */
  async load() {
    const name = this.#name;
    if (name === this.#loaded) return;
    const data = await fetchJson(new URL(`../../lessons/${name}.json`, import.meta.url));
    if (name !== this.#name) return; // another one is wanted meanwhile
    this.#loaded = name;
    this.#arrived = "";
    batch(() => {
      this.notes.value = read(recall(this.#key));
      this.data.value = data;
    });
  }

  /** Opens a stop. @param {Stop} stop */
  open(stop) {
    batch(() => {
      this.prepare(stop);
      this.#state.set("page", { stop: stop.id });
      this.#arrive();
    });
    remember(`${this.#key}-place`, stop.id);
  }

  /**
   * Sets the page as the stop begins.
   *
   * @param {Place} stop @param {boolean} [gently] only what nobody has chosen
   */
  prepare({ room, set }, gently = false) {
    for (const [path, value] of Object.entries(set)) {
      const [group, key] = /** @type {[import("../state.js").Group, string]} */ (path.split("."));
      if (!gently || this.#state.isDefault(group, key)) this.#state.set(group, { [key]: value });
    }
    this.#state.enter(room);
  }

  #arrive() {
    this.#arrived = this.stop.peek()?.id ?? "";
    const note = this.noteOf(this.#arrived);
    this.phase.value = note.seen ? "outcome" : note.guess === undefined ? "question" : "try";
  }

  /**
   * Goes to the stop that the state names, as by a link, or without one to where the person left. A stop that is open already
   * stays as it is.
   */
  enter() {
    const stop = this.stop.peek();
    if (!stop) return this.resume();
    if (stop.id === this.#arrived) return;
    batch(() => {
      this.prepare(stop, true);
      this.#arrive();
    });
  }

  /** Opens the stop at which the person left, else the path's first. */
  resume() {
    const place = recall(`${this.#key}-place`);
    const [first] = this.stops.peek();
    this.open(this.stops.peek().find(({ id }) => id === place) ?? first);
  }

  /** @param {string} id @returns {Note} */
  noteOf(id) {
    return this.notes.value[id] ?? {};
  }

  /** Keeps something of a stop. @param {string} id @param {Note} note */
  keep(id, note) {
    this.notes.value = { ...this.notes.peek(), [id]: { ...this.notes.peek()[id], ...note } };
    remember(this.#key, JSON.stringify(this.notes.peek()));
  }

  /** Deletes everything that was guessed and written. */
  forget() {
    batch(() => {
      this.notes.value = {};
      this.phase.value = "question";
    });
    remember(this.#key, null);
  }

  /** @param {number} guess */
  guess(guess) {
    const stop = this.stop.peek();
    if (!stop) return;
    this.keep(stop.id, { guess });
    if (this.phase.peek() === "question") this.phase.value = "try";
  }

  /** Shows the outcome. */
  show() {
    const stop = this.stop.peek();
    if (!stop) return;
    this.keep(stop.id, { seen: true, link: this.#state.link() });
    this.phase.value = "outcome";
  }

  /** One part of a stop on or back, then to the stop beside it; as a clicker does. @param {1 | -1} by */
  step(by) {
    const next = PHASES[PHASES.indexOf(this.phase.peek()) + by];
    if (next === "outcome") this.show();
    else if (next) this.phase.value = next;
    else this.go(by);
  }

  /** To the stop beside this one. @param {number} by */
  go(by) {
    const next = this.stops.peek()[this.at.peek() + by];
    if (next) this.open(next);
  }
}

/** What was kept; nothing if it cannot be read. @param {string | null} text @returns {Record<string, Note>} */
function read(text) {
  try {
    const notes = JSON.parse(text ?? "{}");
    return notes && typeof notes === "object" ? notes : {};
  } catch {
    return {};
  }
}

/** Whether a guess is right, or near enough. @param {Stop} stop @param {number} guess */
export const isRight = ({ right, value }, guess) =>
  value ? Math.abs(guess - value.right) <= value.within : guess === right;

/**
 * Whether a stop's value has been set: to one of those that it names, or to any other than at first.
 *
 * @param {{value: string, is?: (string | number)[]}} done
 * @param {Record<string, unknown>} first values of the stop, as in a link
 * @param {Record<string, {value: Record<string, unknown>}>} values of the state
 */
export function isSet({ value: path, is }, first, values) {
  const [group, key] = path.split(".");
  const now = values[group].value[key];
  return is ? is.includes(/** @type {any} */ (now)) : now !== first[path];
}
