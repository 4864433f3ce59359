// The service worker: isolation on a host that sets no headers, use without a network, a newer build, half a file.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { predictions } from "./lab.js";
import { launch, startServer } from "./server.js";

const here = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));
const dist = here("../../dist");
const www = here("../../www");

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

/** @typedef {import("node:test").TestContext} TestContext */

/** A server that ends with the test. @param {TestContext} t @param {Parameters<typeof startServer>[0]} [options] */
async function serve(t, options) {
  const server = await startServer(options);
  t.after(server.close);
  return server;
}

/**
 * A page of a browser that knows nothing yet; `loads` counts how often it was loaded.
 *
 * @param {TestContext} t @param {import("playwright-core").BrowserContextOptions} [options]
 */
async function freshPage(t, options = {}) {
  const context = await browser.newContext({ locale: "en", ...options });
  t.after(() => context.close());
  const page = await context.newPage();
  let loads = 0;
  page.on("domcontentloaded", () => loads++);
  return { page, context, loads: () => loads };
}

/** A folder whose files lie over those of dist/. @param {TestContext} t */
async function overlay(t) {
  const folder = await mkdtemp(join(tmpdir(), "mobilenetv2-"));
  t.after(() => rm(folder, { recursive: true }));
  return {
    folder,
    async write(/** @type {string} */ path, /** @type {string | Buffer} */ content) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), content);
    },
  };
}

/** Another build: the words of the page are others, and so are their hashes. */
async function otherBuild(/** @type {Awaited<ReturnType<typeof overlay>>} */ over, /** @type {string} */ title) {
  const words = JSON.stringify({ ...JSON.parse(await readFile(join(www, "i18n/en.json"), "utf8")), title });
  const hash = createHash("sha256").update(words).digest("hex").slice(0, 16);
  const list = await readFile(join(dist, "files.js"), "utf8");
  await over.write("i18n/en.json", words);
  await over.write("files.js", list.replace(/("i18n\/en\.json": )"\w+"/, `$1"${hash}"`));
}

const kept = (/** @type {import("playwright-core").Page} */ page) =>
  page.getByText("Works without a network").waitFor();
const classified = (/** @type {import("playwright-core").Page} */ page) =>
  page.locator("#panel-classify .predictions li").first().waitFor();
/** Paths below the page's folder that the service worker keeps. */
const keptPaths = (/** @type {import("playwright-core").Page} */ page) =>
  page.evaluate(async () => {
    const folder = new URL("./", location.href).href;
    const requests = await (await caches.open(`mobilenetv2-lab ${folder}`)).keys();
    return requests.map(({ url }) => url.replace(folder, "").replace(/\?.*/, ""));
  });

test("in a folder of a host without headers: isolated after one reload, and kept", { timeout: 120_000 }, async (t) => {
  const server = await serve(t, { roots: [], mounts: { "/some/lab/": dist }, isolated: false });
  const { page, context, loads } = await freshPage(t);
  await page.goto(`${server.url}some/lab/?threads=2#classify`);
  await page.locator(".cost", { hasText: "2 threads, relaxed SIMD" }).waitFor();
  assert.equal(loads(), 2);
  assert.equal(await page.getByRole("button", { name: "why only one" }).isVisible(), false);
  await classified(page);
  const [best] = await predictions(page);
  await kept(page);
  await page.reload();
  await page.locator(".cost", { hasText: "2 threads, relaxed SIMD" }).waitFor();
  assert.equal(loads(), 3, "an isolated page is not loaded again");

  const ranged = await page.evaluate(async () => {
    const response = await fetch("weights/manifest.json", { headers: { Range: "bytes=1-3" } });
    return [response.status, (await response.text()).length];
  });
  assert.deepEqual(ranged, [206, 3]);

  await server.close();
  await page.reload();
  await classified(page);
  assert.deepEqual((await predictions(page))[0], best, "the same network, on the same picture");
  await page.locator(".cost", { hasText: "2 threads, relaxed SIMD" }).waitFor();
  const second = await context.newPage();
  await second.goto(`${server.url}some/lab/index.html?threads=2#apart`);
  await second.locator("tfoot td").first().waitFor();
});

