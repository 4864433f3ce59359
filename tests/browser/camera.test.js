// The camera: live classification, filling a class, refusals, and a choice of several.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startLab, waitForPicture } from "./lab.js";
import { card } from "./ownpictures.js";
import { launch } from "./server.js";

const MINUTE = 60_000;

/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
before(async () => {
  lab = await startLab({ cifar: false });
});
after(() => lab?.close());

test("the camera is classified live, and a picture can be taken", async () => {
  const { page, check } = await lab.open("", {
    script: () => {
      navigator.mediaDevices.getUserMedia = async () => {
        const canvas = document.createElement("canvas");
        const context = canvas.getContext("2d");
        setInterval(() => context?.fillRect(Math.random() * 100, 0, 50, 50), 50);
        return canvas.captureStream(20);
      };
    },
  });
  await page.locator("#panel-classify .predictions li").first().waitFor();
  await page.getByRole("button", { name: "Camera" }).click();
  await page.waitForFunction(() => /** @type {any} */ (document.querySelector("video")).readyState >= 2);
  await page.getByRole("button", { name: "Take photo" }).click();
  await waitForPicture(page, "From the camera");
  assert.ok(await page.locator("video").isHidden());
  check();
});

test("a camera opened before the first sample has loaded stays open", async () => {
  const { page, check } = await lab.open("", {
    script: () => {
      navigator.mediaDevices.getUserMedia = async () => document.createElement("canvas").captureStream(20);
      const { createObjectURL } = URL;
      // a sample is shown as soon as it is drawn: the camera is opened just before
      URL.createObjectURL = (blob) => {
        URL.createObjectURL = createObjectURL;
        /** @type {HTMLElement} */ (document.querySelector("#panel-classify .others .actions button")).click();
        return createObjectURL(blob);
      };
    },
  });
  await page.locator("#panel-classify .camera-live").waitFor();
  await page.waitForTimeout(1000);
  assert.ok(await page.locator("#panel-classify .camera-live").isVisible());
  check();
});

test("a camera that is refused says why, and can be asked for again", async () => {
  const { page, check } = await lab.open("", {
    script: () => {
      navigator.mediaDevices.getUserMedia = async () => {
        throw new DOMException("Permission denied", "NotAllowedError");
      };
    },
  });
  const refused = (/** @type {string} */ place) =>
    page.locator(`${place} .problem`, { hasText: "The camera cannot be used: this page may not use it." }).waitFor();
  await page.locator("#panel-classify").getByRole("button", { name: "Camera" }).click();
  await refused("#panel-classify .picture >");
  await page.locator("#tab-train").click();
  await page.selectOption("#setting-data", "pictures");
  await page.getByRole("button", { name: "Add a class" }).click();
  await page.locator(".class-card").getByRole("button", { name: "Camera" }).click();
  await refused(".class-card");
  assert.ok(await page.locator(".class-card").getByRole("button", { name: "Camera" }).isVisible());
  check();
});

/** A browser's refusals of a camera, and the page's messages. @type {[string, string, RegExp][]} */
const REFUSALS = [
  ["NotAllowedError", "Permission denied", /this page may not use it\. Allow it/],
  ["NotAllowedError", "Permission denied by system", /your system does not let the browser use it/],
  ["NotFoundError", "Requested device not found", /there is none\. Connect one/],
  ["NotReadableError", "Could not start video source", /it is in use by another program or tab/],
  ["OverconstrainedError", "", /none of those connected gives an image/],
  ["SecurityError", "", /forbid cameras here/],
  ["AbortError", "", /it stopped as it started/],
  ["TypeError", "", /the browser does not say why/],
  ["SomethingNew", "of the future", /the browser does not say why/],
];

test("every refusal of a camera has its own sentence", { timeout: MINUTE }, async () => {
  const { page, context, check } = await lab.open("", {
    script: () => {
      navigator.mediaDevices.getUserMedia = async () => {
        const [name, message] = /** @type {any} */ (window).refusal;
        throw new DOMException(message, name);
      };
    },
  });
  const button = page.locator("#panel-classify").getByRole("button", { name: "Camera" });
  const problem = page.locator("#panel-classify .problem", { hasText: "The camera cannot be used: " });
  for (const [name, message, sentence] of REFUSALS) {
    await page.evaluate((refusal) => /** @type {any} */ (window.refusal = refusal), [name, message]);
    await button.click();
    await problem.filter({ hasText: sentence }).waitFor();
  }
  await page.evaluate(() => Object.defineProperty(navigator, "mediaDevices", { value: undefined }));
  await button.click();
  await problem.filter({ hasText: "this browser gives pages no cameras" }).waitFor();
  check();
  await context.close();
});

