/** Compare: up to four networks that differ in one thing, trained side by side and judged by the same pictures. */
import { DATA, onCifar, ownContest, readyMade, recordedOutcomes } from "../../../lab/duel/contests.js";
import { Duel } from "../../../lab/duel/duel.js";
import { Estimate } from "../../../lab/duel/estimate.js";
import { idOf, OWN } from "../../../lab/duel/record.js";
import { asksOf, recordingOf } from "../../../lab/duel/recorded.js";
import { recordsOf } from "../../../lab/duel/records.js";
import { costsOf } from "../../../lab/duel/sides.js";
import { computed, effect, follow, signal } from "../../../lab/signals.js";
import { h, setWords, showProblem } from "../../shared/dom.js";
import { has, t } from "../../shared/i18n.js";
import { createCards } from "./cards.js";
import { createChoice } from "./choice.js";
import { createDuelChart } from "./chart.js";
import { createControl } from "./control.js";
import { createFiles } from "./files.js";
import { createOutcome } from "./outcome.js";
import { createOwn } from "./own.js";
import { createRecording } from "./recording.js";
import { createSides } from "./sides.js";

/** @typedef {Awaited<ReturnType<typeof meansOf>>} Means what the parts of this view share */

/** Waits for a storage and the table of comparisons. @param {import("../../context.js").Context} context */
export async function createDuel(context) {
  const means = await meansOf(context);
  const { state, chosen, costs, recording, viewsRecorded } = means;
  const title = h("h2");
  const look = h("p");
  const change = h("button", { type: "button", t: "duel.change", onclick: () => makeOwn(means) });
  const fixed = h("p", { class: "hint", t: "duel.fixed" });
  const about = h("div", { class: "duel-look" }, look, change, fixed);
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const view = createChoice("duel-view", "duel.view.choice", VIEWS, (view) => state.set("duel", { view }));
  const data = createChoice("duel-data", "duel.data.choice", DATA.map(optionOf), (data) => state.set("duel", { data }));
  const own = createOwn(means);
  const cards = createCards(means);
  const { outcome, seeds } = createOutcome(means);
  const control = createControl(means);
  const tables = h("div", { class: "duel-tables" }, createSides(means), seeds);
  const recorded = createRecording(means);
  const files = createFiles(means);
  const element = h(
    "section",
    { class: "panel duel", "t-aria-label": "duel.title" },
    title,
    h("div", { class: "duel-choices" }, view.element, data.element),
    about,
    own,
    control,
    createDuelChart(means),
    outcome,
    tables,
    ...recorded,
    files,
    problem,
  );
  effect(() => {
    const { name, contest } = chosen.value;
    const shows = viewsRecorded.value;
    title.textContent = t(`duel.name.${name}`);
    setWords(look, has(`duel.look.${name}`) ? t(`duel.look.${name}`) : "");
    own.hidden = name !== OWN || shows;
    fixed.hidden = name === OWN || shows;
    change.hidden = name === OWN || shows || !contest || differing(contest).length > 1;
    view.element.hidden = !recording.value;
    view.show(shows ? "recorded" : "");
    data.element.hidden = name === OWN || shows;
    data.show(String(contest?.settings.data), contest && onCifar(contest) ? [] : ["cifar-10"]);
    for (const part of [control, outcome, tables, files]) part.hidden = shows;
    for (const part of recorded) part.hidden = !shows;
  });
  // costs of what is chosen, before it is trained
  follow(
    () => chosen.value.contest,
    async (contest) => {
      try {
        const found = contest ? await costsOf(context.engine, contest, context) : [];
        if (contest === chosen.peek().contest) costs.value = found;
        problem.hidden = true;
      } catch (error) {
        showProblem(problem, error);
      }
    },
  );
  measureTimes(means);
  return { element, cards, own: computed(() => chosen.value.name === OWN && !viewsRecorded.value) };
}

/** What the panel shows: what is trained here, or our recorded runs. @type {[string, string][]} */
const VIEWS = [
  ["", "duel.view.here"],
  ["recorded", "duel.view.recorded"],
];
/** @param {string} data @returns {[string, string]} */
const optionOf = (data) => [data, `setting.data.${data}`];

