/**
 * The picture with the frame of what the network sees: mouse, fingers and keys move and zoom it. The whole picture, squeezed or
 * with bars, is the alternative.
 */
import {
  centered,
  LEAST_SHARE,
  moved,
  pinched,
  positionOf,
  shareOf,
  stepped,
  stretched,
  zoomed,
} from "../../lab/crop.js";
import { h, svg, turnOff } from "../shared/dom.js";
import { percent, t } from "../shared/i18n.js";

/**
 * @typedef {import("../../engine/protocol.js").Framing} Framing
 * @typedef {import("../../lab/crop.js").Point} Point
 */

/** Milliseconds after a scroll in which the wheel still scrolls: a frame that comes under the pointer must not catch it. */
const SCROLLING = 300;
/** Zoom, as an exponent of e, per pixel of the wheel, and per pixel of a pinch on a touchpad, which sends fewer. */
const WHEEL = 0.0015;
const TOUCHPAD = 0.01;
/** Pixels of a line, for wheels that count lines. */
const LINE = 16;
/** Pictures up to this side are shown with square pixels. */
const SMALL = 128;

/** @param {{changed: () => void}} options `changed`: the network should look again at the same picture */
export function createCrop({ changed }) {
  /** The owner of the picture on show. @type {unknown} */
  let shown;
  let size = { width: 1, height: 1 };
  /** The published crop's side, as a share of the shorter side. */
  let share = 1;
  /** @type {NonNullable<Framing["fit"]>} */
  let fit = "crop";
  /** The visitor's own crop. @type {import("../../lab/crop.js").Crop | null} */
  let own = null;

  const image = h("img", { alt: "", hidden: true, draggable: "false" });
  const shade = h("div", { class: "crop-shade", hidden: true });
  const corners = ["top left", "top right", "bottom left", "bottom right"].map((at) =>
    h("span", { class: `crop-corner ${at}` }),
  );
  const frame = h(
    "div",
    {
      class: "crop-frame",
      "data-control": "crop",
      role: "slider",
      tabindex: "0",
      "t-aria-label": "crop.label",
      "aria-describedby": "crop-keys",
      "aria-valuemin": 100 * LEAST_SHARE,
      "aria-valuemax": 100,
      hidden: true,
      onkeydown: press,
    },
    ...corners,
  );
  const keys = h("p", { id: "crop-keys", class: "crop-keys", t: "crop.keys" });
  const element = h(
    "div",
    {
      class: "photo",
      onpointerdown: hold,
      onpointermove: drag,
      onpointerup: release,
      onpointercancel: release,
      onwheel: wheel,
    },
    image,
    shade,
    frame,
    keys,
  );

  const seen = h("canvas", { class: "crop", role: "img", "t-aria-label": "classify.crop.label" });
  const seenSize = h("span", { class: "number" });
  const saw = h("figure", { class: "saw" }, seen, h("figcaption", {}, h("span", { t: "classify.crop" }), seenSize));

  const fits = /** @type {const} */ (["crop", "squeeze", "bars"]).map((value) => {
    const input = h("input", {
      type: "radio",
      name: "fit",
      value,
      onchange: () => {
        fit = value;
        change();
      },
    });
    return { value, input, label: h("label", {}, input, h("span", { t: `crop.${value}` })) };
  });
  const reset = h(
    "button",
    { type: "button", "t-aria-label": "crop.reset", "t-title": "crop.reset", onclick: start },
    svg({ class: "icon", viewBox: "0 0 16 16" }, ["path", { d: "M3 8a5 5 0 1 0 1.6-3.7M3.4 1.4v3.4h3.4" }]),
  );
  const choices = h(
    "fieldset",
    { class: "toggles fits" },
    h("legend", { t: "crop.fit" }),
    h("div", { class: "toggles-row" }, ...fits.map(({ label }) => label)),
    reset,
  );

  const crop = () => own ?? centered(size, share);

  /** The published crop again. */
  function start() {
    fit = "crop";
    own = null;
    change();
  }

  function change() {
    draw();
    changed();
  }

  /** Takes a crop, if it is not the present one. @param {import("../../lab/crop.js").Crop} next */
  function take(next) {
    const { x, y, side } = crop();
    if (next.x === x && next.y === y && next.side === side) return;
    own = next;
    change();
  }

  function draw() {
    const { width, height } = size;
    const { x, y, side } = crop();
    const isCrop = fit === "crop";
    element.dataset.fit = fit;
    const ratio = isCrop ? width / height : 1;
    element.style.aspectRatio = String(ratio);
    element.style.setProperty("--ratio", String(ratio));
    const place = { "--x": x / width, "--y": y / height, "--w": side / width, "--h": side / height };
    for (const [name, part] of Object.entries(place)) element.style.setProperty(name, `${100 * part}%`);
    frame.hidden = shade.hidden = !shown || !isCrop;
    const position = positionOf(size, { x, y, side });
    frame.ariaValueNow = String(Math.round(100 * shareOf(size, { x, y, side })));
    frame.ariaValueText = t("crop.value", {
      share: percent(shareOf(size, { x, y, side })),
      across: percent(position.x),
      down: percent(position.y),
    });
    for (const { value, input } of fits) input.checked = value === fit;
    turnOff(reset, isCrop && !own);
  }

  /** The pointers that hold the frame. @type {Map<number, Point>} */
  const pointers = new Map();
  /** The crop and the pointers when the gesture began, and the corner that it moves. @type {{crop: import("../../lab/crop.js").Crop, at: Point[], corner: import("../../lab/crop.js").Corner | null}} */
  let held = { crop: crop(), at: [], corner: null };

  /** A pointer's place in pixels of the picture. @param {MouseEvent} event @returns {Point} */
  function pointOf({ clientX, clientY }) {
    const { left, top, width } = element.getBoundingClientRect();
    const scale = size.width / width;
    return { x: (clientX - left) * scale, y: (clientY - top) * scale };
  }

  /** @param {import("../../lab/crop.js").Corner | null} [corner] */
  function begin(corner = null) {
    held = { crop: crop(), at: [...pointers.values()], corner };
    element.classList.toggle("held", pointers.size > 0);
  }

  /** @param {PointerEvent} event */
  function hold(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    const onFrame = frame.contains(target);
    // the second finger of a pinch may lie beside the frame
    if (fit !== "crop" || event.button !== 0 || pointers.size === 2 || !(pointers.size || onFrame)) return;
    element.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, pointOf(event));
    const { classList } = target;
    const corner = { right: classList.contains("right"), bottom: classList.contains("bottom") };
    begin(classList.contains("crop-corner") ? corner : null);
  }

  /** @param {PointerEvent} event */
  function drag(event) {
    if (!pointers.has(event.pointerId)) return;
    pointers.set(event.pointerId, pointOf(event));
    const [a, b] = held.at;
    const [to, other] = [...pointers.values()];
    if (other) return take(pinched(size, held.crop, [a, b], [to, other]));
    const [dx, dy] = [to.x - a.x, to.y - a.y];
    const { x, y, side } = held.crop;
    if (!held.corner) return take(moved(size, held.crop, dx, dy));
    const { right, bottom } = held.corner;
    take(stretched(size, held.crop, held.corner, { x: x + (right ? side : 0) + dx, y: y + (bottom ? side : 0) + dy }));
  }

  /** @param {PointerEvent} event */
  function release({ pointerId }) {
    if (pointers.delete(pointerId)) begin();
  }

  let scrolled = -Infinity;
  addEventListener("scroll", () => (scrolled = performance.now()), { passive: true });

  /** Zooms about the pointer, unless the page is being scrolled. At the limit, the page scrolls on. @param {WheelEvent} event */
  function wheel(event) {
    if (!frame.contains(/** @type {Node} */ (event.target))) return;
    if (!event.ctrlKey && performance.now() - scrolled < SCROLLING) return;
    const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE : 1);
    const next = zoomed(size, crop(), Math.exp(pixels * (event.ctrlKey ? TOUCHPAD : WHEEL)), pointOf(event));
    if (next.side === crop().side && !event.ctrlKey) return;
    event.preventDefault();
    take(next);
  }

  /** @param {KeyboardEvent} event */
  function press(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const next = stepped(size, crop(), event.key, event.shiftKey);
    if (next) take(next);
    else if (event.key === "Home") start();
    else return;
    event.preventDefault();
  }

  draw();
  return {
    element,
    choices,
    saw,
    /** How the network should see the picture. @returns {Framing} */
    get framing() {
      if (fit !== "crop") return { fit };
      return own ? { box: { x: own.x, y: own.y, width: own.side, height: own.side } } : {};
    },
    /**
     * Shows a picture with the published crop, or with the visitor's if it is the same picture as before.
     *
     * @param {unknown} whose identifies the picture
     * @param {{url: string, name: string, width: number, height: number}} picture
     * @param {import("../../engine/protocol.js").Config} config the network's
     */
    show(whose, { url, name, width, height }, { crop: published = 1, mean = [0.5, 0.5, 0.5] }) {
      if (whose !== shown) {
        shown = whose;
        fit = "crop";
        own = null;
        pointers.clear();
        begin();
      }
      size = { width, height };
      share = published;
      if (image.getAttribute("src") !== url) image.src = url;
      image.alt = name;
      image.hidden = false;
      element.classList.toggle("small", Math.max(width, height) <= SMALL);
      element.style.setProperty("--bars", `rgb(${mean.map((value) => 255 * value).join(" ")})`);
      draw();
    },
    /** Shows the network's input. @param {Uint8Array} rgba */
    showSeen(rgba) {
      const side = Math.sqrt(rgba.length / 4);
      seen.width = seen.height = side;
      seen.getContext("2d")?.putImageData(new ImageData(new Uint8ClampedArray(rgba), side, side), 0, 0);
      seenSize.textContent = `${side} × ${side}`;
    },
  };
}
