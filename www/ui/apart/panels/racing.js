/** The race: two maps that fill pixel by pixel, each side doing as many multiply-adds in a second as the other. */
import { perPixel, progress } from "../../../lab/race.js";
import { computed, effect, follow, signal } from "../../../lab/signals.js";
import { DEPTHS, SIDES } from "../../../lab/state.js";
import { h, loadStyle, onResize, setWords, showProblem } from "../../shared/dom.js";
import { milliseconds, number, t } from "../../shared/i18n.js";
import { colour } from "../../shared/plot.js";
import { isDark } from "../../shared/theme.js";

loadStyle(new URL("./racing.css", import.meta.url));

/** Milliseconds that the slower side takes. */
const LAP = 8000;

/** @typedef {"plain" | "separable"} Side */

/** @param {import("../../context.js").Context} context */
export function createRace({ state, engine }) {
  const isOpen = computed(() => state.room.value === "apart" && state.values.apart.value.panel === "separable");
  const shape = computed(() => {
    const { d, d2, side } = state.values.apart.value;
    return { from: Number(d), to: Number(d2), side: Number(side) };
  });
  /** Multiply-adds that each side has done; at first all. */
  const done = signal(Infinity);
  let running = false;
  const dials = /** @type {const} */ ([
    ["d", DEPTHS],
    ["d2", DEPTHS],
    ["side", SIDES],
  ]).map(([key, values]) => createDial(key, values, state));
  const start = h("button", {
    type: "button",
    class: "primary",
    "data-control": "race",
    t: "race.start",
    onclick: run,
  });
  const lanes = { plain: createLane("plain"), separable: createLane("separable") };
  const shows = h("p", { role: "status" });
  const time = h("button", { type: "button", t: "race.time", onclick: measure });
  const timed = h("p", { role: "status", class: "number" });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const element = h(
    "section",
    { class: "race" },
    h("div", { class: "maps-choices" }, ...dials, start),
    h("div", { class: "race-lanes" }, lanes.plain.element, lanes.separable.element),
    shows,
    h("div", { class: "actions" }, time, timed),
    problem,
  );

  const whole = () => progress(shape.value, Infinity).plain.all;

  let turn = 0;
  function run() {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return step();
    const mine = ++turn;
    const begun = performance.now();
    const one = shape.peek();
    const each = whole() / LAP;
    running = true;
    const frame = (/** @type {number} */ now) => {
      if (!running || mine !== turn || one !== shape.peek() || !isOpen.peek()) return;
      const share = Math.max(0, now - begun);
      done.value = share < LAP ? share * each : Infinity;
      if (share < LAP) requestAnimationFrame(frame);
      else running = false;
    };
    requestAnimationFrame(frame);
  }

  /** Without motion: the moment at which the separable side is finished, then the end. */
  function step() {
    const { separable } = progress(shape.peek(), Infinity);
    done.value = done.peek() === separable.all ? Infinity : separable.all;
  }

  /** Runs both convolutions as they stand in the race. */
  async function measure() {
    showProblem(problem, null);
    timed.textContent = t("race.timing");
    const { from, to, side } = shape.peek();
    try {
      const { plain, separable } = await engine.timeConvolutions({ from, to, size: side });
      const one = shape.peek();
      if (one.from !== from || one.to !== to || one.side !== side) return; // another race by now
      const each = perPixel(from, to);
      const times = (/** @type {number} */ ratio) => number(ratio, { maximumSignificantDigits: 2 });
      const words = {
        plain: milliseconds(plain),
        separable: milliseconds(separable),
        times: times(plain / separable),
        macs: times(each.plain / each.separable),
      };
      setWords(timed, t("race.timed", words));
    } catch (error) {
      timed.textContent = "";
      showProblem(problem, error);
    }
  }

  function draw() {
    isDark.value;
    if (!isOpen.value) return;
    const { from, to, side } = shape.value;
    const each = perPixel(from, to);
    const now = progress(shape.value, done.value);
    for (const name of /** @type {Side[]} */ (["plain", "separable"])) lanes[name].draw(side, now[name]);
    lanes.plain.say(t("race.plain.formula", { d: from, d2: to, n: number(each.plain) }));
    lanes.separable.say(t("race.separable.formula", { d: from, d2: to, n: number(each.separable) }));
    const times = number(each.plain / each.separable, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
    setWords(shows, t("race.shows", { times }));
  }
  effect(draw);
  onResize(element, draw); // squares are whole pixels of the screen
  follow(
    () => shape.value,
    () => {
      running = false;
      done.value = Infinity;
      timed.textContent = "";
      draw();
    },
  );
  return element;
}

/** @param {"d" | "d2" | "side"} key @param {number[]} values @param {import("../../../lab/state.js").PageState} state */
function createDial(key, values, state) {
  const set = () => state.set("apart", { [key]: values[Number(input.value)] });
  const input = h("input", { type: "range", min: 0, max: values.length - 1, id: `race-${key}`, oninput: set });
  const label = h("span", { class: "number" });
  effect(() => {
    const value = Number(state.values.apart.value[key]);
    input.value = String(values.indexOf(value));
    input.setAttribute("aria-valuetext", String(value));
    label.textContent = t(`race.${key}`, { n: value });
  });
  return h("label", { class: "slider" }, label, input);
}

/** One side: its map, and how much it has done. @param {Side} name */
function createLane(name) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const counter = h("strong", { class: "number" });
  const formula = h("span", { class: "number muted" });
  const element = h("figure", {}, h("figcaption", { t: `race.${name}` }), canvas, counter, formula);
  return {
    element,
    say: (/** @type {string} */ words) => setWords(formula, words),
    /** @param {number} side @param {{pixels: number, macs: number, all: number}} now */
    draw(side, { pixels, macs, all }) {
      const scale = Math.max(1, Math.round((canvas.clientWidth * devicePixelRatio) / side));
      if (canvas.width !== side * scale) canvas.width = canvas.height = side * scale;
      const context = canvas.getContext("2d");
      if (!context) return;
      const [empty, full, ink] = ["--line", name === "plain" ? "--neutral" : "--depthwise", "--ink"].map((one) =>
        colour(one),
      );
      const gap = scale > 6 ? 1 : 0;
      context.clearRect(0, 0, canvas.width, canvas.height);
      for (let i = 0; i < side * side; i++) {
        context.fillStyle = i < pixels ? full : empty;
        context.fillRect((i % side) * scale, Math.floor(i / side) * scale, scale - gap, scale - gap);
      }
      if (pixels < side * side) {
        context.strokeStyle = ink;
        context.lineWidth = 3;
        context.strokeRect(
          ((pixels % side) - 1) * scale,
          (Math.floor(pixels / side) - 1) * scale,
          3 * scale,
          3 * scale,
        );
      }
      counter.textContent = t("race.counter", { done: number(Math.round(macs)), all: number(all) });
      element.toggleAttribute("data-finished", pixels === side * side);
    },
  };
}
