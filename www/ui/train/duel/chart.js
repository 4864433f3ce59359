/** The sides' curves, each with its name at its end; of several seeds the mean, and their range as a band. */
import { atImages, comparable, lineOf, seedsOf, trained } from "../../../lab/duel/recorded.js";
import { isJudged, settingsOf, stepsOf } from "../../../lab/duel/record.js";
import { planned } from "../../../lab/duel/sides.js";
import { freshSteps } from "../../../lab/lag.js";
import { axisEnd, createPlans } from "../../../lab/schedule.js";
import { CIFAR_IMAGES, imagesOf } from "../../../lab/settings.js";
import { effect } from "../../../lab/signals.js";
import { createChart, swatch } from "../../shared/curves.js";
import { labelsOf } from "../../shared/duelwords.js";
import { h, onFrame, onResize } from "../../shared/dom.js";
import { currentLanguage, t } from "../../shared/i18n.js";
import { presenting } from "../../shared/presenting.js";
import { isDark } from "../../shared/theme.js";
import { createLag } from "../lag.js";
import { namesOf } from "./recording.js";

/**
 * @typedef {import("../../shared/curves.js").Drawn} Drawn
 * @typedef {import("../../../lab/duel/record.js").Record} Record
 * @typedef {import("../../../lab/duel/record.js").Contest} Contest
 * @typedef {import("../../../lab/duel/recorded.js").Recording} Recording
 */

/** @param {import("./duel.js").Means} means */
export function createDuelChart({ engine, duel, state, project, shown, chosen, recording, viewsRecorded }) {
  const accuracy = createChart("accuracy");
  const loss = createChart("loss");
  const rate = createChart("learning_rate");
  const charts = [accuracy, loss, rate];
  const keys = h("ul", { class: "curves-keys" });
  const lag = createLag();
  const behind = h("p", { class: "curves-legend", hidden: true });
  const [thin, ratesLegend] = ["curves.legend", "curves.learning_rate.legend"].map((key) => h("span", { t: key }));
  const band = h("span", { t: "duel.band" });
  const element = h(
    "div",
    { class: "duel-chart" },
    keys,
    h("div", { class: "curves" }, accuracy.element, h("div", { class: "curves-pair" }, loss.element, rate.element)),
    h("p", { class: "curves-legend" }, thin, ratesLegend, band),
    behind,
    lag.element,
  );

  /**
   * The lines of the view, the rate's plan among them, also before a training; our recorded runs stand alone, or behind others
   * where that is fair. All charts get the same lines, so that the names at their ends take the same room, and steps stand
   * beneath each other.
   *
   * @param {Record | null} record @returns {Drawn[]}
   */
  function linesOf(record) {
    const found = recording.peek();
    if (found && viewsRecorded.peek()) return greyLines(found, Number(found.settings.batch));
    const contest = record?.contest ?? chosen.peek().contest;
    if (!contest) return [];
    const behind = record && found && comparable(found, contest);
    const lines = behind ? greyLines(found, Number(contest.settings.batch)) : [];
    const named = lines.map((line) => ({ ...line, name: t("recording.line", { name: line.name ?? "" }) }));
    const sides = drawnOf(contest, record?.rounds ?? []);
    return [...named, ...sides.map((line, side) => ({ ...line, plan: planOf(contest, side, record) }))];
  }

  const draw = onFrame(async () => {
    const record = shown.peek();
    if (state.room.peek() !== "train" || !element.isConnected) return;
    const runs = linesOf(record);
    keys.replaceChildren(...runs.map((run) => h("li", {}, swatch(run), run.name ?? "")));
    const ours = recording.peek();
    behind.hidden = !ours || viewsRecorded.peek() || !runs.some(({ grey }) => grey);
    if (ours) behind.textContent = t("recording.behind", { ...told(ours), seeds: seedsOf(ours) });
    thin.hidden = viewsRecorded.peek();
    rate.element.hidden = ratesLegend.hidden = viewsRecorded.peek(); // no rates were recorded
    lag.show(record && !viewsRecorded.peek() ? sidesOf(record) : []);
    band.hidden = !runs.some((run) => run.band);
    const end = viewsRecorded.peek() ? 0 : endOf(record, runs);
    await Promise.all(charts.map((chart) => chart.draw(runs, end)));
  });
  const plans = createPlans(engine, draw);

  /** @param {Contest} contest @param {number} side @param {Record | null} record */
  function planOf(contest, side, record) {
    const images = record?.images_per_epoch ?? imagesOf(contest.settings, project);
    const { recipe, steps_per_epoch } = planned(contest, side, images);
    return plans(recipe, stepsOf(contest), steps_per_epoch);
  }

  /** Where the lines end, or will. @param {Record | null} record @param {Drawn[]} runs */
  function endOf(record, runs) {
    const contest = record?.contest ?? chosen.peek().contest;
    if (!contest) return 0;
    if (!record) return stepsOf(contest); // all of the plan
    const done = Math.max(0, ...runs.map(({ steps }) => steps.step.length));
    const recorded = runs.map(({ grey, evaluations }) => (grey && evaluations.at(-1)?.step) || 0);
    return Math.max(axisEnd(done, stepsOf(contest)), ...recorded);
  }

  effect(() => {
    [duel.changed.value, shown.value, state.room.value, state.values.duel.value, chosen.value, recording.value];
    draw();
  });
  effect(() => {
    [currentLanguage(), isDark.value, presenting.value]; // text and colours are drawn with the axes
    for (const chart of charts) chart.forget();
    draw();
  });
  onResize(element, draw);
  return element;
}

