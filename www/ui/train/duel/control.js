/** Starting, pausing and ending a comparison; its progress and its errors. */
import { stepsDone, stepsOf } from "../../../lab/duel/record.js";
import { computed, effect } from "../../../lab/signals.js";
import { h, onFrame, setWords, turnOff } from "../../shared/dom.js";
import { duration, explainError, number, percent, t } from "../../shared/i18n.js";
import { button, shows } from "../buttons.js";

/** Milliseconds without a response after which an action offers a way out. */
const PATIENCE = 3000;
/** Further seeds, offered after the end. */
const MORE = 4;

/** @param {import("./duel.js").Means} means */
export function createControl({ duel, records, session, project, cifar, core, chosen, shown, opened, estimate }) {
  const start = h("button", { type: "button", class: "primary", "data-control": "duel-start", onclick: () => begin() });
  const pause = button("pause", () => duel.pause());
  const step = button("step", () => begin(1));
  const stop = button("stop", () => duel.stop());
  const giveUp = h("button", { type: "button", t: "train.give-up", hidden: true, onclick: () => duel.giveUp() });
  const recover = h("button", { type: "button", t: "duel.recover", onclick: () => goOn() });
  const more = h("button", { type: "button", onclick: () => again() });
  const progress = h("progress", { max: 1, value: 0, "t-aria-label": "train.progress" });
  const message = h("p", { class: "train-message number" });
  const spoken = h("p", { class: "visually-hidden", role: "status" });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });

  /** The comparison in progress is the one shown. */
  const here = computed(() => duel.active.value && duel.record.value === shown.value);

  /** @param {number} [steps] as many, then pause */
  function begin(steps) {
    if (duel.state.value === "paused") duel.resume(steps);
    else if (chosen.value.contest) duel.start(chosen.value.contest, steps);
  }

  function goOn() {
    if (shown.value) duel.recover(shown.value);
    start.focus(); // the button disappears
  }

  function again() {
    if (shown.value) duel.repeat(shown.value, MORE);
    start.focus();
  }

  /** Why none can start; null if one can. @returns {[string, Record<string, string | number>?] | null} */
  function obstacle() {
    const { contest } = chosen.value;
    if (session.active.value) return ["duel.run"];
    if (duel.active.value && !here.value)
      return ["duel.other", { name: t(`duel.name.${duel.record.value?.contest.name}`) }];
    if (!contest || duel.active.value) return null;
    const { data } = contest.settings;
    return data === "pictures" ? project.obstacle : data === "cifar-10" ? cifar.obstacle : null;
  }

  function drawState() {
    const [now, record] = [duel.state.value, shown.value];
    records.all.value; // changes when it has ended
    const wrong = duel.problem.value;
    const waits = (now !== "idle" && now !== "paused") || !!obstacle() || !chosen.value.contest;
    start.replaceChildren(...shows("start", now === "paused" && here.value ? "train.resume" : "duel.start"));
    turnOff(start, waits);
    turnOff(step, waits);
    turnOff(pause, now !== "running" || !here.value);
    turnOff(stop, now === "idle" || now === "stopping" || !here.value);
    recover.hidden = now !== "idle" || record?.end !== "interrupted";
    more.hidden = now !== "idle" || record?.end !== "finished" || !!opened.value;
    more.textContent = t("duel.more", { n: MORE });
    turnOff(more, !!obstacle());
    turnOff(recover, !!obstacle());
    problem.hidden = !wrong && !records.problem.value;
    const unkept = records.problem.value && t("duel.unkept", { reason: explainError(records.problem.value) });
    setWords(problem, wrong ? t("train.problem", { reason: explainError(wrong) }) : String(unkept || ""));
    setWords(spoken, here.value || now === "idle" ? stateText() : "");
  }

  /** The state in words, without figures that change with each step. */
  function stateText() {
    const [now, record] = [duel.state.value, shown.value];
    const why = obstacle();
    if (why) return t(...why);
    const key = now !== "idle" ? now : (record?.end ?? "idle");
    const { contest } = chosen.value;
    const seconds = key === "idle" && contest ? estimate.seconds(contest) : NaN;
    if (!Number.isNaN(seconds)) return t("duel.state.idle.time", { time: duration(seconds) });
    return t(`duel.state.${key}`, {
      step: record?.rounds.length ? stepsDone(record.rounds[record.rounds.length - 1]) : 0,
    });
  }

  function say() {
    duel.changed.value;
    const [record, waiting, loading] = [shown.value, duel.waiting.value, core.loading.value];
    const total = record ? stepsOf(record.contest) : 0;
    const round = record?.rounds.at(-1);
    progress.value = here.value ? duel.done : record?.end === "finished" ? 1 : 0;
    if (!here.value || !record || !round || duel.state.value !== "running") message.textContent = stateText();
    else if (loading) message.textContent = t("train.loading", { file: loading });
    else if (waiting !== null) message.textContent = t("duel.waiting", { share: percent(waiting) });
    else {
      const values = { step: number(stepsDone(round)), total: number(total), left: duration(duel.left / 1000) };
      const seeds = { n: record.rounds.length, seeds: record.seeds };
      message.textContent = t(record.seeds > 1 ? "duel.progress.seeds" : "duel.progress", { ...values, ...seeds });
    }
  }

  effect(drawState);
  const drawn = onFrame(say);
  effect(() => {
    [
      duel.changed,
      duel.state,
      duel.waiting,
      duel.problem,
      core.loading,
      shown,
      opened,
      chosen,
      records.all,
      session.active,
    ].map((one) => one.value);
    t("train.start"); // in another language again
    if (chosen.value.contest) estimate.seconds(chosen.value.contest); // which may just have been measured
    drawn();
  });
  let timer = 0;
  effect(() => {
    const now = duel.state.value;
    clearTimeout(timer);
    giveUp.hidden = true;
    if (now === "pausing" || now === "stopping") timer = window.setTimeout(() => (giveUp.hidden = false), PATIENCE);
  });
  return h(
    "div",
    { class: "control" },
    h("div", { class: "actions" }, start, pause, step, stop, recover, more, giveUp),
    progress,
    message,
    spoken,
    problem,
  );
}
