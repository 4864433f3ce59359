// Own classes and pictures, for tests that create and fill some.

export const NAMES = ["circle", "star", "arrow"];

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {{name: string, mimeType: string, buffer: Buffer}} PictureFile */

/** Drawn pictures as PNG files, this many per class. @param {Page} page @param {number} count @returns {Promise<PictureFile[][]>} */
export async function drawn(page, count) {
  const urls = await page.evaluate(
    async ({ names, count }) => {
      const { createEngine } = await import(/** @type {any} */ ("/engine/engine.js"));
      const engine = await createEngine();
      const batch = await engine.shapes({ count: 20 * count, resolution: 48 });
      engine.close();
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = 48;
      const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
      return names.map((name) => {
        const found = [];
        for (let i = 0; i < batch.labels.length && found.length < count; i++) {
          if (batch.names[batch.labels[i]] !== name) continue;
          const image = new ImageData(48, 48);
          for (let p = 0; p < 48 * 48; p++) {
            image.data.set([...batch.images.subarray((i * 48 * 48 + p) * 3, (i * 48 * 48 + p) * 3 + 3), 255], p * 4);
          }
          context.putImageData(image, 0, 0);
          found.push(canvas.toDataURL());
        }
        return found;
      });
    },
    { names: NAMES, count },
  );
  return urls.map((of, c) =>
    of.map((url, i) => ({
      name: `${NAMES[c]}-${i}.png`,
      mimeType: "image/png",
      buffer: Buffer.from(url.split(",")[1], "base64"),
    })),
  );
}

/** The card of a class. @param {Page} page @param {number} i */
export const card = (page, i) => page.locator(".class-card").nth(i);

/** The file input of a class. @param {Page} page @param {number} i */
export const filesOf = (page, i) => card(page, i).locator("input[type=file]");

/** Waits until a class has this many pictures. @param {Page} page @param {number} i @param {number} count */
export const counted = (page, i, count) =>
  card(page, i)
    .locator(".class-head .number", { hasText: `${count} ·` })
    .waitFor();

/** Waits for a note below the classes' buttons. @param {Page} page @param {string | RegExp} hasText */
export const noted = (page, hasText) => page.locator(".pictures-note", { hasText }).waitFor();

/** @param {Page} page @param {number} [count] */
export async function addClasses(page, count = 1) {
  for (let i = 0; i < count; i++) await page.getByRole("button", { name: "Add a class" }).click();
}

/** Creates the classes and fills them. @param {Page} page @param {PictureFile[][]} files */
export async function fill(page, files) {
  for (const [i, name] of NAMES.entries()) {
    await addClasses(page);
    await card(page, i).locator(".class-name").fill(name);
    await page.keyboard.press("Tab");
    await filesOf(page, i).setInputFiles(files[i]);
    await counted(page, i, files[i].length);
  }
}
