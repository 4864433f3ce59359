// The service worker: isolation on a host without headers, offline use, truncated files.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { BUILD, classified, dist, freshPage, kept, keptPaths, overlay, serve } from "./hosts.js";
import { crash, engineIs, predictions, watchWorkers } from "./lab.js";
import { CONTENT_POLICY, pageFolder } from "./server.js";

const www = fileURLToPath(new URL("../../www", import.meta.url));

test("in a folder of a host without headers: isolated after one reload, and kept", { timeout: 120_000 }, async (t) => {
  const server = await serve(t, { roots: [], mounts: { "/some/lab/": dist }, isolated: false });
  const { page, context, loads } = await freshPage(t);
  await page.goto(`${server.url}some/lab/?threads=2#classify`);
  await page.locator(engineIs("2 threads, relaxed SIMD")).waitFor();
  assert.equal(loads(), 2);
  assert.equal(await page.locator(engineIs("why only one")).count(), 0);
  await classified(page);
  const [best] = await predictions(page);
  await kept(page);
  const reloaded = await page.reload();
  assert.equal(reloaded?.headers()["content-security-policy"], CONTENT_POLICY);
  await page.locator(engineIs("2 threads, relaxed SIMD")).waitFor();
  assert.equal(loads(), 3, "an isolated page is not reloaded");

  const ranged = await page.evaluate(async (build) => {
    const response = await fetch(`${build}/weights/manifest.json`, { headers: { Range: "bytes=1-3" } });
    return [response.status, (await response.text()).length];
  }, BUILD);
  assert.deepEqual(ranged, [206, 3]);

  await server.close();
  await page.reload();
  await classified(page);
  assert.deepEqual((await predictions(page))[0], best, "the same network, on the same picture");
  await page.locator(engineIs("2 threads, relaxed SIMD")).waitFor();
  const second = await context.newPage();
  await second.goto(`${server.url}some/lab/index.html?threads=2#apart`);
  await second.locator(".netmap button").first().waitFor();

  // the lesson, a link to hand on and presenting were not opened before
  await second.locator("#lesson").click();
  await second.locator(".lesson-stop h3").waitFor();
  await second.keyboard.press("p");
  await second.locator("[data-present]").waitFor({ state: "attached" });
  await second.locator("#share").click();
  await second.locator(".share-code path").waitFor();
});

test("what the page uses while its build is being stored is kept, too", { timeout: 120_000 }, async (t) => {
  // a sample that arrives only after the storing has begun, which its last file, in turn, lets wait for the sample
  const [sample, last] = [`/${BUILD}/samples/coffee.jpg`, `/${BUILD}/i18n/ko.json`];
  let [begin, arrive] = [() => {}, () => {}];
  const begun = new Promise((resolve) => (begin = () => resolve(null)));
  const arrived = new Promise((resolve) => (arrive = () => resolve(null)));
  const server = await serve(t, {
    isolated: false,
    answer({ url = "" }, response) {
      if (url === last) begin();
      if (url === sample) begun.then(async () => response.end(await readFile(join(dist, sample)), arrive));
      if (url === last) arrived.then(async () => response.end(await readFile(join(dist, last))));
      return url === sample || url === last;
    },
  });
  const { page } = await freshPage(t);
  await page.goto(server.url);
  await kept(page);
  while (!(await keptPaths(page)).includes(sample.slice(1))) await page.waitForTimeout(50);
});

// as in WebKit, whose service workers do not answer for the workers of a worker
test("the single-threaded variant is kept too, since several threads may not start offline", async (t) => {
  const { page } = await freshPage(t);
  await page.goto(`${(await serve(t)).url}?threads=2`);
  await kept(page);
  const paths = await keptPaths(page);
  for (const variant of ["relaxed-simd", "relaxed-simd-threads"]) {
    assert.ok(
      paths.some((path) => path.endsWith(`pkg/${variant}/mobilenetv2_bg.wasm`)),
      variant,
    );
  }
});

