// `cargo xtask bench opening`: from opening the page to its first answer, with an empty cache and on a second visit, and how often
// the answer follows a crop that is dragged. In Chromium, with the weights that dist/ begins with.
//
//     CHROME=… node benches/browser/opening.js

import { launch, startServer } from "../../tests/browser/server.js";
import { median, report } from "./report.js";

const ROUNDS = 5;
/** Milliseconds for which the crop is dragged. */
const DRAGGED = 4000;
const server = await startServer();
const browser = await launch();

/** Milliseconds until the page's first answer. @param {import("playwright-core").Page} page */
async function firstAnswer(page) {
  const start = performance.now();
  await page.goto(server.url);
  await page.locator("#panel-classify .says[aria-busy=false] .predictions li").first().waitFor();
  return performance.now() - start;
}

/** Answers a second while the crop is dragged. @param {import("playwright-core").Page} page */
async function whileDragging(page) {
  await page.evaluate(() => {
    const counted = Object.assign(window, { answers: 0 });
    const place = /** @type {Element} */ (document.querySelector("#panel-classify .says"));
    let shown = "";
    // an answer changes several elements at once, and none if it is the same to the last digit
    new MutationObserver(() => {
      const text = place.querySelector(".predictions")?.textContent ?? "";
      if (text !== shown) counted.answers++;
      shown = text;
    }).observe(place, { childList: true, subtree: true, characterData: true });
  });
  const box = await page.locator("#panel-classify .crop-frame").boundingBox();
  if (!box) throw new Error("the page shows no crop");
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  const start = performance.now();
  for (let i = 0; performance.now() - start < DRAGGED; i++) {
    await page.mouse.move(x + 40 * Math.sin(i / 9), y + 40 * Math.cos(i / 7));
    await page.waitForTimeout(8);
  }
  const seconds = (performance.now() - start) / 1e3;
  const answers = await page.evaluate(() => /** @type {any} */ (window).answers);
  await page.mouse.up();
  return answers / seconds;
}

/** @type {Record<"cold" | "warm" | "dragging", number[]>} */
const found = { cold: [], warm: [], dragging: [] };
let network = "";
for (let round = 0; round < ROUNDS; round++) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en" });
  const page = await context.newPage();
  found.cold.push(await firstAnswer(page));
  await page.waitForTimeout(3000); // the files are stored
  found.warm.push(await firstAnswer(page));
  found.dragging.push(await whileDragging(page));
  network = (await page.locator("#weights option:checked").textContent()) ?? "";
  await context.close();
}
const version = browser.version();
await browser.close();
await server.close();

report(
  "opening",
  [{ cold: median(found.cold), warm: median(found.warm), dragging: median(found.dragging) }],
  `From opening the page to its first answer by ${network}, medians of ${ROUNDS} visits to a server on the same machine: the first
with nothing stored, the second with the service worker's files. Then the crop of the first sample is dragged.`,
  [`Chromium ${version}`],
  {
    "first visit, ms": (row) => row.cold.toFixed(0),
    "second visit, ms": (row) => row.warm.toFixed(0),
    "answers a second while dragging": (row) => row.dragging.toFixed(0),
  },
);
