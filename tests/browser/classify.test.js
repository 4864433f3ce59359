// The first room: pictures from every source, their classification, and files that are not pictures.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { deflateSync } from "node:zlib";
import {
  crash,
  hashIs,
  pictureInput,
  predictions,
  sharedData,
  startLab,
  waitForPicture,
  watchWorkers,
  weightsInput,
} from "./lab.js";

/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
before(async () => {
  lab = await startLab();
});
after(() => lab?.close());

const sample = new URL("../../www/samples/coffee.jpg", import.meta.url);
const file = (/** @type {string} */ name, /** @type {Buffer} */ buffer, mimeType = "image/png") => ({
  name,
  mimeType,
  buffer,
});
const coffee = async (name = "coffee.jpg") => file(name, await readFile(sample), "image/jpeg");

test("a sample is classified as soon as the page has loaded", async () => {
  const { page, check } = await lab.open();
  await page.locator("#panel-classify .predictions li").first().waitFor();
  const found = await predictions(page);
  assert.equal(found.length, 5);
  const sum = found.reduce((all, { probability }) => all + probability, 0);
  assert.ok(sum > 0.5 && sum < 1.01, `probabilities sum to ${sum}`);
  assert.deepEqual(
    found,
    found.toSorted((a, b) => b.probability - a.probability),
    "best first",
  );
  await page.selectOption("#top", "3");
  await page.waitForFunction(() => document.querySelectorAll("#panel-classify .predictions li").length === 3);
  await page.waitForURL(/classify\.top=3/);
  await page.locator(".times .term").focus();
  await page.locator("#explanation", { hasText: /Preprocessing [\d.]+\sms, network [\d.]+\sms/ }).waitFor();
  check();
});

test("resolution toggles act at once on any weights; an unavailable width says why", async () => {
  const { page, check } = await lab.open("#classify?classify.weights=shapes-0.35");
  const crop = page.locator("canvas.crop").first();
  await page.locator("#panel-classify .predictions li").first().waitFor();
  for (const resolution of [48, 224, 32]) {
    await page.locator(`input[name=resolution][value="${resolution}"]`).click();
    await page.waitForFunction(
      (side) => /** @type {any} */ (document.querySelector("canvas.crop")).width === side,
      resolution,
    );
  }
  assert.equal(await crop.getAttribute("width"), "32");
  await page.locator('input[name=width][value="0.5"]').click();
  await page.locator(".cost", { hasText: "700 k parameters" }).waitFor();
  const missing = page.locator("input[name=width][aria-disabled]").first();
  const chosen = await page.locator("input[name=width]:checked").getAttribute("value");
  await missing.click({ force: true }); // dimmed: Playwright would wait for that to end
  await page.locator("#explanation", { hasText: "Train some at that width" }).waitFor();
  assert.equal(await page.locator("input[name=width]:checked").getAttribute("value"), chosen);
  check();
});

test("pictures come by file, paste and drop; several become a strip", async () => {
  const { page, check } = await lab.open();
  await page.setInputFiles(pictureInput, [await coffee("one.jpg"), await coffee("two.jpg"), await coffee("three.jpg")]);
  await waitForPicture(page, "one.jpg");
  const strip = page.locator(".strip [aria-pressed]");
  await page.waitForFunction(
    () => [...document.querySelectorAll(".strip span")].filter((s) => s.textContent?.includes("%")).length === 3,
  );
  await strip.nth(1).click();
  await waitForPicture(page, "two.jpg");
  assert.equal(await strip.nth(1).getAttribute("aria-pressed"), "true");

  const bytes = [...(await readFile(sample))];
  for (const [type, name] of [
    ["paste", "pasted.jpg"],
    ["drop", "dropped.jpg"],
  ]) {
    await page.evaluate(
      ({ bytes, type, name }) => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(bytes)], name, { type: "image/jpeg" }));
        // a synthetic ClipboardEvent has no clipboardData in Firefox
        const event =
          type === "paste"
            ? Object.assign(new Event(type, { bubbles: true }), { clipboardData: data })
            : new DragEvent(type, { dataTransfer: data, bubbles: true });
        document.body.dispatchEvent(event);
      },
      { bytes, type, name },
    );
    await waitForPicture(page, name);
  }
  assert.equal(await strip.count(), 5);

  // A removed picture disappears, and the focus moves on; its neighbour is shown instead.
  await page.getByRole("button", { name: "Remove two.jpg" }).click();
  assert.equal(await strip.count(), 4);
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute("aria-label"));
  assert.equal(await focused(), "Remove three.jpg");
  assert.equal(await page.locator(".caption").innerText(), "dropped.jpg");
  await page.getByRole("button", { name: "Remove dropped.jpg" }).press("Enter");
  await waitForPicture(page, "pasted.jpg");
  assert.equal(await focused(), "Remove pasted.jpg");
  for (const name of ["one.jpg", "three.jpg"]) await page.getByRole("button", { name: `Remove ${name}` }).click();
  assert.ok(await page.locator(".strip").isHidden(), "a single picture has no strip");
  assert.equal(await page.locator(".caption").innerText(), "pasted.jpg");
  assert.equal(await page.evaluate(() => document.activeElement?.className), "way way-open");
  check();
});

