/** The outcome in sentences, with the method's name; each seed; and what our recorded runs gave. */
import { differencesOfSeeds, isClear, mean, outcomeOf } from "../../../lab/duel/outcome.js";
import { isJudged, judgedOf } from "../../../lab/duel/record.js";
import { effect } from "../../../lab/signals.js";
import { h } from "../../shared/dom.js";
import { labelsOf, methodOf, points, sayAll } from "../../shared/duelwords.js";
import { number, percent, rich, t } from "../../shared/i18n.js";

/** @typedef {import("../../../lab/duel/record.js").Record} Record */

/** @param {import("./duel.js").Means} means @returns {{outcome: HTMLElement, seeds: HTMLElement}} */
export function createOutcome({ duel, records, outcomes, chosen, shown }) {
  const sentences = h("div", { class: "duel-sentences", role: "status" });
  const method = h("div", { class: "muted" });
  const seeds = h("div", { class: "table-place", tabindex: 0, role: "region", "t-aria-label": "duel.seeds" });
  const ours = h("div", { class: "duel-recorded" });
  /** What is shown, so that a screen reader hears it once. */
  let said = "";

  effect(() => {
    records.all.value; // changes when one has ended
    duel.changed.value;
    const record = shown.value;
    const judged = record ? judgedOf(record) : [];
    const outcome = record && judged.length ? outcomeOf(judged) : null;
    const lines = record && outcome ? sayAll(labelsOf(record.contest), outcome) : [];
    if (said !== String(lines)) {
      said = String(lines);
      sentences.replaceChildren(...lines.map((line) => h("p", {}, line)));
    }
    const how = record && outcome ? methodOf(labelsOf(record.contest), outcome) : [t("duel.outcome.later")];
    method.replaceChildren(...how.map((line) => h("p", {}, line)));
    seeds.hidden = judged.length < 2;
    seeds.replaceChildren(...(record && judged.length > 1 ? [tableOf(record)] : []));
  });
  effect(() => {
    const { name, contest } = chosen.value;
    const known = contest?.settings.data === "shapes" && outcomes[name];
    ours.hidden = !known;
    if (known && contest) ours.replaceChildren(...sayRecorded(labelsOf(contest), known));
  });
  return { outcome: h("div", { class: "duel-outcome" }, sentences, method, ours), seeds };
}

/** Each seed's accuracies and differences. @param {Record} record */
function tableOf({ contest, rounds }) {
  const [first, ...others] = labelsOf(contest);
  const head = [t("duel.seed"), first, ...others.flatMap((label) => [label, t("duel.difference")])];
  const rows = rounds.filter(isJudged).map(({ seed, sides }) => {
    const [one, ...more] = sides.map(({ final }) => final?.accuracy ?? NaN);
    const cells = [percent(one), ...more.flatMap((accuracy) => [percent(accuracy), points(one - accuracy)])];
    return h("tr", {}, h("th", { scope: "row" }, number(seed)), ...cells.map((cell) => h("td", {}, cell)));
  });
  return h(
    "table",
    {},
    h("caption", {}, t("duel.seeds")),
    h("thead", {}, h("tr", {}, ...head.map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", {}, ...rows),
  );
}

/** @param {string[]} labels @param {import("../../../lab/duel/contests.js").Recorded} recorded */
function sayRecorded(labels, { sides, steps, command, machine }) {
  const seeds = sides[0].map((_, seed) => sides.map((accuracies) => accuracies[seed]));
  const differences = differencesOfSeeds(seeds);
  const each = labels.map((label, i) => t("duel.recorded.side", { label, accuracy: percent(mean(sides[i])) }));
  const verdicts = differences.map((difference, i) => {
    const values = {
      first: labels[0],
      other: labels[i + 1],
      low: points(difference.low),
      high: points(difference.high),
    };
    return t(isClear(difference) ? "duel.recorded.shows" : "duel.recorded.hidden", values);
  });
  return [
    h("p", {}, h("strong", {}, t("duel.recorded", { seeds: sides[0].length, steps })), " ", each.join(" · ")),
    ...verdicts.map((text) => h("p", {}, text)),
    h("p", { class: "hint" }, ...rich(t("duel.recorded.source", { command, machine }))),
  ];
}
