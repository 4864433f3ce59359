/** A picture in which one can rub something out: it becomes blurred, or as grey as the mean of the training's pictures. */
import { h } from "../../shared/dom.js";

/** The brush's radius as a share of the side, and by how much the keys move it. */
const RADIUS = 0.1;
const STEP = 0.08;
/** By how much blurring shrinks the picture before it enlarges it again. */
const BLUR = 10;

/** @param {(image: ImageData | null) => void} changed gets the picture as it is now; null: it is whole */
export function createEraser(changed) {
  const canvas = h("canvas", { tabindex: 0, role: "application", "t-aria-label": "evidence.eraser" });
  const cursor = h("span", { class: "eraser-cursor", hidden: true });
  const how = h(
    "select",
    { "t-aria-label": "evidence.how" },
    ...["blur", "grey"].map((value) => h("option", { value, t: `evidence.${value}` })),
  );
  const reset = h("button", { type: "button", t: "evidence.reset", onclick: restore });
  const element = h(
    "div",
    { class: "eraser", "data-control": "eraser" },
    h("div", { class: "eraser-picture" }, canvas, cursor),
    h("div", { class: "actions" }, how, reset),
  );
  /** The picture as it was, blurred, and grey. @type {Record<"whole" | "blur" | "grey", OffscreenCanvas> | null} */
  let pictures = null;
  /** The brush, in shares of the side. */
  let at = { x: 0.5, y: 0.5 };

  /** @param {{x: number, y: number}} to */
  function move(to) {
    const inside = (/** @type {number} */ share) => Math.min(Math.max(share, 0), 1);
    at = { x: inside(to.x), y: inside(to.y) };
    cursor.style.cssText = `--x: ${at.x}; --y: ${at.y}; --radius: ${RADIUS}`;
    cursor.hidden = false;
  }

  function rub() {
    const context = canvas.getContext("2d");
    if (!context || !pictures) return;
    const side = canvas.width;
    context.save();
    context.beginPath();
    context.arc(at.x * side, at.y * side, Math.max(RADIUS * side, 1), 0, 2 * Math.PI);
    context.clip();
    context.drawImage(pictures[how.value === "grey" ? "grey" : "blur"], 0, 0);
    context.restore();
    changed(context.getImageData(0, 0, side, side));
  }

  function restore() {
    const context = canvas.getContext("2d");
    if (pictures) context?.drawImage(pictures.whole, 0, 0);
    changed(null);
  }

  /** @param {PointerEvent} event */
  const toPointer = ({ offsetX, offsetY }) =>
    move({ x: offsetX / canvas.clientWidth, y: offsetY / canvas.clientHeight });
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    toPointer(event);
    rub();
  });
  canvas.addEventListener("pointermove", (event) => {
    toPointer(event);
    if (canvas.hasPointerCapture(event.pointerId)) rub();
  });
  canvas.addEventListener("pointerleave", () => (cursor.hidden = document.activeElement !== canvas));
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step && event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    if (step) move({ x: at.x + STEP * step[0], y: at.y + STEP * step[1] });
    else rub();
  });
  canvas.addEventListener("focus", () => move(at));
  canvas.addEventListener("blur", () => (cursor.hidden = true));

  return {
    element,
    /**
     * Shows a picture, whole.
     *
     * @param {Uint8Array} crop R × R RGBA bytes
     * @param {{mean: [number, number, number]}} config
     */
    show(crop, { mean }) {
      const side = Math.sqrt(crop.length / 4);
      const [whole, blur, grey, small] = [side, side, side, Math.max(2, Math.round(side / BLUR))].map(
        (one) => new OffscreenCanvas(one, one),
      );
      const contexts = [whole, blur, grey, small].map((one) => one.getContext("2d"));
      contexts[0]?.putImageData(new ImageData(new Uint8ClampedArray(crop), side), 0, 0);
      contexts[3]?.drawImage(whole, 0, 0, small.width, small.height);
      contexts[1]?.drawImage(small, 0, 0, side, side);
      if (contexts[2]) {
        contexts[2].fillStyle = `rgb(${mean.map((one) => Math.round(255 * one)).join(" ")})`;
        contexts[2].fillRect(0, 0, side, side);
      }
      pictures = { whole, blur, grey };
      canvas.width = canvas.height = side;
      canvas.getContext("2d")?.drawImage(whole, 0, 0);
    },
  };
}
