/** The comparisons of this browser, for the report. */
import { fileOf, jsonOf } from "../../lab/duel/duelfile.js";
import { outcomeOf } from "../../lab/duel/outcome.js";
import { judgedOf } from "../../lab/duel/record.js";
import { recordsOf } from "../../lab/duel/records.js";
import { swatch } from "../shared/curves.js";
import { h } from "../shared/dom.js";
import { labelsOf, methodOf, nameOf, sayAll, valueOf } from "../shared/duelwords.js";
import { accuracyOf, has, number, plain, t } from "../shared/i18n.js";
import { curveFigure } from "./reportcurve.js";

/** @typedef {import("../../lab/duel/record.js").Record} Record */

/** Those that have begun. @param {object} engine @returns {Promise<import("./report.js").Part[]>} */
export async function comparisonsOf(engine) {
  const { all } = await recordsOf(engine);
  return [...all.peek().values()].filter(({ rounds }) => rounds[0]?.sides[0].steps.step.length).map(partOf);
}

/** @param {Record} record @returns {import("./report.js").Part} */
function partOf(record) {
  const { contest, rounds } = record;
  const labels = labelsOf(contest);
  const judged = judgedOf(record);
  const outcome = judged.length ? outcomeOf(judged) : null;
  const steps = Math.max(...rounds.flatMap(({ sides }) => sides.map(({ steps }) => steps.step.length)));
  const file = `${fileOf(record)}.json`;
  return {
    title: t("report.comparison", { name: t(`duel.name.${contest.name}`) }),
    lines: [
      [t("report.sides"), labels.join("; ")],
      [t("report.seeds"), rounds.map(({ seed }) => number(seed)).join(", ")],
      [t("report.steps"), number(steps)],
      [t("report.score"), outcome ? sayAll(labels, outcome).join(" ") : t("report.none")],
      ...(outcome ? [/** @type {[string, string]} */ ([t("report.judged"), methodOf(labels, outcome).join(" ")])] : []),
      [t("report.settings"), settingsOf(contest)],
      [t("report.file"), file],
    ],
    figure: figureOf(record, labels),
    table: tableOf(record, labels),
    file: { name: file, text: jsonOf(record) },
  };
}

/** The held-out accuracy of each side against steps, of the first seed. @param {Record} record @param {string[]} labels */
function figureOf({ rounds: [{ seed, sides }] }, labels) {
  const curves = sides.map(({ evaluations }, i) => ({
    number: i + 1,
    step: evaluations.map(({ step }) => step),
    value: evaluations.map(({ accuracy }) => accuracy),
  }));
  if (curves.some(({ step }) => step.length < 2)) return h("p", { class: "muted", t: "curves.empty" });
  const step = Math.max(...curves.flatMap(({ step }) => step.slice(-1)));
  const figure = curveFigure(curves, t("report.curve.held", { seed: number(seed), step: number(step) }), 1);
  const keys = labels.map((label, i) => h("li", {}, swatch({ number: i + 1 }), label));
  figure.prepend(h("ul", { class: "curves-keys" }, ...keys));
  return figure;
}

/** What all sides have in common. @param {Record["contest"]} contest */
function settingsOf({ settings, sides }) {
  const differing = new Set(sides.flatMap((side) => Object.keys(side)));
  return Object.entries(settings)
    .filter(([key]) => key !== "steps" && !differing.has(key) && (has(`setting.${key}`) || has(`setting.${key}.short`)))
    .map(([key, value]) => {
      const words =
        typeof value === "number"
          ? number(value, { maximumSignificantDigits: 9, useGrouping: false })
          : valueOf(key, value);
      return `${plain(nameOf(key))}: ${words}`;
    })
    .join(", ");
}

/** The sides' accuracies, seed by seed. @param {Record} record @param {string[]} labels */
function tableOf({ rounds }, labels) {
  const rows = rounds.map(({ seed, sides }) => [seed, ...sides.map(({ final }) => (final ? accuracyOf(final) : "–"))]);
  const lines = [[t("duel.seed"), ...labels], ["", ...labels].map(() => "---"), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |`);
}
