/**
 * Where a training lands: published accuracies on CIFAR-10, our recorded ones, and those of this page, on one axis. The
 * strings are those of `duel`.
 */
import { intervalOf, mean } from "../../lab/duel/outcome.js";
import { finalsOf, trained } from "../../lab/duel/recorded.js";
import { isJudged } from "../../lab/duel/record.js";
import { STUDY } from "../../lab/published.js";
import { effect } from "../../lab/signals.js";
import { titleOf } from "./curves.js";
import { h, loadStyle, setWords } from "./dom.js";
import { number, percent, t } from "./i18n.js";

loadStyle(new URL("./landing.css", import.meta.url));

/** Images of CIFAR-10's test set. */
const TEST = 10_000;
/** Fewer held-out images say too little. */
const ENOUGH = 200;
/** Distance of the axis's numbers. */
const TICK = 0.1;

/**
 * @typedef {object} Landed
 * @property {string} name
 * @property {number} accuracy
 * @property {[low: number, high: number]} range
 *
 * @typedef {import("../../lab/duel/recorded.js").Recording} Recording
 * @typedef {import("../../lab/duel/record.js").Record} Record
 */

/** The six published trainings, each with the interval that so many test images leave. @returns {Landed[]} */
const published = () =>
  STUDY.map(({ epochs, until, start, activation, accuracy }) => ({
    name: t(until === epochs ? "landing.study" : "landing.study.until", {
      activation: t(`setting.activation.${activation}`),
      ...{ epochs, until, start },
    }),
    accuracy,
    range: intervalOf(accuracy, TEST),
  }));

/** The mean of each recorded side over its seeds, and their range. @param {Recording} recording @param {(recording: Recording) => string[]} labels @returns {Landed[]} */
const recorded = (recording, labels) =>
  trained(recording).map((side, i) => {
    const finals = finalsOf(side);
    return { name: labels(recording)[i], accuracy: mean(finals), range: [Math.min(...finals), Math.max(...finals)] };
  });

/** Trainings of this page on CIFAR-10 from random weights, with the interval of their pictures. @param {import("../../lab/run.js").Run[]} runs @returns {Landed[]} */
const ownRuns = (runs) =>
  runs.flatMap(({ evaluations, settings, end, ...run }) => {
    const last = evaluations.at(-1);
    if (settings.data !== "cifar-10" || settings.from || end === "active" || !last || last.total < ENOUGH) return [];
    return landedAt(`${titleOf(run)}, ${t("duel.label.width", { value: Number(settings.width) })}`, last);
  });

/** @param {Iterable<Record>} records @param {(record: Record) => string[]} labels @returns {Landed[]} */
const ownSides = (records, labels) =>
  [...records].flatMap((record) => {
    const round = record.contest.settings.data === "cifar-10" ? record.rounds.findLast(isJudged) : undefined;
    return (round?.sides ?? []).flatMap(({ final }, i) =>
      final && final.total >= ENOUGH ? landedAt(labels(record)[i], final) : [],
    );
  });

/** @param {string} name @param {{accuracy: number, total: number}} found @returns {Landed} */
const landedAt = (name, { accuracy, total }) => ({ name, accuracy, range: intervalOf(accuracy, total) });

/**
 * The figure, which is a table. `labels` names the sides of a recording or of a comparison.
 *
 * @param {object} sources
 * @param {import("../../lab/signals.js").ReadonlySignal<Recording | null>} [sources.recording]
 * @param {import("../../lab/session/session.js").Session} sources.session
 * @param {import("../../lab/duel/records.js").Records} [sources.records]
 * @param {(sides: import("../../lab/settings.js").Values[]) => string[]} sources.labels
 */
export function createLanding({ recording, session, records, labels }) {
  const figure = h("figure", { "data-control": "landing", tabindex: -1 });
  const says = h("p", { class: "hint" });
  const element = h("div", { class: "landing" }, figure, says);
  effect(() => {
    const recordingNow = recording?.value;
    const groups = [
      { key: "published", rows: published() },
      {
        key: "recorded",
        rows: recordingNow ? recorded(recordingNow, (one) => labels(trained(one).map(({ settings }) => settings))) : [],
      },
      {
        key: "own",
        rows: [
          ...ownRuns(session.runs.all.value),
          ...ownSides(records?.all.value.values() ?? [], ({ contest }) => labels(contest.sides)),
        ],
      },
    ];
    figure.replaceChildren(h("h3", { t: "landing.title" }), table(groups));
    setWords(says, sayStudy());
  });
  return element;
}

/** @param {{key: string, rows: Landed[]}[]} groups */
function table(groups) {
  const all = groups.flatMap(({ rows }) => rows);
  const low = Math.floor(Math.min(0.8, ...all.map(({ range }) => range[0])) / TICK) * TICK;
  const at = (/** @type {number} */ share) => `${(100 * (share - low)) / (1 - low)}%`;
  const ticks = Array.from({ length: Math.round((1 - low) / TICK) + 1 }, (_, i) => low + i * TICK);
  const marks = ticks.map((tick) => h("span", { style: `left: ${at(tick)}` }, percentOf(tick)));
  const bodies = groups.map(({ key, rows }) =>
    h(
      "tbody",
      { class: key },
      h("tr", {}, h("th", { colspan: 3, scope: "rowgroup" }, t(`landing.${key}`))),
      ...(rows.length ? rows.map((row) => rowOf(row, at)) : [none(key)]),
    ),
  );
  const axis = h(
    "tr",
    { "aria-hidden": "true" },
    h("td", {}),
    h("td", {}, h("div", { class: "axis" }, ...marks)),
    h("td"),
  );
  return h(
    "table",
    {},
    h("caption", { class: "visually-hidden" }, t("landing.caption")),
    ...bodies,
    h("tfoot", {}, axis),
  );
}

/** @param {string} key */
const none = (key) => h("tr", {}, h("td", { colspan: 3, class: "muted" }, t(`landing.${key}.none`)));

/** @param {Landed} landed @param {(share: number) => string} at */
function rowOf({ name, accuracy, range: [low, high] }, at) {
  const interval = h("i", { style: `left: ${at(low)}; right: calc(100% - ${at(high)})` });
  const dot = h("b", { style: `left: ${at(accuracy)}` });
  const words = h(
    "span",
    { class: "visually-hidden" },
    ` ${t("landing.range", { low: percent(low), high: percent(high) })}`,
  );
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, name),
    h("td", { class: "track" }, h("div", { "aria-hidden": "true" }, interval, dot)),
    h("td", { class: "number" }, percent(accuracy), words),
  );
}

/** Without digits that the axis does not need. @param {number} share */
const percentOf = (share) => `${number(Math.round(100 * share))} %`;

/** What the six can tell and what they cannot, from their figures. */
function sayStudy() {
  const of = (/** @type {number} */ start, /** @type {string} */ activation) =>
    100 *
    (STUDY.find((one) => one.start === start && one.activation === activation && one.until === 150)?.accuracy ?? NaN);
  const points = (/** @type {number} */ value) => number(value, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const signed = (/** @type {number} */ start) =>
    number(of(start, "relu") - of(start, "relu6"), { maximumFractionDigits: 1, signDisplay: "exceptZero" }).replace(
      "-",
      "−",
    );
  return t("landing.study.says", {
    eighties: signed(80),
    seventies: signed(70),
    relu: points(of(80, "relu") - of(70, "relu")),
    relu6: points(of(80, "relu6") - of(70, "relu6")),
  });
}
