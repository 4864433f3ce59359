import { h } from "../shared/dom.js";

/**
 * Shows a text over the whole page, to be read, printed or saved.
 *
 * @param {string} title its key
 * @param {HTMLElement} text
 * @param {HTMLElement[]} [actions] buttons besides those to print and to close
 */
export function showSheet(title, text, actions = []) {
  const dialog = h(
    "dialog",
    { class: "sheet", "t-aria-label": title, onclose: () => dialog.remove() },
    h(
      "header",
      {},
      h("h2", { t: title }),
      h(
        "div",
        { class: "actions" },
        ...actions,
        h("button", { type: "button", t: "sheet.print", onclick: () => print() }),
        h("button", { type: "button", t: "close", onclick: () => dialog.close() }),
      ),
    ),
    text,
  );
  document.body.append(dialog);
  dialog.showModal();
}
