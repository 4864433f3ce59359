// What of a picture the network sees is the visitor's: a frame that mouse, keys and fingers move and zoom, or the whole picture.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { exif, turned } from "../page/exif.js";
import { pictureInput, startLab, waitForPicture } from "./lab.js";

const MINUTE = 60_000;

/** @typedef {import("playwright-core").Page} Page */
/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
before(async () => {
  lab = await startLab({ cifar: false });
});
after(() => lab?.close());

const sample = await readFile(new URL("../../www/samples/coffee.jpg", import.meta.url)); // 600 × 400
const file = (/** @type {string} */ name, buffer = sample, mimeType = "image/jpeg") => ({ name, mimeType, buffer });

const frame = "#panel-classify .crop-frame";

/** Where the frame is on the picture, in shares of its sides. @param {Page} page */
const place = (page) =>
  page.locator(frame).evaluate((element) => {
    const [inner, outer] = [element, element.parentElement ?? element].map((one) => one.getBoundingClientRect());
    return {
      x: (inner.x - outer.x) / outer.width,
      y: (inner.y - outer.y) / outer.height,
      w: inner.width / outer.width,
      h: inner.height / outer.height,
    };
  });

/** @param {number} found @param {number} expected @param {string} what */
const near = (found, expected, what) =>
  assert.ok(Math.abs(found - expected) < 0.01, `${what}: ${found}, not ${expected}`);

/** What the network saw, once it has seen something else than that. @param {Page} page @param {string} [before] */
async function seen(page, before = "") {
  const handle = await page.waitForFunction((before) => {
    const canvas = /** @type {HTMLCanvasElement} */ (document.querySelector("#panel-classify canvas.crop"));
    const now = canvas.toDataURL();
    return now !== before && now;
  }, before);
  return /** @type {Promise<string>} */ (handle.jsonValue());
}

/** Holds what the page has asked of the worker: how many pictures are being classified, and how many at once. */
function countLooks() {
  const counted = { now: 0, most: 0, all: 0 };
  Object.assign(window, { counted });
  window.Worker = class extends Worker {
    constructor(/** @type {[URL, WorkerOptions]} */ ...args) {
      super(...args);
      /** @type {Set<number>} */
      const asked = new Set();
      const post = this.postMessage.bind(this);
      this.postMessage = (/** @type {any} */ message, /** @type {any} */ rest) => {
        if (message.method === "classify") {
          asked.add(message.id);
          counted.all += 1;
          counted.most = Math.max(counted.most, asked.size);
        }
        post(message, rest);
      };
      this.addEventListener("message", ({ data }) => asked.delete(data.id));
    }
  };
}

/** @param {Page} page @param {string} name @param {Parameters<typeof file>} more */
async function show(page, name, ...more) {
  await page.setInputFiles(pictureInput, more.length ? file(...more) : file(name));
  await waitForPicture(page, name);
}

test("mouse, wheel and corners move and zoom the frame; the network follows, one look at a time", async () => {
  const { page, context, check } = await lab.open("", { script: countLooks });
  await show(page, "coffee.jpg");
  const first = await seen(page);
  const start = await place(page);
  const { w, h } = start;
  near(start.x, (1 - w) / 2, "it begins in the middle");
  near(1.5 * w, h, "a square");

  // drag: as far as the edge, never beyond
  const box = await page.locator(frame).boundingBox();
  assert.ok(box);
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  for (let i = 1; i <= 30; i++) await page.mouse.move(x + i * 10, y + i * 5);
  await page.mouse.up();
  const dragged = await place(page);
  near(dragged.x + dragged.w, 1, "at the right edge");
  near(dragged.y + dragged.h, 1, "at the bottom");
  near(dragged.w, w, "as large");
  const second = await seen(page, first);

  // the last position wins, and the worker was never asked twice at once
  await page.waitForFunction(
    () => document.querySelector("#panel-classify .says")?.getAttribute("aria-busy") === "false",
  );
  const { most, all } = await page.evaluate(() => /** @type {any} */ (window).counted);
  assert.equal(most, 1);
  assert.ok(all > 2, `it followed: ${all} looks`);

  // the wheel zooms about the pointer, and does not scroll while it does
  const at = { x: box.x + box.width - 4, y: box.y + box.height - 4 };
  /** Where the pointer is in the frame, in shares of its side. */
  const under = async () => {
    const now = await page.locator(frame).boundingBox();
    assert.ok(now);
    return { x: (at.x - now.x) / now.width, y: (at.y - now.y) / now.height };
  };
  await page.mouse.move(at.x, at.y);
  const held = await under();
  await page.mouse.wheel(0, -400);
  await page.waitForFunction((w) => {
    const frame = document.querySelector(".crop-frame");
    return frame && frame.getBoundingClientRect().width < 0.8 * w;
  }, box.width);
  assert.equal(await page.evaluate(() => scrollY), 0);
  const still = await under();
  near(still.x, held.x, "the point under the pointer, across");
  near(still.y, held.y, "the point under the pointer, down");
  await page.mouse.wheel(0, 100);
  await page.waitForFunction((w) => (document.querySelector(".crop-frame")?.clientWidth ?? 0) > w, 0.6 * box.width);
  assert.equal(await page.evaluate(() => scrollY), 0);
  const third = await seen(page, second);

  // a corner: the opposite one stays
  const small = await page.locator(frame).boundingBox();
  assert.ok(small);
  await page.mouse.move(small.x, small.y);
  await page.mouse.down();
  await page.mouse.move(small.x + 20, small.y + 20, { steps: 4 });
  await page.mouse.up();
  const smaller = await page.locator(frame).boundingBox();
  assert.ok(smaller);
  assert.ok(Math.abs(small.width - smaller.width - 20) < 2, `${small.width} less 20 pixels: ${smaller.width}`);
  assert.ok(Math.abs(smaller.x + smaller.width - small.x - small.width) < 2, "the right edge stays");
  await seen(page, third);

  await page.getByRole("button", { name: "Reset" }).click();
  await page.waitForFunction(
    (first) => /** @type {any} */ (document.querySelector("#panel-classify canvas.crop")).toDataURL() === first,
    first,
  );
  assert.deepEqual(await place(page), start);
  check();
  await context.close();
});

