/** Few bits: what they do to the answer for one's own picture, and to the accuracy of two networks that differ in the activation. */
import { EngineError } from "../../../engine/errors.js";
import { answersAt, compare, judgingPictures, openTwins } from "../../../lab/duel/twins.js";
import { switchData } from "../../../lab/settings.js";
import { computed, effect, follow, signal } from "../../../lab/signals.js";
import { BITS } from "../../../lab/state.js";
import { tracingOf } from "../../../lab/tracing.js";
import { createNames } from "../../shared/classnames.js";
import { goTo, h, setWords, showProblem, turnOff } from "../../shared/dom.js";
import { number, percent, t } from "../../shared/i18n.js";
import { createPredictions } from "../../shared/predictions.js";
import { createBitsChart } from "./bitschart.js";
import { createAsker } from "./panel.js";

const ALL = Array.from({ length: BITS.most - BITS.least + 1 }, (_, i) => BITS.most - i);

/** @typedef {import("../../../engine/protocol.js").Prediction} Prediction @typedef {ReturnType<typeof compare>[number]} Point */

/** @param {import("../../context.js").Context} context @param {import("../../../lab/signals.js").ReadonlySignal<boolean>} isOpen */
export function createBits(context, isOpen) {
  const { state, model, engine, cifar } = context;
  const names = createNames(model);
  /** @type {import("../../../lab/signals.js").Signal<Map<number, import("../../../lab/duel/twins.js").Answers>>} */
  const measured = signal(new Map());
  /** What is being measured. @type {import("../../../lab/signals.js").Signal<{bits: number, share: number} | null>} */
  const working = signal(null);
  /** The answers of the network of Classify: as trained, and rounded. @type {import("../../../lab/signals.js").Signal<{bits: number, before: Prediction[], after: Prediction[]} | null>} */
  const found = signal(null);
  let work = new AbortController();

  const input = h("input", {
    ...{ type: "range", id: "bits-input", min: BITS.least, max: BITS.most },
    oninput: () => state.set("apart", { bits: Number(input.value) }),
  });
  const label = h("span", { class: "number" });
  const chart = createBitsChart();
  const one = h("button", { type: "button", class: "primary", onclick: () => measure([chosen()]) });
  const all = h("button", { type: "button", t: "bits.measure.all", onclick: () => measure(ALL) });
  const cancel = h("button", { type: "button", t: "cancel", onclick: () => work.abort() });
  const progress = h("progress", { max: 1, "t-aria-label": "bits.progress" });
  const share = h("span", { class: "number hint" });
  const waiting = h("div", { class: "actions bits-waiting" }, share, progress, cancel);
  const shows = h("p", { role: "status" });
  const get = h("button", { type: "button", t: "bits.get", hidden: true, onclick: toTrain });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const sides = ["bits.before", "bits.after"].map((key) => {
    const [title, predictions] = [h("figcaption"), createPredictions()];
    return { key, title, predictions, element: h("figure", {}, title, predictions.element) };
  });
  const answer = h("p");
  const element = h(
    "section",
    { class: "bits" },
    h("label", { class: "slider bits-slider", "data-control": "bits" }, label, input),
    answer,
    chart.element,
    h("div", { class: "actions" }, one, all, get, waiting),
    shows,
    problem,
    h("div", { class: "bits-answers" }, ...sides.map(({ element }) => element)),
    chart.fold,
  );
  const ask = createAsker(element, problem);
  const tracing = tracingOf(context);
  const chosen = () => Number(state.values.apart.peek().bits);

  /** The answer for the picture of Classify. */
  function look() {
    const bits = Number(state.values.apart.value.bits);
    const [picture, framing, loaded] = [model.picture.value, model.framing.value, model.loaded.value];
    if (!isOpen.value) return;
    input.value = String(bits);
    label.textContent = t("bits.label", { n: bits });
    input.setAttribute("aria-valuetext", label.textContent);
    if (!found.peek()) setWords(answer, t(loaded && picture ? "maps.computes" : "maps.waits"));
    if (!loaded || !picture) return;
    const run = (/** @type {number} */ bits) =>
      tracing.look("bits", { loaded, picture, framing, bits }, async ({ predictions }) => predictions);
    const known = found.peek();
    const of = [loaded.classifier, loaded.classifier.config.resolution, picture, framing];
    ask(
      [...of, bits],
      async (isWanted) => {
        const before = known && of.every((part, i) => part === seen[i]) ? known.before : await run(0);
        return { bits, before, after: isWanted() ? await run(bits) : before };
      },
      (answer) => {
        seen = of;
        found.value = answer;
      },
    );
  }
  /** What the answer found is of. @type {unknown[]} */
  let seen = [];

  function say() {
    const now = found.value;
    if (!isOpen.value || !now) return;
    const shown = [now.before, now.after];
    sides.forEach(({ key, title, predictions }, i) => {
      setWords(title, t(key, { n: now.bits }));
      predictions.show(shown[i].map((one) => ({ name: names.nameOf(one.class).name, probability: one.probability })));
    });
    const [first] = now.before;
    const still = now.after.find((one) => one.class === first.class);
    const words = { name: names.nameOf(first.class).name, before: percent(first.probability), n: now.bits };
    setWords(answer, t("bits.answer", { ...words, after: still ? percent(still.probability) : t("relu.below") }));
  }

  /** Both networks at these numbers of bits, one after another. @param {number[]} wanted */
  async function measure(wanted) {
    if (working.peek()) return;
    work = new AbortController();
    const { signal } = work;
    /** @param {number} bits */
    const tell = (bits) => (/** @type {number} */ share) => (working.value = { bits, share });
    tell(wanted[0])(0);
    showProblem(problem, null);
    get.hidden = true;
    /** @type {Awaited<ReturnType<typeof openTwins>> | null} */
    let twins = null;
    try {
      await cifar.look();
      if (cifar.place.peek() === "nowhere") throw new EngineError("no-cifar", "neither host nor browser has CIFAR-10");
      twins = await openTwins(engine, signal);
      const pictures = await judgingPictures(engine, cifar, signal);
      for (const bits of wanted.filter((bits) => wanted.length === 1 || !measured.peek().has(bits))) {
        tell(bits)(0);
        const answers = await answersAt(twins, pictures, bits, { signal, onProgress: tell(bits) });
        measured.value = new Map([...measured.peek(), [bits, answers]]);
      }
    } catch (error) {
      if (!signal.aborted) explain(error);
    }
    for (const trace of Object.values(twins ?? {})) trace.close();
    working.value = null;
  }

  /** @param {any} error */
  function explain(error) {
    get.hidden = error.code !== "no-cifar";
    showProblem(problem, error);
  }

  /** To where CIFAR-10 is opened and fetched. */
  function toTrain() {
    state.set("train", switchData(state.values.train.peek(), "cifar-10"));
    goTo(state, "train");
  }

  function showWork() {
    const now = working.value;
    waiting.classList.toggle("idle", !now);
    cancel.inert = !now;
    for (const button of [one, all]) turnOff(button, !!now);
    one.textContent = t("bits.measure", { n: Number(state.values.apart.value.bits) });
    progress.value = now?.share ?? 0;
    share.textContent = now ? t("bits.measuring", { n: now.bits, share: percent(now.share) }) : "";
  }

  const points = computed(() => compare(measured.value));
  function compareAll() {
    if (!isOpen.value) return;
    chart.draw(points.value, Number(state.values.apart.value.bits));
    setWords(shows, sentenceOf(points.value, measured.value));
  }

  effect(look);
  effect(say);
  effect(showWork);
  effect(compareAll);
  follow(
    () => isOpen.value,
    (open) => open || work.abort(),
  );
  return element;
}

