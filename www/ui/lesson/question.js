/** A stop's question: answers to choose from or a value to drag, the hands that went up, and later what was right. */
import { effect } from "../../lab/signals.js";
import { h } from "../shared/dom.js";
import { number, t } from "../shared/i18n.js";
import { createSchedule } from "./schedule.js";

/** Answers are called by letters, so that a class can answer aloud. */
const LETTERS = "ABCDEFGH";

/**
 * @typedef {import("../../lab/lesson/lesson.js").Lesson} Lesson
 * @typedef {import("../../lab/lesson/lesson.js").Stop} Stop
 * @typedef {import("../../lab/lesson/lesson.js").Words} Words
 */

/** An answer in words. @param {Stop} stop @param {Words} words @param {number} answer */
export function answerOf({ value }, { answers }, answer) {
  if (value) return answers[0].replace("{n}", number(answer));
  return `${LETTERS[answer]}. ${answers[answer]}`;
}

/** The right answer. @param {Stop} stop */
export const rightOf = ({ right = 0, value }) => value?.right ?? right;

/**
 * @param {import("../context.js").Context} context @param {Lesson} lesson @param {Stop} stop @param {Words} words
 * @returns {{element: HTMLElement, dispose: () => void}}
 */
export function createQuestion(context, lesson, stop, words) {
  return stop.value ? createValue(context, lesson, stop, words) : createAnswers(lesson, stop, words);
}

/** @param {Lesson} lesson @param {Stop} stop @param {Words} words */
function createAnswers(lesson, stop, words) {
  const hands = h("details", { class: "lesson-hands" }, h("summary", { t: "lesson.hands" }));
  const rows = words.answers.map((_, answer) => {
    const input = h("input", {
      type: "radio",
      name: "lesson-answer",
      value: answer,
      onchange: () => lesson.guess(answer),
    });
    const bar = h("span", { class: "lesson-bar" });
    const mark = h("span", { class: "lesson-mark" });
    const counted = h("input", {
      type: "number",
      min: 0,
      max: 999,
      inputmode: "numeric",
      "aria-label": `${LETTERS[answer]}: ${t("lesson.hands")}`,
      onchange: () => count(),
    });
    hands.append(h("label", {}, `${LETTERS[answer]} `, counted));
    const row = h("label", { class: "lesson-answer" }, input, h("span", {}, answerOf(stop, words, answer)), mark, bar);
    return { row, input, bar, mark, counted };
  });
  const element = h(
    "fieldset",
    { class: "lesson-question" },
    h("legend", {}, words.question),
    ...rows.map(({ row }) => row),
    hands,
  );

  /** Keeps the hands that went up. */
  function count() {
    lesson.keep(stop.id, { hands: rows.map(({ counted }) => Math.max(0, Math.floor(Number(counted.value)) || 0)) });
  }

  const dispose = effect(() => {
    const { guess, hands: raised = [] } = lesson.noteOf(stop.id);
    const shown = lesson.phase.value === "outcome";
    const all = raised.reduce((total, n) => total + n, 0);
    rows.forEach(({ row, input, bar, mark, counted }, answer) => {
      input.checked = guess === answer;
      const right = shown && answer === stop.right;
      row.classList.toggle("right", right);
      const n = raised[answer] ?? 0;
      const marks = [];
      if (right) marks.push(t("lesson.right"));
      if (shown && guess === answer) marks.push(t("lesson.yours"));
      if (all) marks.push(t("lesson.raised", { n }));
      mark.textContent = marks.join(" · ");
      bar.style.width = all ? `${(100 * n) / all}%` : "0";
      if (counted !== document.activeElement) counted.value = raised.length ? String(n) : "";
    });
  });
  return { element, dispose };
}

/** @param {import("../context.js").Context} context @param {Lesson} lesson @param {Stop} stop @param {Words} words */
function createValue({ engine }, lesson, stop, words) {
  const value = /** @type {NonNullable<Stop["value"]>} */ (stop.value);
  const { min, max, step, start } = value;
  const output = h("output", { class: "number" });
  const tell = () => {
    output.textContent = answerOf(stop, words, Number(input.value));
    drawing?.show(Number(input.value), lesson.phase.peek() === "outcome");
  };
  const input = h("input", { type: "range", min, max, step, "aria-label": words.question, oninput: () => tell() });
  const drawing = value.epochs
    ? createSchedule(engine, value, (guess) => {
        input.value = String(guess);
        tell();
      })
    : null;
  const mark = h("p", { class: "lesson-mark" });
  const element = h(
    "fieldset",
    { class: "lesson-question" },
    h("legend", {}, words.question),
    drawing?.element ?? null,
    h("div", { class: "lesson-value" }, input, output),
    h("button", { type: "button", t: "lesson.guess", onclick: () => lesson.guess(Number(input.value)) }),
    mark,
  );
  const dispose = effect(() => {
    const { guess } = lesson.noteOf(stop.id);
    input.value = String(guess ?? start);
    const parts = [];
    if (guess !== undefined) parts.push(t("lesson.yours.value", { answer: answerOf(stop, words, guess) }));
    if (lesson.phase.value === "outcome")
      parts.push(t("lesson.right.value", { answer: answerOf(stop, words, rightOf(stop)) }));
    mark.textContent = parts.join(" · ");
    tell();
  });
  return { element, dispose };
}
