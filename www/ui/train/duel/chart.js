/** The sides' curves, each with its name at its end; of several seeds the mean, and their range as a band. */
import { isJudged } from "../../../lab/duel/record.js";
import { effect } from "../../../lab/signals.js";
import { createChart, swatch } from "../../shared/curves.js";
import { h, onFrame, onResize } from "../../shared/dom.js";
import { currentLanguage, t } from "../../shared/i18n.js";
import { presenting } from "../../shared/presenting.js";
import { isDark } from "../../shared/theme.js";
import { labelsOf } from "./labels.js";

/** @typedef {import("../../shared/curves.js").Drawn} Drawn @typedef {import("../../../lab/duel/record.js").Record} Record */

/** @param {import("./duel.js").Means} means */
export function createDuelChart({ duel, state, shown }) {
  const accuracy = createChart("accuracy");
  const loss = createChart("loss");
  const keys = h("ul", { class: "curves-keys" });
  const band = h("span", { t: "duel.band" });
  const element = h(
    "div",
    { class: "duel-chart" },
    keys,
    h("div", { class: "curves" }, accuracy.element, loss.element),
    h("p", { class: "curves-legend" }, h("span", { t: "curves.legend" }), " ", band),
  );

  const draw = onFrame(async () => {
    const record = shown.peek();
    if (state.room.peek() !== "train" || !element.isConnected) return;
    const runs = record ? drawnOf(record) : [];
    keys.replaceChildren(...runs.map((run) => h("li", {}, swatch(run), run.name ?? "")));
    band.hidden = !runs.some((run) => run.band);
    await Promise.all([accuracy.draw(runs), loss.draw(runs)]);
  });
  effect(() => {
    [duel.changed.value, shown.value, state.room.value, state.values.duel.value];
    draw();
  });
  effect(() => {
    [currentLanguage(), isDark.value, presenting.value]; // text and colours are drawn with the axes
    accuracy.forget();
    loss.forget();
    draw();
  });
  onResize(element, draw);
  return element;
}

/** @param {Record} record @returns {Drawn[]} */
function drawnOf({ contest, rounds }) {
  const labels = labelsOf(contest);
  const judged = rounds.filter(isJudged);
  return labels.map((name, side) => {
    if (judged.length < 2) {
      const { steps, evaluations } = rounds[0]?.sides[side] ?? {
        steps: { step: [], loss: [], accuracy: [] },
        evaluations: [],
      };
      return { number: side + 1, name, steps, evaluations };
    }
    return { number: side + 1, name, ...overSeeds(judged.map(({ sides }) => sides[side])) };
  });
}

/** Means and ranges of one side over several seeds. @param {import("../../../lab/duel/record.js").Side[]} seeds */
function overSeeds(seeds) {
  const mean = (/** @type {number[]} */ values) => values.reduce((sum, one) => sum + one, 0) / values.length;
  const [{ steps, evaluations }] = seeds;
  /** @param {"loss" | "accuracy"} key */
  const training = (key) => steps.step.map((_, i) => mean(seeds.map((seed) => seed.steps[key][i])));
  /** @param {"loss" | "accuracy"} key @param {number} i */
  const held = (key, i) => seeds.map((seed) => seed.evaluations[i][key]);
  /** @param {"loss" | "accuracy"} key */
  const band = (key) =>
    evaluations.map(({ step }, i) => ({ step, low: Math.min(...held(key, i)), high: Math.max(...held(key, i)) }));
  return {
    steps: { step: steps.step, loss: training("loss"), accuracy: training("accuracy") },
    evaluations: evaluations.map(({ step }, i) => ({
      step,
      loss: mean(held("loss", i)),
      accuracy: mean(held("accuracy", i)),
    })),
    band: { loss: band("loss"), accuracy: band("accuracy") },
  };
}
