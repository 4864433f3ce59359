/**
 * The report: what one guessed, did and saw, with the runs and comparisons; to print or as Markdown. It is made here and sent
 * nowhere.
 */
import { stepOf } from "../../lab/run.js";
import { SETTINGS } from "../../lab/settings.js";
import { titleOf } from "../shared/curves.js";
import { h, save } from "../shared/dom.js";
import { accuracyOf, currentLanguage, moment, number, plain, t } from "../shared/i18n.js";
import { comparisonsOf } from "./comparisons.js";
import { answerOf, rightOf } from "./question.js";
import { curveFigure } from "./reportcurve.js";
import { showSheet } from "./sheet.js";
import { wordsOf } from "./stop.js";

/**
 * @typedef {object} Part one stop, run or comparison, in words
 * @property {string} title
 * @property {[name: string, text: string][]} lines
 * @property {Node} [figure]
 * @property {string[]} [table] as Markdown
 * @property {{name: string, text: string}} [file] to open it again
 */

/** @param {import("../context.js").Context} context @param {import("../../lab/lesson/lesson.js").Lesson} lesson */
export async function showReport({ engine, state, session }, lesson) {
  const title = lesson.data.peek()?.title[currentLanguage()] ?? "";
  const stops = (lesson.data.peek()?.stops ?? []).flatMap((stop) => partOf(stop, lesson.noteOf(stop.id)));
  const runs = session.runs.all.peek().map((run) => runOf(run, state));
  const parts = [...stops, ...runs, ...(await comparisonsOf(engine))];
  const made = t("report.made", { when: moment(new Date()) });
  const text = h(
    "article",
    { class: "report" },
    h("h1", {}, title),
    h("p", { class: "muted" }, made),
    ...(parts.length ? parts.map(drawn) : [h("p", { t: "report.empty" })]),
  );
  const markdown = () => save(new TextEncoder().encode(write(title, made, parts)), "mobilenetv2-lesson.md");
  showSheet("lesson.report.title", text, [
    h("button", { type: "button", class: "primary", t: "report.save", onclick: markdown }),
  ]);
}

/** What there is to say of a stop, if anything. @param {import("../../lab/lesson/lesson.js").Stop} stop @param {import("../../lab/lesson/lesson.js").Note} note @returns {Part[]} */
function partOf(stop, { guess, outcome, seen, words: own, hands = [], link }) {
  if (guess === undefined && !seen && !own && !hands.length) return [];
  const words = wordsOf(stop);
  /** @type {[string, string][]} */
  const lines = [
    [t("report.question"), words.question],
    [t("report.guess"), guess === undefined ? t("report.none") : answerOf(stop, words, guess)],
  ];
  if (hands.some(Boolean))
    lines.push([t("lesson.hands"), hands.map((n, i) => `${answerOf(stop, words, i)}: ${number(n)}`).join("; ")]);
  if (seen) {
    lines.push([t("report.right"), answerOf(stop, words, rightOf(stop))]);
    lines.push([t("lesson.outcome"), [words.reveal, outcome].filter(Boolean).join(" ")]);
  }
  if (own) lines.push([t("report.own"), own]);
  if (link) lines.push([t("report.link"), new URL(link, location.href).href]);
  return [{ title: words.title, lines }];
}

/** @param {import("../../lab/run.js").Run} run @param {import("../../lab/state.js").PageState} state @returns {Part} */
function runOf(run, state) {
  const last = run.evaluations.at(-1);
  /** @type {[string, string][]} */
  const lines = [
    [t("report.steps"), number(stepOf(run))],
    [t("report.score"), last ? `${accuracyOf(last)} (${t("report.of", { n: last.total })})` : t("report.none")],
    [t("report.settings"), settingsOf(run)],
    [t("report.link"), state.linkToShare(currentLanguage(), run.settings)],
  ];
  const table = run.evaluations.length ? tableOf(run) : undefined;
  return { title: titleOf(run), lines, figure: curveOf(run), table };
}

/** All settings of a run, in words. @param {import("../../lab/run.js").Run} run */
function settingsOf({ settings }) {
  const names = ["width", "resolution"].map((key) => ({ key, name: t(`setting.${key}.short`) }));
  const all = [...names, ...SETTINGS.map(({ key }) => ({ key, name: t(`setting.${key}`) }))];
  return all
    .filter(({ key }) => key in settings)
    .map(({ key, name }) => `${plain(name)}: ${valueOf(key, settings[key])}`)
    .join(", ");
}

/** @param {string} key @param {import("../../lab/settings.js").Value} value */
function valueOf(key, value) {
  if (typeof value === "number") return number(value, { maximumSignificantDigits: 9, useGrouping: false });
  return typeof value === "boolean" ? t(value ? "yes" : "no") : t(`setting.${key}.${value}`);
}

/** @param {Part} part */
function drawn({ title, lines, figure, file }) {
  const rows = lines.flatMap(([name, text]) => [h("dt", {}, name), h("dd", {}, text)]);
  const keep = file && (() => save(new TextEncoder().encode(file.text), file.name));
  const button = keep
    ? h("button", { type: "button", class: "screen-only", onclick: keep }, t("report.file.save"))
    : null;
  return h("section", {}, h("h2", {}, title), figure ?? null, h("dl", {}, ...rows), button);
}

/** Training loss against steps, with its ends in words. @param {import("../../lab/run.js").Run} run */
function curveOf({ steps: { step, loss } }) {
  if (step.length < 2) return h("p", { class: "muted", t: "curves.empty" });
  const short = (/** @type {number} */ value) => number(value, { maximumSignificantDigits: 3 });
  const ends = { first: short(loss[0]), last: short(loss[loss.length - 1]), step: step[step.length - 1] };
  return curveFigure([{ number: 1, step, value: loss }], t("report.curve", ends));
}

/** @param {string} title @param {string} made @param {Part[]} parts */
function write(title, made, parts) {
  const sections = parts.map(({ title, lines, table }) => {
    const rows = lines.map(([name, text]) => `- **${name}:** ${text}`);
    return [`## ${title}`, "", ...rows, ...(table ? ["", ...table] : [])].join("\n");
  });
  return [`# ${title}`, made, ...sections].join("\n\n") + "\n";
}

/** The evaluations of a run. @param {import("../../lab/run.js").Run} run */
function tableOf({ evaluations }) {
  const rows = evaluations.map((one) => `| ${one.step} | ${one.loss.toFixed(4)} | ${accuracyOf(one)} |`);
  return [`| ${t("curves.step")} | ${t("curves.loss")} | ${t("curves.accuracy")} |`, "|---|---|---|", ...rows];
}
