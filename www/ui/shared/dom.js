import { rich, t } from "./i18n.js";

/**
 * An element. Properties: `t` is the key of its text and `t-NAME` the key of an attribute (both follow the language),
 * `onNAME` a listener (`onclick` of a button only while that is not turned off), `true` an empty attribute, `false`, null
 * and undefined none; the rest are attributes.
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
 * Sets an attribute; the content policy forbids that of a style, but not this.
 *
 * @param {HTMLElement | SVGElement} element @param {string} name @param {string} value
 */
function setAttribute(element, name, value) {
  if (name === "style") element.style.cssText = value;
  else element.setAttribute(name, value);
}

/**
 * Turns a button on or off. One that is off keeps the keyboard's focus, which would else fall to the page's top when its own
 * action turns it off; its listener is not called.
 *
 * @param {HTMLButtonElement} button
 * @param {boolean} off
 */
export const turnOff = (button, off) => button.setAttribute("aria-disabled", String(off));

/**
 * Gives a select its options. The same ones stay in place: an open list would close if they were replaced.
 *
 * @param {HTMLSelectElement} select @param {HTMLOptionElement[]} options
 */
export function setOptions(select, options) {
  const same = options.length === select.length && options.every((option, i) => option.isEqualNode(select.options[i]));
  if (!same) select.replaceChildren(...options);
}

/** What {@link setWords} gave each element. @type {WeakMap<Element, string>} */
const words = new WeakMap();

/**
 * Gives an element words, with their terms. The same words stay in place: a term among them may have the keyboard's
 * focus, and its explanation be open.
 *
 * @param {Element} element
 * @param {string} text
 */
export function setWords(element, text) {
  if (words.get(element) === text) return;
  words.set(element, text);
  element.replaceChildren(...rich(text));
}

/**
 * A drawing, which screen readers pass over.
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

/** Adds a style sheet to the page, and waits until it holds; without it the page only looks plain. @param {URL} url */
export function loadStyle(url) {
  if (document.querySelector(`link[href="${url}"]`)) return;
  const link = h("link", { rel: "stylesheet", href: String(url) });
  document.head.append(link);
  return new Promise((resolve) => (link.onload = link.onerror = resolve));
}

/** Calls `draw` once, in the next animation frame, however often it is asked. @param {() => void} draw */
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
 * Shows another room from its top, with the keyboard's focus there.
 *
 * @param {import("../../lab/state.js").PageState} state @param {import("../../lab/state.js").Room} room
 */
export function goTo(state, room) {
  state.enter(room);
  document.getElementById("rooms")?.focus();
  scrollTo(0, 0);
}

/**
 * Draws anew what is in an element; the keyboard's focus stays on the control of the same `data-key`.
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

/** Gives a file to the person. @param {Uint8Array | Blob} bytes @param {string} name */
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

/** Unfolds what an element is folded into, and gives it the focus. @param {string} id */
export function reveal(id) {
  const element = document.getElementById(id);
  for (let fold = element?.closest("details"); fold; fold = fold.parentElement?.closest("details")) fold.open = true;
  element?.focus();
}
