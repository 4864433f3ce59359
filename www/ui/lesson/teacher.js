/** The teacher's page: timing, answers, what people get wrong, what to do without a network, and links to hand out. */
import { h } from "../shared/dom.js";
import { currentLanguage, number, t } from "../shared/i18n.js";
import { answerOf, rightOf } from "./question.js";
import { showSheet } from "./sheet.js";
import { wordsOf } from "./stop.js";

/** What there is to say, in this order. */
const ADVICE = ["before", "in-class", "offline", "slow", "evidence"];
/** Controls that a link can hide or lock. */
const NAMES = [
  ["tab-classify", "tab-train", "tab-apart", "lesson", "present", "share", "theme", "language"],
  ["weights", "width", "resolution"],
  ["crop", "samples", "camera", "ways"],
  [
    "settings",
    "rate",
    "wall",
    "start",
    "curves",
    "batch",
    "inside",
    "heldout",
    "results",
    "runs",
    "setting-epochs",
    "setting-learning_rate",
  ],
  ["contents", "map", "layers", "magnifier", "race", "block", "channel", "relu", "eraser"],
  ["dimensions", "point", "through", "matrix", "film", "rows", "memory", "cut", "bits", "duel-start"],
];

/** @param {import("../context.js").Context} context @param {import("../../lab/lesson/lesson.js").Lesson} lesson */
export function showTeacher({ state }, lesson) {
  const { paths = {}, stops = [], title = {} } = lesson.data.peek() ?? {};
  const language = currentLanguage();
  let minutes = 0;
  const rows = stops.map((stop, i) => {
    const words = wordsOf(stop);
    const from = minutes;
    minutes += stop.minutes;
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, `${number(i + 1)}. ${words.title}`),
      h("td", {}, `${from} – ${minutes}`),
      h("td", {}, answerOf(stop, words, rightOf(stop))),
      h("td", {}, words.mistakes),
    );
  });
  const columns = ["stop", "minutes", "answer", "mistakes"];
  const named = Object.values(paths).map(({ title: titles, stops: ids }) => {
    const numbers = ids.map((id) => stops.findIndex((stop) => stop.id === id) + 1).join(", ");
    return h("li", {}, `${titles[language] ?? titles.en}: ${numbers}`);
  });
  const example = new URL(state.linkToShare(language));
  example.hash = `#train?hide=contents,camera&lock=width,resolution&lang=${language}`;
  const text = h(
    "article",
    { class: "report teacher" },
    h("h1", {}, `${title[language] ?? ""}: ${t("teacher.title")}`),
    h("p", {}, t("teacher.idea")),
    h("ul", {}, ...named),
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, ...columns.map((name) => h("th", { scope: "col", t: `teacher.column.${name}` })))),
      h("tbody", {}, ...rows),
    ),
    ...ADVICE.flatMap((part) => [h("h2", { t: `teacher.${part}` }), h("p", { t: `teacher.${part}.text` })]),
    h("h2", { t: "teacher.links" }),
    h("p", { t: "teacher.links.text" }),
    h("p", {}, h("code", {}, example.href)),
    h("ul", {}, ...NAMES.map((names) => h("li", {}, h("code", {}, names.join(", "))))),
    h("p", { t: "teacher.links.more" }),
  );
  showSheet("lesson.teacher.title", text);
}