/** What was seen, with how surely. @param {Point[]} points @param {Map<number, {relu: Uint8Array}>} measured */
function sentenceOf(points, measured) {
  if (!points.length) return t("bits.none");
  const pictures = number([...measured.values()][0].relu.length);
  const apart = points.filter(({ clear }) => clear);
  const list = (/** @type {Point[]} */ some) => rangesOf(some.map(({ bits }) => bits)).join(", ");
  if (!apart.length) return t("bits.close", { list: list(points), pictures });
  const widest = apart.reduce((a, b) => (Math.abs(b.relu6 - b.relu) > Math.abs(a.relu6 - a.relu) ? b : a));
  const { bits, relu6, relu, difference } = widest;
  const [low, high] = [difference.low, difference.high].map((value) =>
    number(100 * value, { maximumFractionDigits: 1, signDisplay: "exceptZero" }).replace("-", "−"),
  );
  const words = { n: bits, relu6: percent(relu6), relu: percent(relu), low, high, pictures };
  return t("bits.apart", { ...words, list: list(apart), all: list(points) });
}

/** Ascending numbers, neighbours together: 2 – 5, 8. @param {number[]} numbers */
function rangesOf(numbers) {
  const starts = numbers.filter((one) => !numbers.includes(one - 1));
  const ends = numbers.filter((one) => !numbers.includes(one + 1));
  return starts.map((start, i) => (start === ends[i] ? number(start) : `${number(start)} – ${number(ends[i])}`));
}
