/** Pictures to begin with: drawings for a network that knows the drawn shapes, photos for any other. */
import { h, paintRgb } from "../dom.js";
import { download } from "../download.js";
import { className, t } from "../i18n.js";

const PHOTOS = ["cat", "coffee", "flower", "palace", "rocket"];
const DRAWINGS = 8;
const MOST_SEEDS = 1_000_000;

/**
 * @typedef {object} Sample
 * @property {() => string} name in the chosen language
 * @property {() => Promise<Blob>} load
 * @property {HTMLCanvasElement | HTMLImageElement} picture
 */

/**
 * @param {{engine: import("../engine.js").Engine, model: import("../model.js").Model,
 *   choose: (sample: Sample, proposed: boolean) => void}} options `proposed`: the page takes it, nobody asked for it
 */
export function createSamples({ engine, model, choose }) {
  const list = h("ul", { class: "samples-list" });
  const again = h("button", {
    type: "button",
    t: "samples.again",
    onclick: async () => show(await drawings(Math.floor(Math.random() * MOST_SEEDS))),
  });
  const element = h("div", { class: "samples" }, h("header", {}, h("h3", { t: "samples.title" }), again), list);
  let shown = "";
  /** @type {Sample[]} */
  let samples = [];

  /** @param {number} seed @returns {Promise<Sample[]>} */
  async function drawings(seed) {
    const { images, labels, names, resolution } = await engine.shapes({ seed, count: DRAWINGS, resolution: 64 });
    return Array.from(labels, (label, i) => {
      const picture = h("canvas", {});
      paintRgb(picture, images, resolution, i);
      return {
        name: () => className(names[label]),
        load: () => new Promise((resolve) => picture.toBlob((blob) => resolve(blob ?? new Blob()))),
        picture,
      };
    });
  }

  /** @returns {Sample[]} */
  function photos() {
    return PHOTOS.map((photo) => {
      const url = new URL(`../samples/${photo}.jpg`, import.meta.url).href;
      return {
        name: () => t(`samples.${photo}`),
        load: async () => new Blob([/** @type {BlobPart} */ (await download(url))], { type: "image/jpeg" }),
        picture: h("img", { src: url, alt: "" }),
      };
    });
  }

  /** @param {Sample[]} fresh */
  function show(fresh) {
    samples = fresh;
    const buttons = samples.map((sample) =>
      h("button", { type: "button", onclick: () => choose(sample, false) }, sample.picture),
    );
    list.replaceChildren(...buttons.map((button) => h("li", {}, button)));
    label();
    choose(samples[0], true);
  }

  function label() {
    samples.forEach(({ name }, i) => list.children[i].firstElementChild?.setAttribute("aria-label", name()));
  }

  async function update() {
    if (!model.loaded && model.network.entry) return; // it is on its way
    const kind = model.loaded?.drawn ? "drawings" : "photos";
    if (kind === shown) return;
    shown = kind;
    again.hidden = kind === "photos";
    show(kind === "drawings" ? await drawings(1) : photos());
  }
  model.addEventListener("classifier", update);
  document.addEventListener("language", label);
  update();
  return element;
}
