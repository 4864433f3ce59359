/** A part of the room that is fetched when it is first unfolded, and costs nothing while it is folded. */
import { imported } from "../../engine/download.js";
import { signal } from "../../lab/signals.js";
import { h, loadStyle, showProblem } from "../shared/dom.js";

/** @typedef {import("../../lab/signals.js").ReadonlySignal<boolean>} Open whether the part is unfolded */

/**
 * Fills a place within a fold. If the part does not load, the reason is shown there, and the next unfolding tries again.
 *
 * @template T
 * @param {HTMLDetailsElement} fold @param {HTMLElement} place
 * @param {{file: string, style: string, part: () => Promise<T>, make: (part: T, open: Open) => HTMLElement | Promise<HTMLElement>}} how
 *   `file` and `style` beside this module
 */
export function fillWhenOpen(fold, place, { file, style, part, make }) {
  const open = signal(false);
  /** @type {Promise<void> | null} */
  let filling = null;
  async function fill() {
    try {
      const [loaded] = await Promise.all([
        imported(part(), new URL(file, import.meta.url)),
        loadStyle(new URL(style, import.meta.url)),
      ]);
      place.replaceChildren(await make(loaded, open));
    } catch (error) {
      filling = null;
      const problem = h("p", { class: "problem", role: "alert" });
      showProblem(problem, error);
      place.replaceChildren(problem);
    }
  }
  fold.addEventListener("toggle", () => {
    open.value = fold.open;
    if (fold.open) filling ??= fill();
  });
}

/**
 * A panel that is folded at first.
 *
 * @template T
 * @param {string} name of the control; `fold.NAME` is its title
 * @param {Parameters<typeof fillWhenOpen<T>>[2]} how
 */
export function createFold(name, how) {
  const place = h("div", { class: `${name}-place` });
  const fold = h(
    "details",
    { class: "panel", "data-control": name },
    h("summary", {}, h("h2", { t: `fold.${name}` })),
    place,
  );
  fillWhenOpen(fold, place, how);
  return fold;
}
