/** What ReLU destroys: a spiral before and after ReLU in n dimensions (the paper's figure 1). */
import { effect, signal } from "../../../lab/signals.js";
import { DIMENSIONS } from "../../../lab/state.js";
import { h, svg } from "../../shared/dom.js";
import { number, percent, t } from "../../shared/i18n.js";
import { createToggles } from "../../shared/toggles.js";
import { createAsker, createPanel } from "./panel.js";

/** Dimensions that must let a point of the plane through to tell it from its neighbours. */
const NEEDED = 2;
/** Matrices are numbered with 32 bits, from 1. */
const MATRICES = 2 ** 32;

/** @param {import("../../context.js").Context} context */
export function createManifold({ engine, core, state }) {
  const set = (/** @type {Record<string, string | number>} */ values) => state.set("apart", values);
  const dimensions = createToggles({
    name: "dimensions",
    legend: "manifold.dimensions",
    choose: ({ value }) => set({ dimensions: value }),
  });
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
  const before = h("div", { class: "plane" });
  const after = h("div", { class: "plane" });
  const shows = h("p", { role: "status" });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const element = createPanel(
    "manifold",
    h(
      "div",
      { class: "manifold-choices" },
      dimensions.element,
      h("label", { class: "field inline" }, h("span", { t: "manifold.through" }), through),
      another,
    ),
    h(
      "div",
      { class: "planes" },
      h("figure", {}, h("figcaption", { t: "manifold.before" }), before),
      h("figure", {}, h("figcaption", { t: "manifold.after" }), after),
    ),
    h("p", { class: "curves-legend", t: "manifold.legend" }),
    shows,
    problem,
  );
  const ask = createAsker(element, problem);
  /**
   * The result shown.
   *
   * @type {import("../../../lab/signals.js").Signal<import("../../../engine/protocol.js").Manifold & {n: number, relu: boolean} | null>}
   */
  const found = signal(null);

  function update() {
    const { panel, dimensions: n, through: chosen, matrix } = state.values.apart.value;
    core.loss.value; // a restarted core is asked again
    if (state.room.value !== "apart" || panel !== "manifold") return;
    dimensions.update(
      DIMENSIONS.map((value) => ({ value, chosen: value === n, values: { dimensions: value }, reason: null })),
    );
    through.value = String(chosen);
    const options = { dimensions: Number(n), relu: chosen === "relu", seed: Number(matrix) };
    ask(
      [n, chosen, matrix],
      () => engine.manifold(options),
      (answer) => {
        found.value = { ...answer, n: options.dimensions, relu: options.relu };
        before.replaceChildren(plane(answer.curve, answer.alive));
        after.replaceChildren(plane(answer.returned, answer.alive));
      },
    );
  }

  function say() {
    if (!found.value) return;
    const { n, relu, alive } = found.value;
    const lost = alive.filter((dimensions) => dimensions < NEEDED).length / alive.length;
    // each sign of a point embedded at random is a coin toss
    const expected = number((100 * (n + 1)) / 2 ** n, { maximumSignificantDigits: 2 });
    const values = { dimensions: n, lost: percent(lost), expected: `${expected} %` };
    shows.textContent = relu ? t("manifold.shows", values) : t("manifold.whole");
  }

  effect(update);
  effect(say);
  return element;
}

/**
 * A curve: recoverable and lost parts as one line each.
 *
 * @param {Float32Array} points pairs of x and y within the unit circle
 * @param {Uint32Array} alive dimensions that let each point through
 */
function plane(points, alive) {
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
    { viewBox: "-1.1 -1.1 2.2 2.2" },
    ["path", { class: "axes", d: "M-1.1 0H1.1M0 -1.1V1.1" }],
    ["path", { class: "lost", d: lines.lost }],
    ["path", { class: "kept", d: lines.kept }],
  );
}
