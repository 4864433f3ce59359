// The page's state and its link: both ways, whatever is in the link. Needs no browser.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { page as module } from "./fakes.js";

/** A window with address and history, as far as the state needs them. */
class Window extends EventTarget {
  /** @type {{url: string, state: any}[]} */
  entries;
  at = 0;
  /** How often the address was written. */
  written = 0;
  setTimeout = (/** @type {() => void} */ act, /** @type {number} */ ms) => setTimeout(act, ms);

  constructor(hash = "") {
    super();
    this.entries = [{ url: `https://lab.example/${hash}`, state: null }];
  }

  get location() {
    return new URL(this.entries[this.at].url);
  }

  history = {
    replaceState: (/** @type {any} */ state, _ = "", url = "") => {
      this.written++;
      this.entries[this.at] = { url: new URL(url, this.location).href, state };
      if (!url) this.entries[this.at].url = new URL(this.location).href;
    },
    pushState: (/** @type {any} */ state, _ = "", url = "") => {
      this.entries.splice(++this.at, Infinity, { url: new URL(url, this.entries[this.at - 1].url).href, state });
    },
  };

  /** Back or forward. @param {number} entries */
  go(entries) {
    this.at += entries;
    this.dispatchEvent(Object.assign(new Event("popstate"), { state: this.entries[this.at].state }));
  }

  /** A person enters another link. @param {string} hash */
  enter(hash) {
    this.entries.splice(this.at + 1, Infinity, { url: new URL(hash, this.location).href, state: null });
    this.go(1);
  }
}

const [{ COLOURS, createState, PANELS, ROOMS, ROWS }, { PARTS }, { preset, SETTINGS }, { effect }] = await Promise.all(
  ["lab/state", "lab/selection", "lab/settings", "lab/signals"].map(module),
);

/** A page opened by a link. @param {string} [hash] */
function open(hash) {
  const page = new Window(hash);
  for (const [name, value] of Object.entries({
    window: page,
    history: page.history,
    addEventListener: page.addEventListener.bind(page),
  }))
    Object.defineProperty(globalThis, name, { value, configurable: true });
  Object.defineProperty(globalThis, "location", { get: () => page.location, configurable: true });
  const state = createState();
  const /** @type {string[]} */ heard = [];
  for (const [name, signal] of Object.entries({ room: state.room, ...state.values })) {
    effect(() => void (signal.value, heard.push(name)));
  }
  heard.length = 0; // the initial state
  return { page, state, heard };
}

/** The values of every room. @param {any} state */
const valuesOf = ({ values }) =>
  Object.fromEntries([...ROOMS, "page"].map((/** @type {string} */ group) => [group, values[group].value]));

/** @type {Record<string, any>} */
let defaults;
beforeEach(() => (defaults = valuesOf(open().state)));

test("an empty link is the first room with every default, and stays as short", () => {
  for (const hash of ["", "#", "#classify", "#classify?", "#nowhere", "#__proto__?constructor.x=1", "#?"]) {
    const { state } = open(hash);
    assert.equal(state.room.value, "classify", hash);
    assert.deepEqual(valuesOf(state), defaults, hash);
    assert.equal(state.link(), "#classify");
  }
  for (const room of ROOMS) assert.equal(open(`#${room}`).state.room.value, room);
});

