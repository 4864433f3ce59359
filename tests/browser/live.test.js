// Live reload in `cargo xtask dev`: the server is told of changes, and the document shows them.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import test, { after, before } from "node:test";
import { fileURLToPath } from "node:url";
import { launch, pageFolder } from "./server.js";

const program = fileURLToPath(new URL("../../pkg-config/page.js", import.meta.url));
/** @type {import("node:child_process").ChildProcessWithoutNullStreams} */
let server;
/** @type {import("playwright-core").Browser} */
let browser;
/** @type {import("playwright-core").Page} */
let page;

const changed = (/** @type {string[]} */ ...paths) => server.stdin.write(paths.map((path) => `${path}\n`).join(""));
const isMarked = () => page.evaluate(() => Reflect.has(window, "marked"));

before(async () => {
  server = spawn(process.execPath, [program, "0", `${pageFolder()}/engine/pkg`, "--live"], { stdio: "pipe" });
  server.stderr.pipe(process.stderr);
  let url = "";
  for await (const line of createInterface({ input: server.stdout })) {
    url = /http:\S+/.exec(line)?.[0] ?? "";
    if (url) break;
  }
  browser = await launch();
  page = await browser.newPage();
  const listens = page.waitForResponse((response) => response.url().endsWith("/live"));
  await page.goto(url);
  await listens;
  // a reloaded document would lack it
  await page.evaluate(() => Reflect.set(window, "marked", true));
});
after(async () => {
  await browser?.close();
  server?.kill();
});

test("a changed style sheet is replaced without a reload", async () => {
  const fetched = page.waitForResponse((response) => /\/style\.css\?\d+$/.test(response.url()));
  changed("ui/style.css");
  assert.equal((await fetched).status(), 200);
  assert.ok(await isMarked());
});

test("other changes reload the document, only once if several come at once", async () => {
  let loads = 0;
  page.on("load", () => loads++);
  for (const paths of [["ui/main.js", "ui/style.css"], ["i18n/ko.json"], [""]]) {
    await page.evaluate(() => Reflect.set(window, "marked", true));
    const loaded = page.waitForEvent("load");
    const listens = page.waitForResponse((response) => response.url().endsWith("/live"));
    changed(...paths);
    await Promise.all([loaded, listens]);
    assert.ok(!(await isMarked()), paths.join());
  }
  assert.equal(loads, 3);
});

test("the server ends with the process that started it", async () => {
  server.stdin.end();
  const [code] = await once(server, "exit");
  assert.equal(code, 0);
});
