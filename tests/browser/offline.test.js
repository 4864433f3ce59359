// The service worker: isolation on a host without headers, offline use, newer builds, truncated files.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { crash, engineIs, predictions, watchWorkers } from "./lab.js";
import { CONTENT_POLICY, launch, pageFolder, startServer } from "./server.js";

const here = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));
const dist = here("../../dist");
const www = here("../../www");
const BUILD = basename(pageFolder());

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

/** @typedef {import("node:test").TestContext} TestContext */

/** A server that stops after the test. @param {TestContext} t @param {Parameters<typeof startServer>[0]} [options] */
async function serve(t, options) {
  const server = await startServer(options);
  t.after(server.close);
  return server;
}

/**
 * A page in a browser without any state; `loads` counts its loads.
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

/** A folder whose files overlay those of dist/. @param {TestContext} t */
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

/** A folder in the system's temporary one. @param {TestContext} t */
async function temporary(t) {
  const folder = await mkdtemp(join(tmpdir(), "mobilenetv2-"));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

const hashOf = (/** @type {string | Buffer} */ content) =>
  createHash("sha256").update(content).digest("hex").slice(0, 16);

/**
 * Another complete build, with another title and so another name.
 *
 * @param {TestContext} t @param {string} title
 */
async function otherBuild(t, title) {
  const folder = join(await temporary(t), "dist");
  await cp(dist, folder, { recursive: true });
  const name = hashOf(title);
  await rename(join(folder, BUILD), join(folder, name));
  const put = (/** @type {string} */ path, /** @type {string} */ text) => writeFile(join(folder, path), text);
  const get = (/** @type {string} */ path) => readFile(join(folder, path), "utf8");
  const list = JSON.parse((await get("files.js")).replace(/^[^]*FILES = |;\s*$/g, "").replaceAll(BUILD, name));
  const changed = {
    "index.html": (await get("index.html")).replaceAll(BUILD, name),
    "bench.html": (await get("bench.html")).replaceAll(BUILD, name),
    [`${name}/i18n/en.json`]: JSON.stringify({ ...JSON.parse(await get(`${name}/i18n/en.json`)), title }),
  };
  for (const [path, text] of Object.entries(changed)) {
    await put(path, text);
    list[path] = hashOf(text);
  }
  await put("files.js", `const BUILD = "${name}";\nconst FILES = ${JSON.stringify(list)};\n`);
  return { folder, name };
}

/** A host that may switch to another build. @param {TestContext} t @param {Parameters<typeof startServer>[0]} [options] */
async function movingHost(t, options = {}) {
  const link = join(await temporary(t), "site");
  await symlink(dist, link);
  const server = await serve(t, { roots: [link], isolated: false, ...options });
  return {
    ...server,
    async moveTo(/** @type {string} */ folder) {
      await rm(link);
      await symlink(folder, link);
    },
  };
}

const kept = (/** @type {import("playwright-core").Page} */ page) => page.getByText("Works offline").waitFor();
const classified = (/** @type {import("playwright-core").Page} */ page) =>
  page.locator("#panel-classify .predictions li").first().waitFor();
/** Paths below the page's folder that the service worker keeps; contents kept by hash appear as paths of builds that have them. */
const keptPaths = (/** @type {import("playwright-core").Page} */ page) =>
  page.evaluate(async () => {
    const folder = new URL("./", location.href).href;
    const cache = await caches.open(`mobilenetv2-lab ${folder}`);
    const keys = (await cache.keys()).map(({ url }) => url.slice(folder.length));
    const lists = keys.filter((key) => /^\w{16}\/$/.test(key));
    // a list may be deleted while it is read
    const builds = await Promise.all(lists.map(async (key) => (await cache.match(folder + key))?.json() ?? {}));
    const names = new Map(builds.flatMap((files) => Object.entries(files).map(([path, hash]) => [`?${hash}`, path])));
    return keys.map((key) => names.get(key) ?? key);
  });
/** How the installation of what is on the host by now ends, and whether a build waits. @param {import("playwright-core").Page} page */
const installs = (page) =>
  page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    await registration.update();
    const { installing } = registration;
    while (installing?.state === "installing") {
      await new Promise((resolve) => installing.addEventListener("statechange", resolve, { once: true }));
    }
    return [installing?.state, !!registration.waiting];
  });
