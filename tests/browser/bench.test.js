// The page that measures this browser.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { startLab } from "./lab.js";
import { ISOLATION } from "./server.js";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
before(async () => {
  lab = await startLab({ cifar: false });
});
after(() => lab?.close());

/** The page with few enough cases for a test. @param {import("playwright-core").BrowserContextOptions} [options] */
async function openBench(options) {
  const { page, context, check } = await lab.open("", options);
  await page.route("**/benchmark.js", async (route) => {
    const source = await readFile(new URL("../../www/lab/benchmark.js", import.meta.url), "utf8");
    const body = source.replace(/\[0\.35, 0\.5, [^\]]*\]/, "[0.35, 1]").replace(/\[96, [^\]]*\]/, "[96, 224]");
    await route.fulfill({ contentType: "text/javascript", headers: ISOLATION, body });
  });
  await page.getByRole("link", { name: /How fast|얼마나/ }).click();
  await page.locator("#bench .primary").waitFor({ timeout: 60_000 }); // threads that do not start are given up after 20 s
  return { page, context, check };
}

const cells = (/** @type {import("playwright-core").Page} */ page, /** @type {string} */ caption) =>
  page
    .getByRole("table", { name: caption })
    .locator("tbody tr")
    .evaluateAll((rows) => rows.map((row) => [...row.children].map(({ textContent }) => textContent ?? "")));

test("it measures inference, training steps and a profile", { timeout: 120_000 }, async () => {
  const { page, context, check } = await openBench();
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.getByText(/threads?, relaxed SIMD/).waitFor();
  assert.deepEqual((await cells(page, "One image"))[0].slice(1), ["–", "–", "–", "–"]);
  assert.ok(await page.getByRole("button", { name: "Copy as CSV" }).isDisabled(), "nothing to copy yet");
  await page.getByRole("button", { name: "Start" }).click();
  await page.getByText("Done.").waitFor({ timeout: 90_000 });

  const inference = await cells(page, "One image");
  assert.equal(inference.length, 4);
  assert.match(inference[3].join(" "), /^Width 1 · 224² 30\d\sM [\d.]+\sms [\d.,]+ [\d.]+$/);
  const training = await cells(page, "Training steps on 32 images");
  assert.equal(training.length, 2);

  const shares = async () =>
    (await cells(page, "Where the time goes")).map(([layer, operation, , share]) => ({
      layer,
      operation,
      share: parseFloat(share),
    }));
  const ofInference = await shares();
  assert.ok(ofInference.some(({ layer, operation }) => layer === "Depthwise" && operation === "Forward"));
  await page.getByLabel("Profile", { exact: true }).selectOption({ label: "Training: Width 1 · 32²" });
  const ofTraining = await shares();
  assert.ok(ofTraining.some(({ layer, operation }) => layer === "Expand" && operation === "Backward"));
  for (const rows of [ofInference, ofTraining]) {
    const sum = rows.reduce((sum, { share }) => sum + share, 0);
    assert.ok(Math.abs(sum - 100) < 2, `shares sum to ${sum} %`);
    // with different clocks per thread, times would run backwards
    assert.ok(
      rows.every(({ share }) => share >= 0),
      JSON.stringify(rows),
    );
  }

  const copied = async (/** @type {string} */ name) => {
    await page.getByRole("button", { name }).click();
    await page.getByText("Copied.").waitFor();
    return page.evaluate(() => navigator.clipboard.readText());
  };
  const csv = (await copied("Copy as CSV"))
    .trim()
    .split("\n")
    .map((line) => line.split(","));
  assert.equal(csv.length, 7);
  assert.deepEqual(csv[0].slice(0, 4), ["task", "width", "resolution", "batch"]);
  assert.deepEqual(csv[6].slice(0, 4), ["training step", "1", "32", "32"]);
  for (const row of csv.slice(1)) {
    const [milliseconds, rate, gflops] = row.slice(6).map(Number);
    assert.ok(Math.abs((Number(row[3]) / milliseconds) * 1e3 - rate) < rate / 100, String(row));
    assert.ok(gflops > 0, String(row));
  }
  const text = await copied("Copy as text");
  assert.match(text, /relaxed SIMD · Mozilla/);
  assert.match(text, /Width 1 · 224² +30\d M/);
  assert.match(text, /Where the time goes: Training: Width 1/);
  check();
});

test("it can be stopped and restarted", { timeout: 120_000 }, async () => {
  const { page, check } = await openBench();
  const cancel = page.getByRole("button", { name: "Cancel" });
  assert.ok(await cancel.isDisabled());
  await page.getByRole("button", { name: "Start" }).focus();
  await page.keyboard.press("Enter");
  await page.getByText(/: [1-5] of 6 measured/).waitFor({ timeout: 60_000 });
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Start", "the focus is not lost");
  await cancel.click();
  await page.getByText(/Stopped: [1-5] of 6/).waitFor();
  assert.match((await cells(page, "One image"))[0][2], /ms$/, "results stay");
  await page.getByRole("button", { name: "Start" }).click();
  await page.getByText("0 of 6 measured").waitFor();
  await page.getByText(/: [1-5] of 6 measured/).waitFor({ timeout: 60_000 });
  await cancel.click();
  await page.evaluate(() => Object.defineProperty(navigator, "clipboard", { value: undefined })); // as over plain http
  await page.getByRole("button", { name: "Copy as CSV" }).click();
  await page.getByText("Not copied: browsers allow access to the clipboard only").waitFor();
  check();
});

for (const locale of ["en", "ko"]) {
  for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
    test(
      `axe finds nothing serious, and it fits a phone, ${locale}, ${colorScheme}`,
      { timeout: 120_000 },
      async () => {
        const viewport = { width: 360, height: 740 };
        const { page, check } = await openBench({ locale, colorScheme, viewport, hasTouch: true, isMobile: true });
        await page.locator("#bench .primary").tap();
        await page.locator("#bench progress[value='1'], #bench progress[value='2']").waitFor({ state: "attached" });
        await page.getByRole("button", { name: locale === "en" ? "Cancel" : "취소" }).tap();
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => /** @type {any} */ (window).axe.run());
        const serious = violations.filter((/** @type {any} */ { impact }) => ["serious", "critical"].includes(impact));
        assert.deepEqual(
          serious.map((/** @type {any} */ { id, nodes }) => `${id}: ${nodes[0].html.slice(0, 200)}`),
          [],
        );
        const wide = (await page.evaluate(() => document.documentElement.scrollWidth)) - viewport.width;
        assert.ok(wide <= 0, `${wide} pixels too wide`);
        check();
      },
    );
  }
}