test("the page that measures the browser is kept completely, too", { timeout: 120_000 }, async (t) => {
  const server = await serve(t, { isolated: false });
  const { page } = await freshPage(t);
  await page.goto(`${server.url}bench.html`);
  await page.locator("#bench .primary").waitFor();
  while (!(await keptPaths(page)).includes(`${BUILD}/`)) await page.waitForTimeout(100);
  await server.close();
  await page.reload();
  await page.locator("#bench .primary").waitFor();
});

test("truncated files are not kept", { timeout: 120_000 }, async (t) => {
  const over = await overlay(t);
  const server = await serve(t, { roots: [over.folder, dist] });
  /** Passes requests on, but cuts answers to these paths. @type {Set<string>} */
  const cut = new Set(["/data/cut.bin", `/${BUILD}/weights/imagenet-synsets.txt`]);
  const host = createServer((incoming, outgoing) => {
    request(
      new URL(incoming.url ?? "", server.url),
      { method: incoming.method, headers: incoming.headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 0, answer.headers);
        if (!cut.has(incoming.url ?? "")) answer.pipe(outgoing);
        else answer.once("data", (part) => outgoing.write(part.subarray(0, part.length / 2), () => outgoing.destroy()));
      },
    ).end();
  });
  await new Promise((resolve) => host.listen(0, "127.0.0.1", () => resolve(undefined)));
  const endHost = () => {
    host.close();
    host.closeAllConnections();
  };
  t.after(endHost);
  const { port } = /** @type {import("node:net").AddressInfo} */ (host.address());
  await over.write("data/cut.bin", Buffer.alloc(2000, 7));
  await over.write("data/whole.bin", Buffer.alloc(2000, 7));
  await over.write(
    `${BUILD}/weights/shapes-0.5.safetensors`,
    (await readFile(join(pageFolder(), "weights/shapes-0.5.safetensors"))).subarray(0, 1000),
  );

  const { page } = await freshPage(t);
  await page.goto(`http://127.0.0.1:${port}/`);
  await kept(page);
  const asked = [
    "data/cut.bin",
    "data/whole.bin",
    ...["weights/imagenet-synsets.txt", "weights/shapes-0.5.safetensors"].map((path) => `${BUILD}/${path}`),
  ];
  const lengths = await page.evaluate(
    (asked) =>
      Promise.all(
        asked.map((path) =>
          fetch(path).then(
            (response) =>
              response.arrayBuffer().then(
                ({ byteLength }) => byteLength,
                () => "broken",
              ),
            () => "broken",
          ),
        ),
      ),
    asked,
  );
  assert.deepEqual(lengths, ["broken", 2000, "broken", 1000]);
  const keptLength = () =>
    page.evaluate(async () => (await (await caches.match("data/whole.bin"))?.arrayBuffer())?.byteLength);
  while ((await keptLength()) !== 2000) await page.waitForTimeout(50);
  const paths = await keptPaths(page);
  assert.ok(paths.includes("data/whole.bin") && paths.includes(`${BUILD}/ui/main.js`), String(paths));
  for (const path of [asked[0], asked[3]]) assert.ok(!paths.includes(path), path);
  await over.write("data/whole.bin", Buffer.alloc(10, 7));
  const length = () => page.evaluate(async () => (await (await fetch("data/whole.bin")).arrayBuffer()).byteLength);
  assert.equal(await length(), 10, "data are requested again");
  while ((await keptLength()) !== 10) await page.waitForTimeout(50);
  endHost();
  assert.equal(await length(), 10);
  const exists = await page.evaluate(() =>
    Promise.all(
      ["whole", "cut"].map((name) =>
        fetch(`data/${name}.bin`, { method: "HEAD" }).then(
          ({ ok }) => ok,
          () => false,
        ),
      ),
    ),
  );
  assert.deepEqual(exists, [true, false]);
});

