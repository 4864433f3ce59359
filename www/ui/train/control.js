/** The controls of a run, its state and its errors. */
import { computed, effect, follow } from "../../lab/signals.js";
import { h, setWords, showProblem, turnOff } from "../shared/dom.js";
import { accuracyOf, explainError, percent, t } from "../shared/i18n.js";
import { button, shows } from "./buttons.js";
import { createTrouble } from "./trouble.js";

/** Milliseconds without a response after which an action offers a way out. */
const PATIENCE = 3000;

/** @param {import("../context.js").Context} context @param {HTMLElement} progress */
export function createControl(context, progress) {
  const { core, state, library, session, project, cifar } = context;
  const start = h("button", { type: "button", class: "primary", "data-control": "start", onclick: () => begin() });
  const pause = button("pause", () => session.pause());
  const step = button("step", () => begin(1));
  const stop = button("stop", () => session.stop());
  const recover = h("button", { type: "button", onclick: goOn });
  const giveUp = h("button", { type: "button", t: "train.give-up", hidden: true, onclick: () => session.giveUp() });
  const why = h("p", { class: "train-why", role: "status", hidden: true });
  const message = h("p", { class: "train-message" });
  const spoken = h("p", { class: "visually-hidden", role: "status" });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const trouble = createTrouble(context, { fail, leave: () => start.focus() });
  const element = h(
    "section",
    { class: "panel control", "t-aria-label": "train.control" },
    h("div", { class: "actions" }, start, pause, step, stop, recover, giveUp),
    progress,
    why,
    message,
    spoken,
    problem,
    ...trouble,
  );

  /** @param {number} [steps] as many, then pause */
  function begin(steps) {
    const chosen = state.values.train.value;
    if (session.state.value === "paused") session.resume(steps);
    else session.start(chosen, library.find(chosen.from), steps);
  }

  /** Continues the interrupted run. */
  function goOn() {
    const run = session.runs.interrupted.value;
    if (!run) return;
    const from = library.find(String(run.settings.from))?.id ?? "";
    state.set("train", { ...run.settings, from });
    session.recover(run);
    start.focus(); // the button disappears
  }

  /** @param {unknown} error */
  function fail(error) {
    showProblem(problem, error);
  }

  /** Why no run can start; null if one can, or is in progress. */
  const obstacle = computed(() => {
    if (session.state.value !== "idle") return null;
    if (session.comparing.value !== null)
      return /** @type {[string, Record<string, string>]} */ (["train.comparing", {}]);
    const { data } = state.values.train.value;
    return data === "pictures" ? project.obstacle : data === "cifar-10" ? cifar.obstacle : null;
  });

  function drawState() {
    const now = session.state.value;
    const wrong = session.problem.value;
    start.replaceChildren(...shows("start", now === "paused" ? "train.resume" : "train.start"));
    why.hidden = !obstacle.value;
    setWords(why, obstacle.value ? t(...obstacle.value) : "");
    const waits = (now !== "idle" && now !== "paused") || !!obstacle.value;
    turnOff(start, waits);
    turnOff(pause, now !== "running");
    turnOff(step, waits);
    turnOff(stop, now === "idle" || (now === "stopping" && session.evaluating.value === null)); // it skips the evaluation
    const interrupted = session.runs.interrupted.value;
    recover.hidden = now !== "idle" || !interrupted || session.comparing.value !== null;
    recover.textContent = interrupted ? t("train.recover", { number: interrupted.number }) : "";
    problem.hidden = !wrong;
    setWords(problem, wrong ? t("train.problem", { reason: explainError(wrong) }) : "");
    setWords(spoken, stateText());
  }

  /** The session's state, or the outcome of its run, as of the moment when it changed. */
  function stateText() {
    const [run, now] = [session.run.value, session.state.value];
    session.runs.all.value; // changes when the run has ended, also in another tab
    const key = now === "idle" && run && run.end !== "active" ? run.end : now;
    if (key === "idle" && (obstacle.value || session.problem.value)) return ""; // the reason why it is not ready is shown there
    const held = run?.evaluations.at(-1);
    const accuracy = held ? accuracyOf(held) : "–";
    return t(`train.state.${key}`, { number: run?.number ?? 1, step: run?.steps.step.at(-1) ?? 0, accuracy });
  }

  /** Shows an operation that takes time, else the state. */
  function say() {
    const [loading, preparing, evaluating] = [core.loading, session.preparing, session.evaluating].map(
      (one) => one.value,
    );
    session.judged.value; // changes with each evaluation
    const text = loading
      ? t("train.loading", { file: loading })
      : preparing !== null
        ? t("train.state.preparing", { share: percent(Number(preparing)) })
        : evaluating !== null
          ? t("train.state.evaluating", { share: percent(Number(evaluating)) })
          : stateText();
    if (message.textContent !== text) message.textContent = text;
  }

  effect(drawState);
  effect(say);
  // requested by the pause
  follow(
    () => session.judged.value,
    () => session.state.value === "paused" && setWords(spoken, stateText()),
  );
  // the error may have been about the data
  const data = computed(() => state.values.train.value.data);
  follow(
    () => data.value,
    () => session.forgetProblem(),
  );
  let timer = 0;
  effect(() => {
    const now = session.state.value;
    clearTimeout(timer);
    giveUp.hidden = true;
    if (now === "pausing" || now === "stopping") timer = window.setTimeout(() => (giveUp.hidden = false), PATIENCE);
  });
  return element;
}
