/** The form of training settings, made from the table in settings.js. */
import { PHOTO_WEIGHTS } from "../../lab/library.js";
import { parse, preset, SETTINGS, switchData } from "../../lab/settings.js";
import { effect } from "../../lab/signals.js";
import { h, showProblem } from "../shared/dom.js";
import { number, t } from "../shared/i18n.js";
import { fillWhenOpen } from "./fold.js";
import { createRate } from "./rate.js";

const GROUPS = ["data", "rate", "optimizer", "augmentation", "network"];
/** Groups that are open at first. */
const OPEN = ["data", "rate"];

/** @typedef {import("../../lab/settings.js").Setting} Setting */

/** @param {import("../context.js").Context} context */
export function createSettings(context) {
  const { state, session, model, library } = context;
  const presets = h(
    "div",
    { class: "actions presets" },
    h("button", { type: "button", t: "settings.quick", onclick: () => start("quick") }),
    h("button", { type: "button", t: "settings.paper", onclick: () => start("paper") }),
  );
  const rows = SETTINGS.map((setting) =>
    createRow(setting, { change, slide: (value) => state.set("train", { [setting.key]: value }) }),
  );
  const set = (/** @type {import("../../lab/settings.js").Values} */ values) => state.set("train", values);
  const wall = h("div", { class: "wall-place" });
  /** Figures of groups. @type {Record<string, HTMLElement>} */
  const figures = { rate: createRate(context, { set, apply }), augmentation: wall };
  const groups = GROUPS.map((group) =>
    h(
      "details",
      { open: OPEN.includes(group), "data-control": `group-${group}` },
      h("summary", { t: `settings.group.${group}` }),
      figures[group] ?? null,
      ...rows.filter(({ setting }) => setting.group === group).map(({ element }) => element),
    ),
  );
  fillWhenOpen(groups[GROUPS.indexOf("augmentation")], wall, {
    file: "wall.js",
    style: "feed.css",
    part: () => import("./wall.js"),
    make: ({ createWall }, open) => createWall(context, open),
  });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  /**
   * The weights that were proposed when own pictures were chosen, and the resolution that they replaced.
   *
   * @type {{from: string, resolution: any} | null}
   */
  let proposed = null;

  /** Keeps data, seed and the network's size. @param {"quick" | "paper"} kind */
  function start(kind) {
    const { data, seed } = state.values.train.value;
    for (const row of rows) row.forget();
    state.set("train", { ...preset(kind, String(data)), seed });
    apply(SETTINGS.map(({ key }) => key));
  }

  /**
   * Sets a value. Own pictures are best learnt from weights trained on photos: those loaded or, if these were trained on
   * drawings or are still loading, others.
   *
   * @param {Setting} setting @param {number | string | boolean} value
   */
  function change(setting, value) {
    if (setting.key !== "data") {
      state.set("train", { [setting.key]: value });
      return apply([setting.key]);
    }
    const train = state.values.train.value;
    const { from, resolution } = train;
    const back = from && proposed?.from === from && { from: "", resolution: proposed.resolution };
    const loaded = model.loaded.value;
    const known = loaded && loaded.samples !== "drawings" ? loaded.entry : library.find(PHOTO_WEIGHTS);
    const proposal = value === "pictures" && !from ? known : undefined;
    proposed = proposal ? { from: proposal.id, resolution } : null;
    state.set("train", {
      ...switchData(train, String(value)),
      ...back,
      ...(proposal && { from: proposal.id, resolution: proposal.config.resolution ?? 224 }),
    });
  }

  /** Applies changed settings to the run in progress, if they may change during training. @param {string[]} keys */
  async function apply(keys) {
    problem.hidden = true;
    if (!session.active.value || !session.run.value) return;
    const live = SETTINGS.filter(({ key, live }) => live && keys.includes(key));
    if (!live.length) return;
    try {
      const { value } = state.values.train;
      await session.change(Object.fromEntries(live.map(({ key }) => [key, value[key]])));
    } catch (error) {
      showProblem(problem, error);
    }
  }

  effect(() => {
    const train = state.values.train.value;
    const entry = library.find(train.from);
    for (const row of rows) row.update(entry ? { ...train, ...decided(entry.config) } : train, session.running.value);
  });
  return h("div", {}, presets, problem, ...groups);
}