test("during development nothing is kept, and one reload shows an edit", { timeout: 120_000 }, async (t) => {
  const over = await overlay(t);
  const built = await serve(t);
  const { page } = await freshPage(t);
  await page.goto(built.url);
  await kept(page);
  await built.close();
  const port = Number(new URL(built.url).port);
  await serve(t, { roots: [over.folder, www, dist, pageFolder()], port });
  const words = JSON.parse(await readFile(join(www, "i18n/en.json"), "utf8"));
  const edit = (/** @type {string} */ title) => over.write("i18n/en.json", JSON.stringify({ ...words, title }));
  await edit("Edited Lab");
  await page.reload();
  await classified(page);
  while ((await keptPaths(page)).length) await page.waitForTimeout(50);
  await page.reload();
  await page.waitForFunction(() => document.title.endsWith("Edited Lab"));
  await edit("Edited again");
  await page.reload();
  await page.waitForFunction(() => document.title.endsWith("Edited again"));
  await classified(page);
  assert.deepEqual(await keptPaths(page), []);
});

test("another page beside it is left alone, and its engine needs nothing", { timeout: 60_000 }, async (t) => {
  const over = await overlay(t);
  await over.write("mine.html", "<!doctype html><title>mine</title>");
  const server = await serve(t, { roots: [over.folder, dist], isolated: false });
  const { page } = await freshPage(t);
  await page.goto(server.url);
  await kept(page);
  await page.goto(`${server.url}mine.html`);
  const found = await page.evaluate(async () => {
    const { createEngine } = await import(/** @type {any} */ ("/engine/engine.js"));
    const engine = await createEngine();
    return [crossOriginIsolated, engine.threads, (await engine.describe({})).parameters];
  });
  assert.deepEqual(found, [false, 1, 3_504_872]);
});

test("if threads are unavailable, the model bar says why", { timeout: 120_000 }, async (t) => {
  const plain = await serve(t, { isolated: false });
  const isolated = await serve(t);
  /** @type {[string, RegExp, (page: import("playwright-core").Page) => Promise<unknown>][]} */
  const cases = [
    [plain.url, /cross-origin isolated/, async () => {}],
    [isolated.url, /could not be started/, (page) => page.route("**/pkg/*-threads/*.wasm", (route) => route.abort())],
    // as in WebKitGTK, where it is an option
    [
      isolated.url,
      /no SharedArrayBuffer/,
      (page) => page.addInitScript(() => void delete (/** @type {any} */ (globalThis).SharedArrayBuffer)),
    ],
  ];
  for (const [url, reason, prepare] of cases) {
    const { page } = await freshPage(t, { serviceWorkers: "block" });
    await prepare(page);
    await page.goto(`${url}?threads=2`);
    await classified(page);
    await page.locator(engineIs("1 thread, relaxed SIMD")).waitFor();
    await page.locator(engineIs("why only one")).focus();
    const explanation = page.locator("#explanation:popover-open", { hasText: reason });
    await explanation.waitFor();
    // the bar gets the network's cost meanwhile
    await page.locator(".cost", { hasText: /[\d.]+\sms/ }).waitFor();
    assert.ok(await explanation.isVisible());
    assert.equal(await page.getByText("Works offline").isVisible(), false);
  }
});

test("if threads only fail on a restart of the engine, the model bar says so", { timeout: 120_000 }, async (t) => {
  const { url } = await serve(t);
  const { page } = await freshPage(t, { serviceWorkers: "block" });
  await page.addInitScript(watchWorkers);
  await page.goto(`${url}?threads=2`);
  await page.locator(engineIs("2 threads, relaxed SIMD")).waitFor();
  await classified(page);
  await page.route("**/pkg/*-threads/*.wasm", (route) => route.abort());
  await crash(page);
  await page.locator(engineIs("1 thread, relaxed SIMD")).waitFor();
  await page.locator(engineIs("why only one")).waitFor();
});