/** Values of each room other than the defaults. @type {Record<string, Record<string, any[]>>} */
const OTHERS = {
  classify: { weights: ["cifar10-0.35", "a b&c=d?e#f%20+ü.🐈"], resolution: [8, 33, 1024], top: [1, 20] },
  train: {
    from: ["run-abc 7-best"],
    width: [0.5, 1.4],
    resolution: [64],
    ...Object.fromEntries(
      SETTINGS.map(({ key, choices, quick, min = 0, max = 0 }) => [
        key,
        choices ?? (typeof quick === "boolean" ? [true, false] : [min, max]),
      ]),
    ),
  },
  apart: {
    panel: PANELS,
    width: [0.35, 1.3, 1.4],
    resolution: [224],
    network: ["paper"],
    stem: ["imagenet", "cifar"],
    block: [1, 17],
    part: PARTS,
    channel: [1, 960],
    x: [0.0022, 0.9978],
    y: [0.0022, 0.9978],
    opened: [1, 17],
    colour: COLOURS,
    scale: ["log", "linear"],
    beside: ["mobilenet-v1", "plain"],
    d: [8, 512],
    d2: [8, 512],
    side: [7, 112],
    relu: [1, 17],
    cut: [0.1, 6.5],
    bits: [2, 16],
    rows: ROWS.slice(1),
    classA: [1, 1000],
    classB: [1, 1000],
    axis: ["macs", "time"],
    dimensions: [3, 64],
    through: ["relu", "linear"],
    matrix: [1, 2 ** 32 - 1],
  },
  page: {
    lesson: ["my-own-2"],
    stop: ["relu"],
    path: ["fifteen"],
    hide: ["camera,samples"],
    lock: ["width resolution"],
    lang: ["ko"],
  },
};

test("every value survives the way into the link and back", () => {
  assert.deepEqual(
    Object.entries(OTHERS).map(([room, values]) => [room, Object.keys(values).sort()]),
    Object.entries(defaults).map(([room, values]) => [room, Object.keys(values).sort()]),
    "all values",
  );
  for (const group of [...ROOMS, "page"]) {
    const room = group === "page" ? "train" : group;
    for (const [key, others] of Object.entries(OTHERS[group])) {
      for (const value of others) {
        const { state } = open(`#${room}`);
        state.set(/** @type {any} */ (group), { [key]: value });
        const again = open(state.link()).state;
        assert.equal(again.values[group].value[key], value, `${group}.${key}`);
        assert.deepEqual(valuesOf(again), valuesOf(state), `${group}.${key} ${value}`);
        assert.equal(again.link(), state.link());
        assert.equal(again.room.value, room);
      }
    }
  }
});

test("a link covers every room, without defaults", () => {
  const { state } = open("#train?train.seed=7&classify.top=3&apart.block=9&train.epochs=3");
  assert.equal(state.link(), "#train?classify.top=3&train.seed=7&apart.block=9");
  state.set("train", { seed: 1 });
  assert.equal(state.link(), "#train?classify.top=3&apart.block=9");
});

test("invalid values fall back to the default", () => {
  for (const [room, wrong] of /** @type {[string, Record<string, string[]>][]} */ ([
    ["classify", { resolution: ["7", "1025", "32.5", "NaN", "-0x", "Infinity"], top: ["0", "21", "1.5", "x"] }],
    ["train", { width: ["0", "2", "x", ""], resolution: ["0", "1"], flip: ["1", "yes", ""], data: ["mnist", ""] }],
    ["train", Object.fromEntries(SETTINGS.map(({ key }) => [key, ["", "NaN", "-1e9", "1e12", "[object Object]"]]))],
    ["apart", { panel: ["", "x", "__proto__"], stem: ["x"], block: ["0", "18", "1.5", ""], channel: ["0", "-1", "x"] }],
    [
      "apart",
      {
        part: ["", "head"],
        x: ["-0.1", "1", "x"],
        opened: ["-1", "18"],
        colour: ["red"],
        beside: ["x"],
        d: ["9", "0"],
        side: ["8"],
        relu: ["18", "-1"],
        cut: ["0", "100", "x"],
        bits: ["1", "17", "2.5"],
        rows: ["3", "-1"],
        classA: ["-1", "1.5"],
      },
    ],
    [
      "apart",
      { dimensions: ["1", "65", "2.5", "x"], through: ["", "x"], matrix: ["0", "4294967296", "1.5"], width: ["3"] },
    ],
    [
      "duel",
      {
        compare: ["<x>", "A b"],
        between: ["<", "9".repeat(100)],
        steps: ["9", "10.5", "1e6", ""],
        differs: ["%"],
        view: ["x"],
      },
    ],
  ])) {
    for (const [key, texts] of Object.entries(wrong)) {
      for (const text of texts) {
        const { state } = open(`#${room}?${room}.${key}=${encodeURIComponent(text)}`);
        assert.deepEqual(valuesOf(state), defaults, `${room}.${key}=${text}`);
      }
    }
  }
});

