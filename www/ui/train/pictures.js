/** A person's own classes: create, fill and order them; and the project as a file. */
import { HELD_OUT_EVERY } from "../../lab/project.js";
import { isResolution, parse, SETTINGS, WIDTHS } from "../../lab/settings.js";
import { effect, follow } from "../../lab/signals.js";
import { h, save, setOptions, setWords, showProblem } from "../shared/dom.js";
import { currentLanguage, t } from "../shared/i18n.js";
import { chosenFiles, droppedFiles, inOrder, pastedFiles, zippedFiles } from "../shared/picturefiles.js";
import { createAdding } from "./adding.js";
import { createClassCard } from "./classcard.js";

/**
 * @typedef {import("../../lab/project.js").Class} Class
 * @typedef {import("../shared/picturefiles.js").Found<File | import("../../lab/zip.js").Packed>} Found
 */

/** @param {import("../context.js").Context} context */
export function createPictures({ state, project }) {
  /** @type {Map<string, ReturnType<typeof createClassCard>>} */
  const cards = new Map();
  /** Ids of the selected pictures. @type {Set<string>} */
  const chosen = new Set();
  /** The class for pasted pictures. @type {Class | undefined} */
  let touched;

  const folders = h("input", {
    type: "file",
    multiple: true,
    webkitdirectory: true,
    hidden: true,
    onchange: pickFolders,
  });
  const picker = h("input", { type: "file", accept: ".zip", hidden: true, onchange: pickZip });
  const button = (/** @type {string} */ key, /** @type {() => void} */ onclick) =>
    h("button", { type: "button", t: key, onclick });
  const saveButton = button("pictures.save", saveProject);
  const summary = h("p", { class: "muted" });
  const list = h("ul", { class: "class-cards", "t-aria-label": "pictures.classes" });
  const moveTo = h("select", { "t-aria-label": "pictures.move" });
  const chosenCount = h("span", { class: "number" });
  const chosenBar = h(
    "div",
    { class: "chosen-bar actions", role: "group", "t-aria-label": "pictures.chosen.label", hidden: true },
    chosenCount,
    moveTo,
    button("pictures.move.now", moveChosen),
    button("pictures.remove", () => {
      removeChosen();
      note.focus(); // the bar disappears
    }),
    button("pictures.clear", () => {
      clearChosen();
      /** @type {HTMLElement | null} */ (list.querySelector("li[tabindex='0']"))?.focus();
    }),
  );
  const note = h("p", { class: "pictures-note", role: "status", tabindex: -1 });
  const undo = button("pictures.undo", () => {
    project.undo();
    say(t("pictures.undone"));
    note.focus(); // the button disappears
  });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const adding = createAdding(project, { say, fail, leave: () => note.focus() });
  /** The place for choosing a set of the Hub, once opened. */
  const hub = h("div", { hidden: true });
  const element = h(
    "section",
    { class: "panel pictures", "t-aria-label": "pictures.title" },
    h(
      "header",
      {},
      h("h2", { t: "pictures.title" }),
      h(
        "div",
        { class: "actions" },
        saveButton,
        button("pictures.open", () => picker.click()),
        picker,
      ),
    ),
    h("p", { t: "pictures.hint" }),
    summary,
    h(
      "div",
      { class: "actions" },
      button("pictures.class.add", () => newClass(true)),
      button("pictures.folders", () => folders.click()),
      folders,
      button("pictures.hub", openHub),
    ),
    hub,
    adding.element,
    h("div", { class: "actions" }, note, undo),
    problem,
    list,
    chosenBar,
  );

  /** @param {boolean} focus @param {string} [name] */
  function newClass(focus, name) {
    const one = project.addClass(name || unused());
    touched = one;
    const card = cards.get(one.id);
    if (focus && card) {
      card.name.focus();
      card.name.select();
    }
    return one;
  }

  /** A name that no class has. */
  function unused() {
    const names = new Set(project.classes.value.map(({ name }) => name));
    for (let n = names.size + 1; ; n++) {
      const name = t("pictures.class.new", { n });
      if (!names.has(name)) return name;
    }
  }

  /** Adds pictures to one class. @param {Class} one @param {Found[]} found */
  function add(one, found) {
    fail(project.problem.value);
    adding.add(found.length, () => [[one, inOrder(found)]]);
  }

  /**
   * Adds pictures to classes named after their folders; those without a folder go to the class touched last.
   *
   * @param {Found[]} found
   */
  function addFolders(found) {
    /** @type {Map<string, Found[]>} */
    const byFolder = new Map();
    for (const one of inOrder(found)) {
      const files = byFolder.get(one.folder) ?? [];
      files.push(one);
      byFolder.set(one.folder, files);
    }
    adding.add(found.length, () =>
      [...byFolder].map(([folder, files]) => {
        const known = folder
          ? project.classes.value.find(({ name }) => name === folder)
          : (touched ?? project.classes.value[0]);
        return [known ?? newClass(false, folder), files];
      }),
    );
  }

  /** Adds dropped files, if there are any. @param {Promise<Found[]>} dropped @param {(found: Found[]) => void} take */
  async function addDropped(dropped, take) {
    fail(project.problem.value);
    try {
      take(await dropped);
    } catch (error) {
      fail(error);
    }
  }

  function pickFolders() {
    addFolders(chosenFiles(folders.files ?? []));
    folders.value = "";
  }

  /** Shows or hides the choice of a set of the Hub. */
  async function openHub() {
    hub.hidden = !hub.hidden;
    if (hub.hidden) return;
    try {
      const { createHub } = await import("./hub.js");
      if (hub.childElementCount) return;
      const made = createHub(project, { say, fail, leave: () => note.focus() });
      hub.replaceChildren(made.element);
      made.focus();
    } catch (error) {
      hub.hidden = true;
      fail(error);
    }
  }

  function removeChosen() {
    if (!chosen.size) return;
    const count = chosen.size;
    project.remove(new Set(chosen));
    clearChosen();
    say(t("pictures.removed", { count }));
  }

  function moveChosen() {
    const to = project.classes.value.find(({ id }) => id === moveTo.value);
    if (!to) return moveTo.focus();
    const count = chosen.size;
    project.move(chosen, to);
    clearChosen();
    say(t("pictures.moved", { count, name: to.name }));
    note.focus();
  }

  function clearChosen() {
    chosen.clear();
    chosenChanged();
  }

  function chosenChanged() {
    drawChosen();
    for (const card of cards.values()) card.mark();
  }

  function drawChosen() {
    chosenBar.hidden = !chosen.size;
    if (!chosen.size) moveTo.value = "";
    chosenCount.textContent = t("pictures.chosen", { count: chosen.size });
    setOptions(moveTo, [
      h("option", { value: "" }, t("pictures.move")),
      ...project.classes.value.map(({ id, name }) => h("option", { value: id }, name)),
    ]);
  }

  /** @param {string} text */
  function say(text) {
    note.textContent = text;
    undo.hidden = !project.canUndo.value;
  }

  async function saveProject() {
    fail(project.problem.value);
    try {
      const { pack } = await import("../../lab/projectfile.js");
      const { classes, pictures, trained } = project;
      const contents = { classes: classes.value, pictures: pictures.value, trained: trained.value };
      save(await pack(contents, state.values.train.value), t("pictures.file"));
    } catch (error) {
      fail(error);
    }
  }

  function pickZip() {
    const [file] = picker.files ?? [];
    picker.value = "";
    if (file) openZip(file);
  }

  /** Opens a project, or adds class folders; any other zip changes nothing. @param {File} file */
  async function openZip(file) {
    fail(project.problem.value);
    say("");
    try {
      const { open } = await import("../../lab/projectfile.js");
      const opened = await open(file);
      if ("files" in opened) {
        const found = zippedFiles(file.name, opened.files);
        state.set("train", { data: "pictures" });
        return addFolders(found);
      }
      const { settings, ...other } = opened.project;
      project.replace(other);
      state.set("train", { ...valid(settings), data: "pictures", from: other.trained ? "classes" : "" });
      say(t("pictures.opened", { count: other.pictures.length }));
    } catch (error) {
      fail(error);
    }
  }

  /** @param {unknown} error */
  function fail(error) {
    showProblem(problem, error);
  }

  /** @param {Class} one */
  function removeClass(one) {
    const count = project.of(one).length;
    project.removeClass(one);
    say(t("pictures.class.removed", { name: one.name, count }));
    undo.focus(); // this also shows what was done
  }

  const panel = {
    chosen,
    chosenChanged,
    removeChosen,
    removeClass,
    drop: (/** @type {Class} */ one, /** @type {DataTransfer} */ transfer) =>
      addDropped(droppedFiles(transfer), (found) => add(one, found)),
    add,
    touch: (/** @type {Class} */ one) => (touched = one),
  };

  function update() {
    const [classes, all] = [project.classes.value, project.pictures.value];
    for (const [id, card] of cards) {
      if (classes.some((one) => one.id === id)) continue;
      card.close();
      card.element.remove();
      cards.delete(id);
    }
    classes.forEach((one, i) => {
      const card = cards.get(one.id) ?? createClassCard(project, one, panel);
      cards.set(one.id, card);
      if (list.children[i] !== card.element) list.insertBefore(card.element, list.children[i] ?? null);
      card.update();
    });
    if (chosen.size) {
      const ids = new Set(all.map(({ id }) => id));
      for (const id of chosen) if (!ids.has(id)) chosen.delete(id);
    }
    if (touched && !classes.includes(touched)) touched = undefined;
    saveButton.disabled = !classes.length;
    undo.hidden = !project.canUndo.value;
    const values = { count: all.length, classes: classes.length, held: project.heldOut };
    setWords(summary, t("pictures.split", { ...values, every: HELD_OUT_EVERY }));
    drawChosen();
  }

  function show() {
    const shown = state.values.train.value.data === "pictures";
    const room = state.room.value;
    const came = shown && element.hidden;
    element.hidden = !shown;
    // on a phone it is below all settings
    if (came && room === "train" && element.getBoundingClientRect().top > innerHeight) element.scrollIntoView();
    if (!shown || room !== "train") for (const card of cards.values()) card.stop();
  }

  effect(update);
  effect(show);
  follow(() => project.problem.value, fail);
  follow(currentLanguage, () => say("")); // it was in the other language
  addEventListener("paste", (event) => {
    if (state.room.value === "train" && !element.hidden) addDropped(pastedFiles(event), addFolders);
  });
  return {
    element,
    /** A zip, or else pictures and folders, dropped beside the classes. @param {File | Promise<Found[]>} dropped */
    drop: (dropped) => (dropped instanceof File ? openZip(dropped) : addDropped(dropped, addFolders)),
  };
}

/** The valid settings of a file. @param {import("../../lab/settings.js").Values} settings */
function valid({ width, resolution, ...settings }) {
  const known = SETTINGS.filter(({ key }) => key in settings).map((one) => [
    one.key,
    parse(one, String(settings[one.key])),
  ]);
  return {
    ...Object.fromEntries(known.filter(([, value]) => value !== null)),
    ...(WIDTHS.includes(Number(width)) && { width: Number(width) }),
    ...(isResolution(Number(resolution)) && { resolution: Number(resolution) }),
  };
}
