/**
 * The held-out pictures that the network gets right and wrong: per class, as a confusion matrix, and the mistakes with
 * the highest confidence. Cells and mistakes open their pictures.
 */
import { effect } from "../../lab/signals.js";
import { h, keepFocus, paintRgb, showProblem } from "../shared/dom.js";
import { number, percent, t } from "../shared/i18n.js";
import { classNames } from "./heldout.js";

/** Number of mistakes shown. */
const MISTAKES = 8;
/** Maximum pictures shown for a cell. */
const MOST = 60;

/** @param {import("../context.js").Context} context */
export function createResults({ session }) {
  const table = h("table", { class: "confusion" });
  const mistakes = h("ul", { class: "mistakes" });
  const mistakesTitle = h("h3", { t: "results.mistakes" });
  const none = h("p", { class: "muted", t: "results.none" });
  const title = h("h3", {});
  const pictures = h("ul", { class: "mistakes" });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const dialog = h(
    "dialog",
    { class: "wide", "t-aria-label": "results.dialog" },
    h("header", {}, title, h("button", { type: "button", t: "close", onclick: () => dialog.close() })),
    pictures,
    problem,
  );
  const element = h(
    "section",
    { class: "panel results", "data-control": "results", "t-aria-label": "results.title", hidden: true },
    h("h2", { t: "results.title" }),
    h("p", { class: "muted", t: "results.hint" }),
    h("div", { class: "confusion-scroll", tabindex: 0, role: "group", "t-aria-label": "results.title" }, table),
    mistakesTitle,
    none,
    mistakes,
    dialog,
  );

  function update() {
    const [judged, run] = [session.judged.value, session.run.value];
    element.hidden = !judged || !run;
    if (!judged || !run) return;
    const names = classNames(run);
    drawTable(judged, names);
    const wrong = indices(judged, (label, guess) => label !== guess);
    wrong.sort((a, b) => judged.confidences[b] - judged.confidences[a]);
    none.hidden = wrong.length > 0;
    mistakes.hidden = !wrong.length;
    fill(mistakes, wrong.slice(0, MISTAKES), names);
  }

  /** @param {import("../../lab/session/evaluation.js").Judged} judged @param {string[]} names */
  function drawTable(judged, names) {
    const counts = names.map(() => new Uint32Array(names.length));
    judged.labels.forEach((label, i) => counts[label][judged.predictions[i]]++);
    const rows = counts.map((row, truth) => {
      const total = row.reduce((sum, count) => sum + count, 0);
      const cells = [...row].map((count, guess) => {
        const share = total ? count / total : 0;
        const label = t("results.cell", { count, truth: names[truth], guess: names[guess] });
        const open = () => show(label, (l, g) => l === truth && g === guess, names);
        return h(
          "td",
          { class: guess === truth ? "right" : "wrong", style: `--share: ${share.toFixed(3)}` },
          count
            ? h(
                "button",
                { type: "button", "data-key": `${truth} ${guess}`, "aria-label": label, onclick: open },
                number(count),
              )
            : "0",
        );
      });
      const score = total ? percent(row[truth] / total) : "–";
      return h("tr", {}, h("th", { scope: "row" }, names[truth]), ...cells, h("td", { class: "score number" }, score));
    });
    const head = names.map((name) => h("th", { scope: "col" }, h("span", {}, name)));
    keepFocus(table, () =>
      table.replaceChildren(
        h("caption", { class: "visually-hidden" }, t("results.caption")),
        h(
          "thead",
          {},
          h("tr", {}, h("td", {}), ...head, h("th", { scope: "col", class: "score" }, t("results.accuracy"))),
        ),
        h("tbody", {}, ...rows),
      ),
    );
  }

  /** @param {string} text @param {(label: number, guess: number) => boolean} wanted @param {string[]} names */
  function show(text, wanted, names) {
    const judged = session.judged.value;
    if (!judged) return;
    const found = indices(judged, wanted);
    title.textContent = found.length > MOST ? t("results.first", { text, most: MOST }) : text;
    problem.hidden = true;
    fill(pictures, found.slice(0, MOST), names);
    dialog.showModal();
  }

  /**
   * Tiles of held-out pictures, painted as they arrive from the trainer.
   *
   * @param {HTMLElement} list
   * @param {number[]} which
   * @param {string[]} names
   */
  function fill(list, which, names) {
    const judged = session.judged.value;
    const trainer = session.trainer.peek(); // painted tiles stay when the trainer is gone
    if (!judged) return;
    const tiles = which.map((index) => {
      const canvas = h("canvas", {});
      const truth = names[judged.labels[index]];
      const guess = names[judged.predictions[index]];
      const words = h("span", {}, truth === guess ? guess : t("results.mistake", { truth, guess }));
      const sure = h("span", { class: "number muted" }, percent(judged.confidences[index]));
      paint(canvas, index);
      return h("li", {}, canvas, words, sure);
    });
    list.replaceChildren(...tiles);

    /** @param {HTMLCanvasElement} canvas @param {number} index */
    async function paint(canvas, index) {
      try {
        const batch = await trainer?.heldOut(1, index);
        if (batch) paintRgb(canvas, batch.images, batch.resolution, 0);
      } catch (error) {
        showProblem(problem, error);
      }
    }
  }

  effect(update);
  return element;
}

/**
 * Indices of the pictures with a wanted label and prediction.
 *
 * @param {import("../../lab/session/evaluation.js").Judged} judged
 * @param {(label: number, guess: number) => boolean} wanted
 */
function indices({ labels, predictions }, wanted) {
  return [...labels.keys()].filter((i) => wanted(labels[i], predictions[i]));
}
