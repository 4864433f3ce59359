/** The block that is open in the map, drawn beside MobileNetV1's, which has the same task. */
import { perPixel } from "../../../lab/race.js";
import { h, setWords } from "../../shared/dom.js";
import { count, t } from "../../shared/i18n.js";
import { createDrawing, tensorsBetween, tensorsOfBlock } from "./blockdrawing.js";

/** @param {import("../../context.js").Context} context */
export function createOpenBlock({ state }) {
  const own = createDrawing("block.inverted");
  const plainly = createDrawing("map.own");
  const earlier = createDrawing("map.v1");
  const shows = h("p");
  const element = h(
    "section",
    { class: "map-block", hidden: true },
    h("div", { class: "blocks" }, own.element, plainly.element, earlier.element),
    h("p", { class: "curves-legend", t: "block.legend" }),
    shows,
    h("button", { type: "button", t: "map.close", onclick: () => state.set("apart", { opened: 0 }) }),
  );

  /** @param {import("../../../engine/protocol.js").Description} description @param {number} block from 0; -1: none */
  function draw({ layers }, block) {
    const all = layers.filter((layer) => layer.block === block);
    const chain = all.filter(({ kind }) => kind !== "shortcut");
    element.hidden = !chain.length;
    if (!chain.length) return;
    const [first, last] = [chain[0], chain[chain.length - 1]];
    const joined = all.some(({ adds }) => adds !== null);
    const stride = Math.max(...chain.map((layer) => layer.stride));
    const tensors = tensorsOfBlock(chain);
    const inverted = last.kind === "project";
    own.element.hidden = earlier.element.hidden = !inverted;
    plainly.element.hidden = inverted;
    if (!inverted) {
      plainly.draw(tensors, joined);
      setWords(shows, t("map.costs", { macs: count(chain.reduce((sum, layer) => sum + layer.macs, 0)) }));
      return;
    }
    own.draw(tensors, joined);
    earlier.draw(tensorsBetween(chain), false, tensors);
    const macs = chain.reduce((sum, layer) => sum + layer.macs, 0);
    const separable = last.size_out ** 2 * perPixel(first.c_in, last.c_out).separable;
    const why = joined ? "map.joined" : stride > 1 ? "block.strided" : "map.alone";
    setWords(shows, `${t(why)} ${t("map.compared", { macs: count(macs), other: count(separable) })}`);
  }
  return { element, draw };
}
