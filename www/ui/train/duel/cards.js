/** The choice of a comparison: the ready-made ones, and a person's own. */
import { idOf, OWN } from "../../../lab/duel/record.js";
import { effect } from "../../../lab/signals.js";
import { h, setOptions } from "../../shared/dom.js";
import { duration, t } from "../../shared/i18n.js";

/** @param {import("./duel.js").Means} means */
export function createCards({ state, contests, estimate, records, chosen }) {
  const choose = (/** @type {string} */ compare) => state.set("duel", { compare });
  const list = h("ul");
  const select = h("select", { "t-aria-label": "duel.contents", onchange: () => choose(select.value) });
  /** @type {Map<string, {button: HTMLButtonElement, time: HTMLElement}>} */
  const cards = new Map();

  function card(/** @type {string} */ name) {
    const time = h("span", { class: "muted" });
    const title = h("span", { t: `duel.name.${name}` });
    const button = h(
      "button",
      { type: "button", "data-control": `duel-${name}`, onclick: () => choose(name) },
      title,
      time,
    );
    cards.set(name, { button, time });
    return h("li", {}, button);
  }

  effect(() => {
    const names = [...contests.value.map(({ name }) => name), OWN];
    if (names.some((name) => !cards.has(name))) list.replaceChildren(...names.map(card));
    setOptions(
      select,
      names.map((name) => h("option", { value: name }, t(`duel.name.${name}`))),
    );
    select.value = chosen.value.name;
    for (const contest of contests.value) {
      const seconds = estimate.seconds(contest, records.all.value.get(idOf(contest)));
      const time = Number.isNaN(seconds) ? "" : t("duel.takes", { time: duration(seconds) });
      /** @type {HTMLElement} */ (cards.get(contest.name)?.time).textContent = time;
    }
    for (const [name, { button }] of cards) button.setAttribute("aria-current", String(name === chosen.value.name));
  });
  return h("nav", { class: "duel-cards", "t-aria-label": "duel.contents" }, list, select);
}
