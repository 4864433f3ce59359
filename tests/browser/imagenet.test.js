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
