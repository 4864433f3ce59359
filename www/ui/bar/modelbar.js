/** The bar above every room: weights, width, resolution and the cost of the network. */
import { effect } from "../../lab/signals.js";
import { explain, h, onResize, setOptions, setWords } from "../shared/dom.js";
import { bytes, count, explainError, milliseconds, number, percent, plain, rich, t } from "../shared/i18n.js";
import { createToggles } from "../shared/toggles.js";
import { createReading } from "./reading.js";
import { createWeights } from "./weights.js";

/** Stands for random weights. */
const RANDOM = "";
/** Stands for the paper's network, of which there need not be any weights. */
const PAPER = "";

/**
 * @param {import("../context.js").Context} context
 * @param {(file: File, options?: import("../../engine/protocol.js").Config) => void} openWeights
 */
export function createModelBar(context, openWeights) {
  const { engine, core, state, library, model, session } = context;
  const picker = h("input", { type: "file", accept: ".safetensors", hidden: true, onchange: pick });
  const select = h("select", { id: "weights", onchange: () => use(select.value) });
  const more = h(
    "button",
    { type: "button", class: "bar-more", "t-aria-label": "bar.more", onclick: () => weights.show() },
    h("span", { t: "bar.more" }),
  );
  const reading = createReading(async (options) => {
    const { entry } = model.network.value;
    if (entry?.origin !== "opened") return;
    openWeights(new File([/** @type {BlobPart} */ (await library.load(entry))], entry.name()), options);
  });
  const readingButton = h("button", {
    type: "button",
    t: "reading.open",
    onclick: () => reading.show(model.network.value.config),
  });
  const selectLabel = h("label", { for: "weights" });
  const width = createToggles({ name: "width", legend: "bar.width", choose: set });
  const resolution = createToggles({ name: "resolution", legend: "bar.resolution", choose: set });
  const toggles = h(
    "div",
    { class: "bar-toggles", id: "bar-toggles" },
    width.element,
    resolution.element,
    readingButton,
  );
  const summary = h("button", {
    type: "button",
    class: "bar-summary",
    "aria-expanded": "false",
    "aria-controls": "bar-toggles",
    onclick: () => summary.setAttribute("aria-expanded", String(element.classList.toggle("open"))),
  });
  const figures = ["parameters", "macs", "memory"].map((name) => figure(`cost.${name}`));
  figures.push(figure("cost.time", explainTime));
  const accuracy = figure("cost.accuracy");
  const publishedAccuracy = figure("cost.accuracy-published");
  figures.push(accuracy, publishedAccuracy);
  const costs = h("p", { class: "cost" }, ...figures.map(({ element }) => element));
  const waits = h("span", { class: "figure", t: "settings.waits", hidden: true });
  const unmeasured = h("span", { class: "figure", hidden: true });
  costs.append(unmeasured, waits);
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const lost = h("p", { class: "problem", role: "alert", hidden: true });
  const silence = h("span", { role: "status" });
  const silent = h(
    "p",
    { class: "bar-loading", hidden: true },
    silence,
    h("button", {
      type: "button",
      t: "bar.silent.end",
      onclick: () => engine.restart().catch((error) => model.report(error)),
    }),
  );
  const progress = h("progress", { max: 1, "t-aria-label": "bar.loading" });
  const cancel = h("button", { type: "button", t: "cancel", onclick: giveUp });
  const fetched = h("span", { role: "status" });
  const loading = h("p", { class: "bar-loading", hidden: true }, fetched, progress, cancel);
  const weights = createWeights(context, { use: ({ id }) => use(id), open: () => picker.click() });
  const row = h(
    "div",
    { class: "bar-row" },
    h("div", { class: "field" }, selectLabel, select, picker),
    more,
    summary,
    toggles,
  );
  const element = h("div", { class: "bar-inner" }, row, costs, loading, silent, lost, problem, reading.element);

  /** The first of the fetches in progress. @returns {import("../../lab/library.js").Fetching | undefined} */
  const fetching = () => [...library.fetching.value.values()][0];

  function giveUp() {
    library.cancel(fetching()?.entry.id ?? "");
    select.focus(); // the button disappears
  }
  function pick() {
    const [file] = picker.files ?? [];
    picker.value = "";
    if (file) openWeights(file);
  }
  /** @param {string} id */
  function use(id) {
    model.report(null);
    if (state.room.value === "train") return startFrom(id);
    const paper = id === PAPER && state.room.value === "apart";
    if (!paper) state.set("classify", { weights: id, resolution: 0 });
    state.set("apart", { network: paper ? "paper" : "", width: 0, resolution: 0, stem: "" });
  }
  /** Starts at the resolution of the weights. @param {string} from */
  function startFrom(from) {
    const { resolution } = library.find(from)?.config ?? {};
    state.set("train", { from, ...(resolution && { resolution }) });
  }
  /** @param {import("../../lab/network.js").Choice} choice */
  function set({ values }) {
    if (!values) return;
    model.report(null);
    state.set(state.room.value, values);
  }

  function options() {
    const entries = library.entries.value;
    const chosen = model.network.value.entry;
    // one option per family: the toggles choose its width
    const heads = entries.filter(
      (entry) =>
        entry === chosen || (library.family(entry)[0] === entry && !(chosen && chosen.family === entry.family)),
    );
    const list = heads.map((entry) => h("option", { value: entry.id }, entry.name()));
    const room = state.room.value;
    if (room === "train") list.unshift(h("option", { value: RANDOM }, t("bar.random")));
    if (room === "apart") list.unshift(h("option", { value: PAPER }, t("bar.paper")));
    if (!chosen && room === "classify") list.unshift(h("option", { value: RANDOM }, t("bar.none")));
    setOptions(select, list);
    select.value = chosen?.id ?? RANDOM;
  }

  function update() {
    const { config, entry, widths, resolutions } = model.network.value;
    const room = state.room.value;
    setWords(selectLabel, t(`bar.weights.${room}`));
    options();
    width.update(widths);
    resolution.update(resolutions);
    summary.textContent = t("bar.summary", {
      width: number(config.width ?? 1),
      resolution: String(config.resolution ?? 224),
    });
    const { description, measured, measurable } = model.cost.value;
    const unknown = measurable ? "…" : "–";
    costs.classList.toggle("outdated", model.costOutdated.value);
    const [parameters, macs, memory, time] = figures;
    parameters.set(description ? count(description.parameters) : unknown);
    macs.set(description ? count(description.macs) : unknown);
    memory.set(measured ? bytes(measured.working_bytes) : unknown);
    time.set(measured ? milliseconds(measured.milliseconds) : unknown);
    const running = room === "train" ? session.running.value : undefined;
    const chosen = state.values.train.value;
    waits.hidden = !running || ["from", "width", "resolution"].every((key) => running[key] === chosen[key]);
    readingButton.hidden = entry?.origin !== "opened" || room === "train";
    const stated = room === "classify" ? entry?.accuracy[config.resolution ?? 224] : undefined;
    for (const [one, published] of /** @type {const} */ ([
      [accuracy, false],
      [publishedAccuracy, true],
    ])) {
      one.element.hidden = stated === undefined || !!entry?.source !== published;
      one.set(percent(stated ?? 0) + (entry?.training ? trainedFor(entry.training) : ""));
    }
    const measuredAt = room === "classify" && stated === undefined ? Object.keys(entry?.accuracy ?? {}) : [];
    unmeasured.hidden = !measuredAt.length;
    unmeasured.textContent = t("cost.unmeasured", { at: measuredAt.map((side) => `${side}²`).join(", ") });
  }

  /** Weights of one family were not trained equally, which their accuracies show. @param {Record<string, any>} training */
  function trainedFor({ epochs, widened_from: from }) {
    return t(from ? "cost.trained-widened" : "cost.trained", { n: epochs, from });
  }

  /** Explains the time, with the number of threads and what prevents more. */
  function explainTime() {
    const { variant, threads, obstacle } = core.setup.value;
    const lines = [t("term.time"), `${plain(t(`cost.${variant}`, { n: threads }))}. ${t("term.engine")}`];
    if (obstacle) lines.push(`${plain(t(`cost.obstacle.${obstacle}`))}: ${t(`term.one-thread-${obstacle}`)}`);
    return lines.join("\n");
  }

  function tellLoss() {
    const isLost = core.setup.value.obstacle === "lost";
    lost.hidden = !isLost;
    setWords(lost, isLost ? t("error.thread-lost") : "");
  }

  /** Shows what is being fetched, and errors. */
  function tell() {
    const { entry, share } = fetching() ?? {};
    loading.hidden = !entry;
    setWords(fetched, entry ? t("bar.fetching", { name: entry.name() }) : "");
    progress.value = share ?? 0;
    const [untaken, unkept] = [model.problem.value, library.problem.value];
    problem.hidden = !untaken && !unkept;
    if (untaken) setWords(problem, t("bar.problem", { reason: explainError(untaken) }));
    else setWords(problem, unkept ? explainError(unkept) : "");
  }

  function tellSilence() {
    const seconds = core.silent.value;
    silent.hidden = seconds === null;
    setWords(silence, seconds === null ? "" : t("bar.silent", { seconds }));
  }

  for (const draw of [update, tellLoss, tell, tellSilence]) effect(draw);
  // elements that stick or scroll to the window's top stay below the bar
  onResize(element, () =>
    document.documentElement.style.setProperty("--bar", `${element.parentElement?.offsetHeight ?? 0}px`),
  );
  return element;
}

/**
 * A number within its text, which seldom changes.
 *
 * @param {string} key the words, with `{n}`
 * @param {() => string} [explanation] replaces the explanation of its term
 */
function figure(key, explanation) {
  const output = h("span", { class: "number" }, "…");
  const element = h("span", { class: "figure" });
  effect(() => {
    const [before, after] = t(key, { n: "\n" }).split("\n");
    element.replaceChildren(...rich(before), output, ...rich(after));
    if (explanation) explain(element, explanation());
  });
  /** @param {string} text */
  const set = (text) => {
    if (output.textContent !== text) output.textContent = text;
  };
  return { element, set };
}
