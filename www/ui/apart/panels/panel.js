/** Shared by the panels of Take apart: their frame, and requests to the engine. */
import { effect } from "../../../lab/signals.js";
import { h, showProblem } from "../../shared/dom.js";
import { translate } from "../../shared/i18n.js";

/**
 * A panel of Take apart: the figure first, then something to try, the idea, and the reference to the paper.
 *
 * @param {string} name as in its strings, `apart.NAME.…`
 * @param {...HTMLElement} shows
 */
export const createPanel = (name, ...shows) =>
  h(
    "article",
    { class: "panel" },
    h("h2", { t: `apart.${name}` }),
    ...shows,
    h("p", { t: `apart.${name}.try` }),
    h("p", { class: "muted", t: `apart.${name}.idea` }),
    h("p", { class: "muted", t: `apart.${name}.paper` }),
  );

/**
 * Keeps a panel's words those for the architecture of the network in the bar. Their keys end in `v1` for MobileNetV1, in
 * `plain` for its plain twin.
 *
 * @param {HTMLElement} panel
 * @param {string} name
 * @param {import("../../context.js").Context} context
 * @param {{v1?: string, plain?: string}} [endings]
 */
export function followArchitecture(panel, name, { model }, { v1 = ".v1", plain = ".plain" } = {}) {
  effect(() => {
    const { architecture = "mobilenet-v2" } = model.network.value.config;
    const ending = { "mobilenet-v2": "", "mobilenet-v1": v1, plain }[architecture];
    for (const part of ["try", "idea", "paper"]) {
      const place = /** @type {HTMLElement | null} */ (panel.querySelector(`[data-t^="apart.${name}.${part}"]`));
      const key = `apart.${name}.${part}${ending}`;
      if (!place || place.dataset.t === key) continue;
      place.dataset.t = key;
      translate(place);
    }
  });
}

/**
 * Requests a panel's data from the engine. Of several answers, the one requested last is shown; until it arrives, the
 * current one is marked as outdated. Errors appear in `problem`.
 *
 * @param {HTMLElement} element the panel
 * @param {HTMLElement} problem
 */
export function createAsker(element, problem) {
  /** The request whose answer is shown or on its way. @type {unknown[]} */
  let wanted = [];
  let shown = false;

  /**
   * Sends a request, unless the same one is shown or on its way. Returns whether it did.
   *
   * @template Answer
   * @param {unknown[]} about
   * @param {(isWanted: () => boolean) => Promise<Answer>} question may ask whether its answer would still be shown: its next
   *   request would replace that of a newer question
   * @param {(answer: Answer) => void} show
   */
  return (about, question, show) => {
    if (about.every((value, i) => value === wanted[i])) return false;
    wanted = about;
    element.classList.toggle("outdated", shown);
    const answered = async () => {
      const answer = await question(() => about === wanted);
      if (about !== wanted) return;
      shown = true;
      problem.hidden = true;
      element.classList.remove("outdated");
      show(answer);
    };
    answered().catch((error) => {
      if (about !== wanted) return;
      wanted = [];
      showProblem(problem, error);
    });
    return true;
  };
}
