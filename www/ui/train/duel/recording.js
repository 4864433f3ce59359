/** Our recorded runs of a comparison: what they are, what they show, and how to repeat them. */
import { comparable, differencesOf, seedsOf, trained, TEST_IMAGES } from "../../../lab/duel/recorded.js";
import { isClear } from "../../../lab/duel/outcome.js";
import { CIFAR_IMAGES } from "../../../lab/settings.js";
import { effect, untracked } from "../../../lab/signals.js";
import { h, setWords } from "../../shared/dom.js";
import { labelsOf, nameOf, points, valueOf } from "../../shared/duelwords.js";
import { number, t } from "../../shared/i18n.js";
import { createLanding } from "../../shared/landing.js";

/** @typedef {import("../../../lab/duel/recorded.js").Recording} Recording */

/** The names of the sides that have runs. @param {Recording} recording */
export const namesOf = (recording) => labelsOf({ sides: trained(recording).map(({ settings }) => settings) });

/** The text beside the chart, and where runs land. @param {import("./duel.js").Means} means */
export function createRecording({ recording, viewsRecorded, session, records, chosen }) {
  const what = h("p");
  const verdicts = h("div");
  const axis = h("p", { class: "muted" });
  const settings = h("p");
  const source = h("p");
  const details = h("details", {}, h("summary", { t: "recording.how" }), settings, source);
  const place = h("div", { class: "duel-landing" });
  effect(() => {
    if (!viewsRecorded.value || place.firstChild) return;
    const labels = (/** @type {import("../../../lab/settings.js").Values[]} */ sides) => labelsOf({ sides });
    untracked(() => place.append(createLanding({ recording, session, records, labels })));
  });
  effect(() => {
    const found = recording.value;
    if (!found) return;
    const { epochs, batch } = found.settings;
    const seeds = seedsOf(found);
    setWords(what, t(seeds > 1 ? "recording.what" : "recording.what.one", { epochs: Number(epochs), seeds }));
    verdicts.replaceChildren(...sayAll(found).map((words) => h("p", {}, words)));
    const { contest } = chosen.value;
    const [apart, { settings: own }] = [contest && !comparable(found, contest), contest ?? found];
    const steps = {
      batch: Number(batch),
      each: Math.floor(CIFAR_IMAGES / Number(batch)),
      test: TEST_IMAGES,
      steps: Number(own.steps),
      data: valueOf("data", own.data),
    };
    setWords(axis, [t("recording.axis", steps), apart ? t("recording.apart", steps) : ""].join(" "));
    setWords(settings, t("recording.settings", { settings: settingsIn(found) }));
    setWords(source, t("recording.source", { command: found.command, commits: commitsOf(found).join(", ") }));
  });
  return [h("div", { class: "duel-recording" }, what, verdicts, axis, details), place];
}

/** The commits whose code trained it. @param {Recording} recording */
const commitsOf = ({ sides }) => [...new Set(sides.flatMap(({ runs }) => runs.map(({ commit }) => commit)))];

/** @param {Recording} recording */
function sayAll(recording) {
  const [first, ...others] = namesOf(recording);
  const differences = differencesOf(recording);
  if (!differences.length) return [t("recording.few")];
  return differences.map((difference, i) => {
    const values = { first, other: others[i], low: points(difference.low), high: points(difference.high) };
    return t(isClear(difference) ? "recording.shows" : "recording.close", values);
  });
}

/** The settings that all sides have, in words. @param {Recording} recording */
function settingsIn({ settings, sides }) {
  const differing = new Set(sides.flatMap((side) => Object.keys(side.settings)));
  return Object.entries(settings)
    .filter(([key]) => !differing.has(key))
    .map(([key, value]) => {
      const shown =
        typeof value === "number"
          ? number(value, { maximumSignificantDigits: 9, useGrouping: false })
          : valueOf(key, value);
      return `${nameOf(key)} ${shown}`;
    })
    .join(", ");
}
