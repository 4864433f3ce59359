/** The names of a comparison's sides: what differs. */
import { has, number, t } from "../../shared/i18n.js";

/**
 * @typedef {import("../../../lab/duel/record.js").Contest} Contest
 * @typedef {import("../../../lab/settings.js").Value} Value
 */

/** @param {Contest} contest @returns {string[]} */
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
