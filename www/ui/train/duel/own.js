/** A person's own comparison: which setting differs, its values, and the length. */
import { DIFFERING } from "../../../lab/duel/contests.js";
import { effect } from "../../../lab/signals.js";
import { isSteps } from "../../../lab/state.js";
import { h, setOptions } from "../../shared/dom.js";
import { number, t } from "../../shared/i18n.js";
import { nameOf, valueOf } from "../../shared/duelwords.js";

/** Values proposed for a setting: its choices, or numbers around the usual one. @param {import("../../../lab/settings.js").Setting} setting */
function proposal({ choices, quick, paper, min = 0, max = Infinity, whole }) {
  if (choices) return choices.slice(0, 4).join(" ");
  if (typeof quick === "boolean") return "true false";
  const middle = Number(quick) || Number(paper) || 1;
  const values = [middle, middle / 2].map((value) => Math.min(Math.max(whole ? Math.round(value) : value, min), max));
  return values.join(" ");
}

/** @param {import("./duel.js").Means} means */
export function createOwn({ state, chosen }) {
  const differs = h("select", { id: "duel-differs", onchange: () => change(differs.value) });
  const text = h("input", {
    id: "duel-between",
    type: "text",
    autocomplete: "off",
    "aria-describedby": "duel-between-hint",
    onchange: () => state.set("duel", { between: text.value.trim() }),
  });
  const choices = h("div", { class: "actions", role: "group", "aria-labelledby": "duel-between-label" });
  const steps = h("input", {
    id: "duel-steps",
    type: "text",
    inputmode: "numeric",
    autocomplete: "off",
    onchange: () => {
      const value = Number(steps.value);
      steps.setAttribute("aria-invalid", String(!isSteps(value)));
      if (isSteps(value)) state.set("duel", { steps: value });
    },
  });
  const hint = h("p", { class: "hint", id: "duel-between-hint" });
  const element = h(
    "div",
    { class: "duel-own" },
    h("div", { class: "field" }, h("label", { for: "duel-differs", t: "duel.own.differs" }), differs),
    h(
      "div",
      { class: "field" },
      h("label", { for: "duel-between", id: "duel-between-label", t: "duel.own.between" }),
      text,
      choices,
    ),
    h("div", { class: "field" }, h("label", { for: "duel-steps", t: "duel.own.steps" }), steps),
    hint,
  );

  /** @param {string} key */
  function change(key) {
    const setting = DIFFERING.find((one) => one.key === key);
    if (setting) state.set("duel", { differs: key, between: proposal(setting) });
  }

  /** @param {string[]} values @param {string} value @param {boolean} on */
  const toggle = (values, value, on) =>
    state.set("duel", { between: (on ? [...values, value] : values.filter((one) => one !== value)).join(" ") });

  effect(() => {
    const own = state.values.duel.value;
    const setting = DIFFERING.find(({ key }) => key === own.differs);
    setOptions(
      differs,
      DIFFERING.map(({ key }) => h("option", { value: key }, nameOf(key))),
    );
    differs.value = String(own.differs);
    const between = String(own.between);
    const values = between.split(/[\s;]+/).filter(Boolean);
    const all = setting?.choices ?? (typeof setting?.quick === "boolean" ? ["true", "false"] : null);
    text.hidden = !!all;
    choices.hidden = !all;
    if (text.value !== between) text.value = between;
    if (steps.value !== String(own.steps)) steps.value = String(own.steps);
    const kept = [.../** @type {NodeListOf<HTMLInputElement>} */ (choices.querySelectorAll("input"))];
    if (all && (kept.length !== all.length || kept.some((box, i) => box.value !== all[i]))) {
      choices.replaceChildren(
        ...all.map((value) => {
          const box = h("input", { type: "checkbox", value });
          box.onchange = () =>
            toggle(String(state.values.duel.peek().between).split(" ").filter(Boolean), value, box.checked);
          return h("label", { class: "field inline" }, box, h("span", {}));
        }),
      );
    }
    for (const label of choices.children) {
      const box = /** @type {HTMLInputElement} */ (label.firstElementChild);
      box.checked = values.includes(box.value);
      const words = all && typeof setting?.quick === "boolean" ? box.value === "true" : box.value;
      /** @type {Element} */ (label.lastElementChild).textContent = valueOf(String(own.differs), words);
    }
    const valid = !!chosen.value.contest;
    text.setAttribute("aria-invalid", String(!valid));
    hint.classList.toggle("problem", !valid);
    hint.textContent = valid
      ? t("duel.own.hint")
      : setting?.min !== undefined
        ? t("duel.own.range", { min: setting.min, max: number(setting.max ?? Infinity, { useGrouping: false }) })
        : t("duel.own.values");
  });
  return element;
}
