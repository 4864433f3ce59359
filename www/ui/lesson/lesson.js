/** The lesson beside the rooms: its stops, and the one at hand. */
import { Lesson } from "../../lab/lesson/lesson.js";
import { effect, follow } from "../../lab/signals.js";
import { h, setOptions, turnOff } from "../shared/dom.js";
import { addStrings, currentLanguage, t } from "../shared/i18n.js";
import { later } from "../shared/later.js";
import { createRing } from "./ring.js";
import { createStop, wordsOf } from "./stop.js";

/** Pixels that a finger moves for a swipe, and at most across. */
const SWIPE = 64;
const ACROSS = 40;
/** Where the arrow keys and Space have a meaning of their own. */
const CONTROLS = "button, input, select, textarea, summary, a, [role=slider], [role=region], [role=tab]";

/** @param {import("../context.js").Context} context @param {HTMLElement} place */
export function createLesson(context, place) {
  const { state } = context;
  const lesson = new Lesson(state);
  const ring = createRing();
  const path = h("select", { id: "lesson-path", onchange: () => choosePath(path.value) });
  const stops = h("select", {
    id: "lesson-stops",
    "t-aria-label": "lesson.stops",
    onchange: () => openStop(stops.value),
  });
  const bar = h("span", { class: "lesson-progress", "aria-hidden": "true" });
  const stopPlace = h("div");
  const back = h("button", { type: "button", t: "lesson.back", onclick: () => lesson.go(-1) });
  const next = h("button", { type: "button", class: "primary", t: "lesson.next", onclick: () => lesson.go(1) });
  const fold = h("button", {
    type: "button",
    class: "lesson-fold",
    "t-aria-label": "lesson.fold",
    "aria-expanded": "true",
    "aria-controls": "lesson-body",
    onclick: () => setFolded(!place.classList.contains("folded")),
  });
  const action = (/** @type {string} */ key, /** @type {() => unknown} */ onclick) =>
    h("button", { type: "button", t: key, onclick });
  const more = h(
    "div",
    { class: "lesson-more" },
    h("div", { class: "field" }, h("label", { for: path.id, t: "lesson.path" }), path),
    h(
      "div",
      { class: "actions" },
      action("lesson.report", () => open("report")),
      action("lesson.teacher", () => open("teacher")),
      action("lesson.forget", () => confirm(t("lesson.forget.confirm")) && lesson.forget()),
    ),
  );
  const body = h("div", { class: "lesson-body", id: "lesson-body" }, stopPlace, more);
  place.replaceChildren(
    h(
      "header",
      {},
      stops,
      fold,
      h("button", { type: "button", class: "lesson-close", "t-aria-label": "lesson.close", onclick: close }, "×"),
      bar,
    ),
    body,
    h("footer", {}, back, next),
  );

  /** On a phone, leaves the screen to the figure. @param {boolean} folded */
  function setFolded(folded) {
    place.classList.toggle("folded", folded);
    fold.setAttribute("aria-expanded", String(!folded));
  }

  /** Brings the keyboard to the control that the stop asks for. @param {string} [name] another one */
  function goToControl(name) {
    setFolded(fold.checkVisibility());
    ring.go(name);
  }

  /** Opens the report or the teacher's page. @param {"report" | "teacher"} which */
  async function open(which) {
    const url = new URL(`./${which}.js`, import.meta.url);
    const views = {
      report: async () => (await Promise.all([import("./report.js"), addStrings("duel")]))[0].showReport,
      teacher: async () => (await import("./teacher.js")).showTeacher,
    };
    const show = await later(views[which](), url);
    show?.(context, lesson);
  }

  /** @param {string} name */
  function choosePath(name) {
    state.set("page", { path: name });
    const [first] = lesson.stops.peek();
    if (lesson.at.peek() < 0 && first) lesson.open(first);
  }

  /** @param {string} id */
  function openStop(id) {
    const stop = lesson.stops.peek().find((one) => one.id === id);
    if (stop) lesson.open(stop);
  }

  function close() {
    state.set("page", { stop: "" });
    document.getElementById("lesson")?.focus();
  }

  function draw() {
    const language = currentLanguage();
    const { paths = {} } = lesson.data.value ?? {};
    const all = lesson.stops.value;
    const title = (/** @type {Record<string, string>} */ titles) => titles[language] ?? titles.en;
    setOptions(
      path,
      Object.entries(paths).map(([name, { title: titles, stops }]) => {
        const minutes = stops.reduce((sum, id) => {
          const stop = lesson.data.value?.stops.find((one) => one.id === id);
          return sum + (stop?.minutes ?? 0);
        }, 0);
        return h("option", { value: name }, `${title(titles)}, ${t("unit.minutes", { n: minutes })}`);
      }),
    );
    path.value = Object.keys(paths).find((name) => paths[name] === lesson.path.value) ?? "";
    const at = lesson.at.value;
    const others = lesson.stop.value && at < 0 ? [lesson.stop.value] : []; // a link to a stop beside the path
    setOptions(
      stops,
      [...others, ...all].map((stop) => {
        const n = all.indexOf(stop) + 1;
        const name = `${n || ""} · ${wordsOf(stop).title}`;
        return h("option", { value: stop.id }, `${name} (${t("unit.minutes", { n: stop.minutes })})`);
      }),
    );
    stops.value = lesson.stop.value?.id ?? "";
    bar.replaceChildren(
      ...all.map((stop, i) => {
        const seen = lesson.noteOf(stop.id).seen;
        return h("span", { class: i === at ? "now" : seen ? "seen" : "" });
      }),
    );
    turnOff(back, at <= 0);
    turnOff(next, at === all.length - 1);
  }

  /** @type {ReturnType<typeof createStop> | null} */
  let shown = null;
  follow(
    () => [lesson.stop.value, currentLanguage()],
    () => {
      shown?.dispose();
      shown = null;
      const stop = lesson.stop.peek();
      if (!stop) return stopPlace.replaceChildren();
      shown = createStop(context, lesson, stop, { ring, go: goToControl });
      stopPlace.replaceChildren(shown.element);
      body.scrollTop = 0;
    },
  );
  follow(
    () => lesson.phase.value,
    (phase) => {
      if (phase !== "try") setFolded(false);
      const part = { question: "h3", try: ".lesson-try", outcome: ".lesson-outcome" }[phase];
      const block = phase === "question" ? "start" : "nearest";
      requestAnimationFrame(() => scrollWithin(body, body.querySelector(part), block));
    },
  );
  effect(draw);

  document.addEventListener("keydown", (event) => {
    const { target, key } = event;
    if (!lesson.stop.peek() || document.querySelector("dialog[open]") || event.defaultPrevented) return;
    if (event.ctrlKey || event.altKey || event.metaKey || !(target instanceof Element)) return;
    const paging = { PageDown: 1, PageUp: -1 }[key];
    const arrow = { ArrowRight: 1, ArrowLeft: -1, " ": 1 }[key];
    const by = paging ?? (target.closest(CONTROLS) ? undefined : arrow);
    if (!by || (paging && target.closest("textarea, [role=region]"))) return;
    event.preventDefault();
    lesson.step(by === 1 ? 1 : -1);
  });
  swiped(body, (by) => lesson.go(by));

  return lesson;
}

/** Scrolls a list only, not the page. @param {HTMLElement} list @param {Element | null} part @param {"start" | "nearest"} block */
function scrollWithin(list, part, block) {
  if (!part) return;
  const [around, at] = [list.getBoundingClientRect(), part.getBoundingClientRect()];
  if (block === "start") list.scrollTop = 0;
  else if (at.bottom > around.bottom) list.scrollTop += Math.min(at.bottom - around.bottom, at.top - around.top);
}

/** Calls with 1 or -1 for a swipe. @param {HTMLElement} element @param {(by: 1 | -1) => void} act */
function swiped(element, act) {
  let from = { x: 0, y: 0 };
  element.addEventListener(
    "touchstart",
    ({ touches: [{ clientX: x, clientY: y }], target }) => {
      from = target instanceof Element && target.closest("input, textarea") ? { x: NaN, y } : { x, y };
    },
    { passive: true },
  );
  element.addEventListener("touchend", ({ changedTouches: [{ clientX, clientY }] }) => {
    const [x, y] = [clientX - from.x, clientY - from.y];
    if (Math.abs(x) > SWIPE && Math.abs(y) < ACROSS) act(x < 0 ? 1 : -1);
  });
}