test("a newer build waits until it is whole and asked for", { timeout: 120_000 }, async (t) => {
  const over = await overlay(t);
  const server = await serve(t, { roots: [over.folder, dist], isolated: false });
  const { page } = await freshPage(t);
  await page.goto(server.url);
  await kept(page);

  await otherBuild(over, "Newer Lab");
  await over.write("main.js", "throw new Error('half a file')"); // not what files.js says
  await page.reload();
  await classified(page);
  const installing = () => page.evaluate(async () => !!(await navigator.serviceWorker.getRegistration())?.installing);
  while (await installing()) await page.waitForTimeout(50);
  assert.equal(await page.getByRole("button", { name: "Load it" }).isVisible(), false, "it is not whole");

  await rm(join(over.folder, "main.js"));
  await page.reload();
  await page.getByRole("button", { name: "Load it" }).waitFor();
  await page.waitForFunction(() => document.title === "Classify · MobileNetV2 Lab");
  await page.reload();
  await page.getByRole("button", { name: "Load it" }).waitFor();
  await page.waitForFunction(() => document.title === "Classify · MobileNetV2 Lab"); // a reload alone changes nothing
  await page.getByRole("button", { name: "Load it" }).click();
  await page.waitForFunction(() => document.title.endsWith("Newer Lab"));
  await kept(page);
  assert.equal(await page.getByRole("button", { name: "Load it" }).isVisible(), false);
  const paths = await keptPaths(page);
  assert.equal(new Set(paths).size, paths.length, "nothing is left of the older build");
  await server.close();
  await page.reload();
  await classified(page);
  assert.equal(await page.title(), "Classify · Newer Lab");
});

test("what is kept of a build in part does not mix with the next", { timeout: 120_000 }, async (t) => {
  const over = await overlay(t);
  const server = await serve(t, { roots: [over.folder, dist], isolated: false });
  const { page } = await freshPage(t);
  await over.write("icon.svg", "<svg/>"); // not what files.js says: nothing becomes whole
  await page.goto(`${server.url}bench.html`);
  await page.locator("#bench .primary").waitFor();
  await page.waitForFunction(() => crossOriginIsolated);
  while (!(await keptPaths(page)).includes("i18n/en.json")) await page.waitForTimeout(100);

  await otherBuild(over, "Newer Lab");
  await page.goto(server.url);
  await classified(page);
  assert.equal(await page.title(), "Classify · Newer Lab");
});

test("the page that measures the browser is kept as a whole too", { timeout: 120_000 }, async (t) => {
  const server = await serve(t, { isolated: false });
  const { page } = await freshPage(t);
  await page.goto(`${server.url}bench.html`);
  await page.locator("#bench .primary").waitFor();
  while (!(await keptPaths(page)).includes("whole")) await page.waitForTimeout(100);
  await server.close();
  await page.reload();
  await page.locator("#bench .primary").waitFor();
});