test("the loaded pictures survive a restart of the core", async () => {
  const { page, check } = await lab.open("", { script: watchWorkers });
  await page.setInputFiles(pictureInput, [await coffee("one.jpg"), await coffee("two.jpg"), await coffee("three.jpg")]);
  await waitForPicture(page, "one.jpg");
  await crash(page, ".strip li:nth-child(2) button");
  await waitForPicture(page, "two.jpg");
  await page.waitForFunction(
    () => [...document.querySelectorAll(".strip span")].filter((s) => s.textContent?.includes("%")).length === 3,
  );
  assert.ok(await page.locator("#panel-classify .picture > .problem").first().isHidden());
  check();
});

test("a picture is turned by its EXIF orientation", async () => {
  const { page, check } = await lab.open();
  // an APP1 segment with orientation 6 (a quarter turn), put after the start-of-image marker
  const exif = Buffer.from("ffe1002245786966000049492a00080000000100120103000100000006000000" + "00000000", "hex");
  const jpeg = await readFile(sample);
  await page.setInputFiles(
    pictureInput,
    file("turned.jpg", Buffer.concat([jpeg.subarray(0, 2), exif, jpeg.subarray(2)]), "image/jpeg"),
  );
  await waitForPicture(page, "turned.jpg");
  const ratio = await page.locator(".photo").evaluate((photo) => getComputedStyle(photo).getPropertyValue("--ratio"));
  assert.ok(Number(ratio) < 1, `a landscape turned is a portrait: ${ratio}`);
  check();
});

test("of several files the first picture is shown", async () => {
  const { page, check } = await lab.open();
  await page.locator("#panel-classify .predictions li").first().waitFor();
  const heic = (/** @type {string} */ name) => file(name, Buffer.from("no picture"));
  const problem = page.locator("#panel-classify .picture > .problem").first();
  await page.setInputFiles(pictureInput, [heic("IMG.heic"), await coffee("second.jpg")]);
  await waitForPicture(page, "second.jpg");
  assert.match(await problem.innerText(), /^IMG\.heic: /);
  // also while another is shown, and every other file is named
  await page.setInputFiles(pictureInput, [heic("one.heic"), await coffee("third.jpg"), heic("two.heic")]);
  await waitForPicture(page, "third.jpg");
  await problem.filter({ hasText: /one\.heic: .*two\.heic: / }).waitFor();
  check();
});

test("other files get a message, and the page works on", async () => {
  const { page, check } = await lab.open();
  await page.locator("#panel-classify .predictions li").first().waitFor();
  const jpeg = await readFile(sample);
  const problem = page.locator("#panel-classify .picture > .problem").first();
  /** @type {[string, Buffer, RegExp][]} */
  const bad = [
    ["empty.png", Buffer.alloc(0), /empty\.png: The file is empty/],
    ["text.png", Buffer.from("this is not a picture"), /text\.png: This is not an image/],
    ["zeros.jpg", Buffer.alloc(1000), /zeros\.jpg: This is not an image/],
    ["header.jpg", jpeg.subarray(0, 120), /header\.jpg: The JPEG file is damaged or incomplete/],
    ["huge.png", hugePng(12_000), /huge\.png: 12,000 × 12,000 pixels are too many/],
  ];
  for (const [name, bytes, expected] of bad) {
    await page.setInputFiles(pictureInput, file(name, bytes));
    await page.waitForFunction(
      (name) => document.querySelector("#panel-classify .picture > .problem")?.textContent?.startsWith(name),
      name,
    );
    assert.match(await problem.innerText(), expected);
    assert.ok(await page.locator(".photo img").isVisible(), `${name}: the old picture stays`);
    const asked = await page.locator("#top").inputValue();
    await page.selectOption("#top", asked === "5" ? "3" : "5");
    await page.waitForFunction(
      (count) => document.querySelectorAll("#panel-classify .predictions li").length === count,
      asked === "5" ? 3 : 5,
    );
    await page.setInputFiles(pictureInput, await coffee(`after-${name}`));
    await waitForPicture(page, `after-${name}`);
    assert.ok(await problem.isHidden(), `${name}: the message disappears`);
  }
  check();
});

