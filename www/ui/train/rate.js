/**
 * The learning rate over the whole run, as planned by the core. Its height, its hold, its warm-up and its zero can be dragged, or
 * moved by keys. Beneath the epochs stands the time of day at which they are reached, once the time of a step is known.
 */
import {
  epochsOf,
  gridOf,
  HANDLES,
  isShown,
  moved,
  nudged,
  sameWork,
  timesOf,
  topOf,
  valueOf,
} from "../../lab/schedule.js";
import { latest } from "../../lab/latest.js";
import { recipeOf } from "../../lab/settings.js";
import { computed, effect, follow, signal } from "../../lab/signals.js";
import { h, onFrame, svg } from "../shared/dom.js";
import { clock, number, t, tiny } from "../shared/i18n.js";

/** @typedef {import("../../lab/schedule.js").Handle} Handle @typedef {import("../../lab/settings.js").Values} Values */

/** Places at which the rate is asked for. */
const POINTS = 240;
/** Marks of the axis, as shares of the run. */
const TICKS = [0, 0.5, 1];
/** Shares of the run at which a screen reader hears the rate. */
const TOLD = [0, 0.25, 0.5, 0.75, 1];
/** Steps of a key. */
const KEYS = {
  ArrowRight: 1,
  ArrowUp: 1,
  ArrowLeft: -1,
  ArrowDown: -1,
  PageUp: 10,
  PageDown: -10,
  Home: -1e4,
  End: 1e4,
};

/**
 * @param {import("../context.js").Context} context
 * @param {{set: (values: Values) => void, apply: (keys: string[]) => void}} act `set`: while a handle moves; `apply`: when it rests
 */