test("what arrives in part is not kept", { timeout: 120_000 }, async (t) => {
  const over = await overlay(t);
  const server = await serve(t, { roots: [over.folder, dist] });
  /** Passes requests on, but cuts answers to these paths. @type {Set<string>} */
  const cut = new Set(["/data/cut.bin", "/samples/rocket.jpg"]);
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
    "weights/shapes-0.5.safetensors",
    (await readFile(join(dist, "weights/shapes-0.5.safetensors"))).subarray(0, 1000),
  );

  const { page } = await freshPage(t);
  await page.goto(`http://127.0.0.1:${port}/`);
  await kept(page);
  const lengths = await page.evaluate(() =>
    Promise.all(
      ["data/cut.bin", "data/whole.bin", "samples/rocket.jpg", "weights/shapes-0.5.safetensors"].map((path) =>
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
  );
  assert.deepEqual(lengths, ["broken", 2000, "broken", 1000]);
  const keptLength = () =>
    page.evaluate(async () => (await (await caches.match("data/whole.bin"))?.arrayBuffer())?.byteLength);
  while ((await keptLength()) !== 2000) await page.waitForTimeout(50);
  const paths = await keptPaths(page);
  assert.ok(paths.includes("data/whole.bin") && paths.includes("main.js"), String(paths));
  for (const path of ["data/cut.bin", "weights/shapes-0.5.safetensors"]) assert.ok(!paths.includes(path), path);
  await over.write("data/whole.bin", Buffer.alloc(10, 7));
  const length = () => page.evaluate(async () => (await (await fetch("data/whole.bin")).arrayBuffer()).byteLength);
  assert.equal(await length(), 10, "data are asked for anew");
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

test("while the page is worked on, nothing is kept, and one reload shows an edit", { timeout: 120_000 }, async (t) => {
  const over = await overlay(t);
  const built = await serve(t);
  const { page } = await freshPage(t);
  await page.goto(built.url);
  await kept(page);
  await built.close();
  const port = Number(new URL(built.url).port);
  const edited = await serve(t, { roots: [over.folder, www, dist], port });
  await otherBuild(over, "Edited Lab");
  await rm(join(over.folder, "files.js"));
  await page.reload();
  await classified(page);
  while ((await keptPaths(page)).length) await page.waitForTimeout(50);
  await page.reload();
  await page.waitForFunction(() => document.title.endsWith("Edited Lab"));
  await otherBuild(over, "Edited again");
  await rm(join(over.folder, "files.js"));
  await page.reload();
  await page.waitForFunction(() => document.title.endsWith("Edited again"));
  await classified(page);
  assert.deepEqual(await keptPaths(page), []);
});

test(
  "a page of somebody else's beside it is left alone, and its engine needs nothing",
  { timeout: 60_000 },
  async (t) => {
    const over = await overlay(t);
    await over.write("mine.html", "<!doctype html><title>mine</title>");
    const server = await serve(t, { roots: [over.folder, dist], isolated: false });
    const { page } = await freshPage(t);
    await page.goto(server.url);
    await kept(page);
    await page.goto(`${server.url}mine.html`);
    const found = await page.evaluate(async () => {
      const { createEngine } = await import(/** @type {any} */ ("/engine.js"));
      const engine = await createEngine();
      return [crossOriginIsolated, engine.threads, (await engine.describe({})).parameters];
    });
    assert.deepEqual(found, [false, 1, 3_504_872]);
  },
);

test("where threads are not to be had, the model bar says why", { timeout: 120_000 }, async (t) => {
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
    await page.locator(".cost", { hasText: "1 thread, relaxed SIMD" }).waitFor();
    await page.getByRole("button", { name: "why only one" }).focus();
    const explanation = page.locator("#explanation:popover-open", { hasText: reason });
    await explanation.waitFor();
    // the bar learns what the network costs meanwhile
    await page.locator(".cost", { hasText: /[\d.]+\sms/ }).waitFor();
    assert.ok(await explanation.isVisible());
    assert.equal(await page.getByText("Works without a network").isVisible(), false);
  }
});

test("where threads fail only as the engine starts anew, the model bar says so", { timeout: 120_000 }, async (t) => {
  const { url } = await serve(t);
  const { page } = await freshPage(t, { serviceWorkers: "block" });
  await page.goto(`${url}?threads=2`);
  await page.locator(".cost", { hasText: "2 threads, relaxed SIMD" }).waitFor();
  await classified(page);
  await page.route("**/pkg/*-threads/*.wasm", (route) => route.abort());
  const worker = page.workers().find((worker) => new URL(worker.url()).pathname === "/worker.js");
  assert.ok(worker);
  await worker.evaluate(() => postMessage({ id: 0, failure: { code: "engine-stopped", message: "", fatal: true } }));
  await page.locator(".cost", { hasText: "1 thread, relaxed SIMD" }).waitFor();
  await page.getByRole("button", { name: "why only one" }).waitFor();
});
