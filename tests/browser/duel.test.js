// Compare: several networks trained side by side, judged by the same pictures, kept by the browser.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { crash, hashIs, sharedData, startLab, watchWorkers } from "./lab.js";
import { FIXTURE_ROUTES, recording, routesOf } from "./recordings.js";
import { MINUTE } from "./train.js";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
before(async () => {
  lab = await startLab({ cifar: false });
});
after(() => lab?.close());

/** A comparison of two tiny networks, so that it takes a second or two. */
const SHORT =
  "#train?train.batch=8&train.stem=imagenet&duel.compare=own&duel.differs=expansion&duel.between=1+2&duel.steps=20";

/** @typedef {import("playwright-core").Page} Page */
/** @param {Page} page @param {string} name */
const button = (page, name) => page.locator(".duel").getByRole("button", { name, exact: true });
/** @param {Page} page @param {RegExp} text @param {number} [timeout] */
const message = (page, text, timeout = MINUTE) =>
  page.locator(".duel .train-message").filter({ hasText: text }).waitFor({ timeout });
/** @param {Page} page */
const sentence = (page) => page.locator(".duel-sentences p").first().innerText({ timeout: MINUTE });

test(
  "by keyboard: a comparison pauses, outlives its page, and runs to its sentence; more seeds",
  { timeout: 3 * MINUTE },
  async () => {
    const { page, context, check } = await lab.open(SHORT);
    const start = button(page, "Train them side by side");
    await start.waitFor();
    await page.locator(".duel tbody").getByText("t = 1", { exact: true }).waitFor();
    await page
      .locator(".duel tbody td")
      .getByText(/^\d.*\s[kM]$/)
      .first()
      .waitFor(); // what they cost, before they are trained
    await button(page, "One step").focus();
    await page.keyboard.press("Enter");
    await message(page, /Paused at step 1$/);
    await page.keyboard.press("Enter");
    await message(page, /Paused at step 2$/);

    // a single run has to wait
    await page.getByRole("radio", { name: "One run" }).focus();
    await page.keyboard.press("Space");
    await page.getByText("A comparison is in progress.").waitFor();
    assert.ok(await page.locator(".control").getByRole("button", { name: "Start" }).isDisabled());
    await page.keyboard.press("ArrowRight");
    await hashIs(page, SHORT);

    // the page is closed; another one goes on
    const other = await context.newPage();
    await page.close({ runBeforeUnload: false });
    await other.goto(lab.url + SHORT);
    await message(other, /Interrupted: it can resume from step 2$/);
    await button(other, "Resume where it stopped").focus();
    await other.keyboard.press("Enter");
    const said = await sentence(other);
    assert.match(said, /^t = [12] \d+\.\d.%(,| against) t = [12] \d+\.\d.%: (too close to tell|unlikely to be chance)/);
    await message(other, /^Finished$/);
    const method = other.locator(".duel-outcome");
    await method.getByText(/t = 1 minus t = 2: [+−-]?\d+\.\d points, 95.% interval .* p [=<] \d/).waitFor();
    await method.getByText(/same 1,000 held-out images, with one seed \(McNemar/).waitFor();
    for (const row of await other.locator(".duel tbody tr").all())
      assert.match(await row.innerText(), /t = [12]\s.*\d\sms\s+\d+\.\d.% of 1,000$/s);

    // a reload shows it again, and further seeds are added
    await other.reload();
    assert.equal(await sentence(other), said);
    await button(other, "4 more seeds").focus();
    await other.keyboard.press("Enter");
    await method.getByText(/Mean of 5 seeds/).waitFor({ timeout: MINUTE });
    await message(other, /^Finished$/);
    assert.equal(
      await other.getByRole("region", { name: "Held-out accuracy of each seed" }).locator("tbody tr").count(),
      5,
    );
    await other.getByText("band: from the lowest to the highest seed").waitFor();
    check();
  },
);

test("the core's loss, a choice that is none, a link, and what does not fit", { timeout: 2 * MINUTE }, async () => {
  const { page, check } = await lab.open(SHORT, { script: watchWorkers });
  await button(page, "One step").click();
  await message(page, /Paused at step 1$/);
  await crash(page);
  await page.locator(".duel .problem", { hasText: "Training stopped" }).waitFor();
  await message(page, /it can resume from step 1$/);
  await button(page, "Resume where it stopped").click();
  await message(page, /^Finished$/);

  const values = page.getByRole("textbox", { name: "Values to compare" });
  for (const [text, valid] of /** @type {[string, boolean][]} */ ([
    ["1", false],
    ["1 11", false],
    ["1 2 3 4 5", false],
    ["1 3 6 10", true],
  ])) {
    await values.fill(text);
    await values.blur();
    assert.equal(await values.getAttribute("aria-invalid"), String(!valid), text);
    assert.equal(await button(page, "Train them side by side").isDisabled(), !valid, text);
  }
  await page.waitForURL(/duel\.between=1\+3\+6\+10/);
  assert.equal(await page.locator(".duel tbody tr").count(), 4);
  await page.getByLabel("What differs").selectOption("bottleneck");
  assert.equal(await page.locator(".duel-own input:checked").count(), 3);
  await page.locator(".duel-own").getByLabel("ReLU", { exact: true }).uncheck();
  await page.getByText("ReLU6 bottleneck").first().waitFor();

  await page.goto(
    `${lab.url}#train?duel.compare=own&duel.differs=width&duel.between=1.4+1&train.resolution=224&train.batch=512`,
  );
  await page.reload();
  await button(page, "Train them side by side").click();
  await page
    .locator(".duel .problem", { hasText: /need about [\d.,]+ GB together to train, and this page has 1\.7 GB/ })
    .waitFor();
  check();
});

test("what our recorded runs gave stands beside a ready-made comparison, and says if nothing shows", async () => {
  const recorded = (/** @type {number[][]} */ sides) => ({
    sides,
    steps: 300,
    command: "xtask duels",
    machine: "a test",
  });
  const outcomes = {
    bottleneck: recorded([
      [0.86, 0.87, 0.85, 0.86, 0.88],
      [0.81, 0.83, 0.8, 0.82, 0.82],
    ]),
    activation: recorded([
      [0.86, 0.87, 0.85, 0.86, 0.88],
      [0.87, 0.86, 0.86, 0.85, 0.88],
    ]),
  };
  const routes = { "**/duels/outcomes.json": JSON.stringify(outcomes) };
  const { page, check } = await lab.open("#train?duel.compare=bottleneck", { routes });
  const ours = page.locator(".duel-recorded");
  await ours.getByText(/Our runs, 5 seeds, 300 steps: Linear bottleneck 86\.4.% · ReLU6 bottleneck 81\.6.%/).waitFor();
  await ours.getByText(/95.% interval of the difference \+3\.8 to \+5\.8 points\./).waitFor();
  await ours.getByText("Recorded with xtask duels on a test.").waitFor();
  const cards = page.getByRole("navigation", { name: "Comparisons" });
  await cards.getByRole("button", { name: /^ReLU6 or ReLU/ }).click();
  await ours.getByText("The effect does not show on this data.").waitFor();
  await cards.getByRole("button", { name: /^How the learning rate falls/ }).click();
  assert.ok(await ours.isHidden());
  check();
});

test("recorded runs show without any training, say what they are, and stand beside the published six", async () => {
  const { page, check } = await lab.open("#train?duel.compare=bottleneck&duel.view=recorded", {
    routes: FIXTURE_ROUTES,
  });
  const duel = page.locator(".duel");
  await duel.getByText("Recorded, our runs: CIFAR-10, 12 epochs, seeds 1 – 3. Nothing is trained here.").waitFor();
  await duel
    .getByText(/Linear bottleneck minus ReLU6 bottleneck: \+\d.\d to \+\d.\d points .* Unlikely to be chance/)
    .waitFor();
  await duel.getByText(/steps of 64 images.*\(Shapes, 300 steps\), so the two do not share an axis/).waitFor();
  await duel.getByText("How they were recorded").click();
  await duel.getByText("Command: cargo xtask experiments --only bottleneck. Trained at: abc1234.").waitFor();
  await duel.locator(".chart canvas").first().waitFor();
  assert.match(
    await duel.locator(".chart-place").first().getAttribute("aria-label").then(String),
    /Held-out accuracy at step 9,372: 8\d\.\d.%/,
  );
  assert.ok(await button(page, "Train them side by side").isHidden());
  const rows = duel.locator(".landing tbody");
  assert.equal(await rows.nth(0).locator(".number").count(), 6);
  assert.match(await rows.nth(0).innerText(), /ReLU, from the 80s, 150 epochs\s+93\.4/);
  assert.match(await rows.nth(1).innerText(), /Linear bottleneck\s+86\.\d/);
  assert.match(await rows.nth(2).innerText(), /None yet/);
  await duel
    .getByText(/ReLU minus ReLU6: \+0\.3 points .* −0\.3 .* 1\.0 points \(ReLU\) and 0\.4 points \(ReLU6\)/)
    .waitFor();

  await duel.getByRole("radio", { name: "Train here" }).check();
  await hashIs(page, "#train?duel.compare=bottleneck");
  assert.ok(await button(page, "Train them side by side").isVisible());
  const cards = page.getByRole("navigation", { name: "Comparisons" });
  await cards.getByRole("button", { name: /^Expansion factor/ }).click();
  assert.ok(await duel.getByRole("radio", { name: "Recorded: our runs" }).isHidden(), "there is none of this one");
  check();
});

/** A finished comparison on CIFAR-10 of so many steps, as a file. @param {number} steps */
function comparison(steps) {
  const all = (/** @type {(i: number) => number} */ of) => Array.from({ length: steps }, (_, i) => of(i));
  const side = {
    steps: { step: all((i) => i + 1), loss: all(() => 1), accuracy: all(() => 0.6), learning_rate: all(() => 0.05) },
    evaluations: [1, 2].map((i) => ({
      step: i === 1 ? Math.min(1500, steps / 2) : steps,
      loss: i === 1 ? 5 : 1,
      accuracy: 0.3 * i,
      total: 200,
    })),
    final: { step: steps, loss: 1, accuracy: 0.6, total: 1000 },
    right: "1".repeat(600) + "0".repeat(400),
  };
  const settings = { data: "cifar-10", steps, batch: 32, width: 0.35 };
  const contest = { name: "own", settings, sides: [{ bottleneck: "linear" }, { bottleneck: "relu6" }] };
  const known = { costs: Array(2).fill({ parameters: 1, macs: 1 }), milliseconds: [1, 1], end: "finished" };
  const rounds = [{ seed: 1, sides: [side, side] }];
  return JSON.stringify({ format: "mobilenetv2-comparison", version: 1, contest, seeds: 1, rounds, ...known });
}

test("recorded runs stand in grey behind a comparison that sees the same images for long enough", async () => {
  const { page, check } = await lab.open("#train?duel.compare=own", { routes: FIXTURE_ROUTES });
  const duel = page.locator(".duel");
  const open = (/** @type {number} */ steps) =>
    duel
      .locator(".duel-files input[type=file]")
      .setInputFiles({ name: "x.json", mimeType: "application/json", buffer: Buffer.from(comparison(steps)) });
  await open(4688);
  await duel.getByText("Grey: our recorded runs, 12 epochs in batches of 64, 3 seeds").waitFor();
  assert.deepEqual(await duel.locator(".curves-keys li").allTextContents(), [
    "Linear bottleneck, recorded",
    "ReLU6 bottleneck, recorded",
    "Linear bottleneck",
    "ReLU6 bottleneck",
  ]);
  await duel.getByText(/^At step 1,500 the held-out loss is 5\.00, the training loss 1\.00\./).waitFor();
  await open(300);
  await duel.getByText("Grey: our recorded").waitFor({ state: "hidden" });
  assert.equal(await duel.locator(".curves-keys li").count(), 2);
  check();
});

test("of one seed nothing is claimed; a page without recordings asks for none", async () => {
  const { page, check } = await lab.open("#train?duel.compare=activation&duel.view=recorded", {
    routes: routesOf({ relu: { ...recording([0.86], [0.82]), name: "relu" } }),
  });
  await page.locator(".duel").getByText("one seed so far").waitFor();
  await page.locator(".duel").getByText("One seed proves nothing").waitFor();
  check();
  const { page: bare, check: checkBare } = await lab.open("#train?duel.compare=bottleneck&duel.view=recorded", {
    routes: routesOf({}),
  });
  /** @type {string[]} */
  const asked = [];
  bare.on("request", (request) => asked.push(request.url()));
  await button(bare, "Train them side by side").waitFor();
  await bare
    .getByRole("navigation", { name: "Comparisons" })
    .getByRole("button", { name: /^ReLU6 or ReLU/ })
    .click();
  await bare.getByRole("heading", { name: "ReLU6 or ReLU" }).waitFor();
  assert.deepEqual(
    asked.filter((url) => /\/curves\/(?!recorded)/.test(url)),
    [],
  );
  assert.ok(asked.filter((url) => url.includes("/curves/recorded")).length <= 1, "the list is fetched once");
  checkBare();
});

test(
  "a ready-made comparison runs on CIFAR-10 where it is, and says how long it takes",
  { timeout: 6 * MINUTE },
  async () => {
    if (!sharedData("cifar-10")) return;
    const own = await startLab();
    try {
      const { page, check } = await own.open("#train?duel.compare=bottleneck");
      await page.locator(".duel").getByRole("radio", { name: "CIFAR-10" }).check();
      await hashIs(page, "#train?duel.compare=bottleneck&duel.data=cifar-10");
      await page.getByText("This page’s host has it").waitFor({ timeout: MINUTE });
      await message(page, /^Ready\. Takes about \d+ (s|min|h) on this device\./, 3 * MINUTE); // two networks are timed
      await button(page, "One step").click();
      await message(page, /^Paused at step 1$/);
      assert.equal(await page.locator(".duel tbody tr").count(), 2);
      const cards = page.getByRole("navigation", { name: "Comparisons" });
      await cards.getByRole("button", { name: /^Width or resolution/ }).click();
      await page.getByRole("heading", { name: "Width or resolution" }).waitFor();
      assert.ok(
        await page.locator(".duel").getByRole("radio", { name: "CIFAR-10" }).isDisabled(),
        "its sides differ in size",
      );
      assert.ok(await page.locator(".duel").getByRole("radio", { name: "Shapes" }).isChecked());
      check();
    } finally {
      await own.close();
    }
  },
);

test("a comparison is saved as CSV and JSON and opened again, and replaces none", { timeout: 2 * MINUTE }, async () => {
  const { page, check } = await lab.open(SHORT);
  await button(page, "Train them side by side").click();
  const said = await sentence(page);
  await message(page, /^Finished$/);
  const files = [];
  for (const kind of ["CSV", "JSON"]) {
    const [file] = await Promise.all([
      page.waitForEvent("download"),
      button(page, `Save comparison as ${kind}`).click(),
    ]);
    files.push({ name: file.suggestedFilename(), text: readFileSync(await file.path(), "utf8") });
  }
  assert.deepEqual(
    files.map(({ name }) => name),
    ["mobilenetv2-comparison-own.csv", "mobilenetv2-comparison-own.json"],
  );
  const [head, ...lines] = files[0].text.trim().split("\n");
  assert.equal(head, "seed,side,step,loss,accuracy,learning_rate,held_out_loss,held_out_accuracy,held_out_total");
  assert.equal(lines.length, 40);
  assert.match(lines[39], /^1,"t = 2",20,.*,1000$/);

  // the report has it, with its own file
  await page.locator("#lesson").click();
  await page.getByRole("button", { name: "Report…" }).click();
  const report = page.getByRole("dialog", { name: "Report" });
  await report.getByRole("heading", { name: "Comparison: Your own" }).waitFor();
  await report.getByText(said).waitFor();
  await report.getByText("t = 1; t = 2").waitFor();
  assert.equal(await report.locator(".report-curve polyline").count(), 2);
  const save = async (/** @type {string} */ name) => {
    const [file] = await Promise.all([page.waitForEvent("download"), report.getByRole("button", { name }).click()]);
    return readFileSync(await file.path(), "utf8");
  };
  assert.equal(await save("Save this comparison, to open it again"), files[1].text);
  assert.match(
    await save("Save as Markdown"),
    /## Comparison: Your own[\s\S]*mobilenetv2-comparison-own\.json[\s\S]*\| Seed \| t = 1 \| t = 2 \|\n\| --- \| --- \| --- \|\n\| 1 \| \d/,
  );
  check();

  const { page: other, check: checkOther } = await lab.open("#train?duel.compare=rate");
  const input = other.locator(".duel-files input[type=file]");
  await input.setInputFiles({ name: "x.json", mimeType: "application/json", buffer: Buffer.from("{}") });
  await other.getByText("This file is not a comparison").waitFor();
  await input.setInputFiles({ ...files[1], mimeType: "application/json", buffer: Buffer.from(files[1].text) });
  assert.equal(await sentence(other), said);
  await other.getByText("Opened from mobilenetv2-comparison-own.json. Nothing here was replaced.").waitFor();
  assert.ok(await other.getByText("This file is not a comparison").isHidden());
  assert.ok(await button(other, "4 more seeds").isHidden(), "its networks are not here");
  await button(other, "Close the opened comparison").click();
  await other.getByText("The outcome appears here").waitFor();
  checkOther();
});

for (const [locale, colorScheme] of /** @type {const} */ ([
  ["en", "light"],
  ["ko", "dark"],
])) {
  test(`ready-made comparisons at 360 pixels, ${locale}; axe finds nothing serious`, { timeout: MINUTE }, async () => {
    const { page, check } = await lab.open("#train?duel.compare=shortcut", {
      locale,
      colorScheme,
      viewport: { width: 360, height: 740 },
      routes: FIXTURE_ROUTES,
    });
    const choice = page.locator(".duel-cards select");
    await choice.waitFor();
    assert.equal(await choice.inputValue(), "shortcut");
    await page.evaluate(axe);
    for (const name of await choice
      .locator("option")
      .evaluateAll((all) => all.map((one) => one.getAttribute("value")))) {
      await choice.selectOption(name);
      await page.waitForURL((url) => url.hash.includes(`duel.compare=${name}`));
      await page.waitForFunction(() => document.querySelectorAll(".duel tbody tr").length >= 2);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= 360, `${name} is ${wide} pixels wide`);
      assert.doesNotMatch(await page.locator(".duel").innerText(), /duel\.|setting\.|\{/, "every text has its words");
    }
    const judge = async () => {
      const { violations } = await page.evaluate(() => /** @type {any} */ (window).axe.run());
      const serious = violations.filter((/** @type {any} */ { impact }) => ["serious", "critical"].includes(impact));
      return serious.map((/** @type {any} */ { id, nodes }) => `${id}: ${nodes[0].html}`);
    };
    assert.deepEqual(await judge(), []);
    await choice.selectOption("bottleneck");
    await page.locator('[data-control="duel-view"] input[value=recorded]').check();
    await page.locator(".landing tbody").first().waitFor();
    assert.deepEqual(await judge(), [], "recorded runs");
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 360, `recorded runs are ${wide} pixels wide`);
    assert.doesNotMatch(await page.locator(".duel").innerText(), /duel\.|setting\.|recording\.|landing\.|\{/);
    check();
  });
}
