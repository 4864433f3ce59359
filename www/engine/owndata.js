/** The caller's own pictures as a data set: a fixed number, the last of them held out. */
import { EngineError } from "./errors.js";
import { holdPicture } from "./heldpicture.js";

/**
 * @typedef {import("./datasets.js").Dataset} Dataset
 * @typedef {import("./protocol.js").Data} Data
 * @typedef {import("./core.js").Core} Core
 */

/**
 * Pictures in the form of RGB bytes.
 *
 * @param {Core} core
 * @param {Extract<Data, {kind: "images"}>} data
 * @param {number} seed
 * @returns {Dataset}
 */
export function ownImages(core, { images, resolution, ...rest }, seed) {
  const size = resolution * resolution * 3;
  if (images.length !== rest.labels.length * size) {
    const found = `${images.length} bytes for ${rest.labels.length} labels`;
    throw new EngineError(
      "core",
      `images must have ${size} bytes per label (${resolution} × ${resolution} RGB), not ${found}`,
    );
  }
  return fixedSet(core, rest, seed, () => ({ images, resolution }));
}

/**
 * Picture files, each decoded once and kept as the network's crop.
 *
 * @param {Core} core
 * @param {Extract<Data, {kind: "pictures"}>} data
 * @param {number} seed
 * @returns {Dataset}
 */
export function ownPictures(core, { pictures, ...rest }, seed) {
  const all = { images: new Uint8Array(), resolution: 0 };
  /** @param {number} index @param {import("./datasets.js").See} see */
  const load = async (index, see) => {
    const { picture } = await holdPicture(pictures[index]);
    const seen = await see(picture);
    picture.close();
    if (!all.resolution) {
      all.resolution = Math.sqrt(seen.length / 3);
      all.images = new Uint8Array(pictures.length * seen.length);
    }
    all.images.set(seen, index * seen.length);
    return index;
  };
  return fixedSet(core, rest, seed, () => all, load);
}

/**
 * A fixed number of pictures, the last of them held out.
 *
 * @param {Core} core
 * @param {{labels: Uint32Array, names: string[], held_out: number}} data
 * @param {number} seed
 * @param {() => {images: Uint8Array, resolution: number}} all
 * @param {import("./datasets.js").Fixed["load"]} [load]
 * @returns {Dataset}
 */
export function fixedSet(core, { labels, names, held_out }, seed, all, load) {
  const training = labels.length - held_out;
  if (!(training >= 1 && held_out >= 0)) {
    throw new EngineError("core", `held_out must leave pictures to train on: ${held_out} of ${labels.length}`);
  }
  /** @param {Uint32Array} indices */
  const gather = async (indices) => {
    const { images, resolution } = all();
    const size = resolution * resolution * 3;
    const batch = {
      images: new Uint8Array(indices.length * size),
      labels: indices.map((i) => labels[i]),
      resolution,
      indices,
    };
    indices.forEach((index, i) => batch.images.set(images.subarray(index * size, (index + 1) * size), i * size));
    return batch;
  };
  const order = new core.Order(seed, training, false);
  return {
    names,
    images_per_epoch: training,
    held_out,
    fixed: { count: labels.length, at: (index) => gather(Uint32Array.of(index)), load },
    train: (position, count) => gather(order.take(position, count)),
    heldOut: (first, count) => gather(Uint32Array.from({ length: count }, (_, i) => training + first + i)),
  };
}
