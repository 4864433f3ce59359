/** Problems of a run in progress, and actions on its best weights. */
import { goodBest, guessingLoss, troubleOf } from "../../lab/session/health.js";
import { effect, follow } from "../../lab/signals.js";
import { h, onFrame, setWords, turnOff } from "../shared/dom.js";
import { accuracyOf, currentLanguage, figure, t } from "../shared/i18n.js";
import { useWeights } from "./runs.js";

/**
 * @param {import("../context.js").Context} context
 * @param {{fail: (error: unknown) => void, leave: () => void}} how `leave`: moves the focus, since the focused button
 *   disappears
 */
export function createTrouble(context, { fail, leave }) {
  const { state, session } = context;
  const trouble = h("p", { class: "train-trouble", role: "alert", hidden: true });
  const best = h("p");
  const useBest = h("button", { type: "button", t: "train.best.use", onclick: () => withBest("use") });
  const goBack = h("button", { type: "button", t: "train.best.back", onclick: () => withBest("back") });
  const bestOf = h("div", { class: "train-best", hidden: true }, best, h("div", { class: "actions" }, useBest, goBack));

  /**
   * For a run with useless last weights: uses its best ones in Classify, or starts the next run from them.
   *
   * @param {"use" | "back"} what
   */
  async function withBest(what) {
    const run = session.run.value;
    if (!run) return;
    try {
      if (what === "use") return await useWeights(context, run, "best");
      const from = session.keep(run, "best", await session.weightsOf(run, "best"));
      state.set("train", { from, resolution: run.config.resolution ?? 224 });
      leave();
    } catch (error) {
      fail(error);
    }
  }

  function draw() {
    const run = session.run.value;
    const wrong = run && session.state.value !== "starting" ? troubleOf(run) : null;
    trouble.hidden = !wrong;
    const guessing = run ? figure(guessingLoss(run)) : "";
    setWords(trouble, wrong ? t(`train.trouble.${wrong}`, { guessing, classes: run?.labels.length ?? 0 }) : "");
    const kept = run && (wrong || run.end === "failed") ? goodBest(run) : undefined;
    bestOf.hidden = !kept;
    setWords(best, kept ? t("train.best", { accuracy: accuracyOf(kept), step: kept.step }) : "");
  }

  effect(() => turnOff(goBack, session.state.value !== "idle"));
  follow(() => [session.state.value, session.run.value, session.runs.all.value, currentLanguage()], draw);
  follow(() => [session.steps.value, session.judged.value], onFrame(draw)); // they change hundreds of times per second
  return [trouble, bestOf];
}
