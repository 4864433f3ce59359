/**
 * What a link hides or locks, so that a teacher can hand out a page with a few controls: `hide=camera,samples`,
 * `lock=width`. Whoever opens it can still change the address; it is an aid, not a protection.
 */
import { effect } from "../lab/signals.js";
import { onFrame } from "./shared/dom.js";
import { partsNamed } from "./shared/controls.js";

/** @param {unknown} list */
const namesIn = (list) =>
  String(list)
    .split(/[\s,]+/)
    .filter(Boolean);

/** @param {import("../lab/state.js").PageState} state */
export function applyHandout(state) {
  const apply = onFrame(() => {
    const { hide, lock } = state.values.page.peek();
    mark("data-hidden", namesIn(hide).flatMap(partsNamed));
    mark("data-locked", namesIn(lock).flatMap(partsNamed));
  });
  new MutationObserver(apply).observe(document.body, { childList: true, subtree: true });
  effect(() => {
    state.values.page.value;
    apply();
  });
}

/** Marks these parts, and no others. Locked ones do not react. @param {"data-hidden" | "data-locked"} name @param {HTMLElement[]} parts */
function mark(name, parts) {
  const before = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(`[${name}]`));
  for (const part of new Set([...before, ...parts])) {
    const on = parts.includes(part);
    part.toggleAttribute(name, on);
    if (name === "data-locked") part.inert = on;
  }
}
