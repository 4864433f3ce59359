/**
 * Pictures to begin with, of what the network knows: drawn shapes, a photo and test pictures of CIFAR-10 where that is here,
 * or those that were held out of a person's own; photos for any other.
 */
import { CIFAR_NAMES } from "../../engine/constants.js";
import { cifar10Test } from "../../engine/datasets.js";
import { download } from "../../engine/download.js";
import { bmp } from "../../lab/bmp.js";
import { CIFAR_10 } from "../../lab/settings.js";
import { follow } from "../../lab/signals.js";
import { h, paintRgb } from "../shared/dom.js";
import { className, currentLanguage, t } from "../shared/i18n.js";

const PHOTOS = ["cat", "coffee", "flower", "palace", "rocket"];
/** Drawings, or own pictures, on show. */
const SHOWN = 8;
const MOST_SEEDS = 1_000_000;
/** Among so many test pictures, those of its first mosaic, one of each class is looked for. */
const TEST_PICTURES = 1000;
/** So many pictures in a row have all ten classes, or nearly so. */
const LOOK_AMONG = 60;

/**
 * @typedef {object} Sample
 * @property {() => string} name in the chosen language
 * @property {() => Promise<Blob>} load
 * @property {HTMLCanvasElement | HTMLImageElement} picture
 */

/**
 * @param {{engine: import("../../engine/engine.js").Engine, state: import("../../lab/state.js").PageState,
 *   model: import("../../lab/model.js").Model, project: import("../../lab/project.js").Project,
 *   choose: (sample: Sample, proposed: boolean) => void}} options `proposed`: the page takes it, nobody asked for it
 */
export function createSamples({ engine, state, model, project, choose }) {
  const list = h("ul", { class: "samples-list" });
  const again = h("button", {
    type: "button",
    t: "samples.again",
    onclick: () => renew(Math.floor(Math.random() * MOST_SEEDS)),
  });
  const element = h(
    "div",
    { class: "samples", "data-control": "samples" },
    h("header", {}, h("h2", { t: "samples.title" }), again),
    list,
  );
  /** @type {"drawings" | "cifar-10" | "own" | "photos" | ""} */
  let shown = "";
  /** @type {Sample[]} */
  let samples = [];
  /** What the page showed without being asked. @type {Sample | undefined} */
  let proposed;
  const photos = PHOTOS.map(photo);

  /** Those of the kind on show. @param {number} seed */
  async function make(seed) {
    if (shown === "drawings") return drawings(seed);
    if (shown === "own" && project.pictures.value.some(({ held_out }) => held_out)) return heldOut(seed);
    const pictures = shown === "cifar-10" ? await testPictures(seed).catch(() => null) : null;
    again.hidden = !pictures;
    return pictures ? [photos[0], ...pictures] : photos;
  }

  /** Of each class in turn. @param {number} seed @returns {Sample[]} */
  function heldOut(seed) {
    const ofClass = (/** @type {import("../../lab/project.js").Class} */ one) =>
      project
        .of(one)
        .filter(({ held_out }) => held_out)
        .map((picture, at) => ({ one, picture, at }));
    const all = project.classes.value.flatMap(ofClass).sort((a, b) => a.at - b.at);
    again.hidden = all.length <= SHOWN;
    const first = ((seed - 1) * SHOWN) % all.length;
    return [...all.slice(first), ...all.slice(0, first)].slice(0, SHOWN).map(({ one, picture: { blob } }) => {
      const url = URL.createObjectURL(blob);
      const picture = h("img", { src: url, alt: "", onload: () => URL.revokeObjectURL(url) });
      return { name: () => one.name, load: async () => blob, picture };
    });
  }

  /** @param {number} seed */
  async function drawings(seed) {
    again.hidden = false;
    const { names, ...batch } = await engine.shapes({ seed, count: SHOWN, resolution: 64 });
    return Array.from(batch.labels, (_, i) => tile(batch, names, i));
  }

  /** @param {number} seed */
  async function testPictures(seed) {
    const take = await cifar10Test(CIFAR_10);
    const batch = await take(((seed - 1) * LOOK_AMONG) % (TEST_PICTURES - LOOK_AMONG), LOOK_AMONG);
    const firsts = CIFAR_NAMES.map((_, label) => batch.labels.indexOf(label)).filter((i) => i >= 0);
    return firsts.map((i) => tile(batch, CIFAR_NAMES, i));
  }

  /** @param {import("../../engine/protocol.js").Batch} batch @param {string[]} names @param {number} i @returns {Sample} */
  function tile({ images, labels, resolution }, names, i) {
    const picture = h("canvas", {});
    const size = 3 * resolution * resolution;
    paintRgb(picture, images, resolution, i);
    return {
      name: () => className(names[labels[i]]),
      load: async () => bmp(images.subarray(i * size, (i + 1) * size), resolution, resolution),
      picture,
    };
  }

  /** @param {string} name @returns {Sample} */
  function photo(name) {
    const url = new URL(`../../samples/${name}.jpg`, import.meta.url).href;
    return {
      name: () => t(`samples.${name}`),
      load: async () => new Blob([/** @type {BlobPart} */ (await download(url))], { type: "image/jpeg" }),
      picture: h("img", { src: url, alt: "" }),
    };
  }

  /** @param {Sample[]} fresh */
  function show(fresh) {
    samples = fresh;
    const buttons = samples.map((sample) =>
      h("button", { type: "button", onclick: () => choose(sample, false) }, sample.picture),
    );
    list.replaceChildren(...buttons.map((button) => h("li", {}, button)));
    label();
    if (samples[0] === proposed) return;
    proposed = samples[0];
    choose(proposed, true);
  }

  function label() {
    samples.forEach(({ name }, i) => list.children[i].firstElementChild?.setAttribute("aria-label", name()));
  }

  function update() {
    const loaded = model.loaded.value;
    const chosen = state.values.classify.value.weights !== "";
    if (!loaded && chosen) return; // the weights are on their way, and may know anything
    // the first screen asks no host for CIFAR-10's pictures, which few have
    const kind = loaded && (chosen || loaded.samples !== "cifar-10") ? loaded.samples : "photos";
    if (kind === shown) return;
    shown = kind;
    renew(1);
  }

  /** Shows others of the kind on show; where there are none to be had, the next network asks again. @param {number} seed */
  async function renew(seed) {
    const kind = shown;
    try {
      const fresh = await make(seed);
      if (kind === shown) show(fresh);
    } catch {
      if (kind === shown) shown = "";
    }
  }
  follow(() => model.loaded.value, update);
  follow(currentLanguage, label);
  return element;
}
