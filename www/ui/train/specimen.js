/** One picture to try the augmentation on, as RGB bytes of a square: drawn, of CIFAR-10, of Classify, or of a person's own. */
import { cifar10Test } from "../../engine/datasets.js";
import { CIFAR_10 } from "../../lab/settings.js";
import { h } from "../shared/dom.js";

/** @typedef {"shape" | "cifar" | "classify" | "own"} Kind */

/** Side of a person's own picture. */
const SIDE = 224;

/** Kinds that are to be had, the one that fits the data first. @param {import("../context.js").Context} context @returns {Kind[]} */
export function kindsOf({ state, session, model, project, cifar }) {
  const { data } = state.values.train.value;
  const held = session.heldOut.value && session.run.value?.settings.data === "cifar-10";
  /** @type {[Kind, boolean][]} */
  const all = [
    ["cifar", cifar.place.value === "host" || !!held],
    ["own", project.pictures.value.length > 0],
    ["shape", true],
    ["classify", !!model.picture.value && !!model.loaded.value],
  ];
  const fits = { "cifar-10": "cifar", pictures: "own", shapes: "shape" }[String(data)];
  const kinds = all.flatMap(([kind, is]) => (is ? [kind] : []));
  return kinds.sort((a, b) => Number(b === fits) - Number(a === fits));
}

/**
 * @param {import("../context.js").Context} context @param {Kind} kind @param {number} index of several
 * @returns {Promise<Uint8Array>}
 */
export async function specimenOf({ engine, state, session, model, project, cifar }, kind, index) {
  const resolution = Number(state.values.train.peek().resolution);
  switch (kind) {
    case "shape":
      return (await engine.shapes({ seed: 1, first: index, count: 1, resolution })).images;
    case "cifar": {
      if (cifar.place.peek() === "host") return (await (await cifar10Test(CIFAR_10))(index, 1)).images;
      const { images, labels } = /** @type {import("../../engine/protocol.js").Batch} */ (session.heldOut.peek());
      const bytes = images.length / labels.length;
      const at = index % labels.length;
      return images.slice(at * bytes, (at + 1) * bytes);
    }
    case "classify": {
      const { classifier } = /** @type {import("../../lab/model.js").Loaded} */ (model.loaded.peek());
      const picture = /** @type {import("../../engine/engine.js").Picture} */ (model.picture.peek());
      const { crop } = await classifier.classify(picture, { k: 1, crop: true, ...model.framing.peek() });
      return rgbOf(/** @type {Uint8Array} */ (crop));
    }
    case "own": {
      const all = project.pictures.peek();
      return centreOf(all[index % all.length].blob);
    }
  }
}

/** Without the alpha of RGBA bytes. @param {ArrayLike<number>} rgba */
function rgbOf(rgba) {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    for (let c = 0; c < 3; c++) rgb[to++] = rgba[from + c];
  }
  return rgb;
}

/** The centre of a picture. @param {Blob} blob */
async function centreOf(blob) {
  const bitmap = await createImageBitmap(blob);
  const canvas = h("canvas", { width: SIDE, height: SIDE });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  if (!pen) return new Uint8Array(3 * SIDE * SIDE);
  const side = Math.min(bitmap.width, bitmap.height);
  pen.drawImage(bitmap, (bitmap.width - side) / 2, (bitmap.height - side) / 2, side, side, 0, 0, SIDE, SIDE);
  bitmap.close();
  return rgbOf(pen.getImageData(0, 0, SIDE, SIDE).data);
}
