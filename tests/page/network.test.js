// The model bar's choices in each room. Needs no browser.

import assert from "node:assert/strict";
import test from "node:test";
import { networkOf } from "../../www/lab/network.js";
import { configOf, parse, preset, recipeOf, SETTINGS, switchData } from "../../www/lab/settings.js";

const entry = (/** @type {string} */ id, /** @type {number} */ width) => ({
  id,
  name: () => "Shapes",
  family: "Shapes",
  config: { width, resolution: 32, classes: 10, stem: "cifar" },
});
const entries = [entry("narrow", 0.35), entry("wide", 1)];
/** A signal, as far as its readers need it. @param {unknown} value */
const signal = (value) => ({ value });
const library = /** @type {any} */ ({
  entries: signal(entries),
  find: (/** @type {string} */ id) => entries.find((e) => e.id === id),
  family: () => entries,
});
const state = (/** @type {string} */ room, values = {}) =>
  /** @type {any} */ ({
    room: signal(room),
    values: Object.fromEntries(
      Object.entries({
        classify: { weights: "narrow", resolution: 0, top: 5 },
        train: { from: "", width: 0.5, resolution: 48, ...preset("quick") },
        apart: { width: 0, resolution: 0, stem: "" },
        ...values,
      }).map(([room, chosen]) => [room, signal(chosen)]),
    ),
  });
const values = (/** @type {{value: number}[]} */ choices) => choices.map(({ value }) => value);

test("Classify toggles among the available widths and gives the reason for the others", () => {
  const { config, widths, resolutions } = networkOf(state("classify"), library);
  assert.equal(config.width, 0.35);
  assert.deepEqual(values(widths), [0.35, 0.5, 0.75, 1, 1.4]);
  assert.deepEqual(
    widths.map(({ values }) => values),
    [{}, null, null, { weights: "wide" }, null],
  );
  assert.deepEqual(widths[1].reason, ["width.missing", { name: "Shapes", width: 0.5, has: [0.35, 1] }]);
  assert.ok(
    resolutions.every(({ reason }) => reason === null),
    "any resolution works on any weights",
  );
});

test("Classify shows a width that is not among the usual ones", () => {
  const odd = { ...library, entries: signal([entry("odd", 1.3)]), find: () => entry("odd", 1.3), family: () => [] };
  const { widths } = networkOf(state("classify"), odd);
  assert.deepEqual(values(widths), [0.35, 0.5, 0.75, 1, 1.3, 1.4]);
  assert.ok(widths[4].chosen);
});

test("Train sets the network to be trained, unless weights to start from fix it", () => {
  const random = networkOf(state("train"), library);
  assert.deepEqual([random.config.width, random.config.resolution, random.config.classes], [0.5, 48, 10]);
  assert.ok(random.widths.every(({ values }) => values));
  const train = { ...state("train").values.train.value, from: "wide" };
  const fixed = networkOf(state("train", { train }), library);
  assert.equal(fixed.config.width, 1);
  assert.ok(fixed.widths.filter(({ chosen }) => !chosen).every(({ reason }) => reason?.[0] === "width.from"));
});

test("Take apart shows the paper's network until weights are chosen, or when it is", () => {
  const paper = { width: 1, resolution: 224, classes: 1000, stem: "imagenet" };
  const none = { weights: "", resolution: 0, top: 5 };
  for (const values of [{ classify: none }, { apart: { network: "paper", width: 0, resolution: 0, stem: "" } }]) {
    const { config, entry } = networkOf(state("apart", values), library);
    assert.deepEqual(config, paper);
    assert.equal(entry, undefined, "there need not be any weights of it");
  }
  const narrow = networkOf(
    state("apart", { classify: none, apart: { width: 0.5, resolution: 96, stem: "" } }),
    library,
  );
  assert.deepEqual(narrow.config, { ...paper, width: 0.5, resolution: 96 });
});

test("Take apart follows the weights until something is chosen", () => {
  assert.equal(networkOf(state("apart"), library).config.width, 0.35);
  const free = networkOf(state("apart", { apart: { width: 1.4, resolution: 224, stem: "imagenet" } }), library);
  assert.deepEqual([free.config.width, free.config.resolution, free.config.stem], [1.4, 224, "imagenet"]);
  assert.ok(free.widths.every(({ values }) => values));
});

test("without any weights nothing breaks", () => {
  const none = /** @type {any} */ ({ entries: signal([]), find: () => undefined, family: () => [] });
  for (const room of ["classify", "train", "apart"]) assert.equal(networkOf(state(room), none).widths.length, 5);
});

test("settings are only accepted within their ranges", () => {
  const setting = (/** @type {string} */ key) => /** @type {any} */ (SETTINGS.find((s) => s.key === key));
  assert.equal(parse(setting("learning_rate"), "0.2"), 0.2);
  for (const text of ["-1", "11", "", "abc", "NaN"]) assert.equal(parse(setting("learning_rate"), text), null, text);
  assert.equal(parse(setting("batch"), "1.5"), null);
  assert.equal(parse(setting("schedule"), "sideways"), null);
});

test("the paper's recipe is the paper's", () => {
  const { batch, learning_rate, decay, schedule, momentum, weight_decay, optimizer } = recipeOf(preset("paper"));
  assert.deepEqual(
    { batch, learning_rate, decay, schedule, momentum, weight_decay, optimizer },
    {
      batch: 96,
      learning_rate: 0.045,
      decay: 0.98,
      schedule: "exponential",
      momentum: 0.9,
      weight_decay: 4e-5,
      optimizer: "rmsprop",
    },
  );
  assert.equal(recipeOf({ ...preset("quick"), epochs: 7 }).decay_until, 7, "0 stands for the last epoch");
  assert.equal(configOf({ ...preset("quick"), width: 0.5, resolution: 32 }).bottleneck, "linear");
});

test("another data set brings its own quick start, and leaves changed settings", () => {
  assert.deepEqual(switchData(preset("quick"), "cifar-10"), { data: "cifar-10", epochs: 10, crop_padding: 4 });
  assert.deepEqual(switchData({ ...preset("quick"), epochs: 5 }, "cifar-10"), { data: "cifar-10", crop_padding: 4 });
  assert.deepEqual(switchData(preset("quick", "cifar-10"), "shapes"), { data: "shapes", epochs: 3, crop_padding: 0 });
});
