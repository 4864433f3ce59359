/** Three steps for a first visit: the network and its cost, the three ways on, and the lesson. */
import { partOnShow } from "./shared/controls.js";
import { h } from "./shared/dom.js";
import { t } from "./shared/i18n.js";

/** What each step points at. */
const STEPS = ["bar", "ways", "lesson"];
/** Pixels between a part and what is said of it. */
const GAP = 12;

/** @param {import("../lab/state.js").PageState} state */
export function startTour(state) {
  state.enter("classify");
  let at = -1;
  /** @type {HTMLElement | undefined} */
  let part;
  const text = h("p");
  const next = h("button", { type: "button", class: "primary", onclick: () => go() });
  const card = h(
    "div",
    { class: "tour", popover: "manual", role: "dialog", "t-aria-label": "help.tour", onkeydown: leave },
    text,
    h("div", { class: "actions" }, next, h("button", { type: "button", t: "tour.end", onclick: end })),
  );
  document.body.append(card);

  function go() {
    part?.removeAttribute("data-ringed");
    const step = STEPS[++at];
    if (!step) return end();
    part = partOnShow(step);
    part?.setAttribute("data-ringed", "");
    part?.scrollIntoView({ block: "nearest" });
    text.textContent = `${at + 1} / ${STEPS.length}. ${t(`tour.${step}`)}`;
    next.textContent = t(at === STEPS.length - 1 ? "tour.done" : "tour.next");
    card.showPopover();
    place();
    next.focus({ preventScroll: true });
  }

  /** Beneath the part if there is room, else above it. */
  function place() {
    if (!part) return;
    const { left, top, bottom } = part.getBoundingClientRect();
    const { width, height } = card.getBoundingClientRect();
    const below = bottom + GAP + height < innerHeight;
    card.style.left = `${Math.max(GAP, Math.min(left, innerWidth - width - GAP))}px`;
    card.style.top = `${below ? bottom + GAP : Math.max(GAP, top - height - GAP)}px`;
  }

  /** @param {KeyboardEvent} event */
  function leave({ key }) {
    if (key === "Escape") end();
  }

  function end() {
    part?.removeAttribute("data-ringed");
    card.remove();
    document.getElementById("rooms")?.focus();
  }
  go();
}
