// Weights: fetched from a host that may misbehave, opened, trained; kept over a reload, and deleted.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { startLab, weightsInput } from "./lab.js";

const MINUTE = 60_000;
const FILE = new URL("../../www/weights/shapes-0.5.safetensors", import.meta.url);

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {(request: import("node:http").IncomingMessage, response: import("node:http").ServerResponse) => void} Answer */
/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
/** @type {Buffer} */
let whole;
/** The other origin, where the weights are published. @type {import("node:http").Server} */
let host;
let address = "";
/** Its next answers. @type {Answer} */
let answer;
/** The `Range` headers of its requests. @type {(string | undefined)[]} */
let ranges = [];

before(async () => {
  lab = await startLab({ cifar: false });
  whole = await readFile(FILE);
  host = createServer((request, response) => {
    ranges.push(request.headers.range);
    response.setHeader("Access-Control-Allow-Origin", "*");
    response.setHeader("Last-Modified", "Sat, 01 Jan 2022 00:00:00 GMT");
    answer(request, response);
  });
  await new Promise((resolve) => host.listen(0, "127.0.0.1", () => resolve(undefined)));
  address = `127.0.0.1:${/** @type {import("node:net").AddressInfo} */ (host.address()).port}`;
});
after(async () => {
  await lab?.close();
  host?.close();
  host?.closeAllConnections();
});

/** The whole file, or the requested end. @type {Answer} */
const well = (request, response) => {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  response.setHeader("Content-Length", whole.length - from);
  if (from) response.setHeader("Content-Range", `bytes ${from}-${whole.length - 1}/${whole.length}`);
  response.writeHead(from ? 206 : 200).end(whole.subarray(from));
};
/** The first `bytes` of a file that claims `length`, then `end`. @param {number} bytes @param {number} length @returns {Answer} */
const part =
  (bytes, length, end = (/** @type {import("node:http").ServerResponse} */ response) => void response.end()) =>
  (_, response) => {
    response.writeHead(200, { "Content-Length": length });
    response.write(whole.subarray(0, bytes), () => end(response));
  };
/** Waits until the browser has passed on what came before. @param {import("node:http").ServerResponse} response */
const hangUp = (response) => void setTimeout(() => response.destroy(), 500);

/**
 * A page with an empty storage, for which the host publishes weights.
 *
 * @param {Answer} first
 * @param {() => void} [script]
 */
async function open(first, script) {
  answer = first;
  ranges = [];
  const manifest = JSON.parse(await readFile(new URL("../../www/weights/manifest.json", import.meta.url), "utf8"));
  const shipped = manifest.find((/** @type {any} */ { file }) => file === "shapes-0.5.safetensors");
  const published = {
    ...shipped,
    id: "published",
    name: { en: "Published", ko: "공개" },
    file: `http://${address}/weights.safetensors`,
    published: true,
  };
  const routes = { "**/weights/manifest.json": JSON.stringify([...manifest, published]) };
  // the content policy requires https of other hosts, which the test's host lacks
  const { page, context, check } = await lab.open("", { script, routes, bypassCSP: true });
  await page.locator("#panel-classify .predictions li").first().waitFor();
  return { page, close: () => context.close(), check };
}

const problem = (/** @type {Page} */ page, /** @type {string | RegExp} */ text) =>
  page.locator("#bar .problem", { hasText: text }).waitFor();
const row = (/** @type {Page} */ page, name = "Published") =>
  page.locator(".weights-list li").filter({ has: page.locator("strong", { hasText: name }) });
const button = (/** @type {Page} */ page, /** @type {string} */ name, of = "Published") =>
  row(page, of).getByRole("button", { name, exact: true });
const list = (/** @type {Page} */ page) => page.getByRole("button", { name: "More weights…" }).click();
/** The network in use. @param {Page} page */
const used = (page) => page.locator("#weights").inputValue();

