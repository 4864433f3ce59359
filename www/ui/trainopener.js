/** Fetches the second room when it is first opened. */
import { imported } from "../engine/download.js";
import { h, loadStyle } from "./shared/dom.js";
import { addStrings, explainError } from "./shared/i18n.js";

/**
 * Returns a function that opens the room. If it does not load, the reason is shown in its place, and the next call tries again.
 *
 * @param {import("./context.js").Context} context
 * @param {HTMLElement} place
 */
export function trainOpener(context, place) {
  /** @type {ReturnType<typeof import("./train/train.js").createTrain> | null} */
  let made = null;
  return async () => {
    if (made) return made;
    try {
      const at = (/** @type {string} */ name) => new URL(`./train/${name}`, import.meta.url);
      const styles = ["train.css", "rate.css", "pictures.css"].map((name) => loadStyle(at(name)));
      const words = addStrings("train");
      const { createTrain } = await imported(import("./train/train.js"), at("train.js"));
      await Promise.all([...styles, words]);
      if (!made) {
        made = createTrain(context);
        place.replaceChildren(made.element);
      }
      return made;
    } catch (error) {
      place.replaceChildren(h("p", { class: "problem", role: "alert" }, explainError(error)));
    }
  };
}
