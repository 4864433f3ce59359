// Presented at 1920 × 1080: type is at least 24 pixels high, and the figure is wholly on the screen, in every room, panel and stop.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { startLab } from "./lab.js";

/** @typedef {import("playwright-core").Page} Page */

/** Pixels of the smallest text that matters. */
const LEAST = 24;
const { stops } = JSON.parse(readFileSync(new URL("../../www/lessons/mobilenetv2.json", import.meta.url), "utf8"));

/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
before(async () => {
  lab = await startLab({ cifar: false });
});
after(() => lab?.close());

/** Remembers the smallest text on canvases. */
function watchCanvases() {
  const own = /** @type {any} */ (window);
  own.drawn = [];
  const { fillText } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.fillText = function (/** @type {any[]} */ ...args) {
    own.drawn.push(parseFloat(/\d+(\.\d+)?px/.exec(this.font)?.[0] ?? "0"));
    return /** @type {any} */ (fillText).apply(this, args);
  };
}

/** A presented page. @param {string} hash @param {string} [locale] */
async function present(hash, locale = "en") {
  const viewport = { width: 1920, height: 1080 };
  const { page, check } = await lab.open(hash, { viewport, locale, script: watchCanvases });
  await page.locator("#panel-classify .says[aria-busy=false] .predictions li").first().waitFor({ state: "attached" });
  await page.keyboard.press("p");
  await page.locator("[data-present]").waitFor();
  return { page, check };
}

/** Texts that are too small to be read from the back row. @param {Page} page */
const small = (page) =>
  page.evaluate((least) => {
    const found = new Set();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const element = node.parentElement;
      if (!element || !node.textContent?.trim() || !element.checkVisibility({ visibilityProperty: true })) continue;
      if (element.closest(".visually-hidden, script, noscript, template, option, .crop-keys")) continue;
      const size = parseFloat(getComputedStyle(element).fontSize);
      if (size < least) found.add(`${size} px: ${node.textContent.trim().slice(0, 40)}`);
    }
    for (const size of /** @type {any} */ (window).drawn) if (size < least) found.add(`${size} px on a canvas`);
    return [...found];
  }, LEAST);

/** Figures that are not wholly on the screen. @param {Page} page */
const cut = (page) =>
  page.evaluate(() => {
    const figures =
      "[role=tabpanel]:not([hidden]) :is(.stage, .apart-panel :is(canvas, svg, .table-place, .slab, .netmap), .run .chart)";
    return [...document.querySelectorAll(figures)].flatMap((figure) => {
      if (!figure.checkVisibility() || figure.closest(".inert, .curves-keys, button")) return [];
      const { left, right, top, bottom } = figure.getBoundingClientRect();
      const place = figure.closest(".table-place");
      if (place && (place !== figure || figure.parentElement?.querySelector("canvas"))) return []; // the second view of a chart
      const fits = left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight;
      return fits ? [] : [`${figure.tagName}.${figure.getAttribute("class")}: ${left}, ${top} to ${right}, ${bottom}`];
    });
  });

/** @param {Page} page @param {string} what */
async function judge(page, what) {
  await page.waitForFunction(() => {
    const places = [...document.querySelectorAll("[role=tabpanel]:not([hidden]) :is(.large-place, .chart-place)")];
    const drawn = places.every((place) => !place.checkVisibility() || place.querySelector("canvas"));
    return drawn && !document.querySelector(".outdated");
  });
  await page.evaluate(() => {
    /** @type {any} */ (window).drawn = []; // from before it was presented
    scrollTo(0, 0);
    dispatchEvent(new Event("resize"));
    return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  });
  assert.deepEqual(await small(page), [], `${what}: small text`);
  assert.deepEqual(await cut(page), [], `${what}: not on the screen`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${what} is ${wide} pixels too wide`);
}

for (const locale of ["en", "ko"]) {
  test(`every room and panel reads from the back row, ${locale}`, { timeout: 120_000 }, async () => {
    const { page, check } = await present("#classify", locale);
    await judge(page, "classify");
    const bar = await page.locator("#bar").boundingBox();
    assert.ok((bar?.height ?? 999) < 100, `the bar is one line: ${bar?.height} pixels`);
    await page.locator("#tab-train").click();
    await page.locator(".chart canvas").first().waitFor();
    await judge(page, "train");
    await page.locator(".train-switch input").last().click();
    await page.locator(".duel .chart canvas").first().waitFor();
    await judge(page, "comparison");
    await page.locator("#tab-apart").click();
    const select = page.locator(".apart-contents select");
    const names = await select
      .locator("option")
      .evaluateAll((options) => options.map((one) => /** @type {any} */ (one).value));
    for (const name of names) {
      await select.selectOption(name);
      await page.locator("#panel-apart article.panel").waitFor();
      await page.waitForTimeout(300);
      await judge(page, name);
    }
    await page.keyboard.press("p");
    await page.locator("[data-present]").waitFor({ state: "detached" });
    check();
  });
}

test("every stop of the lesson reads from the back row", { timeout: 120_000 }, async () => {
  const { page, check } = await present("#classify?stop=phone");
  for (const { id, en } of stops) {
    await page.locator("#lesson-stops").selectOption(id);
    await page.locator("#lesson-place").getByRole("heading", { name: en.title }).waitFor();
    await page.waitForTimeout(300);
    await judge(page, `${id}, question`);
    await page.locator("body").press("PageDown");
    await page.locator("body").press("PageDown");
    await page.locator(".lesson-outcome.open").waitFor();
    await judge(page, `${id}, outcome`);
  }
  check();
});

for (const locale of /** @type {const} */ (["en", "ko"])) {
  test(`the published runs of stop 11 read from the back row, and are wholly on the screen, ${locale}`, async () => {
    const { page, check } = await present("#train?stop=training", locale);
    await page.locator("#lesson-place h3").waitFor();
    for (let i = 0; i < 2; i++) await page.locator("body").press("PageDown");
    await page.evaluate(() => {
      /** @type {any} */ (window).drawn = []; // from before it was presented
    });
    const training = stops.find((/** @type {any} */ { id }) => id === "training");
    await page.getByRole("button", { name: training[locale].more[0] }).click();
    const figure = page.locator('[data-control="landing"]');
    await figure.locator(".published tr").nth(6).waitFor();
    await page.waitForFunction(() => {
      const bar = document.getElementById("bar")?.getBoundingClientRect().bottom ?? 0;
      const { left, top, right, bottom } = /** @type {Element} */ (
        document.querySelector('[data-control="landing"]')
      ).getBoundingClientRect();
      return left >= 0 && top >= bar && right <= innerWidth && bottom <= innerHeight;
    });
    assert.deepEqual(await small(page), []);
    check();
  });
}
