/** The lesson's button, and the place beside the rooms that is filled when the lesson is first opened. */
import { imported } from "../engine/download.js";
import { follow } from "../lab/signals.js";
import { h, loadStyle } from "./shared/dom.js";
import { addStrings, explainError } from "./shared/i18n.js";

/**
 * Opens the lesson when the state names a stop; a name that it does not have is the one where the person left.
 *
 * @param {import("./context.js").Context} context @param {HTMLElement} button @param {HTMLElement} place
 */
export function lessonOpener(context, button, place) {
  const { state } = context;
  /** @type {import("../lab/lesson/lesson.js").Lesson | null} */
  let lesson = null;

  async function load() {
    const at = (/** @type {string} */ name) => new URL(`./lesson/${name}`, import.meta.url);
    const [{ createLesson }] = await Promise.all([
      imported(import("./lesson/lesson.js"), at("lesson.js")),
      addStrings("lesson"),
      ...["lesson.css", "sheet.css"].map((name) => loadStyle(at(name))),
    ]);
    lesson ??= createLesson(context, place);
    await lesson.load();
    return lesson;
  }

  const problem = h("p", { class: "problem", role: "alert" });
  const wanted = () => state.values.page.peek().stop !== ""; // it may be closed while it loads

  async function enter() {
    try {
      const opened = await load();
      problem.remove();
      if (wanted()) opened.enter();
    } catch (error) {
      if (!wanted()) return;
      problem.textContent = explainError(error);
      place.prepend(problem);
    }
  }

  follow(
    () => [state.values.page.value.lesson, state.values.page.value.stop],
    ([, stop]) => {
      place.hidden = !stop;
      button.setAttribute("aria-expanded", String(!!stop));
      if (stop) enter();
    },
  );
  button.onclick = () => state.set("page", { stop: state.values.page.peek().stop ? "" : "start" });
}