test("keys move and zoom it, and it says where it is", async () => {
  const { page, context, check } = await lab.open();
  await show(page, "coffee.jpg");
  const slider = page.getByRole("slider", { name: "Crop" });
  await slider.focus();
  const start = await place(page);
  const now = () => slider.getAttribute("aria-valuenow");
  const text = () => slider.getAttribute("aria-valuetext");
  const [before, said] = [await now(), await text()];
  assert.match(String(said), /of the shorter side, 50\.0\s?% across, 50\.0\s?% down/);
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowUp");
  const moved = await place(page);
  assert.ok(moved.x < start.x && moved.y <= start.y);
  near(moved.w, start.w, "as large");
  assert.notEqual(await text(), said);
  await page.keyboard.press("+");
  await page.keyboard.press("+");
  assert.ok(Number(await now()) < Number(before));
  for (let i = 0; i < 40; i++) await page.keyboard.press("+");
  assert.equal(await now(), "10");
  for (let i = 0; i < 40; i++) await page.keyboard.press("-");
  assert.equal(await now(), "100");
  near((await place(page)).h, 1, "all of the shorter side");
  await page.keyboard.press("Home");
  assert.equal(await text(), said);
  assert.deepEqual(await place(page), start);
  assert.ok(await slider.evaluate((element) => element === document.activeElement));
  check();
  await context.close();
});

test("the whole picture, squeezed or with bars; another picture begins anew", async () => {
  const { page, context, check } = await lab.open();
  await page.locator('input[name=resolution][value="96"]').click();
  await show(page, "coffee.jpg");
  const first = await seen(page);
  const color = (/** @type {number} */ x, /** @type {number} */ y) =>
    page.evaluate(
      ([x, y]) => {
        const canvas = /** @type {HTMLCanvasElement} */ (document.querySelector("#panel-classify canvas.crop"));
        return [...(canvas.getContext("2d")?.getImageData(x, y, 1, 1).data ?? [])].slice(0, 3);
      },
      [x, y],
    );
  await page.getByRole("radio", { name: "squeezing" }).check();
  const squeezed = await seen(page, first);
  assert.ok(await page.locator(frame).isHidden());
  const ratio = () => page.locator(".photo").evaluate((photo) => photo.clientWidth / photo.clientHeight);
  near(await ratio(), 1, "the picture is shown squeezed");
  await page.getByRole("radio", { name: "adding bars" }).check();
  const barred = await seen(page, squeezed);
  assert.notEqual(barred, first);
  // 96 × 64 in the middle of 96 × 96: sixteen rows of the network's mean above it, and below
  const [bar, edge] = [await color(50, 0), await color(50, 15)];
  assert.deepEqual(bar, edge);
  assert.deepEqual(await color(3, 95), bar);
  assert.notDeepEqual(await color(50, 17), bar);
  assert.deepEqual(await page.locator(".photo img").evaluate((image) => getComputedStyle(image).objectFit), "contain");

  await page.getByRole("radio", { name: "cropping" }).check();
  assert.equal(await seen(page, barred), first);
  await page.locator(frame).press("+");
  await seen(page, first);
  await show(page, "other.jpg");
  await page.waitForFunction(
    (first) => /** @type {any} */ (document.querySelector("#panel-classify canvas.crop")).toDataURL() === first,
    first,
  );
  assert.equal(await page.getByRole("button", { name: "Reset" }).getAttribute("aria-disabled"), "true");
  check();
  await context.close();
});

