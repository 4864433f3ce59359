/** What ReLU destroys: a spiral before and after ReLU in n dimensions (the paper's figure 1), and what happens in between. */
import { alike, embed, enlargement, expectedLoss, NEEDED } from "../../../lab/spiral.js";
import { computed, effect, signal } from "../../../lab/signals.js";
import { DIMENSIONS } from "../../../lab/state.js";
import { h, loadStyle, setWords } from "../../shared/dom.js";
import { number, percent, t } from "../../shared/i18n.js";
import { createLossCurve } from "./losscurve.js";
import { createAsker, createPanel } from "./panel.js";
import { createPlane } from "./plane.js";
import { createStrips } from "./strips.js";

loadStyle(new URL("./manifold.css", import.meta.url));

/** Matrices are numbered with 32 bits, from 1. */
const MATRICES = 2 ** 32;

/** @typedef {import("../../../engine/protocol.js").Manifold & {n: number, relu: boolean, values: Float32Array}} Found */

/** @param {import("../../context.js").Context} context */
export function createManifold({ engine, core, state }) {
  const set = (/** @type {Record<string, string | number>} */ values) => state.set("apart", values);
  const isOpen = computed(() => state.room.value === "apart" && state.values.apart.value.panel === "manifold");
  const dimensions = h("input", {
    ...{ type: "range", id: "dimensions-input", min: DIMENSIONS.least, max: DIMENSIONS.most },
    oninput: () => set({ dimensions: Number(dimensions.value) }),
  });
  const label = h("span", { class: "number" });
  const through = h(
    "select",
    { id: "through", onchange: () => set({ through: through.value }) },
    h("option", { value: "relu", t: "setting.activation.relu" }),
    h("option", { value: "linear", t: "manifold.linear" }),
  );
  const another = h("button", {
    type: "button",
    "data-control": "matrix",
    t: "manifold.another",
    onclick: () => set({ matrix: (Number(state.values.apart.value.matrix) + 1) % MATRICES || 1 }),
  });
  /** The point pointed at. */
  const point = signal(420);
  const before = createPlane("manifold.before", (at) => (point.value = at));
  const strips = createStrips((at) => (point.value = at));
  const after = createPlane("manifold.after");
  const curve = createLossCurve();
  const shows = h("p", { role: "status" });
  const tells = h("p", { class: "number manifold-tells" });
  const values = h("ol", { class: "manifold-values number", "t-aria-label": "manifold.values" });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const element = createPanel(
    "manifold",
    h(
      "div",
      { class: "manifold-choices" },
      h("label", { class: "slider manifold-slider", "data-control": "dimensions" }, label, dimensions),
      h("label", { class: "field inline" }, h("span", { t: "manifold.through" }), through),
      another,
    ),
    h("div", { class: "planes" }, before.element, strips.element, after.element),
    h("p", { class: "curves-legend", t: "manifold.legend" }),
    shows,
    tells,
    values,
    curve.element,
    problem,
  );
  const ask = createAsker(element, problem);
  /** The result shown. @type {import("../../../lab/signals.js").Signal<Found | null>} */
  const found = signal(null);

  function update() {
    const { dimensions: n, through: chosen, matrix } = state.values.apart.value;
    core.loss.value; // a restarted core is asked again
    if (!isOpen.value) return;
    dimensions.value = String(n);
    label.textContent = t("manifold.dimensions", { n: Number(n) });
    dimensions.setAttribute("aria-valuetext", label.textContent);
    through.value = String(chosen);
    const options = { dimensions: Number(n), relu: chosen === "relu", seed: Number(matrix) };
    ask(
      [n, chosen, matrix],
      () => engine.manifold(options),
      (answer) => {
        const values = embed(answer);
        found.value = { ...answer, n: options.dimensions, relu: options.relu, values };
      },
    );
  }

  function draw() {
    const one = found.value;
    if (!isOpen.value || !one) return;
    const scale = enlargement(one.curve, one.returned);
    before.draw(one.curve, one.alive);
    after.draw(
      one.returned.map((value) => value * scale),
      one.alive,
    );
    const times = number(scale, { maximumFractionDigits: 2 });
    after.say(times === "1" ? t("manifold.after") : t("manifold.after.scale", { times }));
    strips.draw(one);
    const lost = one.alive.filter((open) => open < NEEDED).length / one.alive.length;
    curve.draw(one.n, lost);
    const expected = number(100 * expectedLoss(one.n), { maximumSignificantDigits: 2 });
    const words = { dimensions: one.n, lost: percent(lost), expected: `${expected} %` };
    setWords(shows, one.relu ? t("manifold.shows", words) : t("manifold.whole"));
  }

  /** What becomes of the point pointed at. */
  function tell() {
    const one = found.value;
    if (!isOpen.value || !one) return;
    const { n, relu, alive, curve: points } = one;
    const at = Math.min(point.value, alive.length - 1);
    const same = relu ? alike(one, one.values, at) : [];
    const scale = enlargement(points, one.returned);
    before.mark(points, at, same);
    after.mark(
      one.returned.map((value) => value * scale),
      at,
      [],
    );
    strips.mark(at / alive.length);
    const numbers = [...one.values.subarray(at * n, (at + 1) * n)];
    values.replaceChildren(
      ...numbers.map((value) => h("li", { class: relu && value <= 0 ? "zeroed" : "" }, short(value))),
    );
    const words = { at: at + 1, of: alive.length, open: alive[at], n, same: same.length };
    const key = !relu ? "linear" : alive[at] >= NEEDED ? "kept" : same.length ? "fell" : "lost";
    setWords(tells, t(`manifold.point.${key}`, words));
    before.tell(at, alive.length, tells.textContent ?? "");
  }

  effect(update);
  effect(draw);
  effect(tell);
  return element;
}

/** @param {number} value */
const short = (value) => number(value, { minimumFractionDigits: 2, maximumFractionDigits: 2 }).replace("-", "−");
