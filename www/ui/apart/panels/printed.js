/** The paper's table 3 beside the same count of the network as it is. */
import { effect, signal, untracked } from "../../../lab/signals.js";
import { h } from "../../shared/dom.js";
import { bytes, number, t } from "../../shared/i18n.js";

/** MobileNetV2 in table 3: side, channels, kB of 16-bit activations. */
const PRINTED = [
  [112, 16, 400],
  [56, 32, 200],
  [28, 64, 100],
  [14, 160, 62],
  [7, 320, 32],
  [1, 1280, 2],
];
/** The largest of each network there, in kB. */
const LARGEST = { MobileNetV2: 400, MobileNetV1: 1600, ShuffleNet: 600 };
const PAPER = { width: 1, resolution: 224 };
/** Bytes of a number there. */
const HALF = 2;

/** @param {import("../../context.js").Context} context */
export function createPrinted({ engine, state }) {
  /** @type {import("../../../lab/signals.js").Signal<import("../../../engine/protocol.js").LayerCost[] | null>} */
  const layers = signal(null);
  const body = h("tbody");
  const largest = h("p", { class: "number" });
  const columns = ["side", "column", "counted"].map((name) => h("th", { scope: "col", t: `printed.${name}` }));

  effect(() => {
    if (state.room.value !== "apart" || state.values.apart.value.panel !== "memory") return;
    if (layers.value) draw(layers.value);
    else untracked(async () => (layers.value = (await engine.describe(PAPER).catch(() => null))?.layers ?? null));
  });

  /** @param {import("../../../engine/protocol.js").LayerCost[]} layers */
  function draw(layers) {
    body.replaceChildren(
      ...PRINTED.map(([side, channels, kilobytes]) => {
        const most = mostAt(layers, side);
        const counted = bytes(side ** 2 * most * HALF);
        return h(
          "tr",
          {},
          h("th", { scope: "row" }, `${side} × ${side}`),
          h("td", {}, t("printed.cell", { n: channels, bytes: bytes(1000 * kilobytes) })),
          h("td", {}, t("printed.cell", { n: most, bytes: counted })),
        );
      }),
    );
    largest.textContent = Object.entries(LARGEST)
      .map(([name, kilobytes]) => `${name} ${number(kilobytes)} kB`)
      .join(" · ");
  }

  return h(
    "details",
    { class: "figures" },
    h("summary", { t: "printed.title" }),
    h(
      "div",
      { class: "table-place", tabindex: 0, role: "region", "t-aria-label": "printed.title" },
      h("table", { class: "printed" }, h("thead", {}, h("tr", {}, ...columns)), body),
    ),
    h("p", { class: "hint", t: "printed.largest" }),
    largest,
    h("p", { class: "muted", t: "printed.differs" }),
  );
}

/** The most channels between blocks at a resolution; after the average, all of them. @param {import("../../../engine/protocol.js").LayerCost[]} layers @param {number} side */
function mostAt(layers, side) {
  if (side === 1) return layers[layers.length - 1].c_in;
  return Math.max(
    ...layers.filter(({ kind, size_out }) => kind === "project" && size_out === side).map(({ c_out }) => c_out),
  );
}
