/** Measures this browser and shows the results in tables that can be copied. */
import { EngineError } from "../../engine/errors.js";
import { BATCH, CASES, measure, summarize, toCsv, toText } from "../../lab/benchmark.js";
import { effect } from "../../lab/signals.js";
import { h, setWords, turnOff } from "../shared/dom.js";
import { count, explainError, figure, milliseconds, number, percent, rich, t } from "../shared/i18n.js";

/**
 * @typedef {import("../../lab/benchmark.js").Case} Case
 * @typedef {import("../../lab/benchmark.js").Measurement} Measurement
 */

/** The case whose profile is shown first: the paper's network. */
const PROFILED = CASES.findIndex(({ width, resolution }) => width === 1 && resolution === 224);
const COLUMNS = ["bench.network", "bench.macs", "bench.time", "train.figure.rate", "bench.gflops"];
const PROFILE_COLUMNS = ["architecture.column.layer", "bench.operation", "bench.time", "bench.share", "bench.gflops"];

/** @param {import("../../engine/engine.js").Engine} engine @param {import("../../lab/core.js").Core} core */
export function createBench(engine, core) {
  /** Results so far. @type {Map<Case, Measurement>} */
  const measured = new Map();
  /** @type {AbortController | null} */
  let running = null;
  /** The error, if any. @type {unknown} */
  let wrong = null;
  /** Key and values of the current state. @type {[string, Record<string, string | number>]} */
  let state = ["bench.state.idle", {}];

  const facts = h("p", { class: "cost" });
  const start = h("button", { type: "button", class: "primary", t: "bench.start", onclick: run });
  const cancel = h("button", { type: "button", t: "cancel", onclick: () => running?.abort() });
  const progress = h("progress", { max: CASES.length, value: 0, "t-aria-label": "bench.progress" });
  const message = h("p", { role: "status" });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const inference = table("bench.inference", COLUMNS);
  const training = table("bench.training", COLUMNS);
  const profile = table("bench.profile", PROFILE_COLUMNS);
  const select = h("select", { id: "profiled", onchange: () => update() });
  select.append(...CASES.map((_, i) => h("option", { value: i })));
  select.value = String(PROFILED);
  const copied = h("span", { role: "status", class: "muted" });
  const copies = [
    h("button", { type: "button", t: "bench.copy.text", onclick: () => copy(asText()) }),
    h("button", { type: "button", t: "bench.copy.csv", onclick: () => copy(toCsv(asRows())) }),
  ];

  async function run() {
    running = new AbortController();
    const { signal } = running;
    measured.clear();
    wrong = null;
    try {
      for (const one of CASES) {
        state = ["bench.state.running", { name: nameOf(one), done: measured.size, total: CASES.length }];
        update();
        measured.set(one, await measure(engine, one, signal));
      }
      state = ["bench.state.done", {}];
    } catch (error) {
      state = ["bench.state.stopped", { done: measured.size, total: CASES.length }];
      if (!signal.aborted) wrong = error;
    }
    running = null;
    update();
  }

  function update() {
    turnOff(start, running !== null);
    turnOff(cancel, running === null);
    progress.value = measured.size;
    message.setAttribute("aria-live", running ? "off" : "polite"); // announcing each case would be too much
    message.textContent = t(...state);
    problem.hidden = !wrong;
    setWords(problem, wrong ? t("bench.problem", { reason: explainError(wrong) }) : "");
    copied.textContent = "";
    copies.forEach((button) => turnOff(button, measured.size === 0));
    const rows = CASES.map((one) => ({ one, cells: cellsOf(one, measured.get(one)) }));
    inference.fill(rows.filter(({ one }) => !one.batch).map(({ cells }) => cells));
    training.fill(rows.filter(({ one }) => one.batch).map(({ cells }) => cells));
    CASES.forEach((one, i) => {
      select.options[i].textContent = nameOf(one);
      select.options[i].disabled = !measured.has(one);
    });
    profile.fill(profileRows());
  }

  function profileRows() {
    const one = CASES[Number(select.value)];
    return summarize(one, measured.get(one)?.rows ?? []).map(({ kind, operation, seconds, share, gflops }) => [
      t(kind ? `layer.${kind}` : "bench.whole"),
      t(`operation.${operation}`),
      milliseconds(seconds * 1e3),
      percent(share),
      gflops ? figure(gflops) : "",
    ]);
  }

  /** Plain numbers, for other programs. */
  function asRows() {
    const names = ["task", "width", "resolution", "batch", "variant", "threads"];
    const rows = [...measured].map(([{ width, resolution, batch }, { variant, threads, ...found }]) =>
      [batch ? "training step" : "inference", width, resolution, batch || 1, variant, threads]
        .concat([found.milliseconds, found.rate, found.gflops].map((value) => Number(value.toPrecision(4))))
        .map(String),
    );
    return [[...names, "milliseconds", "images_per_second", "gflops"], ...rows];
  }

  function asText() {
    const words = (/** @type {string[]} */ keys) => keys.map((key) => plain(key));
    const cells = (/** @type {boolean} */ batch) =>
      CASES.filter((one) => Boolean(one.batch) === batch && measured.has(one)).map((one) =>
        cellsOf(one, measured.get(one)),
      );
    const parts = [
      `${engineWords()
        .map(({ textContent }) => textContent)
        .join("")} · ${navigator.userAgent}\n`,
      ...[false, true].map((batch) => toText([words(COLUMNS), ...cells(batch)])),
    ];
    const rows = profileRows();
    const name = select.selectedOptions[0].textContent;
    if (rows.length) parts.push(`${plain("bench.profile")}: ${name}\n${toText([words(PROFILE_COLUMNS), ...rows])}`);
    return parts.join("\n");
  }

  /** @param {string} text */
  async function copy(text) {
    try {
      if (!navigator.clipboard) throw new EngineError("no-clipboard", "there is no clipboard");
      await navigator.clipboard.writeText(text.replaceAll("\u00a0", " ")); // non-breaking spaces between number and unit are only for the page
      copied.textContent = t("bench.copied");
    } catch (error) {
      copied.textContent = t("bench.uncopied", { reason: explainError(error) });
    }
  }

  const engineWords = () => rich(t(`cost.${core.setup.value.variant}`, { n: core.setup.value.threads }));
  effect(() => {
    const { obstacle } = core.setup.value;
    facts.replaceChildren(h("span", { class: "figure" }, ...engineWords()));
    if (obstacle) facts.append(" ", ...rich(t(`cost.obstacle.${obstacle}`)));
    for (const one of [inference, training, profile]) one.translate();
    update();
  });

  return [
    h(
      "section",
      { class: "panel" },
      h("p", { t: "bench.idea" }),
      facts,
      h("div", { class: "actions" }, start, cancel, ...copies, copied),
      progress,
      message,
      problem,
    ),
    h("section", { class: "panel" }, inference.element),
    h("section", { class: "panel" }, training.element),
    h(
      "section",
      { class: "panel" },
      h("div", { class: "field" }, h("label", { for: "profiled", t: "bench.profile.of" }), select),
      profile.element,
      h("p", { class: "hint", t: "bench.profile.hint" }),
    ),
  ];
}

