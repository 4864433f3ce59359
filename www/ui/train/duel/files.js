/** Saves the comparison that is shown, and opens saved ones. */
import { csvOf, fileOf, jsonOf, recordOf } from "../../../lab/duel/duelfile.js";
import { OWN } from "../../../lab/duel/record.js";
import { effect } from "../../../lab/signals.js";
import { h, save, showProblem, turnOff } from "../../shared/dom.js";
import { labelsOf } from "../../shared/duelwords.js";
import { t } from "../../shared/i18n.js";

/** @param {import("./duel.js").Means} means */
export function createFiles({ duel, state, contests, shown, opened }) {
  /** @typedef {import("../../../lab/duel/record.js").Record} Record */
  /** @param {string} key @param {string} ending @param {(record: Record) => string} write */
  const saving = (key, ending, write) =>
    h("button", {
      type: "button",
      t: key,
      onclick: () => {
        const record = shown.peek();
        if (record) save(new TextEncoder().encode(write(record)), `${fileOf(record)}.${ending}`);
      },
    });
  const saves = [
    saving("duel.csv", "csv", (record) => csvOf(record, labelsOf(record.contest))),
    saving("duel.json", "json", jsonOf),
  ];
  const input = h("input", { type: "file", accept: ".json", hidden: true, onchange: () => open() });
  const opener = h("button", { type: "button", t: "duel.open", onclick: () => input.click() });
  const close = h("button", { type: "button", t: "duel.file.close", onclick: () => (opened.value = null) });
  const from = h("p", { class: "muted", role: "status" });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  let name = "";

  async function open() {
    const [file] = input.files ?? [];
    input.value = ""; // the same file can be opened again
    try {
      const record = file && recordOf(await file.text());
      showProblem(problem, null);
      if (!record) return;
      name = file.name;
      const known = contests.peek().some((contest) => contest.name === record.contest.name);
      if (!known) record.contest.name = OWN;
      const { data } = record.contest.settings;
      state.set("duel", { compare: record.contest.name, ...(known && { data: data === "cifar-10" ? data : "" }) });
      opened.value = record;
    } catch (error) {
      showProblem(problem, error);
    }
  }

  effect(() => {
    for (const button of saves) turnOff(button, !shown.value?.rounds.length);
    turnOff(opener, duel.active.value);
    close.hidden = !opened.value;
    from.textContent = opened.value ? t("duel.file.from", { name }) : "";
  });
  return h(
    "div",
    { class: "duel-files" },
    from,
    h("div", { class: "actions" }, ...saves, opener, close, input),
    problem,
  );
}