/** Settings determined by the weights to start from. @param {import("../../engine/protocol.js").Config} config */
function decided(config) {
  const given = /** @type {Record<string, any>} */ (config);
  const plain = preset("quick");
  const keys = SETTINGS.filter(({ target }) => target === "config").map(({ key }) => key);
  return Object.fromEntries(keys.map((key) => [key, given[key] ?? plain[key]]));
}

/**
 * One setting: its control, a slider if it has one, a line of explanation, and what is wrong with it or when it takes effect.
 *
 * @param {Setting} setting
 * @param {{change: (setting: Setting, value: number | string | boolean) => void, slide: (value: number) => void}} act `slide`:
 *   while the slider is dragged, `change` when it rests
 */
function createRow(setting, { change, slide }) {
  const { key, choices, live } = setting;
  const id = `setting-${key}`;
  const hintId = `${id}-hint`;
  const noteId = `${id}-note`;
  const describedby = `${hintId} ${noteId}`;
  const note = h("span", { class: "note", id: noteId });
  const toggle = typeof setting.quick === "boolean";
  const control = choices
    ? h(
        "select",
        { id, "aria-describedby": describedby, onchange: commit },
        ...choices.map((choice) => h("option", { value: choice, t: `setting.${key}.${choice}` })),
      )
    : h("input", {
        id,
        "aria-describedby": describedby,
        onchange: commit,
        ...(toggle
          ? { type: "checkbox" }
          : { type: "text", inputmode: setting.whole ? "numeric" : "decimal", autocomplete: "off" }),
      });
  const slider = setting.slide
    ? h("input", {
        type: "range",
        min: setting.min ?? 0,
        "t-aria-label": `setting.${key}`,
        oninput: () => slide(Number(slider?.value)),
        onchange: () => change(setting, Number(slider?.value)),
      })
    : null;
  const element = h(
    "div",
    { class: "setting" },
    h("label", { for: id, t: `setting.${key}` }),
    control,
    slider,
    h("p", { class: "hint", id: hintId }, h("span", { t: `setting.${key}.hint` }), " ", note),
  );

  function commit() {
    const text = control instanceof HTMLInputElement && toggle ? String(control.checked) : control.value;
    const value = parse(setting, text);
    control.setAttribute("aria-invalid", String(value === null));
    if (value !== null) change(setting, value);
    tell();
  }

  /** The value shown: a person's input over it stays until it changes. @type {unknown} */
  let shown;
  let waits = false;
  let later = false;

  /** Shows what is wrong with the value, or when it takes effect. */
  function tell() {
    const wrong = control.getAttribute("aria-invalid") === "true";
    const max = number(setting.max ?? 0, { maximumSignificantDigits: 9, useGrouping: false });
    const range = setting.whole ? "settings.range.whole" : "settings.range";
    note.classList.toggle("waits", waits && !wrong);
    note.classList.toggle("later", later && !wrong);
    if (wrong) note.textContent = t(range, { min: setting.min ?? 0, max });
    else if (control.disabled) note.textContent = t("settings.weights");
    else if (waits) note.textContent = t("settings.waits");
    else note.textContent = live ? "" : t("settings.new");
  }

  return {
    setting,
    element,
    /** Lets the next update replace the input. */
    forget: () => (shown = undefined),
    /** @param {import("../../lab/settings.js").Values} values @param {import("../../lab/settings.js").Values} [running] */
    update(values, running) {
      const value = values[key];
      if (value !== shown) {
        if (toggle && control instanceof HTMLInputElement) control.checked = value === true;
        else control.value = String(value);
        control.removeAttribute("aria-invalid");
        shown = value;
      }
      if (slider && setting.slide) {
        slider.max = String(setting.slide(values));
        slider.value = String(value);
      }
      control.disabled = setting.target === "config" && !!values.from;
      element.hidden = !(setting.when?.(values) ?? true);
      waits = !!running && !control.disabled && running[key] !== value;
      later = !running && !control.disabled; // its space is reserved, so that nothing moves at the start
      tell();
    },
  };
}
