// The npm package as people install it: packed, installed in a project of each kind that the README names, built with the
// commands and settings given there, opened in a browser. It trains a step on two threads, so worker, core and threads are found.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build as esbuild } from "esbuild";
import { build as viteBuild, createServer as viteServer } from "vite";
import webpack from "webpack";
import { ISOLATION, launch, startServer } from "../browser/server.js";

const here = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));
const dist = here("../../dist");
const NAME = "mobilenetv2-lab";

const APP = `
  import { createEngine } from "${NAME}";
  try {
    const engine = await createEngine({ threads: 2 });
    const trainer = await engine.createTrainer({
      config: { width: 0.35, resolution: 32, stem: "cifar", classes: 10 },
      recipe: { batch: 16 },
      data: { kind: "shapes" },
    });
    for await (const { loss } of trainer.run({ steps: 1 })) {
      document.body.textContent = JSON.stringify({ threads: engine.threads, variant: engine.variant, loss });
    }
  } catch (error) {
    document.body.textContent = JSON.stringify({ code: error.code, message: String(error) });
  }
`;
const DOCUMENT = `<!doctype html><title>App</title><body></body><script type="module" src="./app.js"></script>`;

/** @type {import("playwright-core").Browser} */
let browser;
/** The package as npm unpacks it. */
let packed = "";
/** @type {string[]} */
const folders = [];

async function temporary() {
  const folder = await mkdtemp(join(tmpdir(), "mobilenetv2-"));
  folders.push(folder);
  return folder;
}