test("files without weights get a message, and the network in use stays", async () => {
  const { page, check } = await lab.open();
  await page.locator("#panel-classify .predictions li").first().waitFor();
  const used = await page.locator("#weights").inputValue();
  const header = Buffer.alloc(8);
  header.writeBigUInt64LE(1n << 40n);
  const whole = await readFile(new URL("../../www/weights/shapes-0.35.safetensors", import.meta.url));
  const turned = Buffer.from(whole.toString("latin1").replace("[10,1280]", "[1280,10]"), "latin1");
  /** @type {[string, Buffer, string][]} */
  const bad = [
    [
      "turned.safetensors",
      turned,
      "its tensor classifier.1.weight has the shape [1280, 10], where [10, 1280] is expected",
    ],
    ["text.safetensors", Buffer.from("not weights at all"), "it is not a .safetensors file"],
    ["oversized.safetensors", Buffer.concat([header, Buffer.alloc(64)]), "it is not a .safetensors file"],
    ["page.safetensors", Buffer.from("<!doctype html>"), "it is a web page"],
    ["empty.safetensors", Buffer.alloc(0), "it is empty"],
  ];
  for (const [name, bytes, what] of bad) {
    await page.setInputFiles(weightsInput, file(name, bytes, "application/octet-stream"));
    await page
      .locator("#bar .problem", { hasText: `These weights cannot be used: “${name}” cannot be read (${what}` })
      .waitFor();
    assert.equal(await page.locator("#weights").inputValue(), used);
    await page.setInputFiles(pictureInput, await coffee(`after-${name}`));
    await waitForPicture(page, `after-${name}`);
  }
  await page.locator("#language").click();
  await page.locator("#bar .problem", { hasText: "(빈 파일입니다)" }).waitFor();
  check();
});

test("a link to unavailable weights says so and shows others", async () => {
  const { page, check } = await lab.open("#classify?classify.weights=file%3Amine.safetensors");
  await page
    .locator("#bar .problem", { hasText: "“mine.safetensors”, which was opened or trained elsewhere" })
    .waitFor();
  await page.locator("#panel-classify .predictions li").first().waitFor();
  await hashIs(page, "#classify");
  check();
});

test("the ImageNet weights give PyTorch's probabilities in the browser", async (t) => {
  const folder = sharedData("imagenet");
  if (!folder) return t.skip("the shared ImageNet data are absent");
  const expected = JSON.parse(await readFile(`${folder}/expected.json`, "utf8"));
  const labels = (await readFile(`${folder}/labels.txt`, "utf8"))
    .trim()
    .split("\n")
    .map((line) => line.split(", ")[0]);
  const { page, check } = await lab.open();
  await page.setInputFiles(weightsInput, `${folder}/mobilenet_v2_1.0_224.safetensors`);
  await page.locator(".cost", { hasText: "3.5 M parameters" }).waitFor(); // the cost is known once it is in use
  for (const { file: name, top5, probability } of expected) {
    await page.setInputFiles(pictureInput, `${folder}/photos/${name}`);
    await waitForPicture(page, name);
    const found = await predictions(page);
    const names = found.map((prediction) => prediction.name);
    const wanted = top5.map((/** @type {number} */ label) => labels[label]);
    assert.deepEqual(names, wanted, name);
    for (const [i, label] of wanted.entries()) {
      const here = found.find((prediction) => prediction.name === label)?.probability ?? 0;
      // the page shows tenths of a per cent, the file has four digits
      assert.ok(Math.abs(here - probability[i]) < 6e-4, `${name}: ${label} has ${here}, PyTorch ${probability[i]}`);
    }
  }
  await page.setInputFiles(pictureInput, `${folder}/photos/${expected[0].file}`);
  await waitForPicture(page, expected[0].file);
  assert.equal((await readdir(`${folder}/photos`)).length, expected.length);

  // the same tensors without metadata: the person says how to read them
  const bytes = await readFile(`${folder}/mobilenet_v2_1.0_224.safetensors`);
  const length = Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + length));
  delete header.__metadata__;
  const silent = JSON.stringify(header).padEnd(length);
  bytes.write(silent, 8);
  await page.setInputFiles(weightsInput, file("silent.safetensors", bytes, "application/octet-stream"));
  await page.getByRole("button", { name: "Reading options" }).click();
  await page.locator("dialog[open]").getByLabel("Padding").selectOption("same");
  await page.locator("dialog[open]").getByLabel("Colours").selectOption("signed");
  await page.getByRole("button", { name: "Apply" }).click();
  const { file: name, probability } = expected[0];
  await page
    .waitForFunction(
      ({ wanted }) =>
        Math.abs(
          parseFloat(document.querySelector("#panel-classify .predictions .value")?.textContent ?? "") / 100 - wanted,
        ) < 0.03,
      { wanted: probability[0] },
    )
    .catch(() => assert.fail(`${name} is not read correctly`));
  check();
});

/** A black PNG of `side` × `side` pixels, one bit each. @param {number} side */
function hugePng(side) {
  const chunk = (/** @type {string} */ type, /** @type {Buffer} */ data) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header[8] = 1;
  const rows = deflateSync(Buffer.alloc((1 + Math.ceil(side / 8)) * side));
  return Buffer.concat([
    Buffer.from("89504e470d0a1a0a", "hex"),
    chunk("IHDR", header),
    chunk("IDAT", rows),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** @param {Buffer} bytes */
function crc32(bytes) {
  let sum = ~0;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return ~sum >>> 0;
}
