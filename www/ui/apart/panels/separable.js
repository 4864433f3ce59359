/** Separable convolution: the cost of depthwise and 1×1 convolution against a plain 3×3 convolution. */
import { perPixel } from "../../../lab/race.js";
import { h } from "../../shared/dom.js";
import { count, number, t } from "../../shared/i18n.js";
import { onDescription } from "./described.js";
import { createPanel } from "./panel.js";
import { createRace } from "./racing.js";

/**
 * The work of a block after its expansion, if it has one, in multiply-adds.
 *
 * @typedef {object} Pair
 * @property {number} block from 0
 * @property {number} size height and width of the output
 * @property {number} from channels read
 * @property {number} to channels written
 * @property {number} separable
 * @property {number} plain
 */

/** @param {import("../../context.js").Context} context */
export function createSeparable(context) {
  const shows = h("p");
  const body = h("div", { class: "table-place", tabindex: 0, role: "region", "t-aria-label": "separable.table" });
  const element = createPanel(
    "separable",
    createRace(context),
    h("p", { t: "separable.formula" }),
    shows,
    h("details", { class: "figures" }, h("summary", { t: "separable.table" }), body),
  );
  onDescription(context, (description) => {
    const pairs = pairsOf(description);
    const saved = pairs.reduce((sum, { plain, separable }) => sum + plain - separable, 0);
    const isPlain = description.layers.some(({ kind }) => kind === "convolution");
    const [plain, separable] = isPlain
      ? [description.macs, description.macs - saved]
      : [description.macs + saved, description.macs];
    shows.textContent = t(isPlain ? "separable.shows.plain" : "separable.shows", {
      separable: count(separable),
      plain: count(plain),
      times: times(plain / separable),
    });
    body.replaceChildren(table(pairs));
  });
  return element;
}

/** @param {import("../../../engine/protocol.js").Description} description @returns {Pair[]} */
function pairsOf({ layers }) {
  return layers.flatMap(({ kind, block, c_in: from, size_out: size, ...layer }, i) => {
    if (kind !== "depthwise" && kind !== "convolution") return [];
    const to = kind === "convolution" ? layer.c_out : layers[i + 1].c_out;
    const each = perPixel(from, to);
    return [
      { block: block ?? 0, size, from, to, separable: size ** 2 * each.separable, plain: size ** 2 * each.plain },
    ];
  });
}

/** @param {number} value */
const times = (value) => number(value, { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** @param {Pair[]} pairs */
function table(pairs) {
  const columns = ["block", "size", "channels", "separable", "plain", "times"];
  const head = h("tr", {}, ...columns.map((column) => h("th", { scope: "col", t: `separable.column.${column}` })));
  const rows = pairs.map(({ block, size, from, to, separable, plain }) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, t("architecture.block", { n: block + 1 })),
      h("td", {}, `${size} × ${size}`),
      h("td", {}, `${from} → ${to}`),
      h("td", {}, count(separable)),
      h("td", {}, count(plain)),
      h("td", {}, times(plain / separable)),
    ),
  );
  return h("table", { class: "separable" }, h("thead", {}, head), h("tbody", {}, ...rows));
}