for (const [what, wrong, message] of /** @type {[string, Answer, RegExp][]} */ ([
  ["refuses", (_, response) => void response.writeHead(404).end(), /127\.0\.0\.1:\d+ did not send the file \(404\)/],
  ["does not answer", (request) => void request.socket.destroy(), /did not send the file \(no answer\)/],
  [
    "sends a web page",
    (_, response) => void response.writeHead(200, { "Content-Type": "text/html" }).end("<p>Sign in</p>"),
    /sent a web page instead of the file/,
  ],
  ["sends and announces too little", part(900_000, 900_000), /is not these weights/],
  ["sends something else", (_, response) => void response.end("not weights at all"), /is not these weights/],
])) {
  test(`a host that ${what} is named, and nothing is kept`, { timeout: MINUTE }, async () => {
    const { page, close } = await open(wrong);
    const before = await used(page);
    await page.selectOption("#weights", "published");
    await problem(page, message);
    await problem(page, /open it with “Open a file…”/);
    const link = page.locator("#bar .problem a");
    assert.equal(await link.getAttribute("href"), `http://${address}/weights.safetensors`);
    assert.equal(await used(page), before, "the network in use stays");
    await list(page);
    await button(page, "Fetch").waitFor();
    answer = well;
    await button(page, "Fetch").click();
    await button(page, "Use").click();
    await page.locator(".cost", { hasText: "700 k parameters" }).waitFor();
    await close();
  });
}

test(
  "an interrupted download is resumed, even after a reload, and then available without the host",
  { timeout: MINUTE },
  async () => {
    const { page, close } = await open(part(1_300_000, whole.length, hangUp));
    await page.selectOption("#weights", "published");
    await problem(page, /The connection to 127\.0\.0\.1:\d+ broke off/);
    await page.reload();
    await list(page);
    await row(page).getByText("1.3 MB of about 1.54 MB fetched").waitFor();
    assert.ok(await button(page, "Use").isHidden(), "a partial file is unusable");
    answer = well;
    await button(page, "Continue").click();
    await button(page, "Use").waitFor();
    assert.deepEqual(ranges, [undefined, "bytes=1300000-"]);
    await button(page, "Use").click();
    await page.locator(".cost", { hasText: "700 k parameters" }).waitFor();
    answer = (request) => void request.socket.destroy();
    await page.reload();
    await page.locator("#panel-classify .predictions li").first().waitFor();
    assert.equal(await used(page), "published");

    await list(page);
    const [saved] = await Promise.all([page.waitForEvent("download"), button(page, "Save").click()]);
    assert.ok(whole.equals(await readFile(await saved.path())), "byte for byte");
    const [onnx] = await Promise.all([page.waitForEvent("download"), button(page, "Save as ONNX").click()]);
    assert.equal(onnx.suggestedFilename(), "published.onnx");
    await button(page, "Delete").click();
    await button(page, "Fetch").waitFor();
    assert.equal(ranges.length, 2);
    await close();
  },
);

for (const [what, second] of /** @type {[string, Answer][]} */ ([
  ["cannot resume", (_, response) => void response.end(whole)],
  [
    "has another version by now",
    (request, response) => {
      response.setHeader("Last-Modified", "Sun, 02 Jan 2022 00:00:00 GMT");
      well(request, response);
    },
  ],
  [
    "has a shorter file by now",
    (request, response) => void (request.headers.range ? response.writeHead(416).end() : response.end(whole)),
  ],
])) {
  test(`a host that ${what} sends all of it again`, { timeout: MINUTE }, async () => {
    const { page, close } = await open(part(1_300_000, whole.length, hangUp));
    await list(page);
    await button(page, "Fetch").click();
    await page.locator("dialog .problem", { hasText: "broke off" }).waitFor();
    answer = second;
    await button(page, "Continue").click();
    await button(page, "Use").waitFor();
    const [saved] = await Promise.all([page.waitForEvent("download"), button(page, "Save").click()]);
    assert.ok(whole.equals(await readFile(await saved.path())), "byte for byte");
    await close();
  });
}

test("a fetch is cancelled where it is shown, and the part received is kept", { timeout: MINUTE }, async () => {
  const { page, close, check } = await open(part(1_300_000, whole.length, () => {}));
  const before = await used(page);
  await page.selectOption("#weights", "published");
  await page.waitForFunction(() => /** @type {any} */ (document.querySelector(".bar-loading progress")).value > 0.5);
  const loading = page.locator(".bar-loading:has(progress)");
  await loading.getByRole("button", { name: "Cancel" }).click();
  await loading.waitFor({ state: "hidden" });
  assert.equal(await used(page), before);
  await list(page);
  await button(page, "Continue").waitFor();
  await button(page, "Delete").click();
  await button(page, "Fetch").waitFor();
  assert.equal(
    await page.evaluate(() => document.activeElement?.textContent?.slice(0, 20)),
    "Fetch",
    "the focus stays",
  );
  check();
  await close();
});

