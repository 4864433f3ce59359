/** The dialog about this page and the sources of its pictures. */
import { h } from "./shared/dom.js";

export function createAbout() {
  const close = h("button", { type: "button", t: "close", onclick: () => dialog.close() });
  const dialog = h(
    "dialog",
    { class: "about", "t-aria-label": "about.title" },
    h("header", {}, h("h2", { t: "about.title" }), close),
    ...["what", "private", "paper", "keys", "photos"].map((part) => h("p", { t: `about.${part}` })),
  );
  document.body.append(dialog);
  return dialog;
}
