/** What every page has: a language, a theme, the buttons that switch them, explanations of terms. */
import { currentLanguage, LANGUAGES, preferredLanguage, setLanguage } from "./i18n.js";
import { createExplain } from "./views/explain.js";

/** Shows the page in the language and the theme that were chosen last. */
export async function startFrame() {
  chooseTheme(localStorage.getItem("theme"));
  await setLanguage(preferredLanguage());
  document.body.hidden = false;
  createExplain();
  document.getElementById("theme")?.addEventListener("click", () => chooseTheme(dark() ? "light" : "dark"));
  document.getElementById("language")?.addEventListener("click", switchLanguage);
}

const dark = () =>
  getComputedStyle(document.documentElement).colorScheme === "dark" ||
  (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);

/** @param {string | null} theme */
function chooseTheme(theme) {
  if (!theme) return;
  document.documentElement.dataset.theme = theme;
  localStorage.setItem("theme", theme);
  document.dispatchEvent(new Event("theme"));
}

function switchLanguage() {
  const next = LANGUAGES[(LANGUAGES.indexOf(currentLanguage()) + 1) % LANGUAGES.length];
  localStorage.setItem("language", next);
  setLanguage(next);
}
