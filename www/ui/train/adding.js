/** Adds pictures to classes, one after another in the order in which they came, until cancelled. */
import { h } from "../shared/dom.js";
import { explainError, t } from "../shared/i18n.js";

/**
 * @typedef {import("../../lab/project.js").Class} Class
 * @typedef {import("../shared/picturefiles.js").Found<File | import("../../lab/zip.js").Packed>} Found
 */

/** Number of skipped files for which the reason is shown. */
const TOLD = 3;
/** Milliseconds between progress updates: a frame costs more, the more pictures are shown. */
const OFTEN = 100;

/**
 * @param {import("../../lab/project.js").Project} project
 * @param {{say: (text: string) => void, fail: (error: unknown) => void, leave: () => void}} how `say`: reports what was done;
 *   `leave`: moves the focus, since the focused button disappears
 */
export function createAdding(project, { say, fail, leave }) {
  /** Aborts what is being added, and what waits for that. */
  let adding = new AbortController();
  let added = Promise.resolve();
  const progress = h("progress", { max: 1, value: 0, "t-aria-label": "pictures.progress" });
  const text = h("span", { class: "number" });
  const cancel = h("button", { type: "button", t: "cancel", onclick: () => adding.abort() });
  const element = h("div", { class: "adding actions", hidden: true }, text, progress, cancel);

  /** @param {number} total @param {[Class, Found[]][]} groups @param {AbortSignal} signal */
  async function addNow(total, groups, signal) {
    element.hidden = false;
    navigator.storage?.persist?.().catch(() => {}); // so that the browser does not clear it when space runs low
    const failed = [];
    let before = 0;
    let looked = 0;
    let told = -Infinity;
    for (const [one, found] of groups) {
      const names = new Map(found.map(({ file, name }) => [file, name]));
      const onProgress = (/** @type {number} */ done) => {
        looked++;
        if (performance.now() - told < OFTEN) return;
        told = performance.now();
        progress.value = (before + done) / total;
        text.textContent = t("pictures.adding", { done: before + done, total });
      };
      for (const { source, error } of await project.add(one, names.keys(), { signal, onProgress })) {
        failed.push(t("classify.problem", { name: names.get(source) ?? source.name, reason: explainError(error) }));
      }
      before += found.length;
    }
    if (signal.aborted) adding = new AbortController();
    const focused = cancel === document.activeElement;
    element.hidden = true;
    if (focused) leave();
    const count = failed.length;
    say(
      count
        ? t("pictures.failed", { added: looked - count, count, reasons: failed.slice(0, TOLD).join(" ") })
        : t("pictures.added", { count: looked, names: groups.map(([{ name }]) => name).join(", ") }),
    );
  }

  return {
    element,
    /** @param {number} total @param {() => [Class, Found[]][]} groups asked for once it is their turn */
    add(total, groups) {
      const { signal } = adding;
      if (total) added = added.then(() => (signal.aborted ? undefined : addNow(total, groups(), signal))).catch(fail);
    },
  };
}
