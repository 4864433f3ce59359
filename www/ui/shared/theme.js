/** Light or dark: as the person chose, else as the system. */
import { computed, signal } from "../../lab/signals.js";

const system = matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = signal(system.matches);
system.addEventListener("change", () => (systemIsDark.value = system.matches));

/** @type {import("../../lab/signals.js").Signal<string | null>} */
const chosen = signal(null);

export const isDark = computed(() => (chosen.value ? chosen.value === "dark" : systemIsDark.value));

/** @param {string | null} theme */
export function chooseTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  chosen.value = theme; // after the style, so that drawings use the new colours
}