/** @param {Case} one */
const networkOf = ({ width, resolution }) => t("bar.summary", { width: number(width), resolution: String(resolution) });

/** @param {Case} one */
const nameOf = (one) => t(one.batch ? "bench.training.of" : "bench.inference.of", { network: networkOf(one) });

/** A row, with dashes for missing results. @param {Case} one @param {Measurement} [found] */
function cellsOf(one, found) {
  if (!found) return [networkOf(one), ...COLUMNS.slice(1).map(() => "–")];
  return [
    networkOf(one),
    count(found.macs),
    milliseconds(found.milliseconds),
    figure(found.rate),
    figure(found.gflops),
  ];
}

/** A string without its markup for terms. @param {string} key */
const plain = (key) =>
  rich(t(key))
    .map(({ textContent }) => textContent)
    .join("");

/** A table whose first column names its rows. @param {string} caption @param {string[]} columns keys */
function table(caption, columns) {
  const body = h("tbody");
  const title = h("caption");
  const head = h("tr");
  const element = h("div", { class: "table-place" }, h("table", {}, title, h("thead", {}, head), body));
  return {
    element,
    translate() {
      title.replaceChildren(...rich(t(caption, { batch: BATCH })));
      head.replaceChildren(...columns.map((key) => h("th", { scope: "col", t: key })));
    },
    /** @param {string[][]} rows */
    fill(rows) {
      body.replaceChildren(
        ...rows.map(([name, ...cells]) =>
          h("tr", {}, h("th", { scope: "row" }, name), ...cells.map((cell) => h("td", {}, cell))),
        ),
      );
    },
  };
}
