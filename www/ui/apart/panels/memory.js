/** Memory: which tensors exist while each layer runs, convolution by convolution and block by block (paper §5.1). */
import { framesOf } from "../../../lab/film.js";
import { isFused, isInverted } from "../../../lab/network.js";
import { selectedLayer, selecting } from "../../../lab/selection.js";
import { h, loadStyle } from "../../shared/dom.js";
import { bytes, number, t } from "../../shared/i18n.js";
import { onDescription } from "./described.js";
import { createFilm } from "./film.js";
import { createMemoryChart } from "./memorychart.js";
import { createPanel, followArchitecture } from "./panel.js";
import { createRowTiles } from "./rowtiles.js";
import { createPrinted } from "./printed.js";

loadStyle(new URL("./memory.css", import.meta.url));

/** @param {import("../../context.js").Context} context */
export function createMemory(context) {
  const { state, model } = context;
  /** @type {import("../../../engine/protocol.js").LayerCost[]} */
  let layers = [];
  let frames = framesOf(layers);
  const select = (/** @type {number} */ layer) => state.set("apart", selecting(layers[layer]));
  const film = createFilm(context, select);
  const chart = createMemoryChart(select);
  const tiles = createRowTiles(context);
  const shows = h("p");
  const element = createPanel("memory", film.element, shows, tiles, chart.element, createPrinted(context), film.fold);

  onDescription(context, (description) => {
    if (state.values.apart.value.panel !== "memory") return;
    if (layers !== description.layers) frames = framesOf(description.layers);
    ({ layers } = description);
    const selected = selectedLayer(layers, state.values.apart.value);
    const { by_operation, by_block } = description.memory;
    const times = number(by_operation / by_block, { maximumSignificantDigits: 2 });
    const { config } = model.network.value;
    const peaks = { operation: bytes(by_operation), block: bytes(by_block), times };
    const words = [
      t(isInverted(config) ? "memory.shows" : "memory.shows.flat", peaks),
      t(isFused(config) ? "memory.fused" : "memory.unfused"),
    ];
    shows.textContent = words.join(" ");
    film.draw(description, frames, selected, Number(state.values.apart.value.rows) || 1);
    chart.draw(description, frames, selected, shows.textContent);
  });
  followArchitecture(element, "memory", context, { plain: ".v1" }); // the same tensors between blocks
  return element;
}
