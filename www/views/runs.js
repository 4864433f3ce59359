/** The runs kept: what set them apart, how far they came, and what can be done with their networks. */
import { goTo, h, keepFocus, save } from "../dom.js";
import { accuracyOf, areFew, explainError, number, t } from "../i18n.js";
import { SETTINGS } from "../settings.js";
import { swatch } from "./curves.js";

/** @typedef {import("../session.js").Run} Run */

/** @param {import("../main.js").Context} context */
export function createRuns({ engine, session, state, library }) {
  const { runs } = session;
  const list = h("ul", { class: "runs" });
  const empty = h("p", { class: "muted", t: "runs.empty", tabindex: -1 });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const restore = h("button", { type: "button", onclick: bringBack });
  const element = h(
    "section",
    { class: "panel", "t-aria-label": "runs.title" },
    h("h2", { t: "runs.title" }),
    empty,
    list,
    h("div", { class: "actions" }, restore),
    problem,
  );

  /** @param {Run} run @param {(weights: Uint8Array) => void | Promise<void>} act */
  async function withWeights(run, act) {
    tell("");
    try {
      await act(await session.weightsOf(run));
    } catch (error) {
      tell(explainError(error));
    }
  }

  /** @param {string} words none: nothing went wrong */
  function tell(words) {
    problem.textContent = words;
    problem.hidden = !words;
  }

  /** @param {Run} run @param {Uint8Array} bytes */
  function use(run, bytes) {
    session.keep(run, bytes);
    state.set("classify", { weights: run.id, resolution: 0 });
    if (state.room === "train") goTo(state, "classify"); // a person who has gone elsewhere by now is left there
  }

  /** @param {Run} run */
  const fileName = (run) => `mobilenetv2-${run.settings.data}-run${run.number}`;

  /** @param {Run} run */
  function row(run) {
    const unfit = run.end === "failed" || run.end === "interrupted";
    const name = t("runs.name", { number: run.number });
    const described = nameOf(run, runs.all, library);
    return h(
      "li",
      {},
      h("input", {
        type: "checkbox",
        "data-key": `${run.id} show`,
        checked: !run.hidden,
        "aria-label": t("runs.show", { number: run.number }),
        onchange: (/** @type {Event} */ event) =>
          runs.show(run, /** @type {HTMLInputElement} */ (event.target).checked),
      }),
      swatch(run),
      h(
        "span",
        { class: "run-name" },
        h("strong", {}, name),
        described && h("span", {}, ` ${described}`),
        changesOf(run),
      ),
      h(
        "span",
        { class: "run-end" },
        h("span", { class: "number run-score" }, score(run)),
        " ",
        h("span", { class: "muted" }, t(`runs.${run.end}`)),
      ),
      h(
        "span",
        { class: "actions" },
        action(run, "runs.use", unfit, () => withWeights(run, (bytes) => use(run, bytes))),
        action(run, "weights.save", unfit, () =>
          withWeights(run, (bytes) => save(bytes, `${fileName(run)}.safetensors`)),
        ),
        action(run, "weights.onnx", unfit, () =>
          withWeights(run, async (bytes) => save(await engine.toOnnx(bytes), `${fileName(run)}.onnx`)),
        ),
        action(run, "runs.forget", run.end === "active", () => forget(run)),
      ),
    );
  }

  /** The keyboard's focus goes to what undoes it. @param {Run} run */
  function forget(run) {
    runs.forget(run);
    restore.focus();
  }

  /** The keyboard's focus goes to what came back. */
  function bringBack() {
    const run = runs.forgotten;
    runs.restore();
    const row = list.children[runs.all.findIndex((other) => other === run)];
    row?.querySelector("input")?.focus();
  }

  /** @param {Run} run @param {string} key @param {boolean} disabled @param {() => void} onclick */
  const action = ({ id }, key, disabled, onclick) =>
    h("button", { type: "button", "data-key": `${id} ${key}`, t: key, disabled, onclick });

  function update() {
    const { all, forgotten, problem: unkept } = runs;
    empty.hidden = all.length > 0;
    keepFocus(list, () => list.replaceChildren(...all.map(row)));
    restore.hidden = !forgotten;
    restore.textContent = forgotten && t("runs.restore", { number: forgotten.number });
    tell(unkept ? t("runs.unkept", { reason: explainError(unkept) }) : "");
  }
  runs.addEventListener("change", update);
  session.addEventListener("evaluation", () => {
    const { run } = session;
    const place = list.children[runs.all.findIndex((other) => other === run)]?.querySelector(".run-score");
    if (place && run) place.textContent = score(run);
  });
  document.addEventListener("language", update);
  update();
  return element;
}

/** @param {Run} run */
function score({ evaluations }) {
  const held = evaluations.at(-1);
  if (!held) return "";
  const { step, total } = held;
  return t(areFew(total) ? "runs.score.few" : "runs.score", { step, total, accuracy: accuracyOf(held) });
}

/**
 * What sets a run apart from the others; alone, the data and the width.
 *
 * @param {Run} run @param {Run[]} runs @param {import("../library.js").Library} library
 */
function nameOf(run, runs, library) {
  const keys = ["from", "width", "resolution", ...SETTINGS.map(({ key }) => key)];
  const apart = keys.filter((key) => runs.some((other) => settingOf(other, key) !== settingOf(run, key)));
  const told = apart.length ? apart : ["data", "width"];
  return told
    .map((key) => {
      const value = settingOf(run, key);
      if (key === "from") return value ? (library.find(value)?.name() ?? value) : t("bar.random");
      return typeof value === "string" ? wordsOf(key, value) : `${t(`setting.${key}.short`)} ${wordsOf(key, value)}`;
    })
    .join(" · ");
}

/** A value of a setting. @param {string} key @param {import("../settings.js").Value} value */
function wordsOf(key, value) {
  if (typeof value === "number") return number(value, { maximumSignificantDigits: 9, useGrouping: false });
  return typeof value === "boolean" ? t(value ? "yes" : "no") : t(`setting.${key}.${value}`);
}

/** What was changed while it trained. @param {Run} run */
function changesOf({ changes = [] }) {
  const told = changes.map(({ step, key, from, to }) => {
    const setting = t(typeof to === "string" ? `setting.${key}` : `setting.${key}.short`);
    return t("runs.changed", { setting, from: wordsOf(key, from), to: wordsOf(key, to), step: number(step) });
  });
  return h("span", { class: "muted" }, told.map((change) => ` · ${change}`).join(""));
}

/** One that weights to start from have decided is theirs. @param {Run} run @param {string} key */
const settingOf = ({ config, settings }, key) => /** @type {Record<string, any>} */ (config)[key] ?? settings[key];
