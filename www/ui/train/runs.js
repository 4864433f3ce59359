/** The list of runs: how they differ, how far they came, and actions on their networks. */
import { troubleOf } from "../../lab/session/health.js";
import { stepOf, weightsIn } from "../../lab/run.js";
import { preset, SETTINGS } from "../../lab/settings.js";
import { effect, follow } from "../../lab/signals.js";
import { swatch, titleOf } from "../shared/curves.js";
import { goTo, h, keepFocus, save } from "../shared/dom.js";
import { accuracyOf, areFew, explainError, number, t } from "../shared/i18n.js";
import { createCurveFiles } from "./curvefiles.js";

/**
 * @typedef {import("../../lab/run.js").Run} Run
 * @typedef {import("../../lab/run.js").Which} Which
 */

/** Uses some of a run's weights in Classify. @param {import("../context.js").Context} context @param {Run} run @param {Which} which */
export async function useWeights({ session, state }, run, which) {
  const weights = session.keep(run, which, await session.weightsOf(run, which));
  state.set("classify", { weights, resolution: 0 });
  if (state.room.value === "train") goTo(state, "classify"); // a person who has left the room stays elsewhere
}

/** @param {import("../context.js").Context} context */
export function createRuns(context) {
  const { engine, session, library } = context;
  const { runs } = session;
  /** Which weights of a run were chosen, by its id. @type {Map<string, Which>} */
  const chosen = new Map();
  const list = h("ul", { class: "runs" });
  const empty = h("p", { class: "muted", t: "runs.empty", tabindex: -1 });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const restore = h("button", { type: "button", onclick: bringBack });
  const element = h(
    "section",
    { class: "panel runs-panel", "data-control": "runs", "t-aria-label": "runs.title" },
    h("h2", { t: "runs.title" }),
    empty,
    list,
    h("div", { class: "actions" }, restore),
    createCurveFiles(runs, attempt),
    problem,
  );

  /** @param {() => Promise<void>} act */
  async function attempt(act) {
    tell("");
    try {
      await act();
    } catch (error) {
      tell(explainError(error));
    }
  }

  /** @param {string} words none: nothing went wrong */
  function tell(words) {
    problem.textContent = words;
    problem.hidden = !words;
  }

  /**
   * The weights that a run's buttons use: as chosen, else the last ones, or the best if the last are useless.
   *
   * @param {Run} run
   */
  function whichOf(run) {
    const all = weightsIn(run);
    const wanted = chosen.get(run.id) ?? (troubleOf(run) ? "best" : "last");
    return all.includes(wanted) ? wanted : all[0];
  }

  /** Shows which weights the buttons use, and offers the choice if there is one. @param {Run} run */
  function choice(run) {
    const all = weightsIn(run);
    const words = (/** @type {Which} */ which) => {
      if (which === "last") return t(run.end === "active" ? "runs.last.active" : "runs.last", { step: stepOf(run) });
      return run.best ? t("runs.best", { accuracy: accuracyOf(run.best), step: run.best.step }) : "";
    };
    if (all.length < 2) return h("span", { class: "muted" }, ...all.map(words));
    const select = h(
      "select",
      {
        "data-key": `${run.id} which`,
        "aria-label": t("runs.which", { number: run.number }),
        onchange: () => chosen.set(run.id, /** @type {Which} */ (select.value)),
      },
      ...all.map((which) => h("option", { value: which }, words(which))),
    );
    select.value = whichOf(run);
    return select;
  }

  /** @param {Run} run @param {(bytes: Uint8Array, name: string) => void | Promise<void>} act */
  async function withFile(run, act) {
    const which = whichOf(run);
    const name = `mobilenetv2-${run.settings.data}-run${run.number}${which === "best" ? "-best" : ""}`;
    await act(await session.weightsOf(run, which), name);
  }

  /** @param {Run} run */
  function row(run) {
    const unfit = !weightsIn(run).length;
    const name = h("strong", {}, titleOf(run));
    const described = nameOf(run, runs.all.value, library);
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
      h("span", { class: "run-name" }, name, described && h("span", {}, ` ${described}`), changesOf(run)),
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
        choice(run),
        action(run, "runs.use", unfit, () => attempt(() => useWeights(context, run, whichOf(run)))),
        action(run, "weights.save", unfit, () =>
          attempt(() => withFile(run, (bytes, name) => save(bytes, `${name}.safetensors`))),
        ),
        action(run, "weights.onnx", unfit, () =>
          attempt(() => withFile(run, async (bytes, name) => save(await engine.toOnnx(bytes), `${name}.onnx`))),
        ),
        action(run, "runs.rename", false, () => rename(run, name)),
        action(run, "runs.forget", run.end === "active", () => forget(run)),
      ),
    );
  }

  /** Lets a person write a run's name in the place where it stands. @param {Run} run @param {HTMLElement} name */
  function rename(run, name) {
    let open = true;
    const finish = (/** @type {string | undefined} */ title) => {
      if (open) {
        open = false; // the field loses the focus as it goes
        runs.rename(run, title ?? "");
      }
    };
    const input = h("input", {
      type: "text",
      maxlength: 60,
      value: run.title ?? "",
      placeholder: t("runs.name", { number: run.number }),
      "aria-label": t("runs.name.of", { number: run.number }),
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        const { key } = event;
        if (key !== "Enter" && key !== "Escape") return;
        event.preventDefault(); // else Enter would also press the button that gets the focus
        finish(key === "Enter" ? input.value.trim() : run.title);
        const button = list.querySelector(`[data-key="${run.id} runs.rename"]`);
        /** @type {HTMLElement | null} */ (button)?.focus();
      },
      onblur: () => finish(input.value.trim()),
    });
    name.replaceChildren(input);
    input.focus();
  }

  /** Removes a run and focuses the button that undoes it. @param {Run} run */
  function forget(run) {
    runs.forget(run);
    restore.focus();
  }

  /** Brings a run back and focuses it. */
  function bringBack() {
    const run = runs.forgotten.value;
    runs.restore();
    const row = list.children[runs.all.value.findIndex((other) => other === run)];
    row?.querySelector("input")?.focus();
  }

  /** @param {Run} run @param {string} key @param {boolean} disabled @param {() => void} onclick */
  const action = ({ id }, key, disabled, onclick) =>
    h("button", { type: "button", "data-key": `${id} ${key}`, t: key, disabled, onclick });

  function drawList() {
    const all = runs.all.value;
    empty.hidden = all.length > 0;
    keepFocus(list, () => list.replaceChildren(...all.map(row)));
  }
  effect(drawList);
  effect(() => {
    const forgotten = runs.forgotten.value;
    restore.hidden = !forgotten;
    restore.textContent = forgotten && t("runs.restore", { number: forgotten.number });
  });
  effect(() => {
    runs.all.value; // earlier messages no longer apply
    tell(runs.problem.value ? sayUnkept(runs.problem.value) : "");
  });
  // an evaluation only changes the score, and adds a choice when it is the best for the first time
  follow(
    () => session.judged.value,
    () => {
      const run = session.run.value;
      const row = list.children[runs.all.value.findIndex((other) => other === run)];
      const place = row?.querySelector(".run-score");
      if (!run || !place) return;
      if (weightsIn(run).length > 1 && !row.querySelector("select")) drawList();
      else place.textContent = score(run);
    },
  );
  return element;
}

