// A lesson's logic: the way through its stops, what is kept, what counts as done. Needs no browser.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { page } from "./fakes.js";

const { Lesson, isRight, isSet } = await page("lab/lesson/lesson");
const { signal } = await page("lab/signals");

/** What the browser keeps. @type {Map<string, string>} */
const kept = new Map();
Object.defineProperty(globalThis, "localStorage", {
  value: {
    getItem: (/** @type {string} */ key) => kept.get(key) ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ value) => kept.set(key, value),
    removeItem: (/** @type {string} */ key) => kept.delete(key),
  },
  configurable: true,
});
beforeEach(() => kept.clear());

const stop = (/** @type {string} */ id, more = {}) => ({
  id,
  room: "apart",
  set: { "apart.block": 3 },
  done: { value: "apart.block" },
  right: 1,
  ...more,
});
const DATA = {
  title: {},
  paths: { all: { title: {}, stops: ["a", "b", "c"] }, short: { title: {}, stops: ["c", "a"] } },
  stops: [stop("a"), stop("b", { room: "train", set: { "train.seed": 7 } }), stop("c")],
};

/** A page with this lesson. @param {Record<string, string>} [link] */
function open(link = {}) {
  /** @type {any} */
  const values = {
    page: signal({ lesson: "x", stop: "", path: "all", ...link }),
    apart: signal({ block: 9 }),
    train: signal({ seed: 1 }),
  };
  const state = {
    room: signal("classify"),
    values,
    enter: (/** @type {string} */ room) => (state.room.value = room),
    set: (/** @type {string} */ group, /** @type {any} */ some) =>
      (values[group].value = { ...values[group].value, ...some }),
    isDefault: (/** @type {string} */ group, /** @type {string} */ key) => group === "train" && key === "seed",
    link: () => "#apart?stop",
  };
  const lesson = new Lesson(state);
  lesson.data.value = DATA;
  return { lesson, state };
}

/** Where it is. @param {any} lesson */
const placeOf = (lesson) => `${lesson.stop.value?.id} ${lesson.phase.value}`;

test("a clicker goes through question, trial and outcome of each stop of the path, and back", () => {
  const { lesson } = open({ path: "short" });
  lesson.enter();
  const way = [placeOf(lesson)];
  for (let i = 0; i < 6; i++) {
    lesson.step(1);
    way.push(placeOf(lesson));
  }
  assert.deepEqual(way, ["c question", "c try", "c outcome", "a question", "a try", "a outcome", "a outcome"]);
  lesson.step(-1);
  lesson.step(-1);
  lesson.step(-1);
  assert.equal(placeOf(lesson), "c outcome", "what was seen stays seen");
});

test("a stop that is open already stays as it is when its address is followed", () => {
  const { lesson } = open({ stop: "start" });
  lesson.enter();
  lesson.step(1);
  lesson.enter(); // the address of the stop that was opened
  assert.equal(placeOf(lesson), "a try");
});

test("a stop sets the page when it is opened, and a link's own values come first", () => {
  const { lesson, state } = open();
  lesson.open(DATA.stops[0]);
  assert.deepEqual([state.room.value, state.values.apart.value.block], ["apart", 3]);
  const linked = open({ stop: "a" });
  linked.lesson.enter();
  assert.deepEqual(
    [linked.state.room.value, linked.state.values.apart.value.block],
    ["apart", 9],
    "chosen in the link",
  );
  const bare = open({ stop: "b" });
  bare.lesson.enter();
  assert.deepEqual([bare.state.room.value, bare.state.values.train.value.seed], ["train", 7], "left open by it");
});

test("the place is kept, and an unknown stop is the place where the person left", () => {
  open().lesson.open(DATA.stops[1]);
  const { lesson } = open({ stop: "start" });
  lesson.enter();
  assert.equal(placeOf(lesson), "b question");
});

test("guesses, hands and words are kept until they are deleted", () => {
  const { lesson } = open();
  lesson.open(DATA.stops[0]);
  lesson.guess(2);
  lesson.keep("a", { hands: [1, 2], words: "so" });
  lesson.show();
  assert.deepEqual(JSON.parse(kept.get("lesson-x") ?? ""), {
    a: { guess: 2, hands: [1, 2], words: "so", seen: true, link: "#apart?stop" },
  });
  lesson.forget();
  assert.deepEqual([kept.has("lesson-x"), lesson.notes.value, lesson.phase.value], [false, {}, "question"]);
});

test("a guess is right, or near enough for a value", () => {
  assert.ok(isRight({ right: 1 }, 1) && !isRight({ right: 1 }, 0));
  const value = { min: 1, max: 20, step: 1, start: 3, right: 8.4, within: 1 };
  assert.ok(isRight({ value }, 9.4) && !isRight({ value }, 9.5));
});

test("a value counts as set when it is one of those named, or another one than at first", () => {
  const values = (/** @type {number} */ block) => ({ apart: { value: { block } } });
  const first = { "apart.block": 3 };
  assert.ok(!isSet({ value: "apart.block" }, first, values(3)) && isSet({ value: "apart.block" }, first, values(4)));
  const some = { value: "apart.block", is: [5, 7] };
  assert.ok(!isSet(some, first, values(4)) && isSet(some, first, values(7)));
});
