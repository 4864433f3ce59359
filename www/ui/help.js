/** Help: the lesson, the tour, keys, and what this page is. */
import { h } from "./shared/dom.js";

/** Keys, as on their caps, and what they do. */
const KEYS = /** @type {const} */ ([
  ["Tab", "help.key.tab"],
  ["← →", "help.key.arrows"],
  ["Esc", "help.key.escape"],
  ["P", "help.key.present"],
  ["Page ↓ / Page ↑", "help.key.page"],
]);

/** @param {import("../lab/state.js").PageState} state @param {() => void} tour */
export function showHelp(state, tour) {
  /** @param {string} key @param {() => void} act @param {boolean} [primary] */
  const way = (key, act, primary = false) =>
    h("button", {
      type: "button",
      class: primary ? "primary" : "",
      t: key,
      onclick: () => {
        dialog.close();
        act();
      },
    });
  const dialog = h(
    "dialog",
    { class: "about", "t-aria-label": "about.title", onclose: () => dialog.remove() },
    h(
      "header",
      {},
      h("h2", { t: "about.title" }),
      h("button", { type: "button", t: "close", onclick: () => dialog.close() }),
    ),
    h("p", { t: "about.what" }),
    h(
      "div",
      { class: "actions" },
      way("help.lesson", () => state.set("page", { path: "all", stop: "start" }), true),
      way("help.short", () => state.set("page", { path: "fifteen", stop: "start" })),
      way("help.tour", tour),
    ),
    h("h3", { t: "help.keys" }),
    h(
      "dl",
      { class: "keys" },
      ...KEYS.flatMap(([key, text]) => [h("dt", {}, h("kbd", {}, key)), h("dd", { t: text })]),
    ),
    ...["private", "paper", "photos"].map((part) => h("p", { t: `about.${part}` })),
  );
  document.body.append(dialog);
  dialog.showModal();
}
