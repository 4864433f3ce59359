/**
 * Explanations: elements with `data-explain` (a key) or `data-explain-text` show it in a single bubble on hover, on
 * keyboard focus and on tap; Escape hides it.
 */
import { h } from "./shared/dom.js";
import { t } from "./shared/i18n.js";

const DELAY = 150;
const GAP = 8;

export function createExplain() {
  const bubble = h("div", { id: "explanation", role: "tooltip", popover: "manual" });
  document.body.append(bubble);
  /** @type {HTMLElement | null} */
  let shown = null;
  let timer = 0;

  /** @param {EventTarget | null} target @returns {HTMLElement | null} */
  const explained = (target) =>
    target instanceof Element ? target.closest("[data-explain], [data-explain-text]") : null;

  /** The element that a screen reader announces: a label's control. @param {HTMLElement | null} element */
  const described = (element) => (element instanceof HTMLLabelElement && element.control) || element;

  /** @param {HTMLElement | null} element */
  const show = (element) => {
    clearTimeout(timer);
    if (element === shown) return;
    described(shown)?.removeAttribute("aria-describedby");
    shown = element;
    if (!element) {
      bubble.hidePopover();
      return;
    }
    bubble.textContent = element.dataset.explainText ?? t(element.dataset.explain ?? "");
    described(element)?.setAttribute("aria-describedby", bubble.id);
    bubble.showPopover();
    place(element);
  };
  /** Below the element or else above; clear of the control that it labels. @param {HTMLElement} element */
  const place = (element) => {
    const at = element.getBoundingClientRect();
    const { top, bottom } = (element.closest(".field, fieldset") ?? element).getBoundingClientRect();
    const { width, height } = bubble.getBoundingClientRect();
    const left = Math.min(Math.max(at.left + at.width / 2 - width / 2, GAP), innerWidth - width - GAP);
    const below = bottom + GAP + height <= innerHeight;
    bubble.style.left = `${Math.max(left, GAP)}px`;
    bubble.style.top = `${below ? bottom + GAP : Math.max(top - GAP - height, GAP)}px`;
  };
  /** @param {HTMLElement | null} element */
  const soon = (element) => {
    clearTimeout(timer);
    timer = window.setTimeout(show, DELAY, element);
  };

  document.addEventListener("pointerover", (event) => {
    if (event.pointerType !== "mouse") return;
    const element = explained(event.target);
    if (element) soon(element);
    else if (event.target instanceof Node && bubble.contains(event.target)) clearTimeout(timer);
    else if (shown && shown !== document.activeElement) soon(null);
  });
  document.addEventListener("focusin", (event) => show(explained(event.target)));
  document.addEventListener("focusout", () => show(null));
  document.addEventListener("click", (event) => show(explained(event.target)));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") show(null);
  });
  // focusing may itself scroll: the bubble moves along
  const follow = () => {
    if (!shown) return;
    const at = shown.getBoundingClientRect();
    if (shown === document.activeElement && at.bottom > 0 && at.top < innerHeight) place(shown);
    else show(null);
  };
  addEventListener("scroll", follow, { passive: true, capture: true });
}
