/** A picture that the worker holds: the inputs that networks make of it, of any part and at any resolution. */
import { draw, needsTurn, openFile, openStill, pixelsOf, readRows } from "./pixels.js";

/**
 * @typedef {import("./pixels.js").Still} Still
 * @typedef {typeof import("./pkg/simd128-threads/mobilenetv2.js")} Core
 * @typedef {import("./pkg/simd128-threads/mobilenetv2.js").Rows} Rows
 */

/** Pixels up to which a picture stays in memory. Of a larger one only the file does; it is decoded again when needed. */
const KEPT_PIXELS = 1 << 24;
/** Milliseconds after which a larger one leaves memory, unless it is used again. */
const KEPT_MILLISECONDS = 5000;
/** Number of views of a larger one that are kept. */
const KEPT_VIEWS = 8;
/** Bytes passed to the core at once. */
const BAND = 1 << 22;
/** Longer side of the preview that replaces a file which the browser shows slowly or not upright. */
const PREVIEW = 1600;

/**
 * @param {import("./protocol.js").Pixels} source
 * @returns {Promise<{picture: HeldPicture, preview: Blob | null}>} `preview`: shown instead of the file
 */
export async function holdPicture(source) {
  if ("data" in source) return { picture: new HeldPicture(source, 1, source.data), preview: null };
  const still = await openStill(source);
  const { bitmap, orientation } = still;
  const { width, height } = bitmap;
  const isLarge = width * height > KEPT_PIXELS;
  const scale = Math.min(1, PREVIEW / Math.max(width, height));
  const isShown = !isLarge && !needsTurn(still);
  const preview = isShown ? null : await draw(still, scale).convertToBlob({ type: "image/jpeg" });
  if (isLarge) return { picture: new HeldPicture({ width, height }, orientation, null, still), preview };
  const { data } = await pixelsOf(bitmap);
  return { picture: new HeldPicture({ width, height }, orientation, data), preview };
}

export class HeldPicture {
  #stored;
  #orientation;
  #pixels;
  #file;
  /** @type {Promise<ImageBitmap> | null} */
  #bitmap;
  #reading = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** RGBA bytes by view and resolution. @type {Map<string, Uint8Array>} */
  #seen = new Map();

  /**
   * @param {{width: number, height: number}} stored
   * @param {number} orientation
   * @param {Uint8Array | null} pixels RGBA bytes, or else:
   * @param {Still | null} [still]
   */
  constructor(stored, orientation, pixels, still = null) {
    this.#stored = stored;
    this.#orientation = orientation;
    this.#pixels = pixels;
    this.#bitmap = still && Promise.resolve(still.bitmap);
    this.#file = still?.file ?? null;
    if (still) this.#leave();
  }

  /** Width and height, upright. */
  get size() {
    const { width, height } = this.#stored;
    return this.#orientation >= 5 ? { width: height, height: width } : { width, height };
  }

  /**
   * The network's input from this picture, to be used once.
   *
   * @param {Core} core
   * @param {import("./protocol.js").Config} config
   * @param {import("./protocol.js").Framing} [framing]
   * @returns {Promise<Rows>}
   */
  async see(core, config, framing = {}) {
    const { resolution = 224 } = config;
    const view = this.#viewOf(config, framing);
    if (this.#pixels) return this.#resize(core, view, resolution);
    const key = JSON.stringify([view, resolution]);
    const known = this.#seen.get(key) ?? withAlpha((await this.#resize(core, view, resolution)).finish());
    this.#seen.set(key, known);
    if (this.#seen.size > KEPT_VIEWS) this.#seen.delete(/** @type {string} */ (this.#seen.keys().next().value));
    const rows = core.Rows.of_part(resolution, resolution, 1, resolution, 0, 0, resolution, resolution);
    rows.push(known);
    return rows;
  }

  /**
   * @param {import("./protocol.js").Config} config @param {import("./protocol.js").Framing} framing
   * @returns {import("./protocol.js").View}
   */
  #viewOf({ crop = 1, mean = [0.5, 0.5, 0.5] }, { fit = "crop", box }) {
    if (fit === "bars") return { bars: mean }; // the network sees 0 there
    if (fit === "squeeze") return { box: { x: 0, y: 0, ...this.size } };
    return box ? { box } : { center: crop };
  }

  /** @param {Core} core @param {import("./protocol.js").View} view @param {number} resolution */
  async #resize(core, view, resolution) {
    const { width, height } = this.#stored;
    const how = /** @type {const} */ ([width, height, this.#orientation, resolution]);
    const rows =
      "bars" in view
        ? core.Rows.between_bars(...how, ...view.bars)
        : "box" in view
          ? core.Rows.of_part(...how, view.box.x, view.box.y, view.box.width, view.box.height)
          : core.Rows.of_center(...how, view.center);
    try {
      const [left, top, columns, count] = rows.span;
      const span = { left, top, width: columns, height: count };
      if (this.#pixels) pushSpan(rows, this.#pixels, width, span);
      else await this.#read(span, (some) => rows.push(some));
      return rows;
    } catch (error) {
      rows.free();
      throw error;
    }
  }

  /** @param {import("./pixels.js").Span} span @param {(rows: Uint8Array<ArrayBuffer>) => void} take */
  async #read(span, take) {
    this.#reading++;
    clearTimeout(this.#timer);
    try {
      this.#bitmap ??= openFile(/** @type {Blob} */ (this.#file)).then(({ bitmap }) => bitmap);
      await readRows(await this.#bitmap, take, span);
    } finally {
      if (!--this.#reading) this.#leave();
    }
  }

  /** Lets the decoded picture leave memory soon, if it can be decoded again. */
  #leave() {
    if (this.#file) this.#timer = setTimeout(() => this.close(), KEPT_MILLISECONDS);
  }

  /** Frees its memory. */
  close() {
    clearTimeout(this.#timer);
    this.#bitmap?.then(
      (bitmap) => bitmap.close(),
      () => {},
    );
    this.#bitmap = null;
  }
}

/**
 * Pushes a part of a picture of RGBA bytes; only the core copies them.
 *
 * @param {Rows} rows @param {Uint8Array} pixels @param {number} stride pixels of a row @param {import("./pixels.js").Span} span
 */
function pushSpan(rows, pixels, stride, { left, top, width, height }) {
  const end = top + height;
  // Whole rows are contiguous.
  const most = width === stride ? Math.max(1, Math.floor(BAND / (4 * width))) : 1;
  for (let row = top; row < end; row += most) {
    const first = 4 * (row * stride + left);
    rows.push(pixels.subarray(first, first + 4 * width * Math.min(most, end - row)));
  }
}

/** @param {Uint8Array} rgb */
function withAlpha(rgb) {
  const rgba = new Uint8Array((rgb.length / 3) * 4).fill(255);
  for (let from = 0, to = 0; from < rgb.length; from += 3, to += 4) rgba.set(rgb.subarray(from, from + 3), to);
  return rgba;
}