const loadIt = (/** @type {import("playwright-core").Page} */ page) => page.getByRole("button", { name: "Load it" });

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

test("a newer build waits until it is complete and requested", { timeout: 120_000 }, async (t) => {
  const host = await movingHost(t);
  const { page } = await freshPage(t);
  await page.goto(host.url);
  await classified(page); // with a sample that must be kept
  await kept(page);

  const other = await otherBuild(t, "Newer Lab");
  const words = join(other.folder, other.name, "i18n/en.json"); // which the kept build does not share
  const whole = await readFile(words);
  await writeFile(words, "{}"); // not what files.js says
  await host.moveTo(other.folder);
  await page.reload();
  await classified(page);
  assert.deepEqual(await installs(page), ["redundant", false], "it is not complete");
  assert.equal(await loadIt(page).isVisible(), false);

  await writeFile(words, whole);
  await page.reload();
  await loadIt(page).waitFor();
  await page.waitForFunction(() => document.title === "Classify · MobileNetV2 Lab");
  await page.reload();
  await loadIt(page).waitFor();
  await page.waitForFunction(() => document.title === "Classify · MobileNetV2 Lab"); // a reload alone changes nothing
  await loadIt(page).click();
  await page.waitForFunction(() => document.title.endsWith("Newer Lab"));
  await kept(page);
  assert.equal(await loadIt(page).isVisible(), false);
  const paths = await keptPaths(page);
  const strange = paths.filter((path) => path.startsWith("?") || path.startsWith(BUILD));
  assert.deepEqual(strange, [], "the older build is gone");
  await host.close();
  await page.reload();
  await classified(page);
  assert.equal(await page.title(), "Classify · Newer Lab");
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

test("a page loads its own build's files, even if another tab has a newer one", { timeout: 180_000 }, async (t) => {
  const host = await movingHost(t);
  const { page: old, context } = await freshPage(t);
  await old.addInitScript(watchWorkers);
  await old.goto(`${host.url}?threads=2`);
  await kept(old);

  const other = await otherBuild(t, "Newer Lab");
  for (const file of ["worker.js", "core.js", "thread.js", "pkg/relaxed-simd-threads/mobilenetv2.js"]) {
    await writeFile(join(other.folder, other.name, "engine", file), "throw new Error('of the newer build')");
  }
  // listed, so that this build is complete and takes over
  const list = join(other.folder, "files.js");
  const hash = hashOf("throw new Error('of the newer build')");
  const broken = /"\w+\/engine\/(worker|core|thread|pkg\/relaxed-simd-threads\/mobilenetv2)\.js":"\w+"/g;
  const text = await readFile(list, "utf8");
  await writeFile(
    list,
    text.replace(broken, (entry) => entry.replace(/"\w+"$/, `"${hash}"`)),
  );
  await host.moveTo(other.folder);
  const second = await context.newPage();
  await second.goto(host.url);
  await loadIt(second).waitFor();
  await loadIt(second).click();
  await second.waitForFunction(() => document.title.endsWith("Newer Lab"));
  await loadIt(old).waitFor();

  await crash(old);
  const restarted = () => old.workers().filter((worker) => worker.url().endsWith(`${BUILD}/engine/worker.js`));
  while (restarted().length !== 1) await old.waitForTimeout(50);
  await old.locator(engineIs("2 threads, relaxed SIMD")).waitFor();
  await old.locator("#tab-apart").click();
  await old.locator(".netmap button").first().waitFor();
  await loadIt(old).click();
  await old.waitForFunction(() => document.title.endsWith("Newer Lab"));
});

/** In the page: makes the first probe, for relaxed SIMD, fail. */
function withoutRelaxedSimd() {
  const { validate } = WebAssembly;
  WebAssembly.validate = () => {
    WebAssembly.validate = validate;
    return false;
  };
}

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

test("a kept page takes no missing files from a newer build", { timeout: 180_000 }, async (t) => {
  const host = await movingHost(t);
  const { page } = await freshPage(t);
  await page.goto(`${host.url}?threads=2`);
  await kept(page);
  const other = await otherBuild(t, "Newer Lab");
  await host.moveTo(other.folder);
  await page.addInitScript(withoutRelaxedSimd); // a variant that has not been used
  await page.goto(`${host.url}?threads=1`);
  await page
    .getByText(/A newer version of this page is on its host, and mobilenetv2\w*\.\w+ of this one is no/)
    .waitFor();
  await loadIt(page).first().click();
  await page.waitForFunction(() => document.title.endsWith("Newer Lab"));
  await classified(page);
});

test("a file with the right name and other content is not from this build", { timeout: 120_000 }, async (t) => {
  const over = await overlay(t);
  const host = await serve(t, { roots: [over.folder, dist], isolated: false });
  const { page } = await freshPage(t);
  await page.goto(`${host.url}?threads=2`);
  await kept(page);
  await over.write(`${BUILD}/engine/pkg/simd128/mobilenetv2_bg.wasm`, "of the newer build");
  await page.addInitScript(withoutRelaxedSimd);
  await page.goto(`${host.url}?threads=1`);
  await page.getByText("A newer version of this page is on its host, and mobilenetv2_bg.wasm of this one").waitFor();
});

test("without a service worker a page says that its host has a newer build", { timeout: 120_000 }, async (t) => {
  const host = await movingHost(t);
  const { page } = await freshPage(t, { serviceWorkers: "block" });
  await page.addInitScript(watchWorkers);
  await page.goto(host.url);
  await classified(page);
  await host.moveTo((await otherBuild(t, "Newer Lab")).folder);
  await crash(page);
  await page.getByText("A newer version of this page is on its host, and worker.js of this one is no").waitFor();
  await page.reload();
  await classified(page);
  assert.equal(await page.title(), "Classify · Newer Lab");
});

test("a partly kept build does not mix with the next, which is kept in its place", { timeout: 120_000 }, async (t) => {
  const next = await otherBuild(t, "Newer Lab");
  // the next build's service worker arrives while its page is being loaded
  const [held, list] = [`/${next.name}/engine/thread.js`, "/files.js"];
  let installed = () => {};
  const changed = new Promise((resolve) => (installed = () => setTimeout(resolve, 1000, null)));
  const host = await movingHost(t, {
    answer({ url = "" }, response) {
      if (url === list && moved) installed();
      if (url !== held) return false;
      changed.then(async () => {
        response.setHeader("Content-Type", "text/javascript");
        response.end(await readFile(join(next.folder, held)));
      });
      return true;
    },
  });
  let moved = false;
  const { page } = await freshPage(t);
  const first = await otherBuild(t, "First Lab");
  await writeFile(join(first.folder, first.name, "icon.svg"), "<svg/>"); // not what files.js says: the build never becomes complete
  await host.moveTo(first.folder);
  await page.goto(`${host.url}bench.html`);
  await page.locator("#bench .primary").waitFor();
  await page.waitForFunction(() => crossOriginIsolated);
  while ((await keptPaths(page)).length < 20) await page.waitForTimeout(100);

  await host.moveTo(next.folder);
  moved = true;
  await page.goto(`${host.url}?threads=2`);
  await page.locator(engineIs("2 threads, relaxed SIMD")).waitFor();
  await classified(page);
  assert.equal(await page.title(), "Classify · Newer Lab");
  await kept(page);
  await host.close();
  await page.reload();
  await classified(page);
  assert.equal(await page.title(), "Classify · Newer Lab");
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
