/** Pictures to begin with: drawings for a network that knows the drawn shapes, photos for any other. */
import { h, paintRgb } from "../dom.js";
import { className, t } from "../i18n.js";

const PHOTOS = ["cat", "coffee", "flower", "palace", "rocket"];
const DRAWINGS = 8;
const MOST_SEEDS = 1_000_000;

/** @typedef {(name: string, picture: Blob, proposed: boolean) => void} Choose `proposed`: nobody asked for it */

/** @param {{engine: import("../engine.js").Engine, model: import("../model.js").Model, choose: Choose}} options */
export function createSamples({ engine, model, choose }) {
  const list = h("ul", { class: "samples-list" });
  const again = h("button", {
    type: "button",
    t: "samples.again",
    onclick: () => draw(Math.floor(Math.random() * MOST_SEEDS)),
  });
  const element = h("div", { class: "samples" }, h("header", {}, h("h3", { t: "samples.title" }), again), list);
  let showing = "";

  /** @param {string} name @param {HTMLCanvasElement | HTMLImageElement} picture @param {() => void} onclick */
  const item = (name, picture, onclick) =>
    h("li", {}, h("button", { type: "button", "aria-label": name, onclick }, picture));

  /** @param {number} seed */
  async function draw(seed) {
    const { images, labels, names, resolution } = await engine.shapes({ seed, count: DRAWINGS, resolution: 64 });
    const drawings = Array.from(labels, (label, i) => {
      const canvas = h("canvas", {});
      paintRgb(canvas, images, resolution, i);
      const name = className(names[label]);
      const pick = (/** @type {boolean} */ proposed) => canvas.toBlob((blob) => blob && choose(name, blob, proposed));
      return { element: item(name, canvas, () => pick(false)), pick };
    });
    list.replaceChildren(...drawings.map((drawing) => drawing.element));
    drawings[0].pick(true);
  }

  function photos() {
    const items = PHOTOS.map((photo) => {
      const name = t(`samples.${photo}`);
      const url = new URL(`../samples/${photo}.jpg`, import.meta.url).href;
      const pick = async (/** @type {boolean} */ proposed) => choose(name, await (await fetch(url)).blob(), proposed);
      return { element: item(name, h("img", { src: url, alt: "", loading: "lazy" }), () => pick(false)), pick };
    });
    list.replaceChildren(...items.map((photo) => photo.element));
    items[0].pick(true);
  }

  function update() {
    if (!model.loaded && model.network.entry) return; // it is on its way
    const kind = model.loaded?.drawn ? "drawings" : "photos";
    if (kind === showing) return;
    showing = kind;
    again.hidden = kind === "photos";
    if (kind === "drawings") draw(1);
    else photos();
  }
  model.addEventListener("classifier", update);
  update();
  return element;
}
