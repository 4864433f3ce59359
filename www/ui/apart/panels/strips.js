/** The middle of What ReLU destroys: one strip for each dimension, along the spiral; what ReLU zeroes is grey. */
import { h } from "../../shared/dom.js";
import { isDark } from "../../shared/theme.js";
import { rgb } from "./paint.js";

/** Rows of pixels of all strips together, about. */
const TALL = 640;

/** @param {(point: number) => void} choose */
export function createStrips(choose) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const line = h("div", { class: "strips-line" });
  const place = h("div", { class: "strips" }, canvas, line);
  let points = 0;
  /** The colours of the theme. */
  let ink = { dark: /** @type {boolean | null} */ (null), colours: /** @type {number[][]} */ ([]) };
  place.addEventListener("pointermove", seek);
  place.addEventListener("pointerdown", seek);

  /** @param {PointerEvent} event */
  function seek({ clientX }) {
    const { left, width } = place.getBoundingClientRect();
    choose(Math.min(Math.max(Math.floor(((clientX - left) / width) * points), 0), points - 1));
  }

  return {
    element: h("figure", {}, h("figcaption", { t: "manifold.strips" }), place),
    /** @param {{values: Float32Array, alive: Uint32Array, n: number, relu: boolean}} found */
    draw({ values, alive, n, relu }) {
      points = alive.length;
      const each = Math.max(4, Math.floor(TALL / n));
      const gap = Math.max(1, Math.round(each / 8));
      [canvas.width, canvas.height] = [points, n * each];
      const image = new ImageData(points, n * each);
      if (ink.dark !== isDark.value)
        ink = { dark: isDark.value, colours: ["--surface", "--line", "--run-2", "--run-1"].map(rgb) };
      const [ground, zeroed, above, below] = ink.colours;
      const most = values.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
      for (let k = 0; k < n; k++)
        for (let x = 0; x < points; x++) {
          const value = values[x * n + k];
          const share = Math.sqrt(Math.abs(value) / most);
          const full = value > 0 ? above : below;
          const shut = relu && value <= 0;
          for (let y = 0; y < each - gap; y++)
            for (let c = 0; c < 3; c++)
              image.data[((k * each + y) * points + x) * 4 + c] = shut
                ? zeroed[c]
                : ground[c] + share * (full[c] - ground[c]);
          for (let y = 0; y < each - gap; y++) image.data[((k * each + y) * points + x) * 4 + 3] = 255;
        }
      canvas.getContext("2d")?.putImageData(image, 0, 0);
    },
    /** Marks where a point of the spiral is. @param {number} share */
    mark(share) {
      line.style.left = `${100 * share}%`;
    },
  };
}
