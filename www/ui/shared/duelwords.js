/** A comparison in words: the names of its sides, which say what differs, and its outcome. The strings are those of `duel`. */
import { isClear } from "../../lab/duel/outcome.js";
import { has, number, percent, t } from "./i18n.js";

/**
 * @typedef {import("../../lab/duel/record.js").Contest} Contest
 * @typedef {import("../../lab/duel/outcome.js").Outcome} Outcome
 * @typedef {import("../../lab/duel/outcome.js").Difference} Difference
 * @typedef {import("../../lab/settings.js").Value} Value
 */

/** @param {Pick<Contest, "sides">} contest @returns {string[]} */
export const labelsOf = ({ sides }) => {
  const keys = [...new Set(sides.flatMap((side) => Object.keys(side)))];
  return sides.map((side) => keys.flatMap((key) => (key in side ? label(key, side[key]) : [])).join(", "));
};

/** @param {string} key @param {Value} value */
function label(key, value) {
  const own = `duel.label.${key}.${value}`;
  if (has(own)) return t(own);
  const style = key.endsWith("_share") ? "percent" : "decimal";
  const shown =
    typeof value === "number" ? number(value, { style, maximumSignificantDigits: 9, useGrouping: false }) : "";
  if (has(`duel.label.${key}`)) return t(`duel.label.${key}`, { value: shown });
  return `${nameOf(key)} ${shown || valueOf(key, value)}`;
}

/** A setting's name. @param {string} key */
export const nameOf = (key) => t(has(`setting.${key}`) ? `setting.${key}` : `setting.${key}.short`);

/** A value of a setting that is no number. @param {string} key @param {Value} value */
export const valueOf = (key, value) =>
  typeof value === "boolean" ? t(value ? "yes" : "no") : t(`setting.${key}.${value}`);

/** The outcome in sentences. @param {string[]} labels @param {Outcome} outcome */
export function sayAll([first, ...others], outcome) {
  if (outcome.method === "few") return [t("duel.outcome.few", { n: outcome.pictures })];
  return outcome.differences.map((difference, i) => sayOne(first, others[i], difference));
}

/** The better side first. @param {string} first @param {string} other @param {Difference} difference */
function sayOne(first, other, difference) {
  const sides = [
    { name: first, accuracy: difference.first },
    { name: other, accuracy: difference.other },
  ].sort((a, b) => b.accuracy - a.accuracy);
  const [a, b] = sides.map(({ accuracy }) => percent(accuracy));
  const values = { first: sides[0].name, a, other: sides[1].name, b };
  return t(isClear(difference) ? "duel.outcome.clear" : "duel.outcome.close", values);
}

/** How it was judged. @param {string[]} labels @param {Outcome} outcome */
export function methodOf([first, ...others], { method, pictures, seeds, differences }) {
  if (method === "few") return [];
  const intervals = differences.map(({ first: one, other, low, high, p }, i) => {
    const sides = { first, other: others[i], difference: points(one - other) };
    return t("duel.interval", { ...sides, low: points(low), high: points(high), p: chance(p) });
  });
  const how = t(`duel.method.${method}`, { pictures: number(pictures), seeds: number(seeds) });
  return [...intervals, differences.length > 1 ? `${how} ${t("duel.method.holm")}` : how];
}

/** A difference of accuracies in percentage points. @param {number} share */
export const points = (share) =>
  number(100 * share, { minimumFractionDigits: 1, maximumFractionDigits: 1, signDisplay: "exceptZero" }).replace(
    "-",
    "−",
  );
/** @param {number} p */
const chance = (p) => (p < 0.001 ? `< ${number(0.001)}` : `= ${number(p, { maximumSignificantDigits: 2 })}`);
