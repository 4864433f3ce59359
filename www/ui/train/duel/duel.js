/** Compare: up to four networks that differ in one thing, trained side by side and judged by the same pictures. */
import { OWN, ownContest, readyMade, recordedOutcomes } from "../../../lab/duel/contests.js";
import { Duel } from "../../../lab/duel/duel.js";
import { Estimate } from "../../../lab/duel/estimate.js";
import { Records } from "../../../lab/duel/records.js";
import { costsOf } from "../../../lab/duel/sides.js";
import { computed, effect, follow, signal } from "../../../lab/signals.js";
import { h, setWords, showProblem } from "../../shared/dom.js";
import { has, t } from "../../shared/i18n.js";
import { createCards } from "./cards.js";
import { createDuelChart } from "./chart.js";
import { createControl } from "./control.js";
import { createOutcome } from "./outcome.js";
import { createOwn } from "./own.js";
import { createSides } from "./sides.js";

/** @typedef {Awaited<ReturnType<typeof meansOf>>} Means what the parts of this view share */

/** Waits for a storage and the table of comparisons. @param {import("../../context.js").Context} context */
export async function createDuel(context) {
  const means = await meansOf(context);
  const { chosen, contests, costs, duel } = means;
  const title = h("h2");
  const look = h("p");
  const change = h("button", { type: "button", t: "duel.change", onclick: () => makeOwn(means) });
  const fixed = h("p", { class: "hint", t: "duel.fixed" });
  const about = h("div", { class: "duel-look" }, look, change, fixed);
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const own = createOwn(means);
  const cards = createCards(means);
  const { outcome, seeds } = createOutcome(means);
  const element = h(
    "section",
    { class: "panel duel", "t-aria-label": "duel.title" },
    title,
    about,
    own,
    createControl(means),
    createDuelChart(means),
    outcome,
    h("div", { class: "duel-tables" }, createSides(means), seeds),
    problem,
  );
  effect(() => {
    const { name, contest } = chosen.value;
    title.textContent = t(`duel.name.${name}`);
    setWords(look, has(`duel.look.${name}`) ? t(`duel.look.${name}`) : "");
    own.hidden = name !== OWN;
    fixed.hidden = name === OWN;
    change.hidden = name === OWN || !contest || differing(contest).length > 1;
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
  const { estimate } = means;
  if (!context.session.active.peek() && !duel.active.peek()) estimate.measure().catch((error) => console.info(error)); // only the cards' times are missing
  estimate.weigh(contests.value).catch((error) => console.info(error));
  return { element, cards, own: computed(() => chosen.value.name === OWN) };
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
  const records = new Records();
  const [all, outcomes] = await Promise.all([readyMade(), recordedOutcomes(), records.open()]);
  const contests = signal(all);
  const duel = new Duel(engine, { project, cifar }, session, records, core);
  const settings = computed(() => {
    const { epochs, trained, from, ...values } = state.values.train.value;
    return values;
  });
  /** What the page shows: a ready-made comparison, or the person's own, null while that is none. */
  const chosen = computed(() => {
    const { compare, differs, between, steps } = state.values.duel.value;
    const found = all.find(({ name }) => name === compare);
    if (found) return { name: found.name, contest: found };
    if (compare !== OWN) return { name: all[0].name, contest: all[0] };
    const choice = { differs: String(differs), between: String(between), steps: Number(steps) };
    return { name: OWN, contest: ownContest(settings.value, choice) };
  });
  /** Its last training here: in progress, interrupted or ended. */
  const shown = computed(() => {
    const record = records.all.value.get(chosen.value.name) ?? null;
    const [trained, wanted] = [record?.contest, chosen.value.contest].map((contest) => JSON.stringify(contest));
    return record && (trained === wanted || record.end === "active") ? record : null;
  });
  return {
    engine,
    core,
    state,
    session,
    project,
    cifar,
    records,
    contests,
    recorded: outcomes,
    duel,
    estimate: new Estimate(engine, { project, cifar }),
    chosen,
    shown,
    /** Costs of what is chosen. @type {import("../../../lab/signals.js").Signal<{parameters: number, macs: number}[]>} */
    costs: signal([]),
  };
}
