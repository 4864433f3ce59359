// One walk through the whole page in each engine, to check that Firefox and WebKit behave like Chromium.
//
//     ENGINES=firefox,webkit node --test tests/engines/
//
// without ENGINES in all of them. Shared data are found as in the browser tests (lab.js).

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { sharedData } from "../browser/lab.js";
import { pageFolder, startServer } from "../browser/server.js";
import { ENGINES } from "./engines.js";

// From the built page, since www/ lacks its libraries.
const { PANELS } = await import(pathToFileURL(`${pageFolder()}/lab/state.js`).href);

const MINUTES = 60_000;
/** An element that each panel of Take apart shows when ready. */
const SHOWN = {
  map: ".netmap canvas:not([hidden])",
  relu: ".layerbars span",
  evidence: ".evidence .predictions li",
  magnifier: ".magnifier-products li",
  separable: ".race-lanes canvas",
  block: ".block-figure .bypass",
  maps: ".maps canvas",
  manifold: ".plane .kept",
  memory: ".large-place canvas",
  tradeoff: ".large-place canvas",
  activation: ".chart-place canvas",
};
/** A comparison of two tiny networks. */
const COMPARISON = "duel.compare=own&duel.differs=expansion&duel.between=1+2&duel.steps=20";
const NAMES = ["disc", "stripes"];
const PICTURES = 8;

const { ENGINES: named } = process.env;
const wanted = named ? named.split(",") : Object.keys(ENGINES);

for (const name of wanted) test(`a walk in ${name}`, { timeout: 10 * MINUTES }, (t) => walk(t, ENGINES[name]));

/** @param {import("node:test").TestContext} t @param {import("./engines.js").Engine} engine */
async function walk(t, engine) {
  const server = await startServer();
  t.after(server.close);
  const browser = await engine.start();
  t.after(browser.close);
  const folder = await mkdtemp(join(tmpdir(), "mobilenetv2-"));
  t.after(() => rm(folder, { recursive: true }));
  t.diagnostic(browser.version);
  const page = `${server.url}?threads=2`;

  /** Steps of the run shown. */
  const steps = () =>
    browser.run(() =>
      Number(document.querySelectorAll(".figures dd")[1]?.textContent?.split(" of ")[0].replace(/,/g, "")),
    );
  /** @param {number} least */
  const trained = (least) =>
    browser.until(
      `step ${least}`,
      60,
      (least) => {
        const told = document.querySelectorAll(".figures dd")[1]?.textContent ?? "";
        return Number(told.split(" of ")[0].replace(/,/g, "")) >= least;
      },
      least,
    );
  /** Goes to a room without reloading the page. @param {string} hash */
  const enter = (hash) => browser.run((hash) => void (location.hash = hash), hash);

  await t.test("it loads and classifies a sample", async () => {
    await browser.goTo(page);
    await browser.see("#panel-classify .predictions li");
    await browser.see(`.cost [data-explain-text*="${engine.threads ? "2 threads" : "why only one"}"]`);
  });

  await t.test("photos are classified as PyTorch does", async (t) => {
    const data = sharedData("imagenet");
    if (!data) return t.skip("the shared ImageNet data are absent");
    const labels = (await readFile(`${data}/labels.txt`, "utf8")).split("\n").map((line) => line.split(", ")[0]);
    await browser.choose("#bar input[type=file]", [`${data}/mobilenet_v2_1.0_224.safetensors`]);
    await browser.see(".cost", "3.5 M parameters");
    for (const { file, top5, probability } of JSON.parse(await readFile(`${data}/expected.json`, "utf8"))) {
      await browser.choose("#panel-classify input[type=file]", [`${data}/photos/${file}`]);
      await browser.see(`#panel-classify .photo img[alt="${file}"]`);
      const wanted = top5.map((/** @type {number} */ label) => labels[label]);
      const found = await browser.until(`${file}: ${wanted}`, 30, classified, wanted);
      for (const [i, here] of found.entries()) {
        const off = Math.abs(here.probability - probability[i]);
        assert.ok(off <= 5e-4, `${file}: ${here.name} has ${here.probability}, PyTorch ${probability[i]}`);
      }
    }
  });

  await t.test("a training pauses, outlives its page and continues", async () => {
    await enter("#train?train.batch=16&train.schedule=constant");
    await browser.click(".control button", "Start");
    await trained(3);
    await browser.click(".control button", "Pause");
    await browser.see(".train-message", "is paused at step");
    const paused = await steps();
    await browser.see("#panel-train .chart-place canvas");
    assert.equal(await browser.errors(), "");
    await browser.reload();
    await browser.see(".train-message", `Run 1 was interrupted: it can resume from step ${paused}`);
    await browser.click(".control button", "Resume run 1");
    await trained(paused + 2);
    await browser.click(".control button", "Stop");
    await browser.see(".train-message", "Run 1 was stopped");
  });

  await t.test("own pictures are learnt", async () => {
    await enter(`#train?train.data=pictures&train.from=shapes-0.35&train.epochs=20`);
    for (const [i, pictures] of (await browser.run(draw, PICTURES)).entries()) {
      const paths = pictures.map((_, n) => join(folder, `${NAMES[i]}-${n}.png`));
      await Promise.all(pictures.map((url, n) => writeFile(paths[n], url.split(",")[1], "base64")));
      await browser.click("button", "Add a class");
      const card = `.class-card:nth-child(${i + 1})`;
      await browser.see(card);
      await browser.choose(`${card} input[type=file]`, paths);
      await browser.see(`${card} .class-head .number`, `${PICTURES} ·`);
    }
    await browser.click(".control button", "Start");
    await browser.see(".train-message", "has finished", 120);
    await browser.click(".runs li:nth-child(2) button", "Use in Classify");
    await browser.see("#panel-classify .predictions li", "Class");
  });

  await t.test("two networks are compared", async () => {
    await enter(`#train?train.batch=8&train.stem=imagenet&${COMPARISON}`);
    await browser.click(".duel button", "Train them side by side");
    await browser.see(".duel .train-message", "Finished", 120);
    await browser.see(".duel-sentences p", "t = 1");
    await browser.until("curves with content", 30, drawn, "#panel-train .duel");
    assert.equal(await browser.errors(), "");
  });

  await t.test("every panel of Take apart is drawn", async () => {
    for (const panel of PANELS) {
      await enter(`#apart?apart.panel=${panel}`);
      await browser.see(`#panel-apart ${SHOWN[panel]}`);
      await browser.until(`${panel}: a canvas with content`, 30, drawn, "#panel-apart");
    }
    assert.equal(await browser.errors(), "");
  });

  await t.test("a block of the map opens", async () => {
    await enter("#apart?apart.panel=map");
    await browser.click('.netmap button[aria-label^="Block 4"]');
    await browser.see('.netmap [aria-expanded="true"] [data-kind="depthwise"]');
    await browser.see("#panel-apart .panel", "Block 4, Project: 28² × 32.");
  });

  await t.test("two stops of the lesson show their outcomes", async () => {
    await enter("#apart?stop=relu");
    await browser.click(".lesson-answer", "B.");
    // not by the mouse, which brings it to the middle of the window: in a low one the lesson lies over that
    await browser.run(() => {
      const slider = /** @type {HTMLInputElement} */ (document.querySelector("#dimensions-input"));
      slider.value = "3";
      slider.dispatchEvent(new Event("input", { bubbles: true }));
    });
    await browser.see(".lesson-outcome.open", "Your guess and the outcome agree");
    await browser.see(".lesson-measured", "Measured here with 40 random matrices");
    await browser.click("#lesson-place > footer button:last-child");
    await browser.see(".lesson-stop h3", "The linear bottleneck");
    await browser.click(".lesson-stop > button");
    await browser.click(".lesson-try button:last-child");
    await browser.see(".lesson-measured", "of the values at the ends of the 17 blocks are below 0");
    assert.equal(await browser.errors(), "");
  });

  await t.test("it works without its server", async () => {
    await browser.goTo(`${page}#classify`);
    await browser.see("#foot", "Works offline");
    await server.close();
    await browser.reload();
    await browser.see("#panel-classify .predictions li");
  });
}

