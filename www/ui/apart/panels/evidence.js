/** Why this answer: where the last maps speak for a class, and what the answer is without a part of the picture. */
import { evidenceOf, scoresOf, softmax } from "../../../lab/evidence.js";
import { computed, effect, signal } from "../../../lab/signals.js";
import { tracingOf } from "../../../lab/tracing.js";
import { createNames } from "../../shared/classnames.js";
import { goTo, h, loadStyle, setOptions, setWords } from "../../shared/dom.js";
import { number, percent, t } from "../../shared/i18n.js";
import { createPredictions } from "../../shared/predictions.js";
import { isDark } from "../../shared/theme.js";
import { createEraser } from "./eraser.js";
import { createHeat } from "./heat.js";
import { createAsker, createPanel } from "./panel.js";

loadStyle(new URL("./evidence.css", import.meta.url));

/** Bars shown. */
const TOP = 5;

/**
 * @typedef {object} Answer what the network says of the picture as it is now
 * @property {import("../../../lab/model.js").Loaded} loaded
 * @property {Uint8Array} crop
 * @property {import("../../../engine/protocol.js").FeatureMaps} last
 * @property {import("../../../engine/protocol.js").Filters} classifier
 * @property {number[]} shares of all classes
 * @property {boolean} rubbed whether something is rubbed out
 * @property {import("../../../engine/protocol.js").Prediction[]} predictions
 */