export function createRate({ engine, state, session }, { set, apply }) {
  const curve = svg({ viewBox: "0 0 100 100", preserveAspectRatio: "none" }, ["path", { class: "area" }], ["path", {}]);
  const now = h("span", { class: "rate-now", hidden: true });
  const handles = HANDLES.map((key) => createHandle(key));
  const plane = h("div", { class: "rate-plane" }, curve, now, ...handles);
  const place = h("div", { class: "rate-place", role: "group" }, plane);
  const [epochs, times] = ["rate-epochs", "rate-times"].map((name) => h("p", { class: `${name} number` }));
  const when = h("p", { class: "hint" });
  const figure = h(
    "figure",
    { class: "rate", "data-control": "rate" },
    h("figcaption", { t: "rate.title" }),
    place,
    epochs,
    times,
    h("p", { class: "rate-axis", t: "rate.axis" }),
    when,
  );
  /** While a handle moves, the axis stays. @type {import("../../lab/signals.js").Signal<number>} */
  const held = signal(0);
  const values = computed(() => state.values.train.value);
  const top = computed(() => held.value || topOf(Number(values.value.learning_rate)));
  /** The core's rates, as last asked for. @type {import("../../lab/signals.js").Signal<{epochs: number[], rates: ArrayLike<number>}>} */
  const planned = signal({ epochs: [], rates: [] });
  const planning = latest(async () => {
    const asked = values.peek();
    const at = epochsOf(asked, POINTS);
    const rates = await engine.learningRates(recipeOf(asked), at).catch(() => null); // a core that stopped says so elsewhere
    if (rates) planned.value = { epochs: at, rates };
  });

  /** @param {Handle} key */
  function createHandle(key) {
    const handle = h("span", {
      class: `rate-handle ${key}`,
      role: "slider",
      tabindex: 0,
      "data-key": key,
      "t-aria-label": `setting.${key}`,
      "aria-orientation": key === "learning_rate" ? "vertical" : "horizontal",
      onpointerdown: (/** @type {PointerEvent} */ event) => begin(event, key),
      onkeydown: (/** @type {KeyboardEvent} */ event) => press(event, key),
      onkeyup: (/** @type {KeyboardEvent} */ event) => event.key in KEYS && apply([key]),
    });
    return handle;
  }

  /** @param {PointerEvent} event @param {Handle} key */
  function begin(event, key) {
    const handle = /** @type {HTMLElement} */ (event.currentTarget);
    event.preventDefault();
    handle.focus();
    handle.setPointerCapture(event.pointerId);
    held.value = top.peek();
    const move = (/** @type {PointerEvent} */ { clientX, clientY }) => {
      const { left, top: above, width, height } = plane.getBoundingClientRect();
      const [x, y] = [(clientX - left) / width, 1 - (clientY - above) / height];
      const within = key === "learning_rate" ? y * held.peek() : x * Number(values.peek().epochs);
      set({ [key]: moved(key, Math.max(within, 0), values.peek()) });
    };
    const end = () => {
      handle.removeEventListener("pointermove", move);
      handle.removeEventListener("lostpointercapture", end);
      held.value = 0;
      apply([key]);
    };
    handle.addEventListener("pointermove", move);
    handle.addEventListener("lostpointercapture", end);
  }

  /** @param {KeyboardEvent} event @param {Handle} key */
  function press(event, key) {
    const by = KEYS[/** @type {keyof typeof KEYS} */ (event.key)];
    if (!by || event.ctrlKey || event.altKey || event.metaKey) return;
    if (key === "learning_rate" && Math.abs(by) > 10) return; // from 0 to 10 is no choice
    event.preventDefault();
    set({ [key]: nudged(key, by, values.peek()) });
  }

  /** Handles, at once. */
  function drawHandles() {
    const all = values.value;
    const length = Number(all.epochs);
    HANDLES.forEach((key, i) => {
      const handle = handles[i];
      const value = valueOf(key, all);
      const isRate = key === "learning_rate";
      const share = Math.min(value / (isRate ? top.value : length), 1);
      handle.hidden = !isShown(key, all);
      handle.style.setProperty(isRate ? "--y" : "--x", String(share));
      if (key === "hold_until")
        handle.style.setProperty("--y", String(Math.min(Number(all.learning_rate) / top.value, 1)));
      const words = isRate ? tiny(value) : t("rate.epochs", { n: number(value, { maximumFractionDigits: 3 }) });
      if (isRate) handle.textContent = words;
      else handle.title = t(`setting.${key}`);
      handle.setAttribute("aria-valuemin", "0");
      handle.setAttribute("aria-valuemax", String(isRate ? 10 : Math.max(length, value)));
      handle.setAttribute("aria-valuenow", String(value));
      handle.setAttribute("aria-valuetext", words);
    });
  }

  /** The curve, and what it says. */
  function draw() {
    const { epochs: at, rates } = planned.value;
    const length = at[at.length - 1];
    if (!length) return;
    const points = at.map((epoch, i) => `${(100 * epoch) / length} ${100 - (100 * rates[i]) / top.value}`);
    const [area, line] = curve.children;
    area.setAttribute("d", `M0 100L${points.join("L")}L100 100Z`);
    line.setAttribute("d", `M${points.join("L")}`);
    const told = TOLD.map((share) => {
      const i = at.findIndex((epoch) => epoch >= share * length);
      return t("rate.at", { epoch: number(at[i], { maximumFractionDigits: 2 }), rate: tiny(rates[i]) });
    });
    place.setAttribute("aria-label", t("rate.label", { rates: told.join("; ") }));
  }

  /** How long an epoch takes by the running or the last run, in milliseconds; NaN while unknown, or if other work is planned. */
  function perEpoch() {
    const run = session.run.peek();
    const pace = session.rate.peek();
    if (!run || !pace || !sameWork(run.settings, values.value)) return NaN;
    return (1000 * run.steps_per_epoch * Number(run.settings.batch)) / pace;
  }

  /** Epochs, and times of day beneath. */
  function drawAxis() {
    const at = TICKS.map((share) => share * Number(values.value.epochs));
    epochs.replaceChildren(...at.map((epoch) => h("span", {}, number(epoch, { maximumFractionDigits: 1 }))));
    const run = session.run.peek();
    const pace = perEpoch();
    const active = session.active.value && run?.end === "active";
    const done = active && run ? run.steps.step.length / run.steps_per_epoch : 0;
    const reached = timesOf(at, { now: Date.now(), done, perEpoch: pace });
    const short = reached[reached.length - 1] - reached[0] < 10 * 60_000;
    times.replaceChildren(...(pace ? reached.map((time) => h("span", {}, clock(new Date(time), short))) : []));
    when.textContent = pace ? t(active ? "rate.times.running" : "rate.times.next") : t("rate.times.unknown");
  }

  /** Where the run is. */
  const drawNow = onFrame(() => {
    const run = session.run.peek();
    now.hidden = !session.active.peek() || !run;
    if (!run || now.hidden) return;
    const share = run.steps.step.length / run.steps_per_epoch / Number(values.peek().epochs);
    now.style.setProperty("--x", String(Math.min(share, 1)));
  });

  follow(
    () => [values.value, state.room.value],
    () => state.room.peek() === "train" && planning.ask(),
  );
  effect(drawHandles);
  effect(draw);
  effect(() => {
    session.judged.value; // every few seconds
    session.state.value;
    drawAxis();
  });
  follow(() => [session.steps.value, session.active.value], drawNow);
  return figure;
}