/** Explains why a run is not stored. @param {any} problem */
function sayUnkept(problem) {
  if (problem.name === "QuotaExceededError") return t("runs.full");
  return problem.code === "storage-silent" ? t("runs.silent") : t("runs.unkept", { reason: explainError(problem) });
}

/** @param {Run} run */
function score({ evaluations }) {
  const held = evaluations.at(-1);
  if (!held) return "";
  const { step, total } = held;
  return t(areFew(total) ? "runs.score.few" : "runs.score", { step, total, accuracy: accuracyOf(held) });
}

/**
 * How a run differs from the others; for a single run, its data and width.
 *
 * @param {Run} run @param {Run[]} runs @param {import("../../lab/library.js").Library} library
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

/** A value of a setting. @param {string} key @param {import("../../lab/settings.js").Value} value */
function wordsOf(key, value) {
  if (typeof value === "number") return number(value, { maximumSignificantDigits: 9, useGrouping: false });
  return typeof value === "boolean" ? t(value ? "yes" : "no") : t(`setting.${key}.${value}`);
}

/** Changes of settings during the run. @param {Run} run */
function changesOf({ changes = [] }) {
  const told = changes.map(({ step, key, from, to }) => {
    const setting = t(typeof to === "string" ? `setting.${key}` : `setting.${key}.short`);
    return t("runs.changed", { setting, from: wordsOf(key, from), to: wordsOf(key, to), step: number(step) });
  });
  return h("span", { class: "muted" }, told.map((change) => ` · ${change}`).join(""));
}

/** What a run of an earlier build had without saying so. */
const BEFORE = preset("quick");

/**
 * The run's value of a setting, which weights to start from may have determined.
 *
 * @param {Run} run
 * @param {string} key
 */
const settingOf = ({ config, settings }, key) =>
  /** @type {Record<string, any>} */ (config)[key] ?? settings[key] ?? BEFORE[key];
