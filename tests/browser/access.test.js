// Accessibility: axe-core in every room, theme and language; keyboard; narrow screens.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { openWithoutScripts, startLab } from "./lab.js";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Panels of Take apart, after its first. */
const PANELS = [
  "magnifier",
  "separable",
  "block",
  "maps",
  "manifold",
  "relu",
  "evidence",
  "memory",
  "tradeoff",
  "activation",
];

/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
before(async () => {
  lab = await startLab({ cifar: false });
});
after(() => lab?.close());

for (const locale of ["en", "ko"]) {
  for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
    test(`axe finds nothing serious in any room, ${locale}, ${colorScheme}`, { timeout: 120_000 }, async () => {
      const { page, check } = await lab.open("#classify", { locale, colorScheme });
      await page.evaluate(axe);
      for (const room of ["classify", "train", "apart", ...PANELS, "list of weights"]) {
        if (room === "list of weights") await page.locator(".bar-row > button").first().click();
        else if (PANELS.includes(room))
          await page
            .locator(".apart-contents button")
            .nth(1 + PANELS.indexOf(room))
            .click();
        else await page.locator(`#tab-${room}`).click();
        if (room === "train") {
          await page.locator(".control button").nth(2).click(); // one step, so that grid and runs have content
          await page.locator(".heldout-grid .mark", { hasText: /./ }).first().waitFor();
          await page.evaluate(() => document.querySelectorAll("details").forEach((group) => (group.open = true)));
        }
        await drawn(page, room);
        // half faded in, text has half of its contrast
        await page.evaluate(() =>
          Promise.all(document.getAnimations().map(({ finished }) => finished.catch(() => {}))),
        );
        const { violations } = await page.evaluate(() => /** @type {any} */ (window).axe.run());
        const serious = violations.filter((/** @type {any} */ { impact }) => ["serious", "critical"].includes(impact));
        const found = serious.map(
          (/** @type {any} */ { id, nodes }) => `${id}, ${nodes.length} times, first ${nodes[0].html.slice(0, 200)}`,
        );
        assert.deepEqual(found, [], room);
      }
      check();
    });
  }
}

/** Waits for the content of a panel of Take apart. @param {import("playwright-core").Page} page @param {string} room */
async function drawn(page, room) {
  const shows = {
    apart: ".netmap canvas:not([hidden])",
    relu: ".relu:not([inert])",
    evidence: ".evidence:not([inert])",
    magnifier: ".magnifier-products li",
    block: ".slab",
    maps: ".maps:not([inert])",
    manifold: ".plane .lost",
    separable: ".separable td",
    memory: "canvas",
    tradeoff: "canvas",
    activation: ".chart:last-child canvas",
  }[room];
  if (shows) await page.locator("#panel-apart").locator(shows).last().waitFor({ state: "attached" });
  await page.waitForFunction(() => !document.querySelector(".outdated"));
}

test("rooms, toggles and explanations work by keyboard", async () => {
  const { page, check } = await lab.open();
  await page.locator("#tab-classify").focus();
  await page.keyboard.press("ArrowRight");
  await page.locator("#panel-train .train").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.id), "tab-train");
  await page.keyboard.press("ArrowRight");
  await page.locator(".netmap button").first().waitFor();

  await page.locator("input[name=width]:checked").focus();
  await page.keyboard.press("ArrowRight");
  await page.waitForURL(/apart\.width=/);

  const term = page.locator(".cost .term").first();
  await page.locator("input[name=resolution]:checked").focus();
  await page.keyboard.press("Tab");
  assert.ok(await term.evaluate((element) => element === document.activeElement), "the figures follow the toggles");
  await page.locator("#explanation:popover-open", { hasText: "Numbers that training adjusts" }).waitFor();
  assert.equal(await term.getAttribute("aria-describedby"), "explanation");
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("#explanation:popover-open").count(), 0);
  await page.goBack();
  assert.equal(await page.locator("#panel-train").isVisible(), true);

  await page.locator("#setting-epochs").fill("7");
  await page.locator("#skip").focus();
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement?.id), "rooms");
  assert.equal(await page.locator("#panel-train").isVisible(), true, "past the bar");
  assert.equal(await page.locator("#setting-epochs").inputValue(), "7");
  await page.locator("#tab-apart").click();
  await page.goBack();
  await page.goBack();
  await page.locator("#tab-train").click();
  assert.equal(await page.locator("#setting-epochs").inputValue(), "7", "Back changes the room, not the settings");
  await page.waitForURL(/#train\?.*train\.epochs=7/);
  check();
});

