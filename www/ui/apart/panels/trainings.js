/** ReLU6 against ReLU: two trainings that differ only in that, shipped as curves. */
import { fetchJson } from "../../../engine/download.js";
import { effect, signal, untracked } from "../../../lab/signals.js";
import { createChart, swatch } from "../../shared/curves.js";
import { h, onResize, showProblem } from "../../shared/dom.js";
import { percent, t } from "../../shared/i18n.js";
import { presenting } from "../../shared/presenting.js";
import { isDark } from "../../shared/theme.js";

/**
 * @typedef {{step: number, loss: number, accuracy: number}} Point
 * @typedef {{width: number, recipe: string, runs: {activation: "relu6" | "relu", training: Point[], held_out: Point[]}[]}} Curves
 */

/** @param {import("../../../lab/signals.js").ReadonlySignal<boolean>} isOpen */
export function createTrainings(isOpen) {
  const loss = createChart("loss");
  const accuracy = createChart("accuracy");
  const keys = h("ul", { class: "curves-keys" });
  const shows = h("p");
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const element = h(
    "section",
    { class: "trainings" },
    h("h3", { t: "activation.trained" }),
    keys,
    h("div", { class: "curves" }, loss.element, accuracy.element),
    h("p", { class: "curves-legend", t: "curves.legend" }),
    shows,
    problem,
  );
  /** @type {import("../../../lab/signals.js").Signal<Curves | null>} */
  const curves = signal(null);
  let loading = false;

  /** Loads the curves, again if that failed before. */
  async function load() {
    if (loading) return;
    loading = true;
    try {
      curves.value = await fetchJson(new URL("../../../curves/activation.json", import.meta.url));
      problem.hidden = true;
    } catch (error) {
      showProblem(problem, error);
    }
    loading = false;
  }

  /** @param {Curves} curves */
  function draw({ width, recipe, runs }) {
    const drawn = runs.map(({ training, held_out }, i) => ({
      number: i + 1,
      steps: {
        step: training.map(({ step }) => step),
        loss: training.map(({ loss }) => loss),
        accuracy: training.map(({ accuracy }) => accuracy),
      },
      evaluations: held_out,
    }));
    keys.replaceChildren(
      ...runs.map(({ activation }, i) => h("li", {}, swatch(drawn[i]), t(`setting.activation.${activation}`))),
    );
    const [relu6, relu] = runs.map(({ held_out }) => held_out.at(-1)?.accuracy ?? 0);
    const values = { relu6: percent(relu6), relu: percent(relu), epochs: runs[0].held_out.length, width, recipe };
    shows.textContent = t("activation.shows", values);
    loss.draw(drawn);
    accuracy.draw(drawn);
  }
  effect(() => {
    if (!isOpen.value) return;
    [isDark.value, presenting.value]; // the drawing uses colours and sizes
    loss.forget();
    accuracy.forget();
    if (curves.value) draw(curves.value);
    else untracked(load);
  });
  onResize(element, () => curves.value && draw(curves.value));
  return element;
}
