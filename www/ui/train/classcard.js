/** One class: its name, its pictures, and ways to add more. */
import { nfc } from "../../engine/filenames.js";
import { h } from "../shared/dom.js";
import { t } from "../shared/i18n.js";
import { chosenFiles, DRAGGED } from "../shared/picturefiles.js";
import { createRecorder } from "./recorder.js";
import { createThumbnails } from "./thumbnails.js";

/**
 * @typedef {import("../../lab/project.js").Class} Class
 *
 * @typedef {object} Panel callbacks for the cards
 * @property {Set<string>} chosen
 * @property {() => void} chosenChanged
 * @property {() => void} removeChosen
 * @property {(one: Class) => void} removeClass
 * @property {(one: Class, found: import("../shared/picturefiles.js").Found<File>[]) => void} add
 * @property {(one: Class, transfer: DataTransfer) => void} drop
 * @property {(one: Class) => void} touch marks the class for pasted pictures
 */

/**
 * @param {import("../../lab/project.js").Project} project
 * @param {Class} one
 * @param {Panel} panel
 */
export function createClassCard(project, one, panel) {
  const name = h("input", {
    type: "text",
    class: "class-name",
    "t-aria-label": "pictures.name",
    maxlength: 60,
    autocomplete: "off",
    value: one.name,
    onchange: () => {
      const text = nfc(name.value.trim());
      if (text) project.renameClass(one, text);
      else name.value = one.name;
    },
  });
  const count = h("span", { class: "number muted" });
  const opener = h("button", { type: "button", t: "pictures.add", onclick: () => picker.click() });
  const picker = h("input", { type: "file", accept: "image/*", multiple: true, hidden: true, onchange: pick });
  const camera = h("button", {
    type: "button",
    t: "camera.open",
    onclick: () => {
      camera.hidden = true;
      recorder.start();
    },
  });
  const recorder = createRecorder({
    take: async (video) => {
      await project.add(one, [video]);
    },
    opener: camera,
    closed: () => (camera.hidden = false),
  });
  const thumbnails = createThumbnails({
    chosen: panel.chosen,
    changed: panel.chosenChanged,
    remove: panel.removeChosen,
    emptied: () => opener.focus(),
  });
  const element = h(
    "li",
    {
      class: "class-card",
      onpointerdown: () => panel.touch(one),
      onfocusin: () => panel.touch(one),
      ondragover: (/** @type {DragEvent} */ event) => {
        event.preventDefault();
        element.classList.add("over");
      },
      ondragleave: () => element.classList.remove("over"),
      ondrop: drop,
    },
    h(
      "div",
      { class: "class-head" },
      name,
      h(
        "button",
        {
          type: "button",
          class: "quiet",
          "t-aria-label": "pictures.class.remove",
          "t-title": "pictures.class.remove",
          onclick: () => panel.removeClass(one),
        },
        "×",
      ),
      count,
    ),
    h("div", { class: "actions" }, opener, camera, picker),
    recorder.element,
    recorder.choice,
    recorder.problem,
    thumbnails.element,
  );

  function pick() {
    panel.add(one, chosenFiles(picker.files ?? []));
    picker.value = "";
  }

  /** @param {DragEvent} event */
  function drop(event) {
    event.preventDefault();
    event.stopPropagation();
    element.classList.remove("over");
    document.body.classList.remove("dragging");
    const transfer = event.dataTransfer;
    const moved = transfer?.getData(DRAGGED);
    if (moved) {
      project.move(new Set(JSON.parse(moved)), one);
      panel.chosen.clear();
      panel.chosenChanged();
    } else if (transfer) panel.drop(one, transfer);
  }

  return {
    element,
    name,
    update() {
      const pictures = project.of(one);
      count.textContent = t("pictures.count", { count: pictures.length, held: project.heldOutOf(one) });
      if (document.activeElement !== name) name.value = one.name;
      thumbnails.show(pictures, one.name);
    },
    mark: thumbnails.mark,
    stop: recorder.stop,
    close() {
      recorder.stop();
      thumbnails.close();
    },
  };
}
