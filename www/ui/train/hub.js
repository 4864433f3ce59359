/** Adds a set of the Hugging Face Hub to the person's own pictures: its facts, and a choice of how many pictures. */
import { findSet } from "../../engine/hub.js";
import { countLabels, planSet, readPictures } from "../../engine/hubpictures.js";
import { SETS } from "../../engine/hubsets.js";
import { follow } from "../../lab/signals.js";
import { h, setOptions } from "../shared/dom.js";
import { currentLanguage, explainError, number, t } from "../shared/i18n.js";

/** Total pictures: the default, and the most that a page displays well. */
const USUAL = 300;
const MOST = 2000;
/** Number of classes that are named, and of skipped pictures for which the reason is shown. */
const TOLD = 6;
const REASONS = 3;
const OTHER = "other";

/**
 * @param {import("../../lab/project.js").Project} project
 * @param {{say: (text: string) => void, fail: (error: unknown) => void, leave: () => void}} how as for `createAdding`
 */
export function createHub(project, { say, fail, leave }) {
  /** @type {{set: import("../../engine/hub.js").HubSet, plan: import("../../engine/hubpictures.js").Plan} | null} */
  let found = null;
  let work = new AbortController();

  const sets = h("select", { onchange: changed }, ...options());
  const id = h("input", {
    type: "text",
    spellcheck: "false",
    autocapitalize: "none",
    placeholder: "uoft-cs/cifar10",
    oninput: forget,
  });
  const ownId = h("label", { hidden: true }, h("span", { t: "hub.id" }), id);
  const count = h("input", { type: "number", min: 10, max: MOST, step: 10, value: USUAL, oninput: forget });
  const columns = h("select", { onchange: forget });
  const column = h("label", { hidden: true }, h("span", { t: "hub.column" }), columns);
  const look = h("button", { type: "button", t: "hub.look", onclick: lookUp });
  const add = h("button", { type: "button", class: "primary", hidden: true, onclick: addAll });
  const holds = h("p", { role: "status" });
  const progress = h("progress", { max: 1, value: 0, "t-aria-label": "pictures.progress" });
  const text = h("span", { class: "number" });
  const cancel = h("button", { type: "button", t: "cancel", onclick: () => work.abort() });
  const waiting = h("div", { class: "adding actions", hidden: true }, text, progress, cancel);
  const element = h(
    "section",
    { class: "hub", "t-aria-label": "pictures.hub" },
    h("p", { class: "muted", t: "hub.hint" }),
    h(
      "div",
      { class: "actions" },
      h("label", {}, h("span", { t: "hub.set" }), sets),
      ownId,
      column,
      h("label", {}, h("span", { t: "hub.count" }), count),
      look,
      add,
    ),
    holds,
    waiting,
  );

  function options() {
    const listed = SETS.map(({ key, id, classes, megabytes }) =>
      h("option", { value: id }, t("hub.listed", { name: t(`hub.set.${key}`), classes, megabytes })),
    );
    return [...listed, h("option", { value: OTHER }, t("hub.other"))];
  }

  /** Forgets the chosen columns when another set is entered. */
  function changed() {
    ownId.hidden = sets.value !== OTHER;
    column.hidden = true;
    forget();
  }

  /** Counts what is looked up: an answer about an earlier set no longer matters. */
  let turn = 0;
  function forget() {
    turn++;
    found = null;
    add.hidden = true;
    holds.textContent = "";
  }

  /**
   * Runs something that takes a while and can be cancelled.
   *
   * @param {string} words @param {(signal: AbortSignal) => Promise<void>} act
   */
  async function busy(words, act) {
    fail(null);
    work.abort();
    const { signal } = (work = new AbortController());
    text.textContent = words;
    progress.removeAttribute("value");
    waiting.hidden = false;
    look.disabled = add.disabled = true;
    try {
      await act(signal);
    } catch (error) {
      if (!signal.aborted) refuse(error);
    } finally {
      const focused = cancel === document.activeElement;
      waiting.hidden = true;
      look.disabled = add.disabled = false;
      if (focused) leave();
    }
  }

  /** Shows an error; if several columns may be meant, offers them. @param {any} error */
  function refuse(error) {
    const [, what] = /^hub-which-(image|label)$/.exec(error?.code) ?? [];
    if (what) {
      columns.dataset.of = what;
      setOptions(
        columns,
        error.values.columns.split(", ").map((/** @type {string} */ name) => h("option", {}, name)),
      );
      column.hidden = false;
      columns.focus();
    }
    fail(error);
  }

  function lookUp() {
    const chosen = sets.value === OTHER ? id.value : sets.value;
    const images = Math.min(MOST, Math.max(10, Math.round(Number(count.value)) || USUAL));
    count.value = String(images);
    const columnOf = column.hidden ? {} : { [columns.dataset.of ?? ""]: columns.value };
    return busy(t("hub.looking"), async (signal) => {
      forget();
      const mine = turn;
      const set = await findSet({ id: chosen, ...columnOf }, signal);
      const plan = await planSet(set, images, signal);
      signal.throwIfAborted();
      if (mine !== turn) return;
      found = { set, plan };
      const held = countLabels(plan.held_out, plan.names.length);
      const all = countLabels(plan.train, plan.names.length).map((count, i) => count + held[i]);
      const told = plan.names.slice(0, TOLD).map((name, i) => `${name} (${number(all[i])})`);
      const values = { id: set.id, classes: plan.names.length, held: sum(held) };
      holds.textContent = t("hub.holds", {
        ...values,
        names: [...told, ...(plan.names.length > TOLD ? ["…"] : [])].join(", "),
      });
      if (set.partial) holds.textContent += ` ${t("hub.partial")}`;
      add.textContent = t("hub.add", { count: sum(all), megabytes: Math.max(1, Math.round(plan.bytes / 1e6)) });
      add.hidden = false;
    });
  }

  function addAll() {
    if (!found) return;
    const { set, plan } = found;
    const picks = [...plan.train, ...plan.held_out];
    const total = picks.reduce((total, { rows }) => total + rows.length, 0);
    return busy(t("pictures.adding", { done: 0, total }), async (signal) => {
      /** @type {unknown[]} */
      const failed = [];
      let done = 0;
      const tell = () => {
        progress.value = done / total;
        text.textContent = t("pictures.adding", { done, total });
      };
      try {
        for (const held_out of [false, true]) {
          for (const pick of held_out ? plan.held_out : plan.train) {
            /** @type {Blob[][]} */
            const byClass = plan.names.map(() => []);
            for await (const { bytes, label } of readPictures(set, [pick], signal)) {
              byClass[label].push(new Blob(bytes ? [bytes] : []));
            }
            for (const [label, blobs] of byClass.entries()) {
              if (!blobs.length) continue;
              const before = done;
              const onProgress = (/** @type {number} */ added) => {
                done = before + added;
                tell();
              };
              const left = await project.add(classOf(plan.names[label]), blobs, { signal, onProgress, held_out });
              failed.push(...left.map(({ error }) => error));
            }
            signal.throwIfAborted();
          }
        }
        forget();
      } finally {
        const reasons = [...new Set(failed.map(explainError))].slice(0, REASONS).join(" ");
        const added = done - failed.length;
        if (failed.length) say(t("pictures.failed", { added, count: failed.length, reasons }));
        else if (added) say(t("pictures.added", { count: added, names: plan.names.slice(0, TOLD).join(", ") }));
      }
    });
  }

  /** @param {string} name */
  const classOf = (name) => project.classes.value.find((one) => one.name === name) ?? project.addClass(name);

  follow(currentLanguage, () => {
    const { value } = sets;
    setOptions(sets, options());
    sets.value = value;
    forget();
  });
  return { element, focus: () => sets.focus() };
}

/** @param {number[]} values */
const sum = (values) => values.reduce((a, b) => a + b, 0);
