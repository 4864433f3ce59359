/** A plane with the spiral, one of whose points can be pointed at, along the curve by keyboard. */
import { NEEDED } from "../../../lab/spiral.js";
import { h, svg } from "../../shared/dom.js";

/** Units of the drawing to each side of its centre. */
const REACH = 1.1;
/** Points that a key moves by. */
const STEPS = /** @type {Record<string, number>} */ ({
  ...{ ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 20, PageDown: -20 },
});

/** @param {string} title a key @param {(point: number) => void} [choose] without it, the plane only shows */
export function createPlane(title, choose) {
  const words = h("figcaption", { t: title });
  const [lines, marks] = [h("div"), h("div", { class: "plane-marks" })];
  const plane = h("div", { class: "plane" }, lines, marks);
  const element = h("figure", {}, words, plane);
  /** @type {Float32Array} */
  let curve = new Float32Array();
  let at = 0;

  if (choose) {
    plane.role = "slider";
    plane.tabIndex = 0;
    plane.dataset.control = "point";
    plane.setAttribute("data-t-aria-label", title);
    const seek = (/** @type {PointerEvent} */ event) => choose(nearest(event));
    plane.addEventListener(
      "pointermove",
      (event) => (event.pointerType === "mouse" || plane.hasPointerCapture(event.pointerId)) && seek(event),
    );
    plane.addEventListener("pointerdown", (event) => {
      plane.setPointerCapture(event.pointerId);
      seek(event);
    });
    plane.addEventListener("keydown", (event) => {
      const by = STEPS[event.key];
      if (!by) return;
      event.preventDefault();
      choose(Math.min(Math.max(at + by, 0), curve.length / 2 - 1));
    });
  }

  /** The point of the curve nearest to the pointer. @param {PointerEvent} event */
  function nearest({ clientX, clientY }) {
    const { left, top, width } = plane.getBoundingClientRect();
    const x = ((clientX - left) / width) * 2 * REACH - REACH;
    const y = REACH - ((clientY - top) / width) * 2 * REACH;
    let [best, least] = [0, Infinity];
    for (let i = 0; i < curve.length / 2; i++) {
      const distance = Math.hypot(curve[2 * i] - x, curve[2 * i + 1] - y);
      if (distance < least) [best, least] = [i, distance];
    }
    return best;
  }

  return {
    element,
    /** @param {string} text */
    say(text) {
      words.textContent = text;
    },
    /** @param {Float32Array} points pairs of x and y within the unit circle @param {Uint32Array} alive dimensions that let each through */
    draw(points, alive) {
      curve = points;
      lines.replaceChildren(drawingOf(points, alive));
    },
    /** Marks a point, and others that are the same after ReLU. @param {Float32Array} points @param {number} point @param {number[]} same */
    mark(points, point, same) {
      const dot = (/** @type {number} */ i, /** @type {string} */ name, /** @type {number} */ r) =>
        /** @type {[string, Record<string, string | number>]} */ ([
          "circle",
          { class: name, cx: points[2 * i], cy: -points[2 * i + 1], r },
        ]);
      const box = `${-REACH} ${-REACH} ${2 * REACH} ${2 * REACH}`;
      marks.replaceChildren(
        svg({ viewBox: box }, ...same.map((i) => dot(i, "same", 0.025)), dot(point, "point", 0.05)),
      );
    },
    /** For people who do not see it. @param {number} point @param {number} of @param {string} text */
    tell(point, of, text) {
      at = point;
      plane.ariaValueMin = "1";
      plane.ariaValueMax = String(of);
      plane.ariaValueNow = String(point + 1);
      plane.ariaValueText = text;
    },
  };
}

/**
 * A curve: recoverable and lost parts as one line each.
 *
 * @param {Float32Array} points @param {Uint32Array} alive
 */
function drawingOf(points, alive) {
  /** @param {number} i */
  const at = (i) => `${points[2 * i].toFixed(3)} ${(-points[2 * i + 1]).toFixed(3)}`;
  const lines = { kept: "", lost: "" };
  let last = "";
  for (let i = 1; i < alive.length; i++) {
    const kind = Math.min(alive[i - 1], alive[i]) < NEEDED ? "lost" : "kept";
    lines[kind] += kind === last ? `L${at(i)}` : `M${at(i - 1)}L${at(i)}`;
    last = kind;
  }
  return svg(
    { viewBox: `${-REACH} ${-REACH} ${2 * REACH} ${2 * REACH}` },
    ["path", { class: "axes", d: `M${-REACH} 0H${REACH}M0 ${-REACH}V${REACH}` }],
    ["path", { class: "lost", d: lines.lost }],
    ["path", { class: "kept", d: lines.kept }],
  );
}
