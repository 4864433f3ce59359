// Our recorded trainings: which there are, their means and ranges, and the intervals beside them. Needs dist/, but no browser.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import test from "node:test";
import { recording } from "../browser/recordings.js";
import { page } from "./fakes.js";

const [
  { asksOf, atImages, comparable, differencesOf, finalsOf, lineOf, seedsOf, trained },
  { intervalOf },
  { onCifar },
] = await Promise.all(["lab/duel/recorded", "lab/duel/outcome", "lab/duel/contests"].map(page));
const curves = new URL("../../www/curves/", import.meta.url);
/** @type {string[]} */
const listed = JSON.parse(readFileSync(new URL("recorded.json", curves), "utf8"));

/** What `cargo xtask experiments` trains. */
const TABLE = JSON.parse(readFileSync(new URL("../../xtask/experiments.json", import.meta.url), "utf8"));

/** @param {number} found @param {number} expected @param {number} within */
const near = (found, expected, within) => assert.ok(Math.abs(found - expected) <= within, `${found}: ${expected}`);

test("every recording that is listed is there, of the form that the page reads, and trained as it says", () => {
  for (const name of listed) {
    const file = new URL(`${name}.json`, curves);
    assert.ok(existsSync(file), name);
    const found = JSON.parse(readFileSync(file, "utf8"));
    const experiment = TABLE.find((/** @type {any} */ one) => one.name === name);
    assert.deepEqual(found.settings, experiment.settings, name);
    assert.deepEqual(
      found.sides.map((/** @type {any} */ { settings }) => settings),
      experiment.sides,
    );
    assert.match(found.command, new RegExp(`--only ${name}$`));
    assert.ok(trained(found).length > 0, name);
    for (const { runs } of trained(found))
      for (const { commit, epochs } of runs) {
        assert.match(commit, /^[0-9a-f]{7,}$/);
        assert.equal(epochs.length, found.settings.epochs, name);
        assert.ok(epochs.every((/** @type {any} */ { step, accuracy }) => step > 0 && accuracy > 0 && accuracy < 1));
      }
  }
});

test("a line is the mean of its seeds, its band their range; a side that is still in training is left out", () => {
  const found = recording([0.8, 0.9], []);
  assert.equal(trained(found).length, 1);
  assert.equal(seedsOf(found), 2);
  const [{ runs }] = found.sides;
  const { mean, band } = lineOf(found.sides[0]);
  assert.equal(mean.length, 12);
  const last = runs.map(({ epochs }) => epochs[11].accuracy);
  near(mean[11].accuracy, (last[0] + last[1]) / 2, 1e-12);
  assert.deepEqual([band.accuracy[11].low, band.accuracy[11].high], [Math.min(...last), Math.max(...last)]);
  assert.deepEqual(finalsOf(found.sides[0]), last);
  assert.equal(lineOf({ runs: runs.slice(0, 1) }).band, undefined, "one seed has no range");
});

test("differences need two seeds of both sides, and count those that all have", () => {
  assert.deepEqual(differencesOf(recording([0.8, 0.9], [])), []);
  assert.deepEqual(differencesOf(recording([0.8, 0.9], [0.7])), []);
  const [difference] = differencesOf(recording([0.8, 0.9, 0.85], [0.7, 0.8]));
  near(difference.first - difference.other, difference.low / 2 + difference.high / 2, 1e-12);
  assert.ok(difference.first > difference.other);
});

test("recorded lines stand behind a comparison only with the same images, and long enough", () => {
  const found = recording([0.8], [0.7]);
  const contest = (/** @type {object} */ settings) => ({ settings: { batch: 32, ...settings } });
  assert.ok(!comparable(found, contest({ data: "shapes", steps: 100_000 })));
  assert.ok(!comparable(found, contest({ data: "cifar-10", steps: 1563 })));
  assert.ok(comparable(found, contest({ data: "cifar-10", steps: 4688 })), "three of its twelve epochs");
  assert.deepEqual(atImages([{ step: 781, accuracy: 0.5 }], 64, 32), [{ step: 1562, accuracy: 0.5 }]);
});

test("a recording is offered for what asks the same", () => {
  assert.equal(asksOf("activation", "width"), "relu");
  assert.equal(asksOf("work", "width"), "", "no recording has equal multiply-adds");
  assert.equal(asksOf("own", "shortcut"), "shortcut");
  assert.equal(asksOf("own", "learning_rate"), "");
  for (const { name, sides } of JSON.parse(
    readFileSync(new URL("../../www/duels/duels.json", import.meta.url), "utf8"),
  )) {
    const asked = TABLE.find((/** @type {any} */ one) => one.name === asksOf(name, ""));
    const keys = (/** @type {any} */ all) => [...new Set(all.flatMap(Object.keys))].sort();
    if (asked && name !== "rate") assert.deepEqual(keys(asked.sides), keys(sides), name);
  }
});

test("an accuracy's interval is Wilson's", () => {
  // Brown, Cai and DasGupta's formula by hand: n = 1000, p = 0.5: 0.5 ± 1.96 · √(0.25 / 1000 + 3.8416 / 4e6) / 1.0038416
  const [low, high] = intervalOf(0.5, 1000);
  near(low, 0.46907, 1e-4);
  near(high, 0.53093, 1e-4);
  const [least, most] = intervalOf(0, 10);
  near(least, 0, 1e-9);
  near(most, 0.2775, 1e-3);
});

test("a ready-made comparison is made on CIFAR-10 for an epoch, unless a side needs another size", () => {
  /** @type {any[]} */
  const duels = JSON.parse(readFileSync(new URL("../../www/duels/duels.json", import.meta.url), "utf8"));
  const not = duels.filter((contest) => !onCifar(contest)).map(({ name }) => name);
  assert.deepEqual(not, ["size"]);
  for (const contest of duels.filter(onCifar)) {
    const { settings, sides } = onCifar(contest);
    assert.equal(settings.data, "cifar-10");
    assert.equal(Math.round((settings.steps * settings.batch) / 50_000), 1, contest.name);
    assert.deepEqual(sides, contest.sides);
  }
});
