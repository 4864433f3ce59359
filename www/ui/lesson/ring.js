/** A ring around the control that a stop asks for. The control may appear later, or be folded away. */
import { onFrame } from "../shared/dom.js";
import { focusable, partOnShow, partsNamed } from "../shared/controls.js";

export function createRing() {
  let name = "";
  /** @type {HTMLElement | undefined} */
  let ringed;
  /** A part to go to once it is there. */
  let awaited = "";

  const mark = onFrame(() => {
    if (awaited && partOnShow(awaited)) bring(awaited);
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

  /** @param {string} control */
  function bring(control) {
    folderOf(control)?.click();
    const part = partOnShow(control);
    awaited = part ? "" : control;
    if (!part) return;
    if (part instanceof HTMLDetailsElement) part.open = true;
    part.scrollIntoView({ block: "center" });
    focusable(part).focus({ preventScroll: true });
  }

  return {
    /** Rings another control; "": none. @param {string} control */
    show(control) {
      if (control !== name) awaited = "";
      name = control;
      mark();
    },
    /** Brings the keyboard to the control, or to another one, unfolded. @param {string} [control] */
    go: (control = name) => bring(control),
  };
}

/** What unfolds a control, if it is folded away. @param {string} name @returns {HTMLElement | undefined} */
function folderOf(name) {
  if (!name || partOnShow(name)) return undefined;
  for (const part of partsNamed(name)) {
    const summary = part.parentElement?.closest("details:not([open])")?.querySelector("summary");
    if (summary?.checkVisibility()) return summary;
    const around = part.parentElement?.closest("[id]");
    const button = around && document.querySelector(`[aria-controls="${around.id}"][aria-expanded="false"]`);
    if (button?.checkVisibility()) return /** @type {HTMLElement} */ (button);
  }
}