/** In the page: the classes shown, once they are these. @param {string[]} wanted */
function classified(wanted) {
  const found = [...document.querySelectorAll("#panel-classify .predictions li")].map((row) => ({
    name: row.querySelector(".name")?.firstChild?.textContent,
    // the bar's length is the probability, which the text rounds to tenths of a per cent
    probability: Number(
      row
        .querySelector(".bar-fill")
        ?.getAttribute("style")
        ?.match(/scaleX\((.*)\)/)?.[1],
    ),
  }));
  return found.every(({ name }, i) => name === wanted[i]) && found;
}

/** In the page: pictures of two kinds, as addresses. @param {number} count of each */
function draw(count) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 64;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const fill = (/** @type {number} */ hue) => (context.fillStyle = `hsl(${hue} 80% 50%)`);
  const disc = (/** @type {number} */ n) => {
    context.arc(24 + 2 * n, 40 - 2 * n, 10 + n, 0, 7);
    context.fill();
  };
  const stripes = (/** @type {number} */ n) => {
    for (let x = n; x < 64; x += 12) context.fillRect(x, 0, 5, 64);
  };
  return [disc, stripes].map((kind) =>
    Array.from({ length: count }, (_, n) => {
      fill(n * 40);
      context.fillRect(0, 0, 64, 64);
      fill(n * 40 + 180);
      context.beginPath();
      kind(n);
      return canvas.toDataURL();
    }),
  );
}

/** In the page: whether every canvas on show within this element has content. @param {string} place */
function drawn(place) {
  const canvases = /** @type {NodeListOf<HTMLCanvasElement>} */ (document.querySelectorAll(`${place} canvas`));
  const shown = [...canvases].filter((canvas) => canvas.getClientRects().length);
  return shown.every((canvas) => {
    const { width, height } = canvas;
    try {
      const pixels = width && canvas.getContext("2d")?.getImageData(0, 0, width, height);
      return pixels && pixels.data.some((value) => value);
    } catch {
      return false; // WebKit refuses at times; it is asked again
    }
  });
}