/** Times a step of each side while nothing trains: first of what is chosen. @param {Means} means */
function measureTimes({ estimate, session, duel, chosen, contests, state }) {
  follow(
    () => (state.room.value === "train" && !session.active.value && !duel.active.value ? chosen.value.contest : null),
    (contest) => contest && estimate.measure([contest, ...contests.peek()]),
  );
}

/** Turns a ready-made comparison into one's own, to change it. @param {Means} means */
function makeOwn({ state, chosen }) {
  const { contest } = chosen.peek();
  if (!contest) return;
  const { steps, ...settings } = contest.settings;
  const [differs] = differing(contest);
  const between = contest.sides.map((side) => side[differs]).join(" ");
  state.set("train", settings);
  state.set("duel", { compare: OWN, differs, between, steps });
}

/** The settings in which the sides differ. @param {import("../../../lab/duel/record.js").Contest} contest */
const differing = ({ sides }) => [...new Set(sides.flatMap((side) => Object.keys(side)))];

/** @param {import("../../context.js").Context} context */
async function meansOf(context) {
  const { engine, core, state, session, project, cifar } = context;
  const [records, all, outcomes] = await Promise.all([recordsOf(engine), readyMade(), recordedOutcomes()]);
  const duel = new Duel(engine, { project, cifar }, session, records, core);
  const cifars = all.map((contest) => onCifar(contest) ?? contest);
  const contests = computed(() => (state.values.duel.value.data === "cifar-10" ? cifars : all));
  const settings = computed(() => {
    const { epochs, trained, from, ...values } = state.values.train.value;
    return values;
  });
  /** What the page shows: a ready-made comparison, or the person's own, null while that is none. */
  const chosen = computed(() => {
    const { compare, differs, between, steps } = state.values.duel.value;
    const found = contests.value.find(({ name }) => name === compare) ?? (compare === OWN ? null : contests.value[0]);
    if (found) return { name: found.name, contest: found };
    const choice = { differs: String(differs), between: String(between), steps: Number(steps) };
    return { name: OWN, contest: ownContest(settings.value, choice) };
  });
  /** One that was read from a file, until another is chosen or trained. @type {import("../../../lab/signals.js").Signal<import("../../../lab/duel/record.js").Record | null>} */
  const opened = signal(null);
  follow(
    () => [chosen.value, duel.active.value],
    () => (opened.value = null),
  );
  /** Its last training here: in progress, interrupted or ended; or the one from a file. */
  const shown = computed(() => {
    const { contest } = chosen.value;
    const record = (contest && records.all.value.get(idOf(contest))) ?? null;
    const [trained, wanted] = [record?.contest, contest].map((one) => JSON.stringify(one));
    return opened.value ?? (record && (trained === wanted || record.end === "active") ? record : null);
  });
  const recording = recordingSignal(computed(() => asksOf(chosen.value.name, String(state.values.duel.value.differs))));
  return {
    engine,
    core,
    state,
    session,
    project,
    cifar,
    records,
    contests,
    outcomes,
    duel,
    estimate: new Estimate(engine, { project, cifar }, () => session.active.peek() || duel.active.peek()),
    chosen,
    opened,
    shown,
    recording,
    /** Whether the recorded runs are shown in place of what is trained here. */
    viewsRecorded: computed(() => recording.value !== null && state.values.duel.value.view === "recorded"),
    /** Costs of what is chosen. @type {import("../../../lab/signals.js").Signal<{parameters: number, macs: number}[]>} */
    costs: signal([]),
  };
}

/** Our recorded runs of this name; null if there are none, or they have not come. @param {import("../../../lab/signals.js").ReadonlySignal<string>} name */
function recordingSignal(name) {
  /** @type {import("../../../lab/signals.js").Signal<import("../../../lab/duel/recorded.js").Recording | null>} */
  const recording = signal(null);
  follow(
    () => name.value,
    async (now) => {
      recording.value = null;
      const found = await recordingOf(now).catch((error) => {
        console.info(error); // all else works without them
        return null;
      });
      if (now === name.peek()) recording.value = found;
    },
  );
  return recording;
}
