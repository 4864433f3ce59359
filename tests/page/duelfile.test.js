// Comparisons as CSV and JSON, and back. Needs dist/, but no browser.

import assert from "node:assert/strict";
import test from "node:test";
import { page } from "./fakes.js";

const [{ csvOf, jsonOf, recordOf }, { idOf, judgedOf, newRecord, newRound }] = await Promise.all(
  ["lab/duel/duelfile", "lab/duel/record"].map(page),
);

const CONTEST = {
  name: "bottleneck",
  settings: { data: "shapes", steps: 2, width: 0.35, flip: true },
  sides: [{ bottleneck: "linear" }, { bottleneck: "relu6" }],
};

function example() {
  const record = newRecord(CONTEST, [
    { parameters: 10, macs: 20 },
    { parameters: 11, macs: 21 },
  ]);
  const round = newRound(4, 2);
  round.sides.forEach((/** @type {any} */ side, /** @type {number} */ i) => {
    side.steps = { step: [1, 2], loss: [2.5, 2.25 + i], accuracy: [0.25, 0.5], learning_rate: [0.1, 0.05] };
    side.evaluations = [{ step: 2, loss: 2.4, accuracy: 0.4, total: 200, guessing: 0.1 }];
    side.final = { step: 2, loss: 2.3, accuracy: 0.75, total: 4, guessing: 0.1 };
    side.right = Uint8Array.of(1, 1, i, 1 - i);
  });
  return { ...record, rounds: [round], milliseconds: [5.5, 6], images_per_epoch: 5000, end: "finished" };
}

test("CSV has a line per seed, side and step, with the last evaluation there", () => {
  assert.equal(
    csvOf(example(), ["linear", '"6"']),
    "seed,side,step,loss,accuracy,learning_rate,held_out_loss,held_out_accuracy,held_out_total\n" +
      '4,"linear",1,2.5,0.25,0.1,,,\n' +
      '4,"linear",2,2.25,0.5,0.05,2.3,0.75,4\n' +
      '4,"""6""",1,2.5,0.25,0.1,,,\n' +
      '4,"""6""",2,3.25,0.5,0.05,2.3,0.75,4\n',
  );
});

test("JSON comes back as it was, with which pictures were right", () => {
  const record = example();
  assert.deepEqual(recordOf(jsonOf(record)), record);
  assert.deepEqual(judgedOf(recordOf(jsonOf(record))), judgedOf(record));
  assert.equal(recordOf(jsonOf({ ...record, end: "interrupted" })).end, "stopped", "there is nothing to go on from");
});

test("other files, and damaged ones, are refused", () => {
  const file = JSON.parse(jsonOf(example()));
  const damaged = (/** @type {(file: any) => void} */ change) => {
    const copy = structuredClone(file);
    change(copy);
    return JSON.stringify(copy);
  };
  for (const text of [
    "",
    "{}",
    "null",
    JSON.stringify({ ...file, version: 2 }),
    JSON.stringify({ ...file, format: "mobilenetv2-curves" }),
    damaged((file) => file.contest.sides.pop()),
    damaged((file) => delete file.contest.settings.steps),
    damaged((file) => file.rounds[0].sides.pop()),
    damaged((file) => file.rounds[0].sides[0].steps.loss.pop()),
    damaged((file) => (file.rounds[0].sides[0].steps.loss[0] = "2")),
    damaged((file) => (file.rounds[0].sides[0].right = "11")),
    damaged((file) => (file.rounds[0].sides[0].right = "1121")),
    damaged((file) => (file.rounds[0].sides[0].final = null)),
    damaged((file) => (file.milliseconds = [1])),
    damaged((file) => (file.costs[0].macs = "many")),
    damaged((file) => (file.images_per_epoch = "5000")),
    damaged((file) => (file.end = "active")),
  ])
    assert.throws(() => recordOf(text), { code: "not-comparison" }, text.slice(0, 60));
});

test("what is kept of a comparison on other images has a place of its own", () => {
  const on = (/** @type {string} */ name, /** @type {string} */ data) =>
    idOf({ ...CONTEST, name, settings: { ...CONTEST.settings, data } });
  assert.deepEqual(
    [on("rate", "shapes"), on("rate", "cifar-10"), on("own", "cifar-10")],
    ["rate", "rate cifar-10", "own"],
  );
});
