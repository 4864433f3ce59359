/** Common to every page: language, theme, the buttons that switch them, and explanations of terms. */
import { recall, remember } from "../lab/remember.js";
import { createExplain } from "./explain.js";
import { h, showProblem } from "./shared/dom.js";
import { currentLanguage, explainError, has, LANGUAGES, preferredLanguage, setLanguage, t } from "./shared/i18n.js";
import { chooseTheme, isDark } from "./shared/theme.js";

/** Shows the page in the language and theme chosen last. */
export async function startFrame() {
  chooseTheme(recall("theme"));
  await setLanguage(preferredLanguage());
  document.querySelector(".tools")?.prepend(
    h("button", {
      type: "button",
      id: "language",
      t: "language.other",
      "t-lang": "language.other.code",
      onclick: switchLanguage,
    }),
    h(
      "button",
      {
        type: "button",
        id: "theme",
        "t-aria-label": "theme.switch",
        onclick: switchTheme,
      },
      "◐",
    ),
  );
  document.body.hidden = false;
  createExplain();
}

/**
 * Shows why the page did not start, translated if the strings have arrived, and offers a newer version.
 *
 * @param {HTMLElement} place
 * @param {any} error
 * @param {import("./offline.js").Offline} [offline]
 */
export function showFailure(place, error, offline) {
  const failed = /** @type {HTMLTemplateElement} */ (document.getElementById("failed"));
  const words = has("error.start") ? t("error.start", { reason: explainError(error) }) : failed.content.cloneNode(true);
  const details = has("error.start") ? null : error?.message;
  const newer = error?.code === "newer-build" && offline;
  const load = newer && h("button", { type: "button", t: "foot.load", onclick: () => offline.takeOver() });
  place.replaceChildren(h("p", { class: "problem" }, words, details, load || null));
  document.body.hidden = false;
}

/** The number of threads in the address, for comparisons (`?threads=1`); undefined without one. */
export const askedThreads = () => Number(new URLSearchParams(location.search).get("threads")) || undefined;

function switchTheme() {
  const theme = isDark.value ? "light" : "dark";
  chooseTheme(theme);
  remember("theme", theme);
}

async function switchLanguage() {
  const next = LANGUAGES[(LANGUAGES.indexOf(currentLanguage()) + 1) % LANGUAGES.length];
  document.getElementById("language-problem")?.remove();
  try {
    await setLanguage(next);
    remember("language", next);
  } catch (error) {
    const problem = h("p", { class: "problem", id: "language-problem", role: "alert" });
    showProblem(problem, error);
    document.querySelector(".top")?.after(problem);
  }
}
