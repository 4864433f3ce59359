/** The second room: settings, the current run with its curves, held-out pictures, and earlier runs. */
import { createCurves } from "../shared/curves.js";
import { h } from "../shared/dom.js";
import { isTar } from "../shared/picturefiles.js";
import { createCifar } from "./cifar.js";
import { createControl } from "./control.js";
import { createHeldOut } from "./heldout.js";
import { createPictures } from "./pictures.js";
import { createResults } from "./results.js";
import { createRuns } from "./runs.js";
import { createSettings } from "./settings.js";

/** @param {import("../context.js").Context} context */
export function createTrain(context) {
  const pictures = createPictures(context);
  const cifar = createCifar(context);
  const element = h(
    "div",
    { class: "train" },
    settingsPanel(createSettings(context)),
    h(
      "div",
      { class: "run" },
      pictures.element,
      cifar.element,
      createControl(context),
      h("section", { class: "panel", "t-aria-label": "train.curves" }, createCurves(context)),
      createHeldOut(context),
      createResults(context),
      createRuns(context),
    ),
  );
  return {
    element,
    /** @type {(dropped: Parameters<typeof pictures.drop>[0]) => unknown} */
    drop: (dropped) => (dropped instanceof File && isTar(dropped.name) ? cifar.drop(dropped) : pictures.drop(dropped)),
  };
}

/** The settings: beside the run if there is room, else folded into a line above it. @param {HTMLElement} settings */
function settingsPanel(settings) {
  const wide = matchMedia("(min-width: 901px)");
  const summary = h(
    "summary",
    { onclick: (/** @type {Event} */ event) => wide.matches && event.preventDefault() },
    h("h2", { t: "train.settings" }),
  );
  const panel = h("details", { class: "panel settings" }, summary, settings);
  const fold = () => {
    panel.open = wide.matches;
    summary.tabIndex = wide.matches ? -1 : 0;
  };
  wide.addEventListener("change", fold);
  fold();
  return panel;
}