test("unknown keys are ignored, and others beside them are not", () => {
  for (const hostile of [
    "train.nothing=1",
    "nowhere.seed=1",
    "seed=9",
    "train=9",
    "=9",
    ".=9",
    "train.=9",
    ".seed=9",
    "__proto__.polluted=1",
    "train.__proto__=1",
    "constructor.prototype=1",
    "train.hasOwnProperty=1",
    "train.toString=1",
    "train.seed.toString=9",
    "%",
    "%E0%A4%A=1",
    "&&&&",
    "<script>=1",
    `x=${"9".repeat(100_000)}`,
  ]) {
    const { state } = open(`#train?${hostile}&train.seed=7`);
    assert.deepEqual(valuesOf(state), { ...defaults, train: { ...defaults.train, seed: 7 } }, hostile.slice(0, 40));
    assert.equal(state.link(), "#train?train.seed=7");
  }
  assert.equal(/** @type {any} */ ({}).polluted, undefined);
});

test("the last valid one of repeated values counts", () => {
  assert.equal(open("#train?train.seed=7&train.seed=8&train.seed=x").state.values.train.value.seed, 8);
});

test("weights with a question mark in their id are found, escaped or not", () => {
  assert.equal(open("#classify?classify.weights=a%3Fb").state.values.classify.value.weights, "a?b");
  assert.equal(open("#classify?classify.weights=a?b").state.values.classify.value.weights, "a?b");
});

/** Links handed out before, and what they must still mean. @type {[string, string, Record<string, Record<string, any>>][]} */
const KEPT = [
  // before links had a version
  ["#train?train.width=0.5&train.seed=7", "train", { train: { width: 0.5, seed: 7 } }],
  ["#apart?apart.panel=architecture&apart.block=9", "apart", { apart: { panel: "map", block: 9 } }],
  ["#apart?apart.panel=manifold&apart.dimensions=5", "apart", { apart: { panel: "manifold", dimensions: 5 } }],
  ["#classify?classify.weights=cifar10-0.35&classify.top=3", "classify", { classify: { top: 3 } }],
  // version 1
  ["#apart?apart.panel=maps&apart.block=9&v=1&lang=ko", "apart", { apart: { block: 9 }, page: { lang: "ko" } }],
  ["#apart?apart.panel=manifold&stop=relu&path=fifteen&v=1&lang=en", "apart", { page: { stop: "relu" } }],
  ["#train?hide=camera&lock=width,resolution&v=1", "train", { page: { hide: "camera", lock: "width,resolution" } }],
  ["#train?duel.compare=rate&v=1", "train", { duel: { compare: "rate" } }],
  [
    "#train?duel.compare=rate&duel.data=cifar-10&duel.view=recorded&v=1",
    "train",
    { duel: { compare: "rate", data: "cifar-10", view: "recorded" } },
  ],
  [
    "#train?duel.compare=own&duel.differs=learning_rate&duel.between=0.1+0.05&duel.steps=500&v=1",
    "train",
    { duel: { differs: "learning_rate", between: "0.1 0.05", steps: 500 } },
  ],
  // a later version, as far as it can be read
  ["#train?train.seed=7&v=2&train.unheard=1", "train", { train: { seed: 7 } }],
];

test("links handed out by earlier versions mean what they meant", () => {
  for (const [link, room, values] of KEPT) {
    const { state } = open(link);
    assert.equal(state.room.value, room, link);
    for (const [group, expected] of Object.entries(values)) {
      for (const [key, value] of Object.entries(expected)) {
        assert.equal(/** @type {any} */ (state.values)[group].value[key], value, `${link}: ${group}.${key}`);
      }
    }
  }
});

test("a link to hand on has a version and the language, and opens as the same state", () => {
  const { state } = open("#apart?apart.block=9&stop=block");
  const link = state.linkToShare("ko");
  assert.equal(link, "https://lab.example/#apart?apart.block=9&stop=block&v=1&lang=ko");
  const again = open(new URL(link).hash).state;
  assert.deepEqual(valuesOf(again), { ...valuesOf(state), page: { ...valuesOf(state).page, lang: "ko" } });
});

