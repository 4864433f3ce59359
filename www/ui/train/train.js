/** The second room: settings, the run with its curves, the held-out pictures and the runs before it. */
import { goodBest, guessingLoss, troubleOf } from "../../lab/session/health.js";
import { createCurves } from "../shared/curves.js";
import { h, onFrame, setWords, svg, turnOff } from "../shared/dom.js";
import { accuracyOf, duration, explainError, figure, number, percent, t, tiny } from "../shared/i18n.js";
import { createHeldOut } from "./heldout.js";
import { createPictures } from "./pictures.js";
import { createResults } from "./results.js";
import { createRuns, useWeights } from "./runs.js";
import { createSettings } from "./settings.js";

/** How long an action may stay unanswered before the way out is offered. */
const PATIENCE = 3000;

/** @param {import("../context.js").Context} context */
export function createTrain(context) {
  const { engine, state, library, session, project } = context;
  const settings = createSettings(context);
  const pictures = createPictures(context);
  const start = h("button", { type: "button", class: "primary", onclick: begin });
  const pause = h(
    "button",
    { type: "button", onclick: () => session.pause() },
    icon("M3 2h4v12H3zM9 2h4v12H9z"),
    h("span", { t: "train.pause" }),
  );
  const step = h(
    "button",
    { type: "button", onclick: oneStep },
    icon("M3 2l7 6-7 6zM10 2h3v12h-3z"),
    h("span", { t: "train.step" }),
  );
  const stop = h(
    "button",
    { type: "button", onclick: () => session.stop() },
    icon("M3 3h10v10H3z"),
    h("span", { t: "train.stop" }),
  );
  const recover = h("button", { type: "button", onclick: goOn });
  const giveUp = h("button", { type: "button", t: "train.give-up", hidden: true, onclick: () => session.giveUp() });
  const trouble = h("p", { class: "train-trouble", role: "alert", hidden: true });
  const best = h("p");
  const useBest = h("button", { type: "button", t: "train.best.use", onclick: () => withBest("use") });
  const goBack = h("button", { type: "button", t: "train.best.back", onclick: () => withBest("back") });
  const bestOf = h("div", { class: "train-best", hidden: true }, best, h("div", { class: "actions" }, useBest, goBack));
  const figures = h("dl", { class: "figures" });
  const progress = h("progress", { max: 1, value: 0, "t-aria-label": "train.progress" });
  const why = h("p", { class: "train-why", role: "status", hidden: true });
  const message = h("p", { class: "train-message" });
  const spoken = h("p", { class: "visually-hidden", role: "status" });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  /** @type {Record<string, HTMLElement>} */
  const values = {};
  for (const name of ["epoch", "step", "rate", "left", "learning_rate", "loss", "accuracy", "held_out"]) {
    values[name] = h("dd", { class: "number" }, "–");
    figures.append(h("div", {}, h("dt", { t: `train.figure.${name}` }), values[name]));
  }
  const element = h(
    "div",
    { class: "train" },
    settingsPanel(settings),
    h(
      "div",
      { class: "run" },
      pictures.element,
      h(
        "section",
        { class: "panel control", "t-aria-label": "train.control" },
        h("div", { class: "actions" }, start, pause, step, stop, recover, giveUp),
        progress,
        why,
        message,
        spoken,
        problem,
        trouble,
        bestOf,
        figures,
      ),
      h("section", { class: "panel", "t-aria-label": "train.curves" }, createCurves(context)),
      createHeldOut(context),
      createResults(context),
      createRuns(context),
    ),
  );
  let timer = 0;
  let loading = "";

  function begin() {
    if (session.state === "paused") session.resume();
    else session.start(state.values.train, library.find(state.values.train.from));
  }
  function oneStep() {
    if (session.state === "paused") session.resume(1);
    else session.start(state.values.train, library.find(state.values.train.from), 1);
  }

  /** With the run that was interrupted. */
  function goOn() {
    const run = session.runs.interrupted;
    if (!run) return;
    const from = library.find(String(run.settings.from))?.id ?? "";
    state.set("train", { ...run.settings, from });
    session.recover(run);
    start.focus(); // the button goes
  }

  /** Of a run whose last weights are of no use: uses its best in Classify, or has the next run begin with them. @param {"use" | "back"} what */
  async function withBest(what) {
    const { run } = session;
    if (!run) return;
    try {
      if (what === "use") return await useWeights(context, run, "best");
      const from = session.keep(run, "best", await session.weightsOf(run, "best"));
      state.set("train", { from, resolution: run.config.resolution ?? 224 });
      start.focus();
    } catch (error) {
      problem.hidden = false;
      setWords(problem, explainError(error));
    }
  }

  /** What is wrong with the run though it goes on, and what is kept of it. */
  function drawTrouble() {
    const { run, state: now } = session;
    const wrong = run && now !== "starting" ? troubleOf(run) : null;
    trouble.hidden = !wrong;
    const guessing = run ? figure(guessingLoss(run)) : "";
    setWords(trouble, wrong ? t(`train.trouble.${wrong}`, { guessing, classes: run?.labels.length ?? 0 }) : "");
    const kept = run && (wrong || run.end === "failed") ? goodBest(run) : undefined;
    bestOf.hidden = !kept;
    setWords(best, kept ? t("train.best", { accuracy: accuracyOf(kept), step: kept.step }) : "");
    turnOff(goBack, now !== "idle");
  }

  function drawState() {
    const { state: now, problem: wrong } = session;
    start.replaceChildren(icon("M4 2l10 6-10 6z"), h("span", { t: now === "paused" ? "train.resume" : "train.start" }));
    const obstacle = now === "idle" && state.values.train.data === "pictures" ? project.obstacle : null;
    why.hidden = !obstacle;
    setWords(why, obstacle ? t(...obstacle) : "");
    const waits = (now !== "idle" && now !== "paused") || !!obstacle;
    turnOff(start, waits);
    turnOff(pause, now !== "running");
    turnOff(step, waits);
    turnOff(stop, now === "idle" || now === "stopping");
    const { interrupted } = session.runs;
    recover.hidden = now !== "idle" || !interrupted;
    recover.textContent = interrupted ? t("train.recover", { number: interrupted.number }) : "";
    clearTimeout(timer);
    giveUp.hidden = true;
    if (now === "pausing" || now === "stopping") timer = window.setTimeout(() => (giveUp.hidden = false), PATIENCE);
    problem.hidden = !wrong;
    setWords(problem, wrong ? t("train.problem", { reason: explainError(wrong) }) : "");
    setWords(spoken, stateText());
    drawSteps();
  }

  function say() {
    const { evaluating, preparing } = session;
    const text = loading
      ? t("train.loading", { file: loading })
      : preparing !== null
        ? t("train.state.preparing", { share: percent(preparing) })
        : evaluating !== null
          ? t("train.state.evaluating", { share: percent(evaluating) })
          : stateText();
    if (message.textContent !== text) message.textContent = text;
  }
  function stateText() {
    const { run, state: now } = session;
    const key = now === "idle" && run && run.end !== "active" ? run.end : now;
    if (key === "idle" && (!why.hidden || session.problem)) return ""; // what is said there is why it is not ready
    const held = run?.evaluations.at(-1);
    const accuracy = held ? accuracyOf(held) : "–";
    return t(`train.state.${key}`, { number: run?.number ?? 1, step: run?.steps.step.at(-1) ?? 0, accuracy });
  }

  function drawSteps() {
    const { run, rate, total } = session;
    say();
    drawTrouble();
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

  const redraw = onFrame(drawSteps);
  session.addEventListener("state", drawState);
  session.runs.addEventListener("change", drawState);
  project.addEventListener("change", drawState);
  let { data } = state.values.train;
  state.addEventListener("change", () => {
    if (data !== state.values.train.data) session.forgetProblem(); // it may have been that of the data
    ({ data } = state.values.train);
    drawState();
  });
  session.addEventListener("steps", redraw);
  session.addEventListener("evaluation", () => {
    if (session.state === "paused") setWords(spoken, stateText()); // what was asked for by the pause
    redraw();
  });
  engine.addEventListener("loading", (event) => {
    loading = /** @type {CustomEvent} */ (event).detail ?? "";
    say();
  });
  document.addEventListener("language", drawState);
  drawState();
  return { element, drop: pictures.drop };
}

/** The settings: beside the run where there is room, else a line above it that opens. @param {HTMLElement} settings */
function settingsPanel(settings) {
  const wide = matchMedia("(min-width: 901px)");
  const summary = h(
    "summary",
    { onclick: (/** @type {Event} */ event) => wide.matches && event.preventDefault() },
    h("h2", { t: "train.settings" }),
  );
  const panel = h("details", { class: "panel settings" }, summary, settings);
  const fold = () => {
    panel.open = wide.matches;
    summary.tabIndex = wide.matches ? -1 : 0;
  };
  wide.addEventListener("change", fold);
  fold();
  return panel;
}

/** @param {string} path in a square of 16 */
const icon = (path) => svg({ viewBox: "0 0 16 16", class: "icon" }, ["path", { d: path }]);
