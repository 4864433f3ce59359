/**
 * The pictures of one class as a multi-select list with a single tab stop: arrows move, Space selects, Ctrl A selects
 * all, Delete removes. The browser only decodes and paints visible tiles (`loading=lazy`, `content-visibility`), and a
 * change only touches added and removed tiles.
 */
import { h, onFrame } from "../shared/dom.js";
import { currentLanguage, t } from "../shared/i18n.js";
import { DRAGGED } from "../shared/picturefiles.js";

/** @typedef {import("../../lab/project.js").Picture} Picture */

/** Tiles created at once; others follow frame by frame, so that thousands do not block the page. */
const AT_ONCE = 40;

/**
 * @param {{chosen: Set<string>, changed: () => void, remove: () => void, emptied: () => void}} options `chosen`: selected ids,
 *   shared by all classes; `changed`: the selection has changed; `emptied`: the keyboard has removed the last one
 */
export function createThumbnails({ chosen, changed, remove, emptied }) {
  const element = h("ul", {
    class: "thumbnails",
    role: "listbox",
    "aria-multiselectable": "true",
    onclick: (/** @type {Event} */ event) => toggle(tileOf(event)),
    onkeydown: key,
    ondragstart: drag,
  });
  /** @typedef {{tile: HTMLLIElement, url: string, label: string}} Tile `label`: what its words were made of */
  /** @type {Map<string, Tile>} */
  const tiles = new Map();
  /** @type {readonly Picture[]} */
  let shown = [];

  /** @param {Event} event @returns {HTMLElement | null} */
  const tileOf = ({ target }) => /** @type {Element} */ (target).closest("li");

  /** @param {HTMLElement | null} tile */
  function toggle(tile) {
    const id = tile?.dataset.id;
    if (!tile || !id) return;
    if (!chosen.delete(id)) chosen.add(id);
    focus(tile);
    changed();
  }

  /** @param {HTMLElement} tile */
  function focus(tile) {
    for (const other of element.querySelectorAll("[tabindex='0']")) other.setAttribute("tabindex", "-1");
    tile.tabIndex = 0;
    tile.focus();
  }

  /** @param {KeyboardEvent} event */
  function key(event) {
    const tile = tileOf(event);
    const all = /** @type {HTMLElement[]} */ ([...element.children]);
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns(), ArrowUp: -columns() }[event.key];
    const ends = { Home: all[0], End: all.at(-1) }[event.key];
    if (step || ends) focus(ends ?? all[all.indexOf(/** @type {HTMLElement} */ (tile)) + (step ?? 0)] ?? tile);
    else if (event.key === " ") toggle(tile);
    else if (event.key === "a" && (event.ctrlKey || event.metaKey)) {
      for (const { id } of shown) chosen.add(id);
      changed();
    } else if (event.key === "Delete" || event.key === "Backspace") {
      const at = all.indexOf(/** @type {HTMLElement} */ (tile));
      if (tile?.dataset.id && ![...tiles.keys()].some((id) => chosen.has(id))) {
        chosen.clear(); // the selection in other classes is not meant
        chosen.add(tile.dataset.id);
      }
      remove();
      const next = /** @type {HTMLElement | undefined} */ (element.children[at] ?? element.lastElementChild);
      if (next) focus(next);
      else emptied();
    } else return;
    event.preventDefault();
  }

  /** Tiles per row. */
  function columns() {
    return getComputedStyle(element).gridTemplateColumns.split(" ").length;
  }

  /** @param {DragEvent} event */
  function drag(event) {
    const id = tileOf(event)?.dataset.id;
    if (!id) return;
    const dragged = chosen.has(id) ? [...chosen] : [id];
    event.dataTransfer?.setData(DRAGGED, JSON.stringify(dragged));
  }

  /** Orders the tiles and creates missing ones. */
  function draw() {
    let missing = AT_ONCE;
    let place = element.firstElementChild;
    for (const [i, picture] of shown.entries()) {
      const known = tiles.get(picture.id);
      if (!known && !missing--) {
        goOn();
        break;
      }
      const made = known ?? make(picture);
      if (made.tile === place) place = place.nextElementSibling;
      else element.insertBefore(made.tile, place);
      describe(made, picture, i);
    }
    const first = /** @type {HTMLElement | null} */ (element.firstElementChild);
    if (first && !element.querySelector("[tabindex='0']")) first.tabIndex = 0;
  }
  const goOn = onFrame(draw);

  /** @param {Tile} made @param {Picture} picture @param {number} i */
  function describe(made, { held_out }, i) {
    const label = `${currentLanguage()} ${i} ${held_out}`;
    if (made.label === label) return;
    made.label = label;
    made.tile.setAttribute("aria-label", t(held_out ? "pictures.tile.held-out" : "pictures.tile", { n: i + 1 }));
    made.tile.classList.toggle("held-out", held_out);
  }

  /** @param {Picture} picture @returns {Tile} */
  function make({ id, blob }) {
    const url = URL.createObjectURL(blob);
    const image = h("img", { src: url, alt: "", loading: "lazy", decoding: "async", draggable: "false" });
    const selected = String(chosen.has(id));
    const tile = h(
      "li",
      { role: "option", "data-id": id, tabindex: -1, draggable: "true", "aria-selected": selected },
      image,
    );
    const made = { tile, url, label: "" };
    tiles.set(id, made);
    return made;
  }

  return {
    element,
    /** @param {readonly Picture[]} pictures @param {string} name of the class */
    show(pictures, name) {
      element.setAttribute("aria-label", t("pictures.of", { name }));
      shown = [...pictures];
      const wanted = new Set(shown.map(({ id }) => id));
      for (const [id, { tile, url }] of tiles) {
        if (wanted.has(id)) continue;
        tile.remove();
        URL.revokeObjectURL(url);
        tiles.delete(id);
      }
      element.hidden = !shown.length;
      draw();
    },
    /** Shows the selection. */
    mark() {
      for (const [id, { tile }] of tiles) {
        const is = String(chosen.has(id));
        if (tile.getAttribute("aria-selected") !== is) tile.setAttribute("aria-selected", is);
      }
    },
    close() {
      for (const { url } of tiles.values()) URL.revokeObjectURL(url);
    },
  };
}