before(async () => {
  const folder = await temporary();
  execFileSync("npm", ["pack", dist, "--silent", "--pack-destination", folder]);
  const { version } = JSON.parse(await readFile(join(dist, "package.json"), "utf8"));
  execFileSync("tar", ["-xzf", join(folder, `${NAME}-${version}.tgz`), "-C", folder]);
  packed = join(folder, "package");
  browser = await launch();
});
after(async () => {
  await browser?.close();
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

/** A folder with an application that has installed the package. */
async function project(app = APP) {
  const folder = await temporary();
  await cp(packed, join(folder, "node_modules", NAME), { recursive: true });
  await writeFile(join(folder, "package.json"), JSON.stringify({ name: "app", private: true, type: "module" }));
  await writeFile(join(folder, "index.html"), DOCUMENT);
  await writeFile(join(folder, "app.js"), app);
  return folder;
}

/** The application's output. @param {string} url */
async function say(url) {
  const page = await browser.newPage();
  try {
    await page.goto(url);
    await page.waitForFunction(() => document.body?.textContent?.trimStart().startsWith("{"), null, {
      timeout: 60_000,
    });
    return JSON.parse((await page.textContent("body")) ?? "");
  } finally {
    await page.close();
  }
}

/** @param {string} url */
async function works(url) {
  const { loss, ...said } = await say(url);
  assert.deepEqual(said, { threads: 2, variant: "relaxed-simd-threads" });
  assert.ok(loss > 1 && loss < 10, `the loss of an untrained network: ${loss}`);
}

/** The same for a folder on a host with the strict content policy. @param {string} folder */
async function worksIn(folder) {
  const server = await startServer({ roots: [folder] });
  try {
    await works(server.url);
  } finally {
    await server.close();
  }
}

test("the package has what the engine needs, its types, licences and a README, and nothing else", async () => {
  const [{ files }] = JSON.parse(execFileSync("npm", ["pack", dist, "--dry-run", "--json"], { encoding: "utf8" }));
  const paths = files.map((/** @type {{path: string}} */ { path }) => path);
  const variants = ["simd128", "relaxed-simd", "simd128-threads", "relaxed-simd-threads"];
  const wanted = [
    ...["package.json", "README.md", "LICENSE-MIT", "LICENSE-APACHE"],
    ...["engine.js", "engine.d.ts", "protocol.d.ts", "worker.js", "core.js", "thread.js"].map(
      (file) => `engine/${file}`,
    ),
    ...variants.flatMap((name) =>
      ["mobilenetv2.js", "mobilenetv2.d.ts", "mobilenetv2_bg.wasm"].map((file) => `engine/pkg/${name}/${file}`),
    ),
  ];
  for (const path of wanted) assert.ok(paths.includes(path), path);
  const strange = paths.filter(
    (path) => !/^(engine\/((pkg|vendor)\/[\w-]+\/)?)?[\w-]+(\.(js|d\.ts|wasm|wasm\.d\.ts|json|md))?$/.test(path),
  );
  assert.deepEqual(strange, []);
  assert.ok(
    !paths.some((path) => /index\.html|main|lab\/|ui\/|weights|service-worker|files\.js/.test(path)),
    String(paths),
  );
  const readme = await readFile(join(packed, "README.md"), "utf8");
  for (const words of ["createEngine", "optimizeDeps", "webpack", "esbuild"]) assert.ok(readme.includes(words), words);
});

test("from a plain folder", { timeout: 120_000 }, async () => {
  const folder = await project(APP.replace(`"${NAME}"`, `"./${NAME}/engine/engine.js"`));
  await cp(packed, join(folder, NAME), { recursive: true });
  await worksIn(folder);
});

test("with Vite, built", { timeout: 120_000 }, async () => {
  const root = await project();
  await viteBuild({ root, configFile: false, logLevel: "error", base: "./" });
  await worksIn(join(root, "dist"));
});

test("with Vite's development server", { timeout: 120_000 }, async () => {
  const root = await project();
  const server = await viteServer({
    root,
    configFile: false,
    logLevel: "error",
    optimizeDeps: { exclude: [NAME] },
    server: { headers: ISOLATION, host: "127.0.0.1", port: 0 },
  });
  try {
    await server.listen();
    await works(server.resolvedUrls?.local[0] ?? "");
  } finally {
    await server.close();
  }
});

test("with webpack", { timeout: 120_000 }, async () => {
  const root = await project();
  const path = join(root, "out");
  const stats = await new Promise((resolve, reject) =>
    webpack(
      // no warning about four builds of the core, of which a page loads one
      {
        mode: "production",
        context: root,
        entry: "./app.js",
        output: { path, filename: "app.js" },
        performance: false,
      },
      (error, stats) => (error ? reject(error) : resolve(stats)),
    ),
  );
  assert.equal(stats.hasErrors() || stats.hasWarnings(), false, stats.toString());
  await cp(join(root, "index.html"), join(path, "index.html"));
  await worksIn(path);
});

test("with esbuild, the package's files beside the bundle", { timeout: 120_000 }, async () => {
  const root = await project();
  const outdir = join(root, "out");
  await esbuild({
    absWorkingDir: root,
    entryPoints: ["app.js"],
    bundle: true,
    format: "esm",
    outdir,
    logLevel: "error",
  });
  await cp(join(root, "node_modules", NAME, "engine"), outdir, { recursive: true });
  await cp(join(root, "index.html"), join(outdir, "index.html"));
  await worksIn(outdir);
});

test("from another host the engine says why it cannot start", { timeout: 60_000 }, async () => {
  const types = { ".js": "text/javascript", ".wasm": "application/wasm" };
  const cdn = createServer(async (request, response) => {
    const path = new URL(request.url ?? "", "http://cdn").pathname;
    const type = types[/** @type {keyof types} */ (extname(path))];
    const headers = { "Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin" };
    response.writeHead(200, { "Content-Type": type, ...headers }).end(await readFile(join(packed, path)));
  });
  await new Promise((resolve) => cdn.listen(0, "127.0.0.1", () => resolve(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (cdn.address());
  const folder = await project(APP.replace(`"${NAME}"`, `"http://127.0.0.1:${port}/engine/engine.js"`));
  const server = await startServer({ roots: [folder], policy: "" });
  try {
    const said = await say(server.url);
    assert.equal(said.code, "other-origin");
    assert.match(said.message, /copy the package to its own host/);
  } finally {
    await server.close();
    cdn.close();
    cdn.closeAllConnections();
  }
});
