// The lesson: every stop of every lesson is walked in both languages, by keyboard alone; guesses, links, report.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { startLab } from "./lab.js";

/** @typedef {import("playwright-core").Page} Page */

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const folder = new URL("../../www/lessons/", import.meta.url);
/** @type {Record<string, any>} */
const LESSONS = Object.fromEntries(
  readdirSync(folder).map((name) => [
    name.replace(".json", ""),
    JSON.parse(readFileSync(new URL(name, folder), "utf8")),
  ]),
);

/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
before(async () => {
  lab = await startLab({ cifar: false });
});
after(() => lab?.close());

/** Presses a key with the focus on an element, which the keyboard must reach. @param {Page} page @param {string} selector @param {string} key */
async function press(page, selector, key) {
  const target = page.locator(selector).filter({ visible: true }).first();
  await target.focus();
  await page.keyboard.press(key);
}

/** Does what a stop asks for, without a pointer. @param {Page} page @param {any} stop @param {any} words */
async function walk(page, stop, words) {
  const place = page.locator("#lesson-place");
  await place.getByRole("heading", { name: words.title }).waitFor();
  assert.ok(await place.getByText(words.question).isVisible(), "the question comes first");
  assert.ok(await place.locator(".lesson-outcome").isHidden(), "the outcome does not");
  const said = page
    .locator("#panel-apart :is(article.panel > p, .losscurve, .film-lane strong, .memory-chart)")
    .filter({ visible: true });
  assert.equal(await said.count(), 0, "nor does the panel answer it");
  if (stop.value) {
    await press(page, ".lesson-value input", "ArrowRight");
    await press(page, ".lesson-question > button", "Enter");
  } else await press(page, ".lesson-answer:last-of-type input", "Space");
  if (stop.ring) {
    await page.locator("[data-ringed]").waitFor();
    await press(page, ".lesson-go", "Enter");
    await page.waitForFunction(() => document.querySelector("[data-ringed]")?.contains(document.activeElement));
    for (const key of stop.keys) await page.keyboard.press(key);
  } else await press(page, ".lesson-try button", "Enter");
  await place.locator(".lesson-outcome.open").waitFor({ timeout: 20_000 });
  assert.ok(await place.getByText(words.reveal).isVisible(), "the outcome");
  assert.ok(await place.getByText(words.why).isVisible(), "and why");
  await page.waitForFunction(
    () => !/…$/.test(document.querySelector(".lesson-measured")?.textContent ?? "…"),
    undefined,
    { timeout: 20_000 },
  );
  const measured = await place.locator(".lesson-measured").innerText();
  const [start] = words.measured.split("{");
  assert.ok(measured.startsWith(start.trim()), `${stop.id}: ${measured}`);
  assert.doesNotMatch(measured, /\{|–%|undefined|NaN/);
}

for (const [name, lesson] of Object.entries(LESSONS)) {
  for (const locale of ["en", "ko"]) {
    test(`every stop of ${name} works by keyboard and shows its outcome, ${locale}`, { timeout: 120_000 }, async () => {
      const { page, check } = await lab.open("#classify", { locale });
      await page.locator("#panel-classify .says[aria-busy=false] .predictions li").first().waitFor();
      await press(page, "#lesson", "Enter");
      for (const [i, id] of lesson.paths.all.stops.entries()) {
        const stop = lesson.stops.find((/** @type {any} */ one) => one.id === id);
        if (i) await press(page, "#lesson-place > footer button:last-child", "Enter");
        await page.waitForURL((url) => url.hash.includes(`stop=${id}`));
        await walk(page, stop, stop[locale]).catch((error) => {
          throw new Error(`${id}: ${error.message}`);
        });
        if (stop.room === "train") await press(page, ".control .actions button:nth-child(4)", "Enter"); // stop
      }
      check();
    });
  }

  test(`the texts of ${name} are complete in both languages and short before the question`, () => {
    const keys = ["title", "idea", "question", "answers", "do", "reveal", "why", "paper", "mistakes"];
    for (const stop of lesson.stops) {
      for (const language of ["en", "ko"]) {
        const words = stop[language];
        for (const key of keys) assert.ok(words[key]?.length, `${stop.id}.${language}.${key}`);
        assert.ok(words.idea.split(/\s+/).length <= 60, `${stop.id}: at most 60 words before the question`);
      }
      assert.equal(stop.en.answers.length, stop.ko.answers.length, stop.id);
      if (!stop.value) assert.ok(stop.right in stop.en.answers, stop.id);
      const names = (/** @type {string} */ text = "") => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
      assert.deepEqual(names(stop.ko.measured), names(stop.en.measured), stop.id);
    }
    const ids = lesson.stops.map((/** @type {any} */ { id }) => id);
    for (const { stops } of Object.values(lesson.paths))
      for (const id of /** @type {any} */ (stops)) assert.ok(ids.includes(id), id);
  });
}

test("stop 11 leads to the six published runs, beside ours and one's own", async () => {
  for (const locale of /** @type {const} */ (["en", "ko"])) {
    const { page, check } = await lab.open("#train?stop=training", { locale });
    await page.locator("#lesson-place h3").waitFor();
    for (let i = 0; i < 2; i++) await page.locator("body").press("PageDown");
    const { more } = LESSONS.mobilenetv2.stops.find((/** @type {any} */ { id }) => id === "training")[locale];
    await page.getByRole("button", { name: more[0] }).click();
    const figure = page.locator('[data-control="landing"]');
    await figure.locator(".published tr").nth(6).waitFor();
    assert.equal(await figure.locator(".published td.number").count(), 6);
    assert.match(await figure.locator(".published tr").nth(1).innerText(), /ReLU, .*80.*150[\s\S]*93\.4/);
    assert.ok(await figure.locator(".recorded tr").nth(1).isVisible(), "ours");
    assert.ok(await figure.locator(".own tr").nth(1).isVisible(), "one's own");
    await page.waitForFunction(() => document.activeElement?.matches('[data-control="landing"]'));
    const there = await figure.boundingBox();
    assert.ok(there && there.y > 0 && there.y < 700, `it is brought into view: ${there?.y}`);
    await page.getByRole("button", { name: more[1] }).click();
    await figure.waitFor({ state: "hidden" }); // the other place trains here
    check();
  }
});

test("guesses are kept with their outcome, hands are counted, and both can be deleted", async () => {
  const { page, check } = await lab.open("#apart?stop=relu");
  const place = page.locator("#lesson-place");
  await place.getByRole("radio", { name: /^C\. 5/ }).check();
  await page.locator("#dimensions-input").fill("3");
  await place.getByText("The outcome is not what you guessed").waitFor();
  assert.match(await place.locator(".lesson-answer.right").innerText(), /B\. 3\s+✓ right/);
  assert.match(await place.locator(".lesson-answer").nth(2).innerText(), /your guess/);
  await place.getByText("Count hands").click();
  await place.getByRole("spinbutton", { name: "B: Count hands" }).fill("9");
  await place.getByRole("spinbutton", { name: "C: Count hands" }).fill("3");
  await place.getByLabel("In your own words").fill("Three of four points are lost <b>");
  await place.getByText(/^Measured here with 40 random matrices: 7/).waitFor();

  await page.reload();
  await place.locator(".lesson-answer.right", { hasText: "9 hands" }).waitFor();
  assert.equal(await place.getByLabel("In your own words").inputValue(), "Three of four points are lost <b>");
  await place.getByRole("button", { name: "Report…" }).click();
  const report = page.getByRole("dialog", { name: "Report" });
  await report.getByText("Three of four points are lost <b>").waitFor();
  await report.getByText(/A\. 2: 0; B\. 3: 9; C\. 5: 3/).waitFor();
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    report.getByRole("button", { name: "Save as Markdown" }).click(),
  ]);
  const markdown = readFileSync(await file.path(), "utf8");
  assert.match(markdown, /## What ReLU destroys[\s\S]*\*\*Guess:\*\* C\. 5[\s\S]*\*\*Right:\*\* B\. 3/);
  await report.getByRole("button", { name: "Close" }).click();

  page.on("dialog", (dialog) => dialog.accept());
  await place.getByRole("button", { name: "Delete my guesses" }).click();
  await place.getByText("Continue without a guess").waitFor();
  await page.reload();
  await place.getByText("Continue without a guess").waitFor();
  assert.equal(await place.locator(".lesson-answer :checked").count(), 0);
  check();
});

