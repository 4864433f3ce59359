/** The list of weights: fetch, use, save, delete. */
import { effect, follow, signal } from "../../lab/signals.js";
import { h, save, showProblem } from "../shared/dom.js";
import { bytes, duration, number, percent, t } from "../shared/i18n.js";

/** @typedef {import("../../lab/library.js").Entry} Entry */

/** Origins of the weights in each group. @type {Record<string, Entry["origin"][]>} */
const GROUPS = { yours: ["opened", "trained", "project"], shipped: ["shipped"], published: ["published"] };

/**
 * @param {import("../context.js").Context} context
 * @param {{use: (entry: Entry) => void, open: () => void}} actions `open`: shows the file dialog
 */
export function createWeights({ engine, state, library, model }, { use, open }) {
  const room = h("p", { class: "muted" });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const groups = Object.entries(GROUPS).map(([name, origins]) => {
    const list = h("ul", { class: "weights-list" });
    const element = h("section", {}, h("h3", { t: `weights.group.${name}` }), list);
    if (name === "published") list.before(h("p", { class: "muted", t: "weights.published" }));
    return { origins, list, element };
  });
  const close = h("button", { type: "button", t: "close", onclick: () => dialog.close() });
  const dialog = h(
    "dialog",
    { class: "weights", "t-aria-label": "weights.title" },
    h("header", {}, h("h2", { t: "weights.title" }), close),
    h("div", { class: "actions" }, h("button", { type: "button", t: "bar.open", onclick: openFile })),
    room,
    problem,
    ...groups.map(({ element }) => element),
  );
  document.body.append(dialog);
  /** How often the list was opened, which updates it; it also updates while it is open. */
  const times = signal(0);
  /** @type {Map<string, ReturnType<typeof createRow>>} */
  let rows = new Map();

  function openFile() {
    dialog.close();
    open();
  }

  /**
   * Runs an action that may fail, and shows its error in `place`.
   *
   * @param {HTMLElement} place
   * @param {() => Promise<unknown> | void} action
   */
  async function attempt(place, action) {
    place.hidden = true;
    try {
      await action();
    } catch (error) {
      if (/** @type {Error} */ (error).name === "AbortError") return;
      showProblem(place, error);
    }
  }

  /** @param {Entry} entry */
  function remove(entry) {
    if (entry.origin === "trained" && !confirm(t("weights.confirm", { name: entry.name() }))) return;
    state.forget(entry.id);
    return library.remove(entry);
  }

  /** @param {Entry} entry */
  function createRow(entry) {
    const { id, origin, config, source } = entry;
    const button = (/** @type {string} */ key, /** @type {() => Promise<unknown> | void} */ action) =>
      h("button", { type: "button", t: key, onclick: () => attempt(wrong, action) });
    const wrong = h("p", { class: "problem", role: "alert", hidden: true });
    const name = h("strong");
    const about = h("span", { class: "muted" });
    const size = h("span", { class: "number" });
    const progress = h("progress", { max: 1, "t-aria-label": "weights.progress" });
    const get = button("weights.get", () => library.load(entry));
    const goOn = button("weights.go-on", () => library.load(entry));
    const cancel = button("cancel", () => library.cancel(id));
    const choose = button("weights.use", () => {
      dialog.close();
      use(entry);
    });
    const fileName = (origin === "opened" ? entry.name() : id)
      .replace(/\.safetensors$/, "")
      .replace(/[^\p{L}\p{N}._-]+/gu, "-");
    const toFile = button("weights.save", async () => save(await library.load(entry), `${fileName}.safetensors`));
    const toOnnx = button("weights.onnx", async () =>
      save(await engine.toOnnx(await library.load(entry), { options: entry.options }), `${fileName}.onnx`),
    );
    const gone = button("weights.delete", () => remove(entry));
    const from = !!source && h("a", { href: source, rel: "noreferrer" }, new URL(source).host);
    const element = h(
      "li",
      {},
      h("div", { class: "weights-what" }, name, about, from),
      h("div", { class: "weights-size" }, size, progress),
      h("div", { class: "actions" }, get, goOn, cancel, choose, toFile, toOnnx, gone),
      wrong,
    );

    function update() {
      const { stored, accuracy, training } = entry;
      const fetching = library.fetching.value.get(id);
      const here = origin !== "published" || !!stored?.whole || !!entry.bytes;
      const part = !here && !!stored?.size;
      const right = Object.entries(accuracy);
      name.textContent = entry.name();
      about.textContent = [
        t("weights.config", { width: number(config.width ?? 1), resolution: String(config.resolution ?? 224) }),
        right.length === 1 && t("weights.accuracy", { accuracy: percent(right[0][1]) }),
        right.length > 1 &&
          t("weights.accuracies", {
            list: right.map(([side, share]) => t("weights.accuracy-at", { accuracy: percent(share), side })).join(", "),
          }),
        training &&
          t("weights.training", {
            activation: t(`setting.activation.${training.activation}`),
            epochs: training.epochs,
            time: duration(60 * training.minutes),
          }),
        training?.widened_from && t("weights.widened", { width: number(training.widened_from) }),
      ]
        .filter((text) => text)
        .join(" · ");
      const whole = bytes(here ? (stored?.size ?? entry.bytes?.length ?? entry.size ?? 0) : (entry.size ?? 0));
      if (fetching) size.textContent = percent(fetching.share);
      else if (part) size.textContent = t("weights.part", { here: bytes(stored.size), size: whole });
      else size.textContent = here ? whole : t("weights.about", { size: whole });
      progress.hidden = !fetching;
      progress.value = fetching?.share ?? 0;
      get.hidden = here || part || !!fetching;
      goOn.hidden = !part || !!fetching;
      cancel.hidden = !fetching;
      for (const one of [choose, toFile, toOnnx]) one.hidden = !here || !!fetching;
      choose.disabled =
        (state.room.value === "train" ? state.values.train.value.from : model.loaded.value?.entry.id) === id;
      gone.hidden = origin === "shipped" || origin === "project" || !!fetching || !(here || part);
    }
    return { entry, element, update };
  }

  function update() {
    const before = rows;
    const focused = [...before.values()].find(({ element }) => element.contains(document.activeElement));
    rows = new Map(
      library.entries.value.map((entry) => {
        const row = before.get(entry.id);
        return [entry.id, row?.entry === entry ? row : createRow(entry)];
      }),
    );
    for (const { origins, list, element } of groups) {
      const shown = [...rows.values()].filter(({ entry }) => origins.includes(entry.origin));
      element.hidden = !shown.length;
      const same = shown.length === list.children.length && shown.every((row, i) => row.element === list.children[i]);
      if (!same) list.replaceChildren(...shown.map((row) => row.element));
    }
    for (const row of rows.values()) row.update();
    if (focused) keepFocus(focused.entry.id);
    if (library.problem.value) showProblem(problem, library.problem.value);
  }

  /**
   * Keeps the focus in its row when the focused element disappears, or moves it to the close button if the row does.
   *
   * @param {string} id
   */
  function keepFocus(id) {
    const { activeElement } = document;
    if (activeElement instanceof HTMLElement && activeElement.closest("dialog") && !activeElement.hidden) return;
    const buttons = [...(rows.get(id)?.element.querySelectorAll("button") ?? [])];
    (buttons.find(({ hidden, disabled }) => !hidden && !disabled) ?? close).focus();
  }

  async function estimate() {
    const { usage, quota } = (await navigator.storage?.estimate?.()) ?? {};
    room.textContent =
      usage === undefined || !quota ? "" : t("weights.room", { usage: bytes(usage), quota: bytes(quota) });
  }

  function show() {
    problem.hidden = true;
    dialog.showModal();
    times.value++;
  }
  effect(() => {
    times.value;
    library.entries.value;
    if (dialog.open) update();
  });
  follow(
    () => [times.value, library.entries.value],
    () => dialog.open && estimate(),
  );
  return { show };
}