test("a crop outlives another resolution and another language", async () => {
  const { page, context, check } = await lab.open();
  await show(page, "coffee.jpg");
  await page.locator(frame).focus();
  for (const key of ["+", "+", "ArrowLeft"]) await page.keyboard.press(key);
  const where = await place(page);
  await page.locator('input[name=resolution][value="96"]').click();
  await page.waitForFunction(() => /** @type {any} */ (document.querySelector("canvas.crop")).width === 96);
  assert.deepEqual(await place(page), where);
  await page.locator("#language").click();
  await page.getByRole("slider", { name: "자르기 틀" }).waitFor();
  assert.deepEqual(await place(page), where);
  assert.match(String(await page.locator(frame).getAttribute("aria-valuetext")), /짧은 변의/);
  check();
  await context.close();
});

test("any picture: very long or very small", { timeout: MINUTE }, async () => {
  const { page, context, check } = await lab.open();
  await page.locator("#panel-classify .predictions li").first().waitFor();
  const sizes = [
    [3000, 12],
    [9, 4000],
    [3, 2],
    [1, 1],
  ];
  for (const [width, height] of sizes) {
    const name = `${width}.png`;
    const png = Buffer.from(
      await page.evaluate(
        async ([width, height]) => {
          const canvas = new OffscreenCanvas(width, height);
          const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
          for (let i = 0; i < 50; i++) {
            context.fillStyle = `rgb(${i * 5} ${255 - i * 5} ${(i * 37) % 255})`;
            context.fillRect((i * width) / 50, (i * height) / 50, width, height);
          }
          return [...new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer())];
        },
        [width, height],
      ),
    );
    await show(page, name, name, png, "image/png");
    await page.locator(frame).focus();
    for (const key of ["-", "-", "ArrowRight", "ArrowDown", "+", "Home", "+", "ArrowLeft", "ArrowUp"]) {
      await page.keyboard.press(key);
    }
    for (const fit of ["squeezing", "adding bars", "cropping"]) await page.getByRole("radio", { name: fit }).check();
    assert.ok(await page.locator("#panel-classify .picture > .problem").first().isHidden(), name);
    const { x, y, w, h } = await place(page);
    for (const end of [x + w, y + h]) assert.ok(end < 1.01, `${name}: ${end}`);
    for (const start of [x, y]) assert.ok(start > -0.01, `${name}: ${start}`);
  }
  check();
  await context.close();
});

