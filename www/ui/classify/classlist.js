/** Which classes the network in use knows: all of them in a list that can be searched, ImageNet's in both languages. */
import { koreanNames, synsets } from "../../lab/classnames.js";
import { findClasses } from "../../lab/findclasses.js";
import { h, showProblem } from "../shared/dom.js";
import { currentLanguage, t } from "../shared/i18n.js";

/**
 * @param {import("../../lab/model.js").Model} model
 * @param {import("../shared/classnames.js").Names} names
 */
export function createClassList(model, names) {
  const title = h("h2");
  const search = h("input", {
    type: "search",
    autocomplete: "off",
    "t-aria-label": "classes.search",
    "t-placeholder": "classes.search",
    oninput: filter,
    onkeydown: (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "ArrowDown") return;
      event.preventDefault();
      list.focus();
    },
  });
  const found = h("p", { class: "muted number", role: "status" });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const list = h("ul", { tabindex: 0, "t-aria-label": "classes.list" });
  const close = h("button", { type: "button", t: "close", onclick: () => dialog.close() });
  const dialog = h(
    "dialog",
    { class: "classes", "t-aria-label": "classes.list" },
    h("header", {}, title, close),
    search,
    found,
    problem,
    list,
  );
  document.body.append(dialog);
  /** Of each class its row, and all that it can be found by. @type {{row: HTMLLIElement, text: string}[]} */
  let rows = [];

  /** @param {number} best the likeliest class, which is scrolled into view */
  async function show(best) {
    showProblem(problem, null);
    search.value = "";
    draw(best);
    dialog.showModal();
    search.focus();
    try {
      if ((model.loaded.value?.imagenet ?? -1) >= 0) draw(best, ...(await Promise.all([koreanNames(), synsets()])));
    } catch (error) {
      showProblem(problem, error);
    }
    rows[best]?.row.scrollIntoView({ block: "center" });
  }

  /** @param {number} best @param {string[]} [korean] @param {string[]} [ids] */
  function draw(best, korean = [], ids = []) {
    const { names: all = [], imagenet = 0 } = model.loaded.value ?? {};
    title.textContent = t("classes.count", { n: all.length });
    rows = all.map((english, index) => {
      const { name, more } = names.nameOf(index);
      const inKorean = korean[index - imagenet];
      const others = currentLanguage() === "ko" ? [english] : [inKorean, more];
      const id = ids[index - imagenet] ?? "";
      const row = h(
        "li",
        index === best ? { "aria-current": "true" } : {},
        h("strong", {}, name),
        h("span", { class: "muted" }, others.filter((other) => other && other !== name).join(" · ")),
        h("code", { class: "muted" }, id),
      );
      return { row, text: [name, english, inKorean, id].filter((part) => part).join(", ") };
    });
    filter();
  }

  function filter() {
    const texts = rows.map(({ text }) => text);
    const shown = findClasses(texts, search.value);
    list.replaceChildren(...shown.map((index) => rows[index].row));
    found.textContent = t("classes.found", { found: shown.length, all: rows.length });
  }

  return { show };
}
