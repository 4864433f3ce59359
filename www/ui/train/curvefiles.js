/** Saves the curves that are drawn, and opens saved ones beside those of this page. */
import { csvOf, jsonOf, runsOf } from "../../lab/curvesfile.js";
import { effect } from "../../lab/signals.js";
import { h, save, turnOff } from "../shared/dom.js";

/** @param {import("../../lab/runs.js").Runs} runs @param {(act: () => Promise<void>) => Promise<void>} attempt shows what goes wrong */
export function createCurveFiles(runs, attempt) {
  /** @param {string} key @param {string} name @param {(of: import("../../lab/run.js").Run[]) => string} write */
  const saving = (key, name, write) =>
    h("button", {
      type: "button",
      t: key,
      onclick: () => save(new TextEncoder().encode(write(runs.shown.peek())), `mobilenetv2-curves.${name}`),
    });
  const saves = [saving("runs.csv", "csv", csvOf), saving("runs.json", "json", jsonOf)];
  const input = h("input", { type: "file", accept: ".json", hidden: true, onchange: () => attempt(open) });

  async function open() {
    const text = await input.files?.[0]?.text();
    input.value = ""; // the same file can be opened again
    if (text !== undefined) await runs.import(runsOf(text));
  }

  effect(() => {
    for (const button of saves) turnOff(button, !runs.shown.value.length);
  });
  const opener = h("button", { type: "button", t: "runs.open", onclick: () => input.click() });
  return h("div", { class: "actions" }, ...saves, opener, input);
}
