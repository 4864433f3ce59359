/** Evidence over the picture: orange where it speaks for a class, blue where against. */
import { h } from "../../shared/dom.js";
import { t } from "../../shared/i18n.js";
import { rgb } from "./paint.js";

/** Pixels of the drawing. */
const SIDE = 448;
/** How much of the colour covers the picture at most. */
const COVER = 0.85;

export function createHeat() {
  const element = h("canvas", { role: "img", width: SIDE, height: SIDE });

  /**
   * @param {Uint8Array} crop R × R RGBA bytes
   * @param {{size: number, values: Float32Array}} evidence
   * @param {number} most the value with the full colour
   */
  function draw(crop, { size, values }, most) {
    const context = element.getContext("2d");
    if (!context) return;
    const side = Math.sqrt(crop.length / 4);
    const grey = new ImageData(side, side);
    for (let i = 0; i < crop.length; i += 4) {
      const light = 0.3 * crop[i] + 0.59 * crop[i + 1] + 0.11 * crop[i + 2];
      grey.data.fill(light, i, i + 3);
      grey.data[i + 3] = 255;
    }
    const [above, below] = ["--run-2", "--run-1"].map(rgb);
    const heat = new ImageData(size, size);
    values.forEach((value, i) => {
      heat.data.set(value > 0 ? above : below, 4 * i);
      heat.data[4 * i + 3] = 255 * COVER * Math.min(1, Math.abs(value) / (most || 1));
    });
    context.clearRect(0, 0, SIDE, SIDE);
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "high";
    for (const image of [grey, heat]) {
      const small = new OffscreenCanvas(image.width, image.height);
      small.getContext("2d")?.putImageData(image, 0, 0);
      context.drawImage(small, 0, 0, SIDE, SIDE);
    }
    const best = values.indexOf(Math.max(...values));
    element.ariaLabel = t("evidence.heat", { row: Math.floor(best / size) + 1, column: (best % size) + 1, size });
  }
  return { element, draw };
}
