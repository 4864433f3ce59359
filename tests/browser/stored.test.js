// Own pictures in the browser's storage, and in storages that refuse, fail or never answer.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startLab } from "./lab.js";
import { addClasses, card, counted, drawn, filesOf, noted } from "./ownpictures.js";

const MINUTE = 60_000;
const OWN = "#train?train.data=pictures";

/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
/** Drawn pictures. @type {import("./ownpictures.js").PictureFile[]} */
let files;
before(async () => {
  lab = await startLab({ cifar: false });
  const { page, context } = await lab.open();
  files = (await drawn(page, 8))[0];
  await context.close();
});
after(() => lab?.close());

/** The problem shown with the storage. @param {import("playwright-core").Page} page */
const problem = (page) => page.locator(".pictures > .problem");

test("a storage that refuses Blobs still keeps pictures", { timeout: MINUTE }, async () => {
  const { page, context, check } = await lab.open(OWN, {
    script: () => {
      const { put } = IDBObjectStore.prototype;
      IDBObjectStore.prototype.put = function (value, ...key) {
        const hasBlob = Object.values(value).some((one) => one instanceof Blob);
        // as in WebKit's private windows: the request fails later, and its transaction with it
        if (!hasBlob) return put.call(this, value, ...key);
        this.transaction.abort();
        return Object.assign(new EventTarget(), { readyState: "pending" });
      };
    },
  });
  await addClasses(page);
  await filesOf(page, 0).setInputFiles(files.slice(0, 3));
  await noted(page, "Images added to Class 1: 3.");
  await page.waitForFunction(
    () =>
      new Promise((resolve) => {
        const opening = indexedDB.open("mobilenetv2-project");
        opening.onsuccess = () => {
          const all = opening.result.transaction("pictures").objectStore("pictures").count();
          all.onsuccess = () => resolve(all.result === 3);
        };
      }),
  );
  await page.reload();
  await counted(page, 0, 3);
  await page.waitForFunction(() =>
    [...document.querySelectorAll(".thumbnails img")].every((one) => /** @type {any} */ (one).naturalWidth === 48),
  );
  assert.ok(await problem(page).isHidden());
  check();
  await context.close();
});

test("a storage that never answers is reported once, and nothing waits for it", { timeout: MINUTE }, async () => {
  const { page, context, check } = await lab.open(OWN, {
    script: () => {
      const said = /** @type {any} */ (window);
      said.said = [];
      const { put } = IDBObjectStore.prototype;
      IDBObjectStore.prototype.put = function (...args) {
        const first = put.apply(this, args);
        const again = () => (this.count().onsuccess = again); // a transaction with pending requests never ends
        again();
        return first;
      };
    },
  });
  await addClasses(page);
  await page.evaluate(() => {
    const problem = /** @type {HTMLElement} */ (document.querySelector(".pictures > .problem"));
    const { said } = /** @type {any} */ (window);
    new MutationObserver(() => said.push(problem.textContent)).observe(problem, { childList: true });
  });
  for (const [from, to] of [
    [0, 3],
    [3, 8],
  ]) {
    await filesOf(page, 0).setInputFiles(files.slice(from, to));
    await noted(page, `Images added to Class 1: ${to - from}.`);
  }
  await counted(page, 0, 8);
  await problem(page).filter({ hasText: "storage does not answer" }).waitFor({ timeout: 30_000 });
  await page.waitForTimeout(10_000); // it is tried again meanwhile
  assert.equal(await page.evaluate(() => /** @type {any} */ (window).said.length), 1);
  assert.equal(await card(page, 0).locator(".thumbnails li").count(), 8);
  check();
  await context.close();
});

test("pictures stored as Blobs by an earlier version are read", { timeout: MINUTE }, async () => {
  const { page, context, check } = await lab.open(OWN);
  await addClasses(page);
  await filesOf(page, 0).setInputFiles(files.slice(0, 2));
  await noted(page, "Images added to Class 1: 2.");
  await page.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const opening = indexedDB.open("mobilenetv2-project");
        opening.onsuccess = () => {
          const transaction = opening.result.transaction("pictures", "readwrite");
          const store = transaction.objectStore("pictures");
          store.getAll().onsuccess = ({ target }) => {
            for (const { bytes, type, ...rest } of /** @type {any} */ (target).result) {
              store.put({ ...rest, blob: new Blob([bytes], { type }) });
            }
          };
          transaction.oncomplete = resolve;
          transaction.onerror = reject;
        };
      }),
  );
  await page.reload();
  await counted(page, 0, 2);
  await page.waitForFunction(() =>
    [...document.querySelectorAll(".thumbnails img")].every((one) => /** @type {any} */ (one).naturalWidth === 48),
  );
  check();
  await context.close();
});

test(
  "a failing storage is reported, the pictures stay, and are stored once there is space",
  { timeout: MINUTE },
  async () => {
    const { page, context, check } = await lab.open("#train?train.data=pictures", {
      script: () => {
        const { put } = IDBObjectStore.prototype;
        IDBObjectStore.prototype.put = function (...args) {
          if (localStorage.getItem("room")) return put.apply(this, args);
          throw new DOMException("no room", "QuotaExceededError");
        };
      },
    });
    await addClasses(page);
    await filesOf(page, 0).setInputFiles(files.slice(0, 5));
    await page.locator(".pictures .problem", { hasText: "no more room" }).waitFor();
    await counted(page, 0, 5);
    await page.evaluate(() => localStorage.setItem("room", "yes"));
    await filesOf(page, 0).setInputFiles(files.slice(5, 6));
    await page.locator(".pictures .problem", { hasText: "no more room" }).waitFor({ state: "hidden" });
    await page.reload();
    await counted(page, 0, 6);
    check();
    await context.close();
  },
);

test(
  "a second tab shows the project and says that it stores nothing; a reload takes it over",
  { timeout: MINUTE },
  async () => {
    const { page, context, check } = await lab.open("#train?train.data=pictures");
    await addClasses(page);
    await filesOf(page, 0).setInputFiles(files.slice(0, 5));
    await counted(page, 0, 5);
    const second = await context.newPage();
    await second.goto(page.url());
    const said = second.locator(".pictures .problem", { hasText: "Another tab has this project open" });
    await said.waitFor();
    await counted(second, 0, 5);
    await filesOf(second, 0).setInputFiles(files.slice(5, 6));
    await counted(second, 0, 6);
    assert.ok(await said.isVisible(), "still not kept");
    await page.reload();
    await counted(page, 0, 5);
    assert.ok(await page.locator(".pictures > .problem").isHidden(), "the first tab keeps the project over a reload");
    check();
    await page.close();
    await second.reload();
    await counted(second, 0, 5);
    assert.ok(await said.isHidden());
    await context.close();
  },
);
