// Helpers for tests of the room Train.

/** @typedef {import("playwright-core").Page} Page */

export const MINUTE = 60_000;

/** @param {Page} page @param {string} name */
export const button = (page, name) => page.locator(".control").getByRole("button", { name, exact: true });
/** @param {Page} page @param {string} label */
export const figure = (page, label) => page.locator(".figures div", { hasText: label }).locator("dd").innerText();
/** @param {Page} page */
export const step = async (page) => Number((await figure(page, "Step")).split(" of ")[0].replace(/,/g, ""));
/** @param {Page} page @param {RegExp} text @param {number} [timeout] */
export const message = (page, text, timeout = MINUTE) =>
  page.locator(".train-message").filter({ hasText: text }).waitFor({ timeout });
/** @param {Page} page @param {number} least */
export async function stepsDone(page, least) {
  await page.waitForFunction(
    (least) =>
      Number(document.querySelectorAll(".figures dd")[1]?.textContent?.split(" of ")[0].replace(/,/g, "")) >= least,
    least,
    { timeout: MINUTE },
  );
}