for (const locale of ["en", "ko"]) {
  test(`a narrow phone scrolls down only, with targets for fingers, ${locale}`, { timeout: 60_000 }, async () => {
    const { page, check } = await lab.open("#classify", {
      locale,
      viewport: { width: 360, height: 740 },
      hasTouch: true,
      isMobile: true,
    });
    for (const room of ["classify", "train", "apart", ...PANELS, "list of weights"]) {
      if (room === "list of weights") await page.locator(".bar-row > button").first().click();
      else if (PANELS.includes(room)) await page.selectOption(".apart-contents select", room);
      else await page.locator(`#tab-${room}`).tap();
      if (room === "train") {
        await page.locator(".control button").nth(2).tap();
        await page.locator(".heldout-grid .mark", { hasText: /./ }).first().waitFor();
      }
      await drawn(page, room);
      // not innerWidth, which grows with the page on a phone
      const wide = (await page.evaluate(() => document.documentElement.scrollWidth)) - 360;
      assert.ok(wide <= 0, `${room} is ${wide} pixels too wide`);
      const small = await page.evaluate(() =>
        [...document.querySelectorAll("button:not(.term), select, summary, .toggles label")]
          .filter((element) => element.checkVisibility() && element.getBoundingClientRect().height < 44)
          .map((element) => element.outerHTML.slice(0, 80)),
      );
      assert.deepEqual(small, [], `${room}: targets under 44 pixels`);
    }
    await page.keyboard.press("Escape");
    await page.locator(".bar-summary").tap();
    await page.locator('input[name=resolution][value="96"]').tap();
    await page.waitForURL(/resolution=96/);
    check();
  });
}

test("without JavaScript the page says what it needs", async () => {
  const { page, close } = await openWithoutScripts();
  for (const path of ["", "bench.html"]) {
    await page.goto(lab.url + path);
    assert.ok(await page.locator("body > noscript").isVisible());
    assert.ok(await page.locator("header").isHidden(), "nothing is shown that would not work");
  }
  await close();
});

test("an explanation moves along with a term that the keyboard has scrolled to", async () => {
  const { page, check } = await lab.open("#apart", { viewport: { width: 1280, height: 400 } });
  const term = page.locator("#panel-apart .term").last();
  await term.evaluate(
    (element) =>
      new Promise((resolve) => {
        addEventListener("scroll", () => requestAnimationFrame(resolve), { once: true });
        /** @type {HTMLElement} */ (element).focus();
      }),
  );
  await page.locator("#explanation:popover-open").waitFor();
  const [at, bubble] = [await term.boundingBox(), await page.locator("#explanation").boundingBox()];
  assert.ok(
    at && bubble && Math.min(Math.abs(bubble.y - at.y - at.height), Math.abs(at.y - bubble.y - bubble.height)) < 16,
  );
  await page.mouse.move(5, 200); // onto the page: in Firefox its corner does not scroll
  await page.mouse.wheel(0, -5000);
  await page.locator("#explanation:popover-open").waitFor({ state: "detached" });
  check();
});

test("a missing part of the page is reported", async () => {
  for (const [name, part] of [
    ["", "classify/samples.js"],
    ["bench.html", "benchmark.js"],
  ]) {
    const page = await lab.browser.newPage();
    await page.route(`**/${part}`, (route) => route.abort());
    await page.goto(lab.url + name);
    await page.getByText("A part of this page did not load.").waitFor();
    await page.close();
  }
});

test("language and theme switch in place", async () => {
  const { page, check } = await lab.open();
  await page.locator("#panel-classify .predictions li").first().waitFor();
  await page.locator("#language").click();
  await page.getByRole("tab", { name: "분류" }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), "ko");
  const before = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.locator("#theme").click();
  assert.notEqual(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), before);
  await page.reload();
  await page.getByRole("tab", { name: "분류" }).waitFor();

  // also a panel that was hidden meanwhile
  await page.locator("#tab-apart").click();
  const contents = page.locator(".apart-contents button");
  for (const i of [1, 0]) await contents.nth(i).click();
  await page.locator("#language").click();
  await page.getByRole("tab", { name: "Classify" }).waitFor();
  await contents.nth(1).click();
  await page.getByRole("heading", { name: "Under the magnifier" }).waitFor();
  check();
});
