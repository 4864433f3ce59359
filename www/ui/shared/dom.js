import { explainError, rich, t } from "./i18n.js";

/**
 * Creates an element. Properties: `t` is the key of its text and `t-NAME` the key of an attribute (both follow the
 * language), `onNAME` a listener (a button's `onclick` only acts while it is on), `true` an empty attribute, `false`,
 * null and undefined none; the rest are attributes.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any>} [properties]
 * @param {...(Node | string | null | false)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === false || value === null || value === undefined) continue;
    if (name === "onclick" && tag === "button") {
      element.addEventListener("click", (event) => element.ariaDisabled !== "true" && value(event));
    } else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "t") {
      element.setAttribute("data-t", value);
      element.replaceChildren(...rich(t(value)));
    } else if (name.startsWith("t-")) {
      element.setAttribute(`data-${name}`, value);
      element.setAttribute(name.slice(2), t(value));
    } else setAttribute(element, name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== false));
  return element;
}

/**
 * Sets an attribute; a style goes another way, since the content policy forbids the attribute.
 *
 * @param {HTMLElement | SVGElement} element @param {string} name @param {string} value
 */
function setAttribute(element, name, value) {
  if (name === "style") element.style.cssText = value;
  else element.setAttribute(name, value);
}

/**
 * Turns a button on or off. A disabled button would lose the focus to the top of the page when its own action disables
 * it; this one keeps it, and only its listener is not called.
 *
 * @param {HTMLButtonElement} button
 * @param {boolean} off
 */
export const turnOff = (button, off) => button.setAttribute("aria-disabled", String(off));

/**
 * Gives a select its options. Unchanged ones stay in place: replacing them would close an open list.
 *
 * @param {HTMLSelectElement} select @param {HTMLOptionElement[]} options
 */
export function setOptions(select, options) {
  const same = options.length === select.length && options.every((option, i) => option.isEqualNode(select.options[i]));
  if (!same) select.replaceChildren(...options);
}

/** The text that {@link setWords} gave each element. @type {WeakMap<Element, string>} */
const words = new WeakMap();

/**
 * Sets an element's text, with its terms. An unchanged text stays in place: one of its terms may have the focus and an
 * open explanation.
 *
 * @param {Element} element
 * @param {string} text
 */
export function setWords(element, text) {
  if (words.get(element) === text) return;
  words.set(element, text);
  element.replaceChildren(...rich(text));
}

/** Gives the term in an element an explanation of its own, instead of that of its key. @param {Element} element @param {string} text */
export function explain(element, text) {
  const term = /** @type {HTMLElement | null} */ (element.querySelector(".term"));
  if (term) term.dataset.explainText = text;
}

/** Says what went wrong, in this place; null: all is well again. @param {HTMLElement} place @param {unknown} error */
export function showProblem(place, error) {
  place.hidden = !error;
  setWords(place, error ? explainError(error) : "");
}

/**
 * A drawing, which screen readers skip.
 *
 * @param {Record<string, string>} properties
 * @param {...[tag: string, attributes: Record<string, string | number>]} parts
 */
export function svg(properties, ...parts) {
  const make = (/** @type {string} */ name, /** @type {Record<string, string | number>} */ attributes) => {
    const element = /** @type {SVGElement} */ (document.createElementNS("http://www.w3.org/2000/svg", name));
    for (const [key, value] of Object.entries(attributes)) setAttribute(element, key, String(value));
    return element;
  };
  const drawing = make("svg", { ...properties, "aria-hidden": "true" });
  drawing.append(...parts.map(([tag, attributes]) => make(tag, attributes)));
  return drawing;
}

/** @type {Promise<unknown>[]} */
const styles = [];

/** Adds a style sheet and waits until it applies; without it the page only looks plain. @param {URL} url */
export function loadStyle(url) {
  if (document.querySelector(`link[href="${url}"]`)) return;
  const link = h("link", { rel: "stylesheet", href: String(url) });
  document.head.append(link);
  const applies = new Promise((resolve) => (link.onload = link.onerror = resolve));
  styles.push(applies);
  return applies;
}

/** Waits until all style sheets added so far apply. */
export const styled = () => Promise.all(styles);

/** Calls `draw` once in the next animation frame, however often it is requested. @param {() => void} draw */
export function onFrame(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      draw();
    });
  };
}

/**
 * Shows another room from its top and moves the focus there.
 *
 * @param {import("../../lab/state.js").PageState} state @param {import("../../lab/state.js").Room} room
 */
export function goTo(state, room) {
  state.enter(room);
  document.getElementById("rooms")?.focus();
  scrollTo(0, 0);
}

/**
 * Redraws an element's content; the focus stays on the control with the same `data-key`.
 *
 * @param {Element} element @param {() => void} redraw
 */
export function keepFocus(element, redraw) {
  const { activeElement } = document;
  const key = element.contains(activeElement) ? activeElement?.getAttribute("data-key") : null;
  redraw();
  const again = key && element.querySelector(`[data-key="${key}"]`);
  if (again) /** @type {HTMLElement} */ (again).focus();
}

/** Saves a file on the person's device. @param {Uint8Array | Blob} bytes @param {string} name */
export function save(bytes, name) {
  const url = URL.createObjectURL(new Blob([/** @type {BlobPart} */ (bytes)]));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/**
 * Shows one of (N, R, R, 3) RGB bytes.
 *
 * @param {HTMLCanvasElement} canvas @param {Uint8Array} images @param {number} resolution @param {number} index
 */
export function paintRgb(canvas, images, resolution, index) {
  const image = new ImageData(resolution, resolution);
  for (let i = 0, from = index * resolution * resolution * 3; i < image.data.length; i += 4) {
    image.data[i] = images[from++];
    image.data[i + 1] = images[from++];
    image.data[i + 2] = images[from++];
    image.data[i + 3] = 255;
  }
  canvas.width = canvas.height = resolution;
  canvas.getContext("2d")?.putImageData(image, 0, 0);
}

/**
 * Calls `act` whenever an element's size has changed, a frame later: what it changes may resize the element again, which a
 * browser reports as an error within the same frame.
 *
 * @param {Element} element @param {() => void} act
 */
export function onResize(element, act) {
  new ResizeObserver(onFrame(act)).observe(element);
}

/** Unfolds the element around this one, and focuses it. @param {string} id */
export function reveal(id) {
  const element = document.getElementById(id);
  for (let fold = element?.closest("details"); fold; fold = fold.parentElement?.closest("details")) fold.open = true;
  element?.focus();
}
