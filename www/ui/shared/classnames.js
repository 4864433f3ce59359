/** What the classes of the network in use are called, in the page's language. */
import { koreanNames } from "../../lab/classnames.js";
import { effect, signal } from "../../lab/signals.js";
import { className, currentLanguage, t } from "./i18n.js";

/**
 * @typedef {object} Name
 * @property {string} name
 * @property {string} more other names, in small print: English ones beside a Korean one, else synonyms
 */

/** @param {import("../../lab/model.js").Model} model */
export function createNames(model) {
  /** ImageNet's, once they are here and the page is Korean. @type {import("../../lab/signals.js").Signal<string[]>} */
  const korean = signal([]);
  effect(() => {
    if (currentLanguage() !== "ko") korean.value = [];
    else if ((model.loaded.value?.imagenet ?? -1) >= 0)
      koreanNames().then(
        (names) => (korean.value = names),
        () => {}, // the English ones do until the next network
      );
  });

  /** @param {number} index of a class @returns {Name} */
  function nameOf(index) {
    const { names = [], imagenet = -1 } = model.loaded.value ?? {};
    const name = names[index] || t("class.number", { n: String(index) });
    if (model.ownNames) return { name, more: "" };
    // the Korean names may be those of the network before, or arrive after a change of the language
    const translated = imagenet >= 0 && currentLanguage() === "ko" ? korean.value[index - imagenet] : "";
    if (translated) return { name: translated, more: name };
    const [first, ...others] = className(name).split(", ");
    return { name: first, more: others.join(", ") };
  }
  return { nameOf, korean };
}
/** @typedef {ReturnType<typeof createNames>} Names */