test("names in a link that could lead to other files are ignored", () => {
  for (const name of ["../x", "a/b", "A", "x".repeat(41), "https://x.example/"]) {
    assert.equal(open(`#apart?lesson=${encodeURIComponent(name)}`).state.values.page.value.lesson, "mobilenetv2");
  }
});

test("a change is reported once, and no change never", () => {
  const { state, heard } = open();
  state.set("train", { seed: 7, epochs: 9 });
  state.set("train", { seed: 7 });
  state.set("train", {});
  assert.deepEqual(heard, ["train"]);
  assert.deepEqual(state.values.train.value, { ...defaults.train, seed: 7, epochs: 9 });
  state.set("apart", { block: 4 });
  assert.deepEqual(heard, ["train", "apart"]);
});

test("pages do not share their values", () => {
  open().state.set("train", { seed: 7 });
  assert.equal(open().state.values.train.value.seed, preset("quick").seed);
});

test("many changes in a row write few addresses, and the last one is there in the end", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let now = 0;
  t.mock.method(performance, "now", () => now);
  const { state, page } = open("#train");
  page.written = 0;
  const tick = (/** @type {number} */ ms) => ((now += ms), t.mock.timers.tick(ms));
  for (let i = 1; i <= 1875; i++) {
    state.set("train", { seed: i + 1 });
    tick(16); // half a minute of dragging a slider
  }
  assert.ok(page.written < 100, `${page.written} addresses`);
  tick(1000);
  assert.equal(page.location.hash, "#train?train.seed=1876");
  const { written } = page;
  tick(10_000);
  assert.equal(page.written, written, "nothing is written without a change");
  state.set("train", { seed: 5 });
  assert.equal(page.location.hash, "#train?train.seed=5", "the first change is there at once");
});

test("a page that is left meanwhile has the address of its last change", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { state, page } = open("#train");
  state.set("train", { seed: 2 });
  state.set("train", { seed: 3 });
  assert.equal(page.location.hash, "#train?train.seed=2");
  page.dispatchEvent(new Event("pagehide"));
  assert.equal(page.location.hash, "#train?train.seed=3");
});

test("Back and Forward change the room and keep the values", () => {
  const { state, page, heard } = open("#classify?classify.top=3");
  state.enter("train");
  state.enter("train");
  assert.deepEqual([heard, page.entries.length], [["room"], 2]);
  state.set("train", { seed: 7 });
  page.go(-1);
  assert.deepEqual(
    [state.room.value, state.values.train.value.seed, state.values.classify.value.top],
    ["classify", 7, 3],
  );
  assert.equal(page.location.hash, "#classify?classify.top=3&train.seed=7");
  page.go(1);
  assert.deepEqual([state.room.value, state.values.train.value.seed], ["train", 7]);
  assert.deepEqual(heard, ["room", "train", "room", "room"]);
});

test("an entered link sets everything", () => {
  const { state, page, heard } = open("#classify?classify.top=3&train.seed=7");
  page.enter("#train?train.epochs=9");
  assert.deepEqual([state.room.value, state.values.train.value.seed, state.values.classify.value.top], ["train", 1, 5]);
  assert.equal(state.values.train.value.epochs, 9);
  assert.deepEqual(heard.sort(), ["room", "page", "duel", ...ROOMS].sort(), "each once");
  page.go(-1);
  assert.equal(state.room.value, "classify");
});

test("a pending change of the address does not undo a link entered meanwhile", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { state, page } = open("#train");
  state.set("train", { seed: 2 });
  state.set("train", { seed: 3 });
  page.enter("#train?train.seed=9");
  t.mock.timers.tick(1000);
  assert.deepEqual([page.location.hash, state.values.train.value.seed], ["#train?train.seed=9", 9]);
});

test("deleted weights are selected nowhere", () => {
  const { state, heard } = open("#train?train.from=x&classify.weights=x");
  state.forget("y");
  assert.deepEqual(heard, []);
  state.forget("x");
  assert.deepEqual(heard, ["train", "classify"]);
  assert.deepEqual([state.values.train.value.from, state.values.classify.value.weights], ["", ""]);
});
