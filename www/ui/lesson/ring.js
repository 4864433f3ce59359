/** A ring around the control that a stop asks for. The control may appear later, or be folded away. */
import { onFrame } from "../shared/dom.js";
import { focusable, partOnShow, partsNamed } from "../shared/controls.js";

export function createRing() {
  let name = "";
  /** @type {HTMLElement | undefined} */
  let ringed;

  const mark = onFrame(() => {
    const part = name ? (partOnShow(name) ?? folderOf(name)) : undefined;
    if (part === ringed) return;
    ringed?.removeAttribute("data-ringed");
    part?.setAttribute("data-ringed", "");
    ringed = part;
  });
  new MutationObserver(mark).observe(document.body, {
    childList: true,
    subtree: true,
    attributeFilter: ["hidden", "class", "inert"],
  });

  return {
    /** Rings another control; "": none. @param {string} control */
    show(control) {
      name = control;
      mark();
    },
    /** Brings the keyboard to the control. */
    go() {
      folderOf(name)?.click();
      const part = partOnShow(name);
      if (!part) return;
      part.scrollIntoView({ block: "center" });
      focusable(part).focus({ preventScroll: true });
    },
  };
}

/** The button that unfolds a control, if it is folded away. @param {string} name @returns {HTMLElement | undefined} */
function folderOf(name) {
  if (!name || partOnShow(name)) return undefined;
  for (const part of partsNamed(name)) {
    const around = part.parentElement?.closest("[id]");
    const button = around && document.querySelector(`[aria-controls="${around.id}"][aria-expanded="false"]`);
    if (button?.checkVisibility()) return /** @type {HTMLElement} */ (button);
  }
}
