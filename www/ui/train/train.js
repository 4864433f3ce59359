/**
 * The second room: settings, the current run with its curves, held-out pictures, and earlier runs; or a comparison of
 * several networks.
 */
import { imported } from "../../engine/download.js";
import { computed, effect, follow, signal } from "../../lab/signals.js";
import { freshSteps } from "../../lab/lag.js";
import { h, loadStyle, showProblem } from "../shared/dom.js";
import { addStrings, translate } from "../shared/i18n.js";
import { isTar } from "../shared/picturefiles.js";
import { createCifar } from "./cifar.js";
import { createControl } from "./control.js";
import { createCurves } from "./curves.js";
import { createFigures } from "./figures.js";
import { createFold } from "./fold.js";
import { createHeldOut } from "./heldout.js";
import { createLag } from "./lag.js";
import { createPictures } from "./pictures.js";
import { createResults } from "./results.js";
import { createRuns } from "./runs.js";
import { createSettings } from "./settings.js";

/** The comparison that is shown first. */
const FIRST = "bottleneck";

/** @param {import("../context.js").Context} context */
export function createTrain(context) {
  const pictures = createPictures(context);
  const cifar = createCifar(context);
  const { progress, figures } = createFigures(context);
  const single = h(
    "div",
    { class: "run single" },
    createControl(context, progress),
    figures,
    h(
      "section",
      { class: "panel curves-panel", "data-control": "curves", "t-aria-label": "train.curves" },
      createCurves(context),
      lagOfRun(context),
    ),
    createFold("batch", {
      file: "batch.js",
      style: "feed.css",
      part: () => import("./batch.js"),
      make: ({ createBatch }, open) => createBatch(context, open),
    }),
    createFold("inside", {
      file: "inside.js",
      style: "inside.css",
      part: () => import("./inside.js"),
      make: ({ createInside }, open) => createInside(context, open),
    }),
    createHeldOut(context),
    createResults(context),
    createRuns(context),
  );
  const settings = settingsPanel(createSettings(context));
  const cards = h("div", { class: "train-cards" });
  const compare = h("div", { class: "run" });
  const runs = h("div", { class: "run" }, pictures.element, cifar.element, single, compare);
  const { comparing, own } = compareOpener(context, cards, compare);
  effect(() => {
    single.hidden = comparing.value;
    cards.hidden = compare.hidden = !comparing.value;
    settings.hidden = comparing.value && !own.value;
    pictures.element.classList.toggle("elsewhere", comparing.value && !own.value);
  });
  const element = h(
    "div",
    {},
    createSwitch(context.state, comparing),
    h("div", { class: "train" }, h("div", { class: "train-side" }, cards, settings), runs),
  );
  return {
    element,
    /** @type {(dropped: Parameters<typeof pictures.drop>[0]) => unknown} */
    drop: (dropped) => (dropped instanceof File && isTar(dropped.name) ? cifar.drop(dropped) : pictures.drop(dropped)),
  };
}

/** Where the held-out loss of the run in progress, or of the last one, leaps. @param {import("../context.js").Context} context */
function lagOfRun({ session }) {
  const { element, show } = createLag();
  effect(() => {
    session.judged.value; // changes with each evaluation
    const run = session.run.value;
    show(run ? [{ ...run, fresh: freshSteps(run.settings, run.steps_per_epoch) }] : []);
  });
  return element;
}

/** The settings: beside the run if there is room, else folded into a line above it. @param {HTMLElement} settings */
function settingsPanel(settings) {
  const wide = matchMedia("(min-width: 901px)");
  const summary = h(
    "summary",
    { onclick: (/** @type {Event} */ event) => wide.matches && event.preventDefault() },
    h("h2", { t: "train.settings" }),
  );
  const panel = h("details", { class: "panel settings", "data-control": "settings" }, summary, settings);
  const fold = () => {
    panel.open = wide.matches;
    summary.tabIndex = wide.matches ? -1 : 0;
  };
  wide.addEventListener("change", fold);
  fold();
  return panel;
}

/**
 * One run, or a comparison.
 *
 * @param {import("../../lab/state.js").PageState} state @param {import("../../lab/signals.js").ReadonlySignal<boolean>} comparing
 */
function createSwitch(state, comparing) {
  let last = FIRST;
  const choice = (/** @type {string} */ key, /** @type {() => string} */ compare) => {
    const choose = () => state.set("duel", { compare: compare() });
    const input = h("input", { type: "radio", name: "train-kind", onchange: choose });
    return { input, label: h("label", {}, input, h("span", { t: key })) };
  };
  const [one, several] = [choice("train.one", () => ""), choice("train.compare", () => last)];
  effect(() => {
    last = String(state.values.duel.value.compare) || last;
    one.input.checked = !comparing.value;
    several.input.checked = comparing.value;
  });
  const row = h("div", { class: "toggles-row" }, one.label, several.label);
  return h("fieldset", { class: "toggles train-switch", "data-control": "compare", "t-aria-label": "train.kind" }, row);
}

/**
 * Fetches the comparison's view when it is first chosen. If it does not load, the reason is shown in its place, and the next
 * choice tries again.
 *
 * @param {import("../context.js").Context} context @param {HTMLElement} cards @param {HTMLElement} place
 */
function compareOpener(context, cards, place) {
  const comparing = computed(() => context.state.values.duel.value.compare !== "");
  const own = signal(false);
  const problem = h("p", { class: "problem", role: "alert" });
  /** @type {Promise<void> | null} */
  let opening = null;
  async function open() {
    try {
      const at = (/** @type {string} */ name) => new URL(`./duel/${name}`, import.meta.url);
      const view = imported(import("./duel/duel.js"), at("duel.js"));
      const [{ createDuel }] = await Promise.all([view, addStrings("duel"), loadStyle(at("duel.css"))]);
      const made = await createDuel(context);
      follow(
        () => made.own.value,
        (now) => (own.value = now),
      );
      cards.replaceChildren(made.cards);
      place.replaceChildren(made.element);
    } catch (error) {
      opening = null;
      showProblem(problem, error);
      place.replaceChildren(problem);
    }
  }
  follow(
    () => comparing.value,
    (now) => now && (opening ??= open()).then(() => translate(place)), // the language may have changed since it was shown
  );
  return { comparing, own };
}
