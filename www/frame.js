/** What every page has: a language, a theme, the buttons that switch them, explanations of terms. */
import { h } from "./dom.js";
import { currentLanguage, LANGUAGES, preferredLanguage, setLanguage } from "./i18n.js";
import { recall, remember } from "./remember.js";
import { createExplain } from "./views/explain.js";

/** Shows the page in the language and the theme that were chosen last. */
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
        onclick: () => chooseTheme(dark() ? "light" : "dark"),
      },
      "◐",
    ),
  );
  document.body.hidden = false;
  createExplain();
}

/** Threads that the address asks for, to compare (`?threads=1`); undefined where it does not. */
export const askedThreads = () => Number(new URLSearchParams(location.search).get("threads")) || undefined;

const dark = () =>
  getComputedStyle(document.documentElement).colorScheme === "dark" ||
  (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);

/** @param {string | null} theme */
function chooseTheme(theme) {
  if (!theme) return;
  document.documentElement.dataset.theme = theme;
  remember("theme", theme);
  document.dispatchEvent(new Event("theme"));
}

function switchLanguage() {
  const next = LANGUAGES[(LANGUAGES.indexOf(currentLanguage()) + 1) % LANGUAGES.length];
  remember("language", next);
  setLanguage(next);
}
