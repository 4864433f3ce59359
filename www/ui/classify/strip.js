/** The pictures at hand, where there are several: each with its best class. */
import { h } from "../shared/dom.js";
import { t } from "../shared/i18n.js";

/** @typedef {import("./classify.js").Item} Item */

/** @param {{select: (item: Item) => void, remove: (item: Item) => void}} actions */
export function createStrip({ select, remove }) {
  const element = h("ul", { class: "strip", "t-aria-label": "classify.strip", hidden: true });
  /** The row of each picture, which stays the same: it may be under a finger. @type {Map<Item, HTMLElement>} */
  const rows = new Map();

  /** @param {Item[]} items @param {Item | undefined} current */
  function draw(items, current) {
    element.hidden = items.length < 2;
    for (const [item, row] of rows) {
      if (items.includes(item)) continue;
      row.remove();
      rows.delete(item);
    }
    if (element.hidden) return;
    for (const item of items) {
      if (!rows.has(item)) rows.set(item, element.appendChild(newRow(item)));
      drawRow(item, item === current);
    }
  }

  /** @param {Item} item @param {boolean} chosen */
  function drawRow(item, chosen) {
    const row = rows.get(item);
    if (!row) return;
    const [button, gone] = /** @type {HTMLElement[]} */ ([...row.children]);
    button.setAttribute("aria-pressed", String(chosen));
    const image = button.firstElementChild;
    if (image?.getAttribute("src") !== item.url) image?.setAttribute("src", item.url);
    button.lastElementChild?.replaceChildren(item.said || "…");
    gone.title = gone.ariaLabel = t("classify.remove", { name: item.name() });
  }

  /** @param {Item} item */
  const newRow = (item) =>
    h(
      "li",
      {},
      h(
        "button",
        { type: "button", onclick: () => select(item) },
        h("img", { src: item.url, alt: item.name() }),
        h("span", {}),
      ),
      h("button", { type: "button", class: "remove", onclick: () => remove(item) }, "×"),
    );

  /** What takes a picture out, for the keyboard's focus. @param {Item} item */
  const removerOf = (item) => /** @type {HTMLElement | null | undefined} */ (rows.get(item)?.lastElementChild);
  return { element, draw, removerOf };
}
