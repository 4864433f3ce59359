/** What panels of Take apart share: their frame, and how they ask the engine for what they show. */
import { h } from "../../shared/dom.js";
import { explainError } from "../../shared/i18n.js";

/**
 * A panel of Take apart: the idea, something to try, what there is to see, and where the paper has it.
 *
 * @param {string} name as in its strings, `apart.NAME.…`
 * @param {...HTMLElement} shows
 */
export const createPanel = (name, ...shows) =>
  h(
    "article",
    { class: "panel" },
    h("h2", { t: `apart.${name}` }),
    h("p", { t: `apart.${name}.idea` }),
    h("p", { class: "muted", t: `apart.${name}.try` }),
    ...shows,
    h("p", { class: "muted", t: `apart.${name}.paper` }),
  );

/**
 * Asks the engine for what a panel shows. Of several answers the one that was asked for last is shown; until then what is on
 * show is marked as outdated. What goes wrong stands in `problem`.
 *
 * @param {HTMLElement} element the panel
 * @param {HTMLElement} problem
 */
export function createAsker(element, problem) {
  /** What is on show, or on its way. @type {unknown[]} */
  let wanted = [];
  let shown = false;

  /**
   * Whether it asks: not where that is on show already, or on its way.
   *
   * @template Answer
   * @param {unknown[]} about
   * @param {() => Promise<Answer>} question
   * @param {(answer: Answer) => void} show
   */
  return (about, question, show) => {
    if (about.every((value, i) => value === wanted[i])) return false;
    wanted = about;
    element.classList.toggle("outdated", shown);
    const answered = async () => {
      const answer = await question();
      if (about !== wanted) return;
      shown = true;
      problem.hidden = true;
      element.classList.remove("outdated");
      show(answer);
    };
    answered().catch((error) => {
      if (about !== wanted) return;
      wanted = [];
      problem.textContent = explainError(error);
      problem.hidden = false;
    });
    return true;
  };
}