/** The classes of CIFAR-10, whose number scales the axis of the loss. */
const CLASSES = Array.from({ length: 10 }, (_, i) => String(i));

/** Our recorded runs in grey, over steps of this batch. @param {Recording} recording @param {number} batch @returns {Drawn[]} */
function greyLines(recording, batch) {
  const from = Number(recording.settings.batch);
  return trained(recording).map((side, i) => {
    const { mean, band } = lineOf(side);
    return {
      number: i + 1,
      grey: true,
      name: namesOf(recording)[i],
      labels: CLASSES,
      steps: { step: [], loss: [], accuracy: [] },
      evaluations: atImages(mean, from, batch),
      band: band && { loss: atImages(band.loss, from, batch), accuracy: atImages(band.accuracy, from, batch) },
    };
  });
}

/** How long a recording is. @param {Recording} recording */
const told = ({ settings }) => ({ epochs: Number(settings.epochs), batch: Number(settings.batch) });

/** The sides of the first seed, and for how long their images are new. @param {Record} record */
const sidesOf = ({ contest, rounds }) =>
  (rounds[0]?.sides ?? []).map((side, i) => {
    const settings = settingsOf(contest, i);
    return {
      ...side,
      fresh: settings.data === "pictures" ? 0 : freshSteps(settings, CIFAR_IMAGES / Number(settings.batch)),
    };
  });

/** @param {Contest} contest @param {Record["rounds"]} rounds @returns {Drawn[]} */
function drawnOf(contest, rounds) {
  const labels = labelsOf(contest);
  const judged = rounds.filter(isJudged);
  return labels.map((name, side) => {
    if (judged.length < 2) {
      const { steps, evaluations } = rounds[0]?.sides[side] ?? {
        steps: { step: [], loss: [], accuracy: [], learning_rate: [] },
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
    steps: {
      step: steps.step,
      loss: training("loss"),
      accuracy: training("accuracy"),
      learning_rate: steps.learning_rate,
    },
    evaluations: evaluations.map(({ step }, i) => ({
      step,
      loss: mean(held("loss", i)),
      accuracy: mean(held("accuracy", i)),
    })),
    band: { loss: band("loss"), accuracy: band("accuracy") },
  };
}
