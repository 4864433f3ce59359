/** Row tiles: how many rows of a fused block are computed at a time, with the memory and time that each choice takes here. */
import { isFused } from "../../../lab/network.js";
import { computed, effect, follow, signal } from "../../../lab/signals.js";
import { ROWS } from "../../../lab/state.js";
import { h, setWords, showProblem, turnOff } from "../../shared/dom.js";
import { bytes, milliseconds, number, t } from "../../shared/i18n.js";

/**
 * @typedef {import("../../../engine/protocol.js").Measured} Measured
 * @typedef {{loaded: import("../../../lab/model.js").Loaded, measured: Map<number, Measured>}} Found
 */

/** @param {import("../../context.js").Context} context */
export function createRowTiles({ engine, library, model, state }) {
  const isOpen = computed(() => state.room.value === "apart" && state.values.apart.value.panel === "memory");
  const chosen = computed(() => Number(state.values.apart.value.rows));
  /** @type {import("../../../lab/signals.js").Signal<Found | null>} */
  const found = signal(null);
  const working = signal(false);
  let stopped = false;
  const input = h("input", {
    ...{ type: "range", min: 0, max: ROWS.length - 1, id: "rows-input" },
    oninput: () => state.set("apart", { rows: ROWS[Number(input.value)] }),
  });
  const label = h("span", { class: "number" });
  const measure = h("button", { type: "button", t: "rows.measure", onclick: run });
  const cancel = h("button", { type: "button", t: "cancel", onclick: () => (stopped = true) });
  const shows = h("p", { role: "status" });
  const bars = h("ol", { class: "rows-bars" });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });

  /** The choices that make a difference to a network: beyond its rows there is no more. @param {import("../../../lab/model.js").Loaded} loaded */
  const choicesOf = ({ classifier }) => {
    const most = Math.ceil(classifier.config.resolution / (classifier.config.stem === "cifar" ? 1 : 2));
    return ROWS.filter((rows, i) => i < 2 || ROWS[i - 1] < most);
  };

  /** Measures one choice after another, on a network of its own. */
  async function run() {
    const loaded = model.loaded.peek();
    if (working.peek() || !loaded) return;
    [working.value, stopped] = [true, false];
    showProblem(problem, null);
    try {
      const classifier = await engine.loadClassifier(await library.load(loaded.entry), {
        options: loaded.entry.options,
      });
      try {
        await classifier.setResolution(loaded.classifier.config.resolution);
        const measured = new Map();
        for (const rows of choicesOf(loaded)) {
          if (stopped) break;
          await classifier.setRowTile(rows);
          measured.set(rows, await classifier.measure());
          found.value = { loaded, measured: new Map(measured) };
        }
      } finally {
        classifier.close();
      }
    } catch (error) {
      showProblem(problem, error);
    }
    working.value = false;
  }

  function draw() {
    const [now, loaded, rows] = [found.value, model.loaded.value, chosen.value];
    const busy = working.value;
    if (!isOpen.value) return;
    input.value = String(ROWS.indexOf(rows));
    label.textContent = labelOf(rows);
    input.setAttribute("aria-valuetext", label.textContent);
    const fused = !loaded || isFused(loaded.classifier.config);
    turnOff(measure, busy || !loaded || !fused);
    cancel.hidden = !busy;
    const measured = now && loaded && now.loaded.classifier === loaded.classifier ? now.measured : new Map();
    const all = loaded && fused ? choicesOf(loaded) : [];
    const most = (/** @type {"milliseconds" | "working_bytes"} */ key) =>
      Math.max(...[...measured.values()].map((one) => one[key]));
    const scale = { milliseconds: most("milliseconds"), working_bytes: most("working_bytes") };
    bars.replaceChildren(...all.map((choice) => rowOf(choice, measured.get(choice), scale, choice === rows)));
    setWords(
      shows,
      !loaded
        ? t("rows.waits")
        : fused
          ? sentence(loaded, measured, rows)
          : t("rows.unfused", { name: loaded.entry.name() }),
    );
  }

  effect(draw);
  follow(
    () => isOpen.value,
    (open) => open || (stopped = true),
  );
  return h(
    "section",
    { class: "rows" },
    h("h3", { t: "rows.title" }),
    h(
      "div",
      { class: "film-controls" },
      h("label", { class: "slider", "data-control": "rows" }, label, input),
      h("div", { class: "actions" }, measure, cancel),
    ),
    bars,
    shows,
    problem,
  );
}

/** @param {number} rows at a time, 0: as many as a cache holds */
function labelOf(rows) {
  if (!rows) return t("rows.auto");
  return rows === 1 ? t("rows.label.one") : t("rows.label", { n: rows });
}

/**
 * @param {number} rows @param {Measured | undefined} measured @param {Measured} most the longest bars
 * @param {boolean} chosen
 */
function rowOf(rows, measured, most, chosen) {
  /** @param {"milliseconds" | "working_bytes"} key @param {(value: number) => string} words */
  const bar = (key, words) =>
    h(
      "span",
      { class: "rows-bar", "data-key": key },
      h("i", { style: `width: ${measured ? (100 * measured[key]) / most[key] : 0}%` }),
      h("span", { class: "number" }, measured ? words(measured[key]) : "–"),
    );
  return h(
    "li",
    { "aria-current": String(chosen) },
    h("span", {}, labelOf(rows)),
    bar("working_bytes", bytes),
    bar("milliseconds", milliseconds),
  );
}

/** What the chosen number of rows takes. @param {import("../../../lab/model.js").Loaded} loaded @param {Map<number, Measured>} measured @param {number} rows */
function sentence({ entry, classifier }, measured, rows) {
  const one = measured.get(rows);
  const network = { name: entry.name(), side: number(classifier.config.resolution) };
  if (!one) return t("rows.none", network);
  return t("rows.shows", { ...network, bytes: bytes(one.working_bytes), ms: milliseconds(one.milliseconds) });
}
