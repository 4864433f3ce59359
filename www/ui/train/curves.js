/** Loss, learning rate and accuracy of every run shown. */
import { axisEnd, createPlans } from "../../lab/schedule.js";
import { imagesOf, recipeOf } from "../../lab/settings.js";
import { effect, follow } from "../../lab/signals.js";
import { createChart, swatch, titleOf } from "../shared/curves.js";
import { h, onFrame, onResize } from "../shared/dom.js";
import { currentLanguage, t } from "../shared/i18n.js";
import { presenting } from "../shared/presenting.js";
import { isDark } from "../shared/theme.js";

/** @typedef {import("../../lab/run.js").Run} Run */

/** @param {import("../context.js").Context} context */
export function createCurves({ engine, session, state, project }) {
  const loss = createChart("loss");
  const rate = createChart("learning_rate");
  const accuracy = createChart("accuracy");
  const charts = [loss, rate, accuracy];
  const keys = h("ul", { class: "curves-keys" });
  const element = h(
    "div",
    {},
    h("div", { class: "curves" }, h("div", { class: "curves-pair" }, loss.element, rate.element), accuracy.element),
    h(
      "p",
      { class: "curves-legend" },
      ...["curves.legend", "curves.learning_rate.legend"].map((key) => h("span", { t: key })),
    ),
    keys,
  );

  const { all, shown } = session.runs;
  const draw = onFrame(async () => {
    if (state.room.value !== "train") return;
    const several = all.value.length > 1;
    const runs = shown.value.map((run) => ({ ...run, name: several ? titleOf(run) : "", plan: planOf(run) }));
    const end = Math.max(0, ...shown.value.map(endOf));
    const next = all.value.length ? null : nextRun();
    await Promise.all(charts.map((chart) => (next ? chart.draw([next], next.end) : chart.draw(runs, end))));
  });
  const plans = createPlans(engine, draw);

  /** By the run's settings as they are now. @param {Run} run */
  function planOf({ settings, steps_per_epoch, steps, end }) {
    const whole = Math.ceil(steps_per_epoch * Number(settings.epochs));
    const total = end === "active" || end === "interrupted" ? whole : steps.step.length;
    return plans(recipeOf(settings), total, steps_per_epoch);
  }

  /** The plan of the first run, with the settings as they are; null without images. */
  function nextRun() {
    const settings = state.values.train.value;
    const perEpoch = imagesOf(settings, project) / Number(settings.batch);
    const end = Math.ceil(perEpoch * Number(settings.epochs));
    const plan = plans(recipeOf(settings), end, perEpoch);
    const steps = { step: [], loss: [], accuracy: [] };
    return end ? { number: 1, steps, evaluations: [], plan, end } : null;
  }

  /** Where a run's lines end, or will. @param {Run} run */
  function endOf({ settings, steps_per_epoch, steps, end }) {
    const done = steps.step.length;
    return end === "active" ? axisEnd(done, Math.ceil(steps_per_epoch * Number(settings.epochs))) : done;
  }

  // which line belongs to which run, if there are several
  effect(() => {
    const runs = all.value.length > 1 ? shown.value : [];
    keys.replaceChildren(...runs.map((run) => h("li", {}, swatch(run), titleOf(run))));
  });
  effect(() => {
    session.steps.value;
    session.judged.value;
    shown.value;
    state.values.train.value;
    project.pictures.value;
    if (state.room.value === "train") draw();
  });
  // text and colours are drawn with the axes
  follow(
    () => [currentLanguage(), isDark.value, presenting.value],
    () => {
      for (const chart of charts) chart.forget();
      draw();
    },
  );
  onResize(element, draw);
  return element;
}
