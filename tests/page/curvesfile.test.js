// Runs' curves as CSV and JSON, and back. Needs dist/, but no browser.

import assert from "node:assert/strict";
import test from "node:test";
import { page } from "./fakes.js";

const [{ csvOf, jsonOf, runsOf }, { newRun, weightsIn }] = await Promise.all(["lab/curvesfile", "lab/run"].map(page));

function example() {
  const run = newRun(
    3,
    { data: "shapes", width: 0.5, flip: true },
    { width: 0.5, mean: [0, 0, 0] },
    ["a", "b"],
    156.25,
  );
  run.steps = { step: [1, 2], loss: [2.5, 2.25], accuracy: [0.25, 0.5], learning_rate: [0.1, 0.05] };
  run.evaluations = [
    { step: 2, loss: 2.4, accuracy: 0.4, total: 200, guessing: 0.5 },
    { step: 2, loss: 2.3, accuracy: 0.45, total: 1000, guessing: 0.5 },
  ];
  run.changes = [{ step: 1, key: "learning_rate", from: 0.1, to: 0.05 }];
  run.title = 'with "quotes", and commas';
  run.weights = new Uint8Array(9);
  return run;
}

test("CSV has a line per step, with the last evaluation there", () => {
  assert.equal(
    csvOf([example()]),
    "run,name,step,loss,accuracy,learning_rate,held_out_loss,held_out_accuracy,held_out_total\n" +
      '3,"with ""quotes"", and commas",1,2.5,0.25,0.1,,,\n' +
      '3,"with ""quotes"", and commas",2,2.25,0.5,0.05,2.3,0.45,1000\n',
  );
  assert.match(csvOf([{ ...example(), title: "=1+1" }]), /^3," =1\+1",/m, "a spreadsheet computes nothing");
});

test("JSON comes back as a run without weights", () => {
  const run = example();
  const [back] = runsOf(jsonOf([run]));
  for (const key of ["title", "settings", "labels", "steps", "evaluations", "changes", "steps_per_epoch"])
    assert.deepEqual(back[key], run[key], key);
  assert.deepEqual([back.end, back.weights, back.config.width], ["imported", null, 0.5]);
  assert.deepEqual(weightsIn({ ...back, id: "x", number: 1 }), [], "it offers none");
});

test("other files, and damaged ones, are refused", () => {
  const file = JSON.parse(jsonOf([example()]));
  const damaged = (/** @type {(run: any) => void} */ change) => {
    const copy = structuredClone(file);
    change(copy.runs[0]);
    return JSON.stringify(copy);
  };
  for (const text of [
    "",
    "{}",
    "null",
    "[1]",
    JSON.stringify({ ...file, version: 2 }),
    JSON.stringify({ ...file, runs: {} }),
    damaged((run) => run.steps.loss.pop()),
    damaged((run) => (run.steps.loss[0] = "2")),
    damaged((run) => (run.labels = [])),
    damaged((run) => delete run.steps),
    damaged((run) => (run.evaluations[0].total = null)),
    damaged((run) => (run.settings = null)),
    damaged((run) => (run.changes = [{ step: "x" }])),
  ])
    assert.throws(() => runsOf(text), { code: "not-curves" }, text.slice(0, 60));
  const [odd] = runsOf(damaged((run) => Object.assign(run.settings, { x: { deep: 1 }, long: "y".repeat(999) })));
  assert.deepEqual(Object.keys(odd.settings), ["data", "width", "flip"]);
});
