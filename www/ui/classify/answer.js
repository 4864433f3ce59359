/** What the network says of the picture on show: the likeliest class large, those after it, and how long that took. */
import { imported } from "../../engine/download.js";
import { effect } from "../../lab/signals.js";
import { explain, h, loadStyle, setWords, showProblem } from "../shared/dom.js";
import { milliseconds, number, percent, t } from "../shared/i18n.js";
import { createPredictions } from "../shared/predictions.js";
import { createOffer } from "./offer.js";

/** @typedef {import("../../engine/protocol.js").Classification} Classification */

/**
 * @param {import("../context.js").Context} context
 * @param {{names: import("../shared/classnames.js").Names, count: import("../../lab/signals.js").ReadonlySignal<number>}} options
 *   `count`: how many classes are shown
 */
export function createAnswer(context, { names, count }) {
  const { state, library, model } = context;
  const predictions = createPredictions();
  const offer = createOffer(context);
  const classes = h("button", { type: "button", hidden: true, onclick: listClasses });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  /** @type {ReturnType<typeof import("./classlist.js").createClassList> | undefined} */
  let list;
  /** The likeliest class. */
  let best = -1;
  const waits = h("p", { class: "muted waits" });
  const time = h("span");
  const once = h("span", { t: "classify.once", hidden: true });
  const spoken = h("p", { class: "visually-hidden", role: "status" });
  const top = h("select", { id: "top", onchange: () => state.set("classify", { top: Number(top.value) }) });
  for (const k of [1, 3, 5, 10, 20]) top.append(h("option", { value: k }, String(k)));
  const element = h(
    "section",
    { class: "says", "t-aria-label": "classify.says" },
    h("header", {}, h("h2", { t: "classify.says" }), h("p", { class: "muted", t: "classify.probability" })),
    waits,
    predictions.element,
    spoken,
  );
  const about = h(
    "div",
    { class: "says-about" },
    offer.element,
    h(
      "div",
      { class: "actions" },
      classes,
      h("p", { class: "times number" }, time, " ", once),
      h("label", { class: "field inline" }, h("span", { t: "classify.top" }), top),
    ),
    problem,
  );

  /** Shows the classes in a list, which is fetched when it is first asked for. */
  async function listClasses() {
    try {
      const at = (/** @type {string} */ name) => new URL(`./${name}`, import.meta.url);
      const style = loadStyle(at("classlist.css"));
      const { createClassList } = await imported(import("./classlist.js"), at("classlist.js"));
      await style;
      list ??= createClassList(model, names);
      showProblem(problem, null);
      await list.show(best);
    } catch (error) {
      showProblem(problem, error);
    }
  }

  /** Whether the answer is being looked for: a training's step may have to end first. @param {boolean} busy */
  const setBusy = (busy) => element.setAttribute("aria-busy", String(busy));

  /** @param {Classification} result @param {boolean} own whether it is of a person's own picture */
  function show(result, own) {
    setBusy(false);
    predictions.show(result.predictions.map((one) => ({ ...names.nameOf(one.class), probability: one.probability })));
    best = result.predictions[0].class;
    offer.update(own);
    const { preprocess_ms: preprocess, network_ms: network } = result;
    time.textContent = milliseconds(preprocess + network);
    once.hidden = false;
    const parts = { preprocess: milliseconds(preprocess), network: milliseconds(network) };
    explain(once, `${t("classify.times", parts)}\n${t("term.once")}`);
  }

  /** The best class in words. @param {Classification} result */
  function sayBest({ predictions: [best] }) {
    return t("classify.best", { name: names.nameOf(best.class).name, probability: percent(best.probability) });
  }

  effect(() => {
    waits.hidden = !!model.loaded.value;
    const { entry } = model.network.value;
    const coming = library.fetching.value.get(entry?.id ?? "");
    const share = percent(coming?.share ?? 0);
    setWords(waits, entry && coming ? t("classify.coming", { name: entry.name(), share }) : t("classify.none"));
  });
  effect(() => {
    const { length } = model.loaded.value?.names ?? [];
    classes.hidden = !length;
    classes.textContent = t("classes.count", { n: number(length) });
  });
  effect(() => (top.value = String(count.value)));
  effect(() => element.classList.toggle("old", model.outdated.value));
  return {
    element,
    /** What else there is to know and to choose, which stands apart on a phone. */
    about,
    show,
    setBusy,
    sayBest,
    /** Tells screen readers. @param {string} text */
    speak: (text) => (spoken.textContent = text),
  };
}
