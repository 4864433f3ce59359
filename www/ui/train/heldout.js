/** Held-out pictures with the network's current predictions. */
import { effect } from "../../lab/signals.js";
import { h, paintRgb, showProblem } from "../shared/dom.js";
import { className, t } from "../shared/i18n.js";
import { createPredictions } from "../shared/predictions.js";

/** Class names of a run; a person's own names are not translated. @param {import("../../lab/run.js").Run} run */
export const classNames = ({ labels, settings }) => (settings.data === "pictures" ? labels : labels.map(className));

/** @param {import("../context.js").Context} context */
export function createHeldOut({ session }) {
  const list = h("ul", { class: "heldout-grid" });
  const score = h("p", { class: "number muted", tabindex: -1 });
  const all = h("button", { type: "button", hidden: true, onclick: () => session.evaluateAll() });
  const title = h("h3", {});
  const predictions = createPredictions();
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const close = h("button", { type: "button", t: "close", onclick: () => dialog.close() });
  const large = h("canvas", { class: "crop" });
  const dialog = h(
    "dialog",
    { "t-aria-label": "heldout.dialog" },
    h("header", {}, title, close),
    h("div", { class: "heldout-one" }, large, predictions.element),
    problem,
  );
  const empty = h("p", { class: "muted", t: "heldout.empty" });
  const element = h(
    "section",
    { class: "panel", "data-control": "heldout", "t-aria-label": "heldout.title" },
    h("header", {}, h("h2", { t: "heldout.title" }), h("div", { class: "actions" }, score, all)),
    empty,
    list,
    dialog,
  );
  /** @type {import("../../engine/protocol.js").Batch | null} */
  let painted = null;
  /** @type {{button: HTMLButtonElement, canvas: HTMLCanvasElement, mark: HTMLElement, guess: HTMLElement}[]} */
  let tiles = [];

  /** @param {import("../../engine/protocol.js").Batch | null} batch */
  function paint(batch) {
    painted = batch;
    if (!batch) return;
    tiles = Array.from(batch.labels, (_, index) => {
      const canvas = h("canvas", {});
      paintRgb(canvas, batch.images, batch.resolution, index);
      const mark = h("span", { class: "mark", "aria-hidden": "true" });
      const guess = h("span", { class: "guess" });
      const button = h("button", { type: "button", onclick: () => show(index) }, canvas, mark, guess);
      return { button, canvas, mark, guess };
    });
    list.replaceChildren(...tiles.map(({ button }) => h("li", {}, button)));
  }

  function update() {
    const [batch, run] = [session.heldOut.value, session.run.value];
    const said = session.judged.value?.predictions;
    if (batch !== painted) paint(batch);
    empty.hidden = !!painted;
    if (!painted || !run) return;
    const names = classNames(run);
    tiles.forEach(({ button, mark, guess }, index) => {
      const label = painted?.labels[index] ?? 0;
      const truth = names[label];
      if (!said) {
        guess.textContent = "…";
        button.setAttribute("aria-label", t("heldout.unknown", { truth }));
        return;
      }
      const name = names[said[index]];
      const wrong = said[index] !== label;
      button.classList.toggle("wrong", wrong);
      mark.textContent = wrong ? "✕" : "✓";
      guess.textContent = name;
      button.setAttribute("aria-label", t(wrong ? "heldout.wrong" : "heldout.right", { guess: name, truth }));
    });
  }

  /** The result of the last evaluation, and the button that starts or stops a full one. */
  function drawScore() {
    const [state, run] = [session.state.value, session.run.value];
    session.judged.value; // changes with each evaluation
    const last = session.heldOut.value && run?.evaluations.at(-1);
    score.textContent = last
      ? t("heldout.score", { right: Math.round(last.accuracy * last.total), total: last.total })
      : "";
    const goesOn = session.evaluating.value !== null && (state === "paused" || state === "idle");
    const focused = all === document.activeElement;
    all.hidden = !session.canEvaluateAll.value && !goesOn;
    if (focused && all.hidden) score.focus();
    all.textContent = goesOn ? t("cancel") : t("heldout.all", { total: session.trainer.value?.held_out ?? 0 });
  }

  let turn = 0;
  /** @param {number} index */
  async function show(index) {
    const [trainer, run] = [session.trainer.value, session.run.value];
    if (!painted || !run) return;
    const names = classNames(run);
    const mine = ++turn;
    predictions.show([]);
    paintRgb(large, painted.images, painted.resolution, index);
    title.textContent = t("heldout.truth", { truth: names[painted.labels[index]] });
    problem.hidden = true;
    dialog.showModal();
    try {
      const found = await trainer?.predict(index, run.labels.length);
      if (found && mine === turn)
        predictions.show(found.map((p) => ({ name: names[p.class], probability: p.probability })));
    } catch (error) {
      if (mine !== turn) return;
      showProblem(problem, error);
    }
  }

  effect(update);
  effect(drawScore);
  return element;
}
