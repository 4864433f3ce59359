// Every setting: its values, its range, and the resulting recipe and network. Needs no browser.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { CONFIG, RECIPE } from "../../www/lab/coresettings.js";
import {
  classesOf,
  configOf,
  dataOf,
  isResolution,
  parse,
  preset,
  recipeOf,
  SETTINGS,
  switchData,
} from "../../www/lab/settings.js";

/** @typedef {import("../../www/lab/settings.js").Setting} Setting */

const find = (/** @type {string} */ key) => /** @type {Setting} */ (SETTINGS.find((setting) => setting.key === key));
const numbers = SETTINGS.filter(({ quick }) => typeof quick === "number");
const DATA = /** @type {string[]} */ (find("data").choices);

test("every setting exists once, and each of its presets can be entered", () => {
  assert.equal(new Set(SETTINGS.map(({ key }) => key)).size, SETTINGS.length);
  for (const start of /** @type {const} */ (["quick", "paper"])) {
    for (const data of DATA) {
      const values = preset(start, data);
      assert.deepEqual(
        Object.keys(values),
        SETTINGS.map(({ key }) => key),
      );
      assert.equal(values.data, data);
      for (const setting of SETTINGS) {
        const value = values[setting.key];
        assert.equal(parse(setting, String(value)), value, `${start} ${data} ${setting.key}`);
      }
    }
  }
});

test("the core accepts what the page offers", () => {
  for (const setting of SETTINGS.filter(({ target }) => target !== "page")) {
    const known = (setting.target === "recipe" ? RECIPE : CONFIG).find(({ key }) => key === setting.key);
    assert.ok(known, setting.key);
    for (const choice of setting.choices ?? []) assert.ok(known.choices?.includes(choice), `${setting.key} ${choice}`);
    assert.deepEqual([setting.min, setting.max, setting.live], [known.min, known.max, known.live], setting.key);
    assert.equal(typeof setting.quick, typeof known.paper, setting.key);
  }
});

test("the paper's values are the paper's", () => {
  const { optimizer, schedule, decay, momentum, learning_rate, weight_decay, batch } = preset("paper");
  assert.deepEqual(
    { optimizer, schedule, decay, momentum, learning_rate, weight_decay, batch },
    {
      optimizer: "rmsprop",
      schedule: "exponential",
      decay: 0.98,
      momentum: 0.9,
      learning_rate: 0.045,
      weight_decay: 4e-5,
      batch: 96,
    },
  );
});

test("a number is accepted up to the ends of its range", () => {
  for (const setting of numbers) {
    const { key, min, max, whole } = setting;
    assert.ok(min !== undefined && max !== undefined && min < max, key);
    const beyond = whole ? 1 : 1e-6;
    assert.equal(parse(setting, String(min)), min, key);
    assert.equal(parse(setting, String(max)), max, key);
    assert.equal(parse(setting, String(min - beyond)), null, key);
    assert.equal(parse(setting, String(max + beyond)), null, key);
  }
});

test("invalid numbers are refused in every notation", () => {
  const texts = ["", " ", "a", "NaN", "Infinity", "-Infinity", "0x10", "0b1", "1e999", "1 2", "1,2,3", "--1", ".", "e"];
  for (const setting of numbers) {
    for (const text of [...texts, "1;", "null", "undefined", "[1]", "1n", "١", "\0"])
      assert.equal(parse(setting, text), null, `${setting.key} ${text}`);
  }
});

test("a number is read in every usual notation", () => {
  const rate = find("learning_rate");
  for (const text of ["0.05", "0,05", " 0.05 ", "5e-2", "5E-2", ".05", ",05", "+0.05"])
    assert.equal(parse(rate, text), 0.05, text);
  const batch = find("batch");
  for (const text of ["100", " 100 ", "1e2", "+100", "0100"]) assert.equal(parse(batch, text), 100, text);
});

test("a whole number with a thousands separator, or a fraction, is refused", () => {
  for (const key of ["epochs", "batch", "seed"]) {
    for (const text of ["1,000", "1.000", "1.5", "1,5", "15e-1"])
      assert.equal(parse(find(key), text), null, `${key} ${text}`);
  }
});

test("only existing choices are accepted", () => {
  for (const setting of SETTINGS.filter(({ choices }) => choices)) {
    for (const choice of /** @type {string[]} */ (setting.choices)) assert.equal(parse(setting, choice), choice);
    for (const text of ["", "SGD", "none ", "__proto__", "constructor", "0"]) assert.equal(parse(setting, text), null);
  }
  for (const setting of SETTINGS.filter(({ quick }) => typeof quick === "boolean")) {
    assert.deepEqual(
      ["true", "false", "", "1", "TRUE", "on"].map((text) => parse(setting, text)),
      [true, false, null, null, null, null],
    );
  }
});

