// A host with its own ImageNet weights, as made by `cargo xtask data imagenet`: the page starts with them.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { pictureInput, predictions, sharedData, startLab, waitForPicture } from "./lab.js";
import { pageFolder } from "./server.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const data = sharedData("imagenet");

/** @type {string} */
let folder;
/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
before(async () => {
  if (!data) return;
  folder = await mkdtemp(join(tmpdir(), "imagenet-"));
  const program = "run --quiet --package xtask-data -- imagenet --from".split(" ");
  const from = `${data}/mobilenet_v2_1.0_224.safetensors`;
  execFileSync("cargo", [...program, from, "www/weights/manifest.json", folder], { cwd: root });
  // as in a build
  const manifest = join(folder, "manifest.json");
  const [own, shipped] = await Promise.all([read(manifest), read(`${pageFolder()}/weights/manifest.json`)]);
  await writeFile(manifest, JSON.stringify([...own, ...shipped]));
  lab = await startLab({ mounts: { [`/${basename(pageFolder())}/weights/`]: folder } });
});
after(async () => {
  await lab?.close();
  if (folder) await rm(folder, { recursive: true });
});

/** The lines of one of the page's files of class names. @param {string} name */
const lines = async (name) =>
  (await readFile(new URL(`../../www/weights/${name}`, import.meta.url), "utf8")).split("\n");
const read = async (/** @type {string} */ path) => JSON.parse(await readFile(path, "utf8"));

test("the page starts with them, and its top five match PyTorch's", async (t) => {
  if (!data) return t.skip("the shared ImageNet data are absent");
  const [{ file, top5, probability }] = await read(`${data}/expected.json`);
  const labels = (await readFile(`${data}/labels.txt`, "utf8")).trim().split("\n");
  const { page, check } = await lab.open();
  await page.locator("#panel-classify .predictions li").first().waitFor(); // of the sample: the weights have loaded
  assert.equal(await page.locator("#weights").inputValue(), "imagenet-1-224");
  await page.setInputFiles(pictureInput, `${data}/photos/${file}`);
  await waitForPicture(page, file);
  const found = await predictions(page);
  assert.deepEqual(
    found.map(({ name }) => name),
    top5.map((/** @type {number} */ label) => labels[label].split(", ")[0]),
  );
  // the precision of 16-bit floats and of tenths of a per cent
  for (const [i, one] of found.entries()) assert.ok(Math.abs(one.probability - probability[i]) < 3e-3, `${one.name}`);

  await page.getByRole("button", { name: "More weights…" }).click();
  const row = page.locator("dialog[open] section", { hasText: "With this page" }).locator("li").first();
  await row.getByText("width 1, 224²").waitFor();
  await row.getByText("7.27 MB").waitFor();
  check();
});

/**
 * The page, whose weights come when `release` is called, if they come at all.
 * @param {import("node:test").TestContext} t @param {string} [locale]
 */
async function openSlowly(t, locale = "en") {
  const context = await lab.browser.newContext({ locale, serviceWorkers: "block" });
  t.after(() => context.close());
  let release = (/** @type {boolean} */ _come) => {};
  const held = new Promise((resolve) => (release = resolve));
  await context.route("**/weights/imagenet-1-224.safetensors", async (route) =>
    (await held) ? route.continue() : route.abort(),
  );
  const page = await context.newPage();
  await page.goto(lab.url);
  return { page, release };
}

test("while they come there is the photo, and how far they are; the page can be used", async (t) => {
  if (!data) return t.skip("the shared ImageNet data are absent");
  const { page, release } = await openSlowly(t);
  await page.locator("#panel-classify .photo img[alt=Cat]").waitFor();
  await page.locator(".says .waits", { hasText: /Fetching “.*”: 0.0\s%/ }).waitFor();
  assert.ok(await page.locator(".bar-loading progress").isVisible());
  await page.getByRole("button", { name: "See inside" }).click();
  await page.locator("#panel-apart .netmap button").first().waitFor();
  await page.locator("#tab-classify").click();
  release(true);
  await page.locator("#panel-classify .predictions li").first().waitFor();
  assert.ok(await page.locator(".says .waits").isHidden());
  assert.equal(await page.locator(".offer button:visible").count(), 0, "nothing is left to be had");
});

test("where they do not come, it says so and goes on with CIFAR-10's", async (t) => {
  if (!data) return t.skip("the shared ImageNet data are absent");
  const { page, release } = await openSlowly(t);
  release(false);
  await page.locator("#panel-classify .predictions li").first().waitFor();
  assert.equal(await page.locator("#weights").inputValue(), "cifar10-0.35");
  await page.locator("#bar .problem", { hasText: "could not be fetched (no answer)" }).waitFor();
});

test("classes have Korean names with the English ones beside; a list of all is searched by keyboard", async (t) => {
  if (!data) return t.skip("the shared ImageNet data are absent");
  const [english, korean] = await Promise.all(["imagenet-classes.txt", "imagenet-classes.ko.txt"].map(lines));
  const { page, check } = await lab.open();
  const best = page.locator("#panel-classify .predictions li").first();
  await best.waitFor();
  const first = await best.locator(".name").evaluate((name) => name.firstChild?.textContent);
  const index = english.findIndex((names) => names.split(", ")[0] === first);
  const fetched = () =>
    page.evaluate(() => performance.getEntriesByType("resource").filter(({ name }) => /\.txt$/.test(name)).length);
  assert.equal(await fetched(), 0, "the files of names are fetched when they are asked for");

  await page.locator("#language").click();
  await best.locator(".name", { hasText: korean[index] }).waitFor();
  assert.equal(await best.locator("small").innerText(), english[index]);
  assert.equal(await fetched(), 1);

  await page.getByRole("button", { name: "클래스 1,000개" }).press("Enter");
  const dialog = page.locator("dialog[open]");
  const rows = dialog.locator("li");
  await dialog.locator("li[aria-current] strong", { hasText: korean[index] }).waitFor();
  const cat = english.indexOf("Egyptian cat");
  await page.keyboard.type(korean[cat].replaceAll(" ", ""));
  await dialog
    .getByRole("status")
    .filter({ hasText: /^1,000개 중 1개/ })
    .waitFor();
  assert.match(await rows.innerText(), new RegExp(`^${korean[cat]}\\s+Egyptian cat\\s+n02124075$`));
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type("cat");
  await rows.filter({ hasText: "tabby" }).waitFor();
  await page.keyboard.press("ArrowDown");
  assert.equal(await page.evaluate(() => document.activeElement?.tagName), "UL", "the list scrolls by arrow keys");
  await page.keyboard.press("Escape");
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), "클래스 1,000개");

  await page.locator("#language").click();
  await page.getByRole("button", { name: "1,000 classes" }).click();
  await dialog.getByRole("searchbox").fill("n02124075");
  await dialog
    .getByRole("status")
    .filter({ hasText: /^1 of 1,000/ })
    .waitFor();
  assert.match(await rows.innerText(), new RegExp(`^Egyptian cat\\s+${korean[cat]}\\s+n02124075$`));
  check();
});