/** @param {import("../../context.js").Context} context */
export function createEvidence(context) {
  const { state, model } = context;
  const choose = (/** @type {Record<string, number>} */ values) => state.set("apart", values);
  const isOpen = computed(() => state.room.value === "apart" && state.values.apart.value.panel === "evidence");
  const names = createNames(model);
  /** The picture with something rubbed out, else null. @type {import("../../../lab/signals.js").Signal<ImageData | null>} */
  const rubbed = signal(null);
  /** Of the untouched picture, and of the picture as it is. */
  const whole = signal(/** @type {Answer | null} */ (null));
  const now = signal(/** @type {Answer | null} */ (null));

  /** What the answer about the untouched picture is of. @type {unknown[]} */
  let wholeOf = [];
  const isCurrent = () => {
    const classifier = model.loaded.peek()?.classifier;
    const wanted = [classifier, classifier?.config.resolution, model.picture.peek(), model.framing.peek()];
    return wanted.every((one, i) => one === wholeOf[i]);
  };
  // Of a picture that is about to be replaced nothing is asked, else the question about its successor would be dropped
  const eraser = createEraser((image) => {
    if (!image || isCurrent()) rubbed.value = image;
  });
  const sides = /** @type {const} */ (["classA", "classB"]).map((key) => {
    const select = h("select", {
      "t-aria-label": `evidence.${key}`,
      onchange: () => choose({ [key]: Number(select.value) }),
    });
    const heat = createHeat();
    const says = h("p", { class: "number" });
    return { key, select, heat, says, element: h("figure", {}, h("figcaption", {}, select), heat.element, says) };
  });
  const predictions = createPredictions();
  const shows = h("p", { role: "status" });
  const source = h("p", { class: "muted" });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const body = h("div", { class: "table-place", tabindex: 0, role: "region", "t-aria-label": "evidence.table" });
  const element = createPanel(
    "evidence",
    h(
      "div",
      { class: "evidence", inert: true },
      h("figure", {}, h("figcaption", { t: "evidence.rub" }), eraser.element),
      ...sides.map(({ element }) => element),
      h("figure", { class: "evidence-says" }, h("figcaption", { t: "evidence.says" }), predictions.element),
    ),
    shows,
    source,
    problem,
    h(
      "div",
      { class: "actions" },
      h("button", { type: "button", t: "maps.another", onclick: () => goTo(state, "classify") }),
    ),
    h("details", { class: "figures" }, h("summary", { t: "evidence.table" }), body),
  );
  const figure = /** @type {HTMLElement} */ (element.querySelector(".evidence"));
  const ask = createAsker(element, problem);
  const tracing = tracingOf(context);
  /** The last network's classifier. @type {{of: unknown, filters: import("../../../engine/protocol.js").Filters} | null} */
  let head = null;

  function run() {
    const [picture, framing, loaded, image] = [
      model.picture.value,
      model.framing.value,
      model.loaded.value,
      rubbed.value,
    ];
    if (!isOpen.value) return;
    if (!now.peek()) setWords(shows, t(loaded && picture ? "maps.computes" : "maps.waits"));
    if (!loaded || !picture) return;
    const about = [loaded.classifier, loaded.classifier.config.resolution, picture, framing, image];
    // of a picture with something rubbed out there is exactly what the network sees
    const seen = image ? { picture: image, framing: { fit: /** @type {const} */ ("squeeze") } } : { picture, framing };
    ask(
      about,
      () =>
        tracing.look("evidence", { loaded, ...seen }, async ({ trace, layers, predictions, crop }) => {
          const known = head;
          const classifier = known && known.of === trace ? known.filters : await trace.filters(layers.length - 1);
          head = { of: trace, filters: classifier };
          const last = await trace.maps(layers.length - 2);
          const shares = softmax(scoresOf(last, classifier));
          return { loaded, crop, last, classifier, predictions, shares, rubbed: !!image };
        }),
      (answer) => {
        figure.inert = false;
        if (!image) {
          wholeOf = about.slice(0, -1);
          whole.value = answer;
          eraser.show(answer.crop, answer.loaded.classifier.config);
        }
        now.value = answer;
      },
    );
  }

  /** The two classes: chosen ones, else the most probable ones of the untouched picture. @param {Answer} first */
  function classesOf({ predictions, shares }) {
    const chosen = sides.map(({ key }) => Number(state.values.apart.value[key]) - 1);
    const likely = predictions.map((one) => one.class);
    return chosen.map((one, i) => (one >= 0 && one < shares.length ? one : (likely[i] ?? likely[0])));
  }

  function draw() {
    const [first, answer] = [whole.value, now.value];
    isDark.value;
    if (!isOpen.value || !first || !answer) return;
    const classes = classesOf(first);
    const nameOf = (/** @type {number} */ one) => names.nameOf(one).name;
    const found = classes.map((one) => evidenceOf(answer.last, answer.classifier, one));
    const most = Math.max(...found.flatMap(({ values }) => [...values].map(Math.abs)));
    sides.forEach(({ select, heat, says }, i) => {
      setOptions(select, optionsOf(first, nameOf));
      select.value = String(classes[i] + 1);
      heat.draw(answer.crop, { size: answer.last.size, values: found[i].values }, most);
      const { score, bias } = found[i];
      const words = { share: percent(answer.shares[classes[i]]), score: short(score), bias: short(bias) };
      setWords(says, t("evidence.score", { ...words, places: short(score - bias) }));
    });
    predictions.show(
      answer.predictions.slice(0, TOP).map((one) => ({ name: nameOf(one.class), probability: one.probability })),
    );
    const [a] = classes;
    const shares = { name: nameOf(a), before: percent(first.shares[a]), after: percent(answer.shares[a]) };
    setWords(shows, answer.rubbed ? t("evidence.rubbed", shares) : t("evidence.shows", shares));
    const { entry, classifier } = answer.loaded;
    setWords(
      source,
      t("evidence.source", { name: entry.name(), side: classifier.config.resolution, size: answer.last.size }),
    );
    body.replaceChildren(table(classes.map(nameOf), answer.last.size, found));
  }

  effect(run);
  effect(draw);
  // what was rubbed out belongs to its picture
  effect(() => {
    model.picture.value;
    model.framing.value;
    model.loaded.value;
    rubbed.value = null;
  });
  return element;
}

/** @param {number} value */
const short = (value) => number(value, { maximumFractionDigits: 1, signDisplay: "exceptZero" });

/** All classes, the probable ones first. @param {Answer} answer @param {(one: number) => string} nameOf */
function optionsOf({ shares, predictions }, nameOf) {
  const likely = predictions.map((one) => one.class);
  const others = shares.map((_, one) => one).filter((one) => !likely.includes(one));
  return [...likely, ...others].map((one) => h("option", { value: one + 1 }, nameOf(one)));
}

/** @param {string[]} names @param {number} size @param {import("../../../lab/evidence.js").Evidence[]} found */
function table(names, size, found) {
  const head = ["evidence.row", "evidence.column"].map((key) => h("th", { scope: "col", t: key }));
  const rows = Array.from({ length: size * size }, (_, i) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, String(Math.floor(i / size) + 1)),
      h("td", {}, String((i % size) + 1)),
      ...found.map(({ values }) => h("td", {}, number(values[i], { maximumFractionDigits: 3 }))),
    ),
  );
  const columns = names.map((name) => h("th", { scope: "col" }, name));
  return h("table", {}, h("thead", {}, h("tr", {}, ...head, ...columns)), h("tbody", {}, ...rows));
}
