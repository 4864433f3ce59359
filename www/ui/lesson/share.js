/** A link to exactly what is on show, as text and as a QR code, and what does not travel in it. */
import { importFile } from "../../engine/download.js";
import { h, showProblem, svg } from "../shared/dom.js";
import { currentLanguage, t } from "../shared/i18n.js";

/** Light squares around a QR code, as its standard asks for. */
const MARGIN = 4;

/** @param {import("../context.js").Context} context */
export async function showShare({ state, model }) {
  const link = state.linkToShare(currentLanguage());
  const field = h("input", { id: "share-link", readonly: true, value: link, onfocus: () => field.select() });
  const told = h("p", { role: "status" });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const code = h("div", { class: "share-code" });
  const dialog = h(
    "dialog",
    { class: "share", "t-aria-label": "share.title", onclose: () => dialog.remove() },
    h(
      "header",
      {},
      h("h2", { t: "share.title" }),
      h("button", { type: "button", t: "close", onclick: () => dialog.close() }),
    ),
    h("div", { class: "field" }, h("label", { for: field.id, t: "share.link" }), field),
    h(
      "div",
      { class: "actions" },
      h("button", { type: "button", class: "primary", t: "share.copy", onclick: copy }),
      told,
    ),
    problem,
    code,
    h("p", { t: "share.carries" }),
    h("p", { class: "muted" }, [t("share.left"), ...ownOf(state, model)].join(" ")),
  );
  document.body.append(dialog);
  dialog.showModal();
  try {
    code.replaceChildren(await drawCode(link));
  } catch (error) {
    showProblem(problem, error);
  }

  async function copy() {
    try {
      await navigator.clipboard.writeText(link);
      told.textContent = t("share.copied");
    } catch {
      field.focus();
      told.textContent = t("share.uncopied");
    }
  }
}

/**
 * What of the current state only this browser has, and the file that can be sent instead.
 *
 * @param {import("../../lab/state.js").PageState} state @param {import("../../lab/model.js").Model} model
 */
function ownOf(state, model) {
  const { entry } = model.network.peek();
  const told = [];
  if (entry && ["opened", "trained", "project"].includes(entry.origin))
    told.push(t("share.weights", { name: entry.name() }));
  if (state.values.train.peek().data === "pictures") told.push(t("share.pictures"));
  return told;
}

/** The link as a QR code. @param {string} link @returns {Promise<SVGElement>} */
async function drawCode(link) {
  /** @type {{encode: (text: string, options: {ecc: "M", border: number}) => {data: boolean[][], size: number}}} */
  const { encode } = await importFile(new URL("../../vendor/uqr/index.js", import.meta.url));
  const { data, size } = encode(link, { ecc: "M", border: MARGIN });
  const squares = data.flatMap((row, y) => row.flatMap((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : [])));
  return svg({ viewBox: `0 0 ${size} ${size}` }, ["path", { d: squares.join("") }]);
}
