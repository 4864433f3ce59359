/** The drawing of the cut: bars, two functions over them, and a line to drag. */
import { h, svg } from "../../shared/dom.js";
import { number, t } from "../../shared/i18n.js";

/** A key's step, and a larger one. */
const STEP = 0.1;
const LEAP = 1;
/** So many bits or fewer are drawn as marks. */
const FEW = 5;

/** @param {(cut: number) => void} choose */
export function createCutFigure(choose) {
  const drawing = h("div", { class: "cut-drawing" });
  const handle = h("div", {
    class: "cut-handle",
    role: "slider",
    tabindex: 0,
    "t-aria-label": "cut.handle",
    onkeydown: step,
  });
  const labels = h("div", { class: "cut-labels number", "aria-hidden": "true" });
  const axis = h("div", { class: "cut-axis number", "aria-hidden": "true" });
  const plot = h("div", { class: "cut-plot" }, drawing, labels, handle);
  const element = h(
    "figure",
    { class: "cut-figure", "data-control": "cut" },
    h("figcaption", { t: "cut.caption" }),
    plot,
    axis,
    h("p", { class: "hint", t: "cut.axis" }),
  );
  /** @type {{low: number, high: number, cut: number} | null} */
  let shown = null;

  plot.addEventListener("pointerdown", (event) => {
    plot.setPointerCapture(event.pointerId);
    drag(event);
  });
  plot.addEventListener("pointermove", (event) => plot.hasPointerCapture(event.pointerId) && drag(event));

  /** @param {PointerEvent} event */
  function drag({ clientX }) {
    if (!shown) return;
    const { left, width } = plot.getBoundingClientRect();
    put(shown.low + ((clientX - left) / width) * (shown.high - shown.low));
  }

  /** @param {KeyboardEvent} event */
  function step(event) {
    if (!shown) return;
    const { cut, high } = shown;
    const to = {
      ...{ ArrowRight: cut + STEP, ArrowUp: cut + STEP, ArrowLeft: cut - STEP, ArrowDown: cut - STEP },
      ...{ PageUp: cut + LEAP, PageDown: cut - LEAP, Home: STEP, End: high },
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    put(to);
  }

  /** @param {number} to */
  function put(to) {
    if (shown) choose(Math.round(Math.min(Math.max(to, STEP), shown.high) / STEP) / Math.round(1 / STEP));
  }

  /**
   * @param {import("../../../lab/activations.js").Spread} spread
   * @param {{cut: number, bits: number, label: string}} chosen `label`: what the cut does, in words
   */
  function draw({ low, high, bins }, { cut, bits, label }) {
    shown = { low, high, cut };
    const at = (/** @type {number} */ value) => (100 * (value - low)) / (high - low);
    const most = Math.log(1 + Math.max(...bins));
    const wide = 100 / bins.length;
    const paths = { zeroed: "", kept: "", above: "" };
    bins.forEach((count, i) => {
      const [left, tall] = [i * wide, (100 * Math.log(1 + count)) / most];
      const middle = low + ((i + 0.5) / bins.length) * (high - low);
      const kind = middle < 0 ? "zeroed" : middle < cut ? "kept" : "above";
      if (count) paths[kind] += `M${left + 0.1 * wide} 100v${-tall}h${0.8 * wide}v${tall}z`;
    });
    const up = (/** @type {number} */ value) => 100 - (100 * value) / high;
    const levels = 2 ** bits - 1;
    const marks =
      bits > FEW ? "" : Array.from({ length: levels + 1 }, (_, i) => `M${at((i * cut) / levels)} 96V100`).join("");
    drawing.replaceChildren(
      svg(
        { viewBox: "0 0 100 100", preserveAspectRatio: "none" },
        ...Object.entries(paths).map(
          ([kind, d]) => /** @type {[string, Record<string, string>]} */ (["path", { class: kind, d }]),
        ),
        ["path", { class: "marks", d: marks }],
        ["path", { class: "relu-line", d: `M0 100H${at(0)}L${at(high)} ${up(high)}` }],
        ["path", { class: "relu6-line", d: `M0 100H${at(0)}L${at(cut)} ${up(cut)}H100` }],
      ),
    );
    handle.style.left = `${at(cut)}%`;
    handle.ariaValueMin = String(STEP);
    handle.ariaValueMax = String(high);
    handle.ariaValueNow = String(cut);
    handle.ariaValueText = label;
    const name = cut === 6 ? t("setting.activation.relu6") : t("cut.line", { cut: number(cut) });
    const height = up(cut);
    labels.replaceChildren(
      h("span", { style: "bottom: 100%; right: 0" }, t("setting.activation.relu")),
      h("span", { style: height < 80 ? `top: ${height}%; right: 0` : `bottom: ${100 - height}%; right: 0` }, name),
    );
    const every = high - low > 24 ? 4 : 2;
    const ticks = Array.from(
      { length: Math.floor(high / every) - Math.ceil(low / every) + 1 },
      (_, i) => every * (Math.ceil(low / every) + i),
    );
    axis.replaceChildren(
      ...ticks.map((tick) => h("span", { style: `left: ${at(tick)}%` }, number(tick).replace("-", "−"))),
    );
  }
  return { element, draw };
}