test("a box shows the network the picture's own pixels, however it is stored", { timeout: MINUTE }, async () => {
  const { page, context, check } = await lab.open();
  const size = { width: 600, height: 400 };
  const files = [3, 6, 7].map((orientation) => turned.JPEG(sample, exif(orientation), size).toString("base64"));
  const found = await page.evaluate(async (files) => {
    const { createEngine } = await import(/** @type {any} */ ("/engine/engine.js"));
    const engine = await createEngine({ threads: 1 });
    const classifier = await engine.loadClassifier("weights/shapes-0.35.safetensors");
    await classifier.setResolution(32);
    const [width, height] = [90, 70];
    const pixels = new ImageData(width, height);
    for (let i = 0; i < pixels.data.length; i++) pixels.data[i] = i % 4 === 3 ? 255 : (i * 2_654_435_761) >>> 24;
    const picture = await engine.openPicture(pixels);
    const wrong = [];
    for (const [x, y] of [
      [0, 0],
      [58, 38],
      [17, 5],
    ]) {
      const { crop } = await classifier.classify(picture, { crop: true, box: { x, y, width: 32, height: 32 } });
      for (let row = 0; row < 32; row++) {
        const from = 4 * ((y + row) * width + x);
        if (String(crop.slice(128 * row, 128 * (row + 1))) !== String(pixels.data.slice(from, from + 128)))
          wrong.push([x, y, row]);
      }
    }
    // all of it, as a box and by name
    const whole = { x: 0, y: 0, width, height };
    const [named, boxed, bars, published] = [
      await classifier.classify(picture, { crop: true, fit: "squeeze" }),
      await classifier.classify(picture, { crop: true, box: whole }),
      await classifier.classify(picture, { crop: true, fit: "bars" }),
      await classifier.classify(picture, { crop: true, fit: "crop" }),
    ];
    const plain = await classifier.classify(picture, { crop: true });
    const maps = await classifier.featureMaps(picture, 2, { fit: "bars" });
    const refused = [];
    for (const look of [
      { fit: "stretch" },
      { fit: "bars", box: whole },
      { box: 7 },
      { box: { x: 0, y: 0, width: 91, height: 10 } },
      { box: { x: -1, y: 0, width: 10, height: 10 } },
      { box: { x: 0, y: 0, width: 10, height: 0 } },
      { box: { x: 0, y: NaN, width: 10, height: 10 } },
      { box: { x: 0, y: 0, width: 10 } },
    ]) {
      const error = await classifier.classify(picture, look).catch((/** @type {any} */ error) => error);
      refused.push(`${error.code}: ${error.message}`);
    }
    // as the browser shows it, and as it is stored
    const upright = [];
    for (const base64 of files) {
      const blob = new Blob([Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0))], { type: "image/jpeg" });
      const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none" });
      const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
      context?.drawImage(bitmap, 0, 0);
      const shown = await engine.openPicture(context?.getImageData(0, 0, bitmap.width, bitmap.height));
      const stored = await engine.openPicture(blob);
      const box = { x: 20.5, y: 133, width: 200, height: 180.25 };
      const looks = [shown, stored].map((one) => classifier.classify(one, { crop: true, box }));
      const [one, other] = await Promise.all(looks);
      upright.push(String(one.crop) === String(other.crop));
    }
    engine.close();
    return {
      upright,
      wrong,
      same: String(named.crop) === String(boxed.crop),
      asMaps: String(bars.crop) === String(maps.crop),
      asPublished: String(published.crop) === String(plain.crop),
      // 32 × 25: four rows above it, and three below
      bars: [0, 3, 4, 28, 29, 31].map((row) => new Set(bars.crop.slice(128 * row, 128 * (row + 1))).size < 5),
      refused,
    };
  }, files);
  assert.deepEqual(found.wrong, []);
  assert.deepEqual(found.upright, [true, true, true]);
  assert.ok(found.same && found.asMaps && found.asPublished, JSON.stringify(found));
  assert.deepEqual(found.bars, [true, true, false, false, true, true]);
  assert.deepEqual(found.refused, [
    "wrong-argument: fit must be crop, squeeze or bars, not stretch",
    "wrong-argument: box must be left out where fit is bars, which takes the whole picture, not object",
    "wrong-argument: box must be an object of x, y, width and height, not 7",
    "wrong-argument: box.width must be a number above 0, at most 90, not 91",
    "wrong-argument: box.x must be a number from 0 on, below 90, not -1",
    "wrong-argument: box.height must be a number above 0, at most 70, not 0",
    "wrong-argument: box.y must be a number from 0 on, below 70, not NaN",
    "wrong-argument: box.height must be a number above 0, at most 70, not undefined",
  ]);
  check();
  await context.close();
});

test("fingers drag and pinch the frame, and scroll the page beside it", async () => {
  const { page, context, check } = await lab.open("", {
    viewport: { width: 390, height: 700 },
    hasTouch: true,
    isMobile: true,
  });
  await show(page, "coffee.jpg");
  const session = await context.newCDPSession(page);
  const touch = (/** @type {string} */ type, /** @type {number[][]} */ ...points) =>
    session.send("Input.dispatchTouchEvent", {
      type: /** @type {any} */ (type),
      touchPoints: points.map(([x, y], id) => ({ x, y, id })),
    });
  await page.locator(frame).scrollIntoViewIfNeeded();
  const top = await page.evaluate(() => scrollY);
  const box = await page.locator(frame).boundingBox();
  const photo = await page.locator(".photo").boundingBox();
  assert.ok(box && photo);
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];

  await touch("touchStart", [x, y]);
  for (let i = 1; i <= 8; i++) await touch("touchMove", [x - 5 * i, y - 10 * i]);
  await touch("touchEnd");
  const dragged = await page.locator(frame).boundingBox();
  assert.ok(dragged && dragged.x < box.x - 5, "it follows the finger");
  assert.equal(await page.evaluate(() => scrollY), top, "and the page stays");

  const middle = [dragged.x + dragged.width / 2, dragged.y + dragged.height / 2];
  const apart = (/** @type {number} */ d) => [middle[0] - d, middle[0] + d].map((x) => [x, middle[1]]);
  await touch("touchStart", ...apart(50));
  for (let d = 50; d >= 25; d -= 5) await touch("touchMove", ...apart(d));
  await touch("touchEnd");
  const pinched = await page.locator(frame).boundingBox();
  assert.ok(pinched && Math.abs(pinched.width / dragged.width - 0.5) < 0.05, `${pinched?.width} of ${dragged.width}`);
  assert.equal(await page.evaluate(() => visualViewport?.scale), 1);

  // beside the frame, on the picture
  const beside = [photo.x + photo.width - 10, photo.y + photo.height - 10];
  await touch("touchStart", beside);
  for (let i = 1; i <= 10; i++) await touch("touchMove", [beside[0], beside[1] - 12 * i]);
  await touch("touchEnd");
  await page.waitForFunction((top) => scrollY > top + 20, top);
  check();
  await context.close();
});