test("a training that starts from published weights fetches them first", { timeout: MINUTE }, async () => {
  const { page, close, check } = await open(well);
  await page.locator("#tab-train").click();
  await page.selectOption("#weights", "published");
  await page.getByRole("button", { name: "One step" }).click();
  await page.locator(".train-message", { hasText: "Run 1 is paused" }).waitFor();
  assert.deepEqual(ranges, [undefined]);
  await list(page);
  await button(page, "Delete").waitFor();
  check();
  await close();
});

test("files of the same name are told apart, and reopening one replaces it", async () => {
  const { page, close, check } = await open(well);
  const other = await readFile(new URL("../../www/weights/shapes-0.35.safetensors", import.meta.url));
  const put = async (/** @type {Buffer} */ buffer, /** @type {string} */ id) => {
    await page.setInputFiles(weightsInput, { name: "model.safetensors", mimeType: "", buffer });
    await page.waitForFunction((id) => /** @type {any} */ (document.querySelector("#weights")).value === id, id);
  };
  await put(whole, "file:model.safetensors");
  await put(other, "file:model.safetensors (2)");
  await put(whole, "file:model.safetensors");
  assert.equal(await page.locator("#weights option", { hasText: "model.safetensors" }).count(), 2);
  check();
  await close();
});

test("opened and trained weights survive a reload, until they are deleted", { timeout: MINUTE }, async () => {
  const { page, close, check } = await open(well);
  await page.setInputFiles(weightsInput, { name: "mine.safetensors", mimeType: "", buffer: whole });
  await page.locator(".cost", { hasText: "700 k parameters" }).waitFor();
  await page.locator("#tab-train").click();
  await page.getByRole("button", { name: "One step" }).click();
  await page.locator(".train-message", { hasText: "Run 1 is paused" }).waitFor();
  await page.getByRole("button", { name: "Stop" }).click();
  await page.locator(".train-message", { hasText: "Run 1 was stopped" }).waitFor();
  const runs = page.locator(".runs li");
  const [onnx] = await Promise.all([
    page.waitForEvent("download"),
    runs.getByRole("button", { name: "Save as ONNX" }).click(),
  ]);
  assert.equal(onnx.suggestedFilename(), "mobilenetv2-shapes-run1.onnx");
  await page.reload();
  await page.locator("#tab-classify").click();
  await page.locator("#panel-classify .predictions li").first().waitFor();
  assert.equal(await used(page), "file:mine.safetensors");
  await page.getByRole("button", { name: "Reading options" }).click();
  const read = await page
    .locator("dialog[open] select")
    .evaluateAll((all) => all.map((one) => /** @type {any} */ (one).value));
  assert.deepEqual(read, ["cifar", "symmetric", "cifar"], "as it is");
  await page.getByRole("button", { name: "Apply" }).click();
  await list(page);
  page.on("dialog", (dialog) => dialog.accept());
  await button(page, "Delete", "run 1, step 1,").click();
  // a link names deleted weights
  await page.keyboard.press("Escape");
  await page.locator("#tab-train").click();
  await page.selectOption("#weights", "file:mine.safetensors");
  await page.locator("#tab-classify").click();
  await list(page);
  await button(page, "Delete", "mine.safetensors").click();
  await row(page, "mine.safetensors").waitFor({ state: "detached" });
  await page.keyboard.press("Escape");
  await page.evaluate(() => (location.hash = "#classify?classify.weights=file:mine.safetensors"));
  await problem(page, "mine.safetensors");
  assert.equal(await used(page), "cifar10-0.35", "the first ones");
  await page.reload();
  await page.locator("#panel-classify .predictions li").first().waitFor();
  assert.deepEqual(await page.locator("#weights option", { hasText: /mine|run 1/ }).count(), 0);
  check();
  await close();
});

test("a browser without space says so, and open weights work on", { timeout: MINUTE }, async () => {
  const { page, close, check } = await open(well, () => {
    IDBObjectStore.prototype.put = () => {
      throw new DOMException("no room", "QuotaExceededError");
    };
  });
  await page.setInputFiles(weightsInput, { name: "mine.safetensors", mimeType: "", buffer: whole });
  await problem(page, "no more room for this page, so “mine.safetensors” is not stored in full");
  await page.locator(".cost", { hasText: "700 k parameters" }).waitFor();
  await page.selectOption("#weights", "published");
  await problem(page, "no more room for this page, so “Published” is not stored in full");
  assert.equal(await used(page), "file:mine.safetensors");
  check();
  await close();
});