test(
  "one of several cameras is chosen, remembered, and replaced when it is disconnected",
  { timeout: MINUTE },
  async () => {
    const { page, context, check } = await lab.open("", {
      script: () => {
        const all = ["front", "back"].map((deviceId) => ({ kind: "videoinput", deviceId, label: `The ${deviceId}` }));
        const { mediaDevices } = navigator;
        mediaDevices.enumerateDevices = async () => /** @type {any} */ (all);
        mediaDevices.getUserMedia = async (asked) => {
          const wanted = /** @type {any} */ (asked).video.deviceId?.exact ?? "front";
          if (wanted === "gone") throw new DOMException("", "OverconstrainedError");
          const canvas = document.createElement("canvas");
          const context = canvas.getContext("2d");
          setInterval(() => context?.fillRect(Math.random() * 100, 0, 50, 50), 50);
          const stream = canvas.captureStream(20);
          const [track] = stream.getVideoTracks();
          track.getSettings = () => ({ deviceId: wanted });
          const page = /** @type {any} */ (window);
          (page.tracks ??= []).push(track);
          return stream;
        };
      },
    });
    const states = () =>
      page.evaluate(() =>
        /** @type {any} */ (window).tracks.map(
          (/** @type {any} */ one) => `${one.getSettings().deviceId} ${one.readyState}`,
        ),
      );
    const panel = page.locator("#panel-classify");
    const choice = panel.getByLabel("Camera to use");
    await panel.getByRole("button", { name: "Camera" }).click();
    await choice.waitFor();
    assert.equal(await choice.inputValue(), "front");
    await choice.focus();
    await choice.selectOption({ label: "The back" });
    await page.waitForFunction(() => /** @type {any} */ (window).tracks.length === 2);
    await page.waitForFunction(() => document.activeElement?.tagName === "SELECT");
    assert.deepEqual(await states(), ["front ended", "back live"]);
    await page.locator("#tab-train").click();
    assert.deepEqual(await states(), ["front ended", "back ended"]);
    assert.ok(await choice.isHidden());

    await page.reload();
    await page.locator("#tab-classify").click();
    await panel.getByRole("button", { name: "Camera" }).click();
    await choice.waitFor();
    assert.equal(await choice.inputValue(), "back", "the choice is kept");
    await panel.getByRole("button", { name: "Close the camera" }).click();
    await page.evaluate(() => localStorage.setItem("camera", "gone"));
    await panel.getByRole("button", { name: "Camera", exact: true }).click();
    await choice.waitFor();
    assert.equal(await choice.inputValue(), "front", "a disconnected camera is replaced by another");
    check();
    await context.close();
  },
);

test(
  "the camera fills a class while its button is held, and Classify states its rate",
  { timeout: MINUTE },
  async () => {
    const browser = await launch({ camera: true });
    const page = await browser.newPage({ locale: "en" });
    await page.goto(`${lab.url}#train?train.data=pictures`);
    await page.getByRole("button", { name: "Add a class" }).click();
    await card(page, 0).getByRole("button", { name: "Camera", exact: true }).click();
    const hold = card(page, 0).getByRole("button", { name: "Hold to record" });
    await hold.focus();
    await page.keyboard.down("Space");
    await card(page, 0).locator(".thumbnails li").nth(2).waitFor();
    await page.keyboard.up("Space");
    await card(page, 0).getByRole("button", { name: "Close the camera" }).click();
    await page.locator("#tab-classify").click();
    await page.locator("#panel-classify").getByRole("button", { name: "Camera", exact: true }).click();
    await page
      .locator(".camera-rate", { hasText: /^[\d.]+ images per second, this device$/ })
      .waitFor({ timeout: 30_000 });
    await browser.close();
  },
);