test("a clicker's keys go through a stop and on, and the place is kept", async () => {
  const { page, check } = await lab.open("#classify");
  await page.locator("#lesson").click();
  const body = page.locator(".lesson-stop");
  await page.locator(".lesson-stop[data-phase=question]").waitFor();
  for (const phase of ["try", "outcome"]) {
    await page.keyboard.press("PageDown");
    await page.locator(`.lesson-stop[data-phase=${phase}]`).waitFor();
  }
  await page.keyboard.press("PageDown");
  await body.getByRole("heading", { name: "What a convolution costs" }).waitFor();
  await page.waitForURL(/stop=separable/);
  await page.keyboard.press("PageUp");
  await body.getByRole("heading", { name: "A network for a phone" }).waitFor();
  await page.keyboard.press("PageDown");
  await page.getByRole("button", { name: "Close the lesson" }).click();
  assert.ok(await page.locator("#lesson-place").isHidden());
  await page.goto(lab.url);
  await page.reload();
  await page.locator("#weights").waitFor();
  await page.locator("#lesson").click();
  await body.getByRole("heading", { name: "What a convolution costs" }).waitFor();
  check();
});

test("a shorter path has its own stops, and its link opens it", async () => {
  const { page, check } = await lab.open("#apart?stop=inverted&path=fifteen&lang=ko");
  const place = page.locator("#lesson-place");
  await place.getByRole("heading", { name: "역전 잔차 블록(inverted residual)" }).waitFor();
  assert.equal(await place.locator("#lesson-stops option").count(), 4);
  assert.ok(await place.locator("#lesson-path").isVisible());
  assert.equal(await page.locator("#panel-apart article.panel h2").innerText(), "역전 잔차 블록");
  check();
});

