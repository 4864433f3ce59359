/** The progress of a run in figures. */
import { follow } from "../../lab/signals.js";
import { h, onFrame } from "../shared/dom.js";
import { accuracyOf, currentLanguage, duration, figure, number, percent, t, tiny } from "../shared/i18n.js";

/** @param {import("../context.js").Context} context */
export function createFigures({ session }) {
  const figures = h("dl", { class: "panel figures" });
  const progress = h("progress", { max: 1, value: 0, "t-aria-label": "train.progress" });
  /** @type {Record<string, HTMLElement>} */
  const values = {};
  for (const name of ["epoch", "step", "rate", "left", "learning_rate", "loss", "accuracy", "held_out"]) {
    values[name] = h("dd", { class: "number" }, "–");
    figures.append(h("div", {}, h("dt", { t: `train.figure.${name}` }), values[name]));
  }

  function draw() {
    const [run, rate, total] = [session.run.value, session.rate.value, session.total.value];
    if (!run) return;
    const done = run.steps.step.length;
    const batch = Number(run.settings.batch);
    const last = (/** @type {keyof typeof run.steps} */ key) => run.steps[key].at(-1);
    const held = run.evaluations.at(-1);
    progress.value = total ? done / total : 0;
    values.epoch.textContent = t("train.of", {
      done: number(Math.min(done / run.steps_per_epoch, Number(run.settings.epochs)), {
        minimumFractionDigits: 2,
        maximumFractionDigits: 2,
      }),
      total: number(Number(run.settings.epochs)),
    });
    values.step.textContent = t("train.of", { done: number(done), total: number(total) });
    values.rate.textContent = done && rate ? figure(rate) : "–";
    values.left.textContent = run.end === "active" && rate ? duration(((total - done) * batch) / rate) : "–";
    values.learning_rate.textContent = done ? tiny(last("learning_rate") ?? 0) : "–";
    values.loss.textContent = done ? figure(last("loss") ?? 0) : "–";
    values.accuracy.textContent = done ? percent(last("accuracy") ?? 0) : "–";
    values.held_out.textContent = held ? accuracyOf(held) : "–";
  }

  // steps arrive by the hundred per second: they are drawn once per frame, and other changes at once
  follow(() => [session.state.value, session.run.value, session.runs.all.value, currentLanguage()], draw);
  follow(() => [session.steps.value, session.judged.value], onFrame(draw));
  return { progress, figures };
}
