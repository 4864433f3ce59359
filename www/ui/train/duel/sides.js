/** The sides as a table: what differs, what each costs, how far it came. */
import { effect } from "../../../lab/signals.js";
import { swatch } from "../../shared/curves.js";
import { h, onFrame } from "../../shared/dom.js";
import { count, milliseconds, percent, t } from "../../shared/i18n.js";
import { labelsOf } from "../../shared/duelwords.js";

/** @param {import("./duel.js").Means} means */
export function createSides({ duel, shown, chosen, costs }) {
  const head = ["side", "parameters", "macs", "time", "held"].map((column) =>
    h("th", { scope: "col", t: `duel.column.${column}` }),
  );
  const body = h("tbody");
  const element = h(
    "div",
    { class: "table-place", tabindex: 0, role: "region", "t-aria-label": "duel.sides" },
    h("table", {}, h("thead", {}, h("tr", {}, ...head)), body),
  );

  const draw = onFrame(() => {
    const [record, contest] = [shown.value, shown.value?.contest ?? chosen.value.contest];
    const known = record?.costs ?? costs.value;
    const labels = contest ? labelsOf(contest) : [];
    const rows = labels.map((label, side) => {
      const held = record && heldOut(record, side);
      const time = record?.milliseconds[side];
      const cells = [
        known[side] ? count(known[side].parameters) : "–",
        known[side] ? count(known[side].macs) : "–",
        time ? milliseconds(time) : "–",
        held ? t("duel.held", { accuracy: percent(held.accuracy), total: held.total }) : "–",
      ];
      const name = h("th", { scope: "row" }, h("span", { class: "duel-side" }, swatch({ number: side + 1 }), label));
      return h("tr", {}, name, ...cells.map((cell) => h("td", {}, cell)));
    });
    body.replaceChildren(...rows);
  });
  effect(() => {
    [duel.changed.value, shown.value, chosen.value, costs.value];
    t("duel.sides"); // in another language again
    draw();
  });
  return element;
}

/**
 * A side's accuracy: the mean over the seeds that were judged, else the latest on the sample.
 *
 * @param {import("../../../lab/duel/record.js").Record} record @param {number} side
 */
function heldOut({ rounds }, side) {
  const finals = rounds.flatMap(({ sides }) => sides[side].final ?? []);
  if (!finals.length) return rounds.at(-1)?.sides[side].evaluations.at(-1);
  return { accuracy: finals.reduce((sum, { accuracy }) => sum + accuracy, 0) / finals.length, total: finals[0].total };
}