test("a stop that sets what the next one waits for does not show the outcome of that one", async () => {
  const { page, check } = await lab.open("#apart?stop=bottleneck&path=fifteen");
  const stop = page.locator(".lesson-stop");
  await stop.locator(".lesson-answer input").first().check();
  await page.locator("#lesson-place").getByRole("button", { name: "Next stop" }).click();
  await stop.getByRole("heading", { name: "The inverted residual" }).waitFor();
  await page.locator("#lesson-place").getByRole("button", { name: "Back", exact: true }).click();
  await stop.getByRole("heading", { name: "The linear bottleneck" }).waitFor();
  assert.equal(await stop.getAttribute("data-phase"), "try", "answered, not yet tried");
  check();
});

test("a link to hand on opens the same state elsewhere, in its language, and has a QR code", async () => {
  const { page, check } = await lab.open("#apart?apart.panel=manifold&apart.dimensions=5");
  await page.locator("#panel-apart .plane svg").first().waitFor();
  await page.locator("#share").click();
  const link = await page.getByLabel("Link", { exact: true }).inputValue();
  assert.match(link, /#apart\?apart\.panel=manifold&apart\.dimensions=5&v=1&lang=en$/);
  await page.locator(".share-code path").waitFor();
  const { page: other, check: checkOther } = await lab.open(new URL(link).hash.replace("lang=en", "lang=ko"));
  await other.getByRole("tab", { name: "분해" }).waitFor();
  await other.locator("#panel-apart").getByText("5차원", { exact: true }).waitFor();
  assert.ok(!other.url().includes("lang="), "the language can be changed again");
  check();
  checkOther();
});

for (const [locale, colorScheme] of /** @type {const} */ ([
  ["en", "light"],
  ["ko", "dark"],
])) {
  test(`axe finds nothing serious in the lesson, its sheets and dialogs, ${locale}, ${colorScheme}`, async () => {
    const { page, check } = await lab.open("#apart?stop=relu", { locale, colorScheme });
    await page.evaluate(axe);
    const judge = async (/** @type {string} */ what) => {
      const { violations } = await page.evaluate(() => /** @type {any} */ (window).axe.run());
      const serious = violations.filter((/** @type {any} */ { impact }) => ["serious", "critical"].includes(impact));
      const found = serious.map((/** @type {any} */ { id, nodes }) => `${id}: ${nodes[0].html.slice(0, 200)}`);
      assert.deepEqual(found, [], what);
    };
    await page.locator(".lesson-stop").waitFor();
    await page.locator("#panel-apart .plane svg").first().waitFor();
    await judge("question");
    await page.keyboard.press("PageDown");
    await judge("try");
    await page.keyboard.press("PageDown");
    await page.locator(".lesson-outcome.open").waitFor();
    await page.locator(".lesson-hands summary").click();
    await judge("outcome");
    for (const n of [0, 1]) {
      await page.locator(".lesson-more .actions button").nth(n).click();
      await page.locator("dialog[open] article").waitFor();
      await judge(`sheet ${n}`);
      await page.keyboard.press("Escape");
    }
    for (const id of ["share", "about"]) {
      await page.locator(`#${id}`).click();
      await page.locator("dialog[open]").waitFor();
      await judge(id);
      await page.keyboard.press("Escape");
      await page.locator("dialog[open]").waitFor({ state: "detached" });
    }
    check();
  });

  test(`the lesson fits a phone, with targets for fingers, ${locale}`, async () => {
    const { page, check } = await lab.open("#apart?stop=relu", {
      locale,
      viewport: { width: 360, height: 740 },
      hasTouch: true,
      isMobile: true,
    });
    const fits = async (/** @type {string} */ what) => {
      const wide = (await page.evaluate(() => document.documentElement.scrollWidth)) - 360;
      assert.ok(wide <= 0, `${what} is ${wide} pixels too wide`);
      const small = await page.evaluate(() =>
        [...document.querySelectorAll("button:not(.term), select, summary, .lesson-answer")]
          .filter((element) => element.checkVisibility() && element.getBoundingClientRect().height < 44)
          .map((element) => element.outerHTML.slice(0, 80)),
      );
      assert.deepEqual(small, [], `${what}: targets under 44 pixels`);
    };
    await page.locator(".lesson-stop").waitFor();
    await fits("question");
    await page.locator(".lesson-answer").first().tap();
    await page.locator(".lesson-go").tap();
    const ringed = page.locator("[data-ringed]");
    await ringed.waitFor();
    const [at, sheet] = await Promise.all([ringed.boundingBox(), page.locator("#lesson-place").boundingBox()]);
    assert.ok(at && sheet && at.y + at.height <= sheet.y, "the control is above the sheet");
    await page.locator("#dimensions-input").tap();
    await page.locator(".lesson-outcome.open").waitFor();
    await fits("outcome");
    await page.locator(".lesson-more .actions button").nth(1).tap();
    await page.locator("dialog[open] article").waitFor();
    await fits("teacher's page");
    check();
  });
}

test("a link hides and locks what it names", async () => {
  const { page, check } = await lab.open("#apart?apart.panel=manifold&hide=contents,matrix&lock=dimensions,width");
  await page.locator("#panel-apart .plane svg").first().waitFor();
  await page.locator("[data-locked] #dimensions-input").first().waitFor({ state: "attached" });
  assert.ok(await page.locator(".apart-contents").isHidden());
  assert.ok(await page.getByRole("button", { name: "Another matrix" }).isHidden());
  assert.ok(await page.locator("[data-control=width]").evaluate((part) => /** @type {HTMLElement} */ (part).inert));
  await page.locator("#tab-train").click();
  await page.locator("#panel-train .control").waitFor();
  await page.waitForURL(/hide=contents/);
  check();
});

test("help and the tour come when asked for, and the invitation goes for good", async () => {
  const { page, check } = await lab.open();
  await page.getByRole("button", { name: "Show me around" }).click();
  const tour = page.getByRole("dialog", { name: "Show me around" });
  for (const part of ["1 / 3", "2 / 3", "3 / 3"]) {
    await tour.getByText(part).waitFor();
    await page.locator("[data-ringed]").waitFor();
    await page.keyboard.press("Enter");
  }
  assert.equal(await tour.count(), 0);
  await page.reload();
  await page.locator("#panel-classify .predictions li").first().waitFor();
  assert.equal(await page.locator(".welcome").count(), 0);
  await page.locator("#about").click();
  await page.getByRole("dialog", { name: "Help" }).getByRole("button", { name: "The 15-minute lesson" }).click();
  await page.getByRole("heading", { name: "What a convolution costs" }).waitFor();
  check();
});
