import { imported } from "../../engine/download.js";
import { h, showProblem } from "./dom.js";

/**
 * A part of the page that is fetched when it is first asked for. If it does not come, the reason is shown beneath the page's
 * top, until something does come.
 *
 * @template T
 * @param {Promise<T>} part
 * @param {URL} url of its file
 * @returns {Promise<T | undefined>}
 */
export async function later(part, url) {
  document.getElementById("later-problem")?.remove();
  try {
    return await imported(part, url);
  } catch (error) {
    const problem = h("p", { class: "problem", id: "later-problem", role: "alert" });
    showProblem(problem, error);
    document.querySelector(".top")?.after(problem);
  }
}
