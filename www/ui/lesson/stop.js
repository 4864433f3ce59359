/** One stop of a lesson: the idea, the question, what to try on the page, the outcome, and why. */
import { isRight, isSet } from "../../lab/lesson/lesson.js";
import { effect } from "../../lab/signals.js";
import { partsNamed } from "../shared/controls.js";
import { h, setWords } from "../shared/dom.js";
import { currentLanguage, t } from "../shared/i18n.js";
import { MEASURES } from "./measures.js";
import { createQuestion } from "./question.js";

/** What counts as using a control. */
const USES = ["input", "pointerup", "keydown", "wheel"];
/** Keys that only move the focus. */
const MOVING = ["Tab", "Shift", "Escape"];

/** A stop's words in the page's language. @param {import("../../lab/lesson/lesson.js").Stop} stop */
export const wordsOf = (stop) => stop[/** @type {"en" | "ko"} */ (currentLanguage())] ?? stop.en;

/**
 * @param {import("../context.js").Context} context
 * @param {import("../../lab/lesson/lesson.js").Lesson} lesson
 * @param {import("../../lab/lesson/lesson.js").Stop} stop
 * @param {{ring: ReturnType<typeof import("./ring.js").createRing>, go: (name?: string) => void}} control `go` brings the keyboard to it, or to
 *   another one
 */
export function createStop(context, lesson, stop, { ring, go }) {
  const { state, session } = context;
  const { done } = stop;
  const words = wordsOf(stop);
  const question = createQuestion(context, lesson, stop, words);
  const skip = h("button", { type: "button", t: "lesson.skip", onclick: () => lesson.step(1) });
  const tried = h(
    "section",
    { class: "lesson-try" },
    h("h4", { t: "lesson.try" }),
    h("p", {}, words.do),
    h(
      "div",
      { class: "actions" },
      stop.ring
        ? h("button", { type: "button", class: "primary lesson-go", t: "lesson.go", onclick: () => go() })
        : null,
      h("button", { type: "button", t: stop.ring ? "lesson.show" : "lesson.looked", onclick: () => lesson.show() }),
    ),
  );
  const verdict = h("p", { class: "lesson-verdict" });
  const measured = h("p", { class: "lesson-measured" });
  const own = h("textarea", {
    id: "lesson-own",
    rows: 2,
    oninput: () => lesson.keep(stop.id, { words: own.value }),
  });
  const outcome = h(
    "section",
    { class: "lesson-outcome", role: "status" },
    h("h4", { t: "lesson.outcome" }),
    verdict,
    h("p", {}, words.reveal),
    measured,
  );
  const why = h(
    "section",
    { class: "lesson-why" },
    h("h4", { t: "lesson.why" }),
    h("p", {}, words.why),
    h("p", { class: "muted" }, words.paper),
    stop.also && words.also ? h("button", { type: "button", onclick: () => go(stop.also) }, words.also) : null,
    ...(stop.more ?? []).map((there, i) =>
      h("button", { type: "button", class: "primary", onclick: () => goOn(there) }, words.more?.[i] ?? ""),
    ),
    h("div", { class: "field" }, h("label", { for: own.id, t: "lesson.own" }), own),
    h("button", { type: "button", t: "lesson.again", onclick: () => again() }),
  );
  const element = h(
    "article",
    { class: "lesson-stop" },
    h("h3", {}, words.title, " ", h("span", { class: "muted" }, t("unit.minutes", { n: stop.minutes }))),
    h("p", {}, words.idea),
    question.element,
    skip,
    tried,
    outcome,
    why,
  );

  /** Begins this stop anew: the page as it was, the guess kept. */
  function again() {
    lesson.prepare(stop);
    lesson.phase.value = "question";
  }

  /** Leads to another place of the page. @param {import("../../lab/lesson/lesson.js").Place} there */
  function goOn(there) {
    lesson.prepare(there);
    if (there.part) go(there.part);
  }

  /** Shows the outcome, unless the person has gone on meanwhile: that of another stop is not meant. */
  const reveal = () => lesson.stop.peek() === stop && lesson.phase.peek() === "try" && lesson.show();

  let asked = false;
  /** Shows what is measured on this page; once, since it takes time. */
  async function measure() {
    if (asked || !stop.measure || !words.measured || lesson.stop.peek() !== stop) return;
    asked = true;
    measured.textContent = t("lesson.measuring");
    try {
      const figures = await MEASURES[stop.measure](context);
      const text = words.measured.replace(/\{(\w+)\}/g, (_, name) => figures[name] ?? "–");
      measured.textContent = text;
      lesson.keep(stop.id, { outcome: text });
    } catch (error) {
      asked = false;
      console.info(error);
      measured.textContent = t("lesson.unmeasured");
    }
  }

  const disposers = [question.dispose];
  disposers.push(
    effect(() => {
      const phase = lesson.phase.value;
      const { guess, words: kept } = lesson.noteOf(stop.id);
      skip.hidden = phase !== "question";
      tried.hidden = phase !== "try";
      why.hidden = phase !== "outcome";
      element.dataset.phase = phase;
      ring.show(phase === "try" ? (stop.ring ?? "") : "");
      outcome.classList.toggle("open", phase === "outcome");
      const key = guess === undefined ? "none" : isRight(stop, guess) ? "right" : "other";
      setWords(verdict, phase === "outcome" ? t(`lesson.verdict.${key}`) : "");
      if (own !== document.activeElement) own.value = kept ?? "";
      if (phase === "outcome") queueMicrotask(measure);
    }),
  );
  let steps = -1;
  disposers.push(
    effect(() => {
      if (lesson.phase.value !== "try" || lesson.stop.peek() !== stop) return; // this view is about to be replaced
      if ("value" in done && isSet(done, stop.set, state.values)) lesson.show();
      if ("steps" in done) {
        if (steps < 0) steps = session.steps.value;
        const made = session.steps.value < steps ? session.steps.value : session.steps.value - steps;
        if (made >= done.steps) lesson.show();
      }
    }),
  );

  /** Whether the control was used. @param {Event} event */
  function notice(event) {
    if (lesson.phase.peek() !== "try" || !("use" in done)) return;
    if (event instanceof KeyboardEvent && MOVING.includes(event.key)) return;
    const inside = partsNamed(done.use).some((part) => event.target instanceof Node && part.contains(event.target));
    if (inside) setTimeout(reveal, 600); // what it did is seen first
  }
  for (const use of USES) document.addEventListener(use, notice, { passive: true });

  return {
    element,
    dispose() {
      for (const dispose of disposers) dispose();
      for (const use of USES) document.removeEventListener(use, notice);
      ring.show("");
    },
  };
}