test("a recipe has all of its settings, and none of the page's or the network's", () => {
  const values = { ...preset("quick"), width: 0.35, resolution: 32 };
  const recipe = recipeOf(values);
  const keys = (/** @type {string} */ target) => SETTINGS.filter((s) => s.target === target).map(({ key }) => key);
  assert.deepEqual(Object.keys(recipe).sort(), [...keys("recipe"), "freeze", "sizes"].sort());
  for (const key of keys("recipe").filter((key) => key !== "decay_until"))
    assert.equal(/** @type {any} */ (recipe)[key], values[/** @type {keyof values} */ (key)]);
  const config = configOf(values, 7);
  assert.deepEqual(
    Object.keys(config).sort(),
    [...keys("config"), "classes", "crop", "mean", "resolution", "std", "width"].sort(),
  );
  assert.deepEqual([config.classes, config.width, config.resolution, config.stem], [7, 0.35, 32, "cifar"]);
});

test("a rate that falls until epoch 0 falls until the last epoch", () => {
  const values = preset("quick");
  assert.equal(recipeOf({ ...values, epochs: 12 }).decay_until, 12);
  assert.equal(recipeOf({ ...values, epochs: 12, decay_until: 0.5 }).decay_until, 0.5);
});

test("sizes are shares of the input: at 32 pixels those of our study", async () => {
  const sizes = (/** @type {string} */ choice, resolution = 32) =>
    recipeOf({ ...preset("quick"), resolution, sizes: choice }).sizes;
  const study = JSON.parse(await readFile(new URL("../../recipes/study.json", import.meta.url), "utf8"));
  assert.deepEqual(sizes("one"), []);
  assert.deepEqual(sizes("all"), study.sizes);
  assert.deepEqual(sizes("larger", 224), [224, 280, 336]);
  assert.deepEqual(sizes("all", 8), [8, 8, 10, 12], "within the core's range");
  assert.deepEqual(sizes("all", 1024), [768, 1024, 1024, 1024]);
  assert.deepEqual(sizes("constructor"), [], "a file of curves may say anything");
});

test("what a run of an earlier build lacks stays as in the core", () => {
  const { hold_until, sizes, ...earlier } = preset("quick");
  const recipe = recipeOf({ ...earlier, resolution: 32 });
  assert.ok(!("hold_until" in recipe));
  assert.deepEqual(recipe.sizes, []);
});

test("only a network that starts from weights has frozen modules", () => {
  const values = preset("quick", "pictures");
  const frozen = (/** @type {import("../../www/lab/settings.js").Values} */ more) =>
    recipeOf({ ...values, ...more }).freeze;
  assert.equal(frozen({ from: "" }), 0);
  assert.deepEqual(
    ["classifier", "blocks", "all"].map((trained) => frozen({ from: "cifar10-0.35", trained })),
    [19, 15, 0],
  );
});

test("another data set brings its quick start, and keeps what a person has set", () => {
  for (const from of DATA) {
    for (const to of DATA) {
      const before = preset("quick", from);
      assert.deepEqual({ ...before, ...switchData(before, to) }, preset("quick", to), `${from} to ${to}`);
      const own = { ...before, epochs: 77, batch: 5, learning_rate: 0.123 };
      const after = { ...own, ...switchData(own, to) };
      assert.deepEqual([after.epochs, after.batch, after.learning_rate, after.data], [77, 5, 0.123, to]);
      // and back
      assert.deepEqual({ ...after, ...switchData(after, from) }, own, `${from} to ${to} and back`);
    }
  }
});

test("settings that do not apply say so", () => {
  const used = (/** @type {string} */ key, /** @type {import("../../www/lab/settings.js").Values} */ values) =>
    find(key).when?.(values);
  assert.deepEqual(
    ["exponential", "linear", "cosine", "constant"].map((schedule) => [
      used("decay", { schedule }),
      used("decay_until", { schedule }),
      used("hold_until", { schedule }),
    ]),
    [
      [true, false, true],
      [false, true, true],
      [false, true, true],
      [false, false, false],
    ],
  );
  assert.deepEqual([used("trained", { from: "" }), used("trained", { from: "x" })], [false, true]);
});

test("data have the core's names, and at least one class", async () => {
  const project = /** @type {any} */ ({ classes: { value: [] }, data: () => ({ kind: "pictures" }) });
  const cifar = /** @type {any} */ ({ data: async () => ({ kind: "cifar-10" }) });
  assert.deepEqual(
    (await Promise.all(DATA.map((data) => dataOf({ data }, { project, cifar })))).map(({ kind }) => kind),
    ["shapes", "cifar-10", "pictures"],
  );
  assert.deepEqual(
    DATA.map((data) => classesOf({ data }, project)),
    [10, 10, 1],
  );
  assert.equal(classesOf({ data: "pictures" }, /** @type {any} */ ({ classes: { value: [{}, {}, {}] } })), 3);
});

test("a resolution is a whole number in the network's range", () => {
  assert.deepEqual([8, 33, 224, 1024].filter(isResolution), [8, 33, 224, 1024]);
  assert.deepEqual([0, 7, 1025, 32.5, NaN, Infinity, -32].filter(isResolution), []);
});
