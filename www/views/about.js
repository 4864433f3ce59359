/** What this page is, and whose pictures it shows. */
import { h } from "../dom.js";

export function createAbout() {
  const close = h("button", { type: "button", class: "primary", t: "close", onclick: () => dialog.close() });
  const dialog = h(
    "dialog",
    { class: "about", "t-aria-label": "about.title" },
    h("h2", { t: "about.title" }),
    ...["what", "private", "paper", "keys", "photos"].map((part) => h("p", { t: `about.${part}` })),
    close,
  );
  document.body.append(dialog);
  return dialog;
}
