/** The paper's learning rate as a question: a dot at one epoch to be dragged up or down; later the curve by the core. */
import { preset, recipeOf } from "../../lab/settings.js";
import { h, svg } from "../shared/dom.js";
import { number, tiny } from "../shared/i18n.js";

/** Places at which the curve is drawn. */
const POINTS = 150;

/**
 * Beside a slider of the same value, which the keyboard and screen readers use.
 *
 * @param {import("../../engine/engine.js").Engine} engine
 * @param {NonNullable<import("../../lab/lesson/lesson.js").Stop["value"]>} value
 * @param {(value: number) => void} change the guess
 */
export function createSchedule(engine, { max, step, start, right, epochs = 1, epoch = 0 }, change) {
  const curve = svg({ viewBox: "0 0 100 100", preserveAspectRatio: "none" }, ["path", {}]);
  const dot = h("span", { class: "schedule-dot" });
  const answer = h("span", { class: "schedule-dot right", hidden: true });
  const plane = h("div", { class: "schedule-plane", onpointerdown: drag, onpointermove: drag }, curve, answer, dot);
  const element = h(
    "figure",
    { class: "lesson-schedule", "aria-hidden": "true" },
    h("figcaption", { t: "lesson.schedule" }),
    h("p", { class: "number" }, tiny(max)),
    plane,
    h("p", { class: "number" }, h("span", {}, "0"), h("span", {}, number(epoch)), h("span", {}, number(epochs))),
    h("p", { t: "lesson.schedule.epoch" }),
  );
  plane.style.setProperty("--at", String(epoch / epochs));
  plane.style.setProperty("--first", String(start / max));
  answer.style.setProperty("--y", String(right / max));

  /** @param {PointerEvent} event */
  function drag(event) {
    if (!(event.buttons & 1)) return;
    plane.setPointerCapture(event.pointerId);
    const { top, height } = plane.getBoundingClientRect();
    const share = Math.min(Math.max(1 - (event.clientY - top) / height, 0), 1);
    change(Math.round((share * max) / step) * step);
  }

  let asked = false;
  /** Draws what the core plans. */
  async function draw() {
    if (asked) return;
    asked = true;
    const at = Array.from({ length: POINTS + 1 }, (_, i) => (epochs * i) / POINTS);
    const recipe = recipeOf({ ...preset("paper"), epochs });
    const rates = await engine.learningRates(recipe, at).catch(() => null);
    if (!rates) return void (asked = false); // the core has stopped; the text has the answer
    const points = at.map((one, i) => `${(100 * one) / epochs} ${100 - (100 * rates[i]) / max}`);
    curve.firstElementChild?.setAttribute("d", `M${points.join("L")}`);
  }

  return {
    element,
    /** @param {number} guess @param {boolean} outcome whether the answer is shown */
    show(guess, outcome) {
      dot.style.setProperty("--y", String(guess / max));
      answer.hidden = !outcome;
      curve.toggleAttribute("hidden", !outcome);
      if (outcome) draw();
    },
  };
}
