/**
 * A page's handles to the worker's objects: pictures, classifiers, trainers. Each of their methods is a call to the
 * worker.
 */
import { checkFraming, checkWhole } from "./checks.js";
import { abortable } from "./download.js";
import { EngineError } from "./errors.js";

/**
 * @typedef {import("./engine.js").Engine} Engine
 * @typedef {import("./protocol.js").Config} Config
 * @typedef {import("./protocol.js").Recipe} Recipe
 * @typedef {import("./protocol.js").Framing} Framing
 * @typedef {import("./decode.js").ImageSource} ImageSource
 */

/** Milliseconds that the worker trains or evaluates before it handles messages again. */
export const SLICE = 50;

/** An object that the worker holds until it is closed. */
export class Held {
  /** @param {Engine} engine @param {number} handle */
  constructor(engine, handle) {
    this.engine = engine;
    this.handle = handle;
  }

  /** Frees its memory; a core that was stopped has already done so. */
  async close() {
    await this.engine.call("drop", { handle: this.handle }).catch(() => {});
  }
}

/**
 * What happens to a picture before a network in training sees it: the picture is resized to `size`, seen from (`left`, `top`)
 * on, which may lie in the padding, and `mirrored`; then `cutout`, a part of the network's input, becomes the mean colour.
 *
 * @typedef {{size: number, left: number, top: number, mirrored: boolean,
 *   cutout: {x: number, y: number, width: number, height: number} | null}} Window
 */

/** @param {Int32Array} numbers eight for each window @returns {Window[]} */
export function windowsOf(numbers) {
  return Array.from({ length: numbers.length / 8 }, (_, i) => {
    const [size, left, top, mirrored, y, bottom, x, right] = numbers.subarray(8 * i);
    const cutout = right ? { x, y, width: right - x, height: bottom - y } : null;
    return { size, left, top, mirrored: mirrored === 1, cutout };
  });
}

/** @param {Float32Array} values three for each layer */
export function statisticsOf(values) {
  return Array.from({ length: values.length / 3 }, (_, layer) => {
    const [zeros, sixes, rank] = values.subarray(3 * layer);
    return { zeros, sixes, rank };
  });
}

/** A decoded picture. */
export class Picture extends Held {
  /** @param {Engine} engine @param {number} handle @param {number} width @param {number} height @param {Blob | null} preview */
  constructor(engine, handle, width, height, preview) {
    super(engine, handle);
    this.width = width;
    this.height = height;
    /** A small JPEG to show instead of a file that is large, or that some browsers do not show upright. */
    this.preview = preview;
  }
}

/**
 * Asks about a picture, which is opened for that if it is not yet.
 *
 * @template T
 * @param {Engine} engine
 * @param {ImageSource | Picture} image
 * @param {Framing} framing
 * @param {(picture: number) => Promise<T>} ask
 */
export async function onPicture(engine, image, framing, ask) {
  const picture = image instanceof Picture ? image : await engine.openPicture(image);
  try {
    checkFraming(framing, picture);
    return await ask(picture.handle);
  } finally {
    if (picture !== image) picture.close();
  }
}

/** A network that classifies. */
export class Classifier extends Held {
  /** @param {Engine} engine @param {number} handle @param {Required<Config>} config @param {string[]} labels */
  constructor(engine, handle, config, labels) {
    super(engine, handle);
    this.config = config;
    this.labels = labels;
  }

  /**
   * The `k` most probable classes. The network sees the centre crop of its evaluation, unless `box` names another part of the
   * picture, or `fit` says how to show it the whole: `{fit: "squeeze"}` or, with bars, `{fit: "bars"}`.
   *
   * @param {ImageSource | Picture} image
   * @param {{k?: number, crop?: boolean} & Framing} [options] `crop` also returns the network's input as R × R RGBA bytes
   * @throws {EngineError} `wrong-argument` if the box is not within the picture
   */
  async classify(image, { k = 5, crop = false, fit, box } = {}) {
    checkWhole({ k });
    const framing = { fit, box };
    return onPicture(this.engine, image, framing, (picture) =>
      this.engine.call("classify", { classifier: this.handle, picture, k, crop, framing }),
    );
  }

  /**
   * A block's output: `values`, one channel of `size` × `size` numbers after another, and `crop`, the network's crop as
   * R × R RGBA bytes.
   *
   * @param {ImageSource | Picture} image
   * @param {number} block 0 – 16
   * @param {Framing} [framing] as of `classify`
   */
  async featureMaps(image, block, framing = {}) {
    checkWhole({ block });
    return onPicture(this.engine, image, framing, (picture) =>
      this.engine.call("featureMaps", { classifier: this.handle, picture, block, framing }),
    );
  }

  /** @param {number} resolution 8 – 1024, on any weights */
  async setResolution(resolution) {
    checkWhole({ resolution });
    await this.engine.call("resize", { classifier: this.handle, resolution });
    this.config = { ...this.config, resolution };
  }

  /**
   * Sets how many output rows of a block are computed at a time, which does not change the result: with fewer it takes less
   * memory.
   *
   * @param {number} rows 0: as many as a cache holds
   */
  async setRowTile(rows) {
    checkWhole({ rows });
    await this.engine.call("setRowTile", { classifier: this.handle, rows });
  }

  /** Times one picture through this network. */
  measure() {
    return this.engine.call("measure", { classifier: this.handle });
  }
}

/** A network in training. Its actions take turns: an evaluation pauses training, so that both use the same weights. */
export class Trainer extends Held {
  /** @type {Promise<unknown>} */
  #turn = Promise.resolve();
  /** @type {import("./protocol.js").Step[]} steps done that nobody has taken yet */
  #done = [];

  /** @param {Engine} engine @param {number} handle @param {import("./protocol.js").Prepared} prepared */
  constructor(engine, handle, prepared) {
    super(engine, handle);
    this.labels = prepared.names;
    this.images_per_epoch = prepared.images_per_epoch;
    this.held_out = prepared.held_out;
  }

  /** Steps done that `run` has not handed over yet. */
  get ahead() {
    return this.#done.length;
  }

  /**
   * @template T
   * @param {() => Promise<T>} action
   * @returns {Promise<T>}
   */
  #inTurn(action) {
    const result = this.#turn.then(action);
    this.#turn = result.catch(() => {});
    return result;
  }

  /**
   * Trains while it is iterated: `for await (const { step, loss, accuracy, learning_rate } of trainer.run())`. Leaving
   * the loop pauses; a later `run` continues. An abort first hands over the steps that were done.
   *
   * @param {{steps?: number, signal?: AbortSignal}} [options]
   */
  async *run({ steps = Infinity, signal } = {}) {
    if (steps !== Infinity) checkWhole({ steps });
    const halt = () => this.engine.call("halt", { trainer: this.handle }).catch(() => {}); // a core that was stopped has halted
    signal?.addEventListener("abort", halt);
    try {
      for (let taken = 0; taken < steps; taken++) {
        while (!this.#done.length) {
          signal?.throwIfAborted();
          await this.#inTurn(async () => {
            const args = { trainer: this.handle, steps: steps - taken, milliseconds: SLICE };
            this.#done.push(...(await this.engine.call("train", args)).steps);
          });
        }
        yield /** @type {import("./protocol.js").Step} */ (this.#done.shift());
      }
    } finally {
      signal?.removeEventListener("abort", halt);
    }
  }

  /**
   * Loss and accuracy on held-out pictures, by the running averages of batch norm; for each picture its label, the
   * predicted class and its probability.
   *
   * @param {{images?: number, signal?: AbortSignal, onProgress?: (share: number) => void,
   *   weightsIf?: (found: {loss: number, accuracy: number, total: number}) => boolean}} [options] `images`: how many, from the
   *   first on; by default, and at most, all. `weightsIf` receives the result and says whether to return the evaluated weights
   *   with it, as a file
   */
  evaluate({ images: most = this.held_out, signal, onProgress, weightsIf } = {}) {
    return this.#inTurn(async () => {
      const images = Math.min(most, this.held_out);
      if (!(images > 0)) throw new EngineError("core", `evaluate needs at least one picture, found ${images}`);
      const each = {
        predictions: new Uint32Array(images),
        confidences: new Float32Array(images),
        labels: new Uint32Array(images),
      };
      const all = { loss: 0, correct: 0, total: 0 };
      while (all.total < images) {
        const args = { trainer: this.handle, first: all.total, count: images - all.total, milliseconds: SLICE };
        const part = await abortable(this.engine.call("evaluate", args), signal);
        each.predictions.set(part.predictions, all.total);
        each.confidences.set(part.confidences, all.total);
        each.labels.set(part.labels, all.total);
        all.loss += part.loss * part.total;
        all.correct += part.correct;
        all.total += part.total;
        onProgress?.(all.total / images);
      }
      const found = { ...all, loss: all.loss / all.total, accuracy: all.correct / all.total };
      return { ...found, ...each, weights: weightsIf?.(found) ? await this.weights() : null };
    });
  }

  /**
   * Changes the recipe from the next step on; returns the number of pictures trained on before.
   *
   * @param {Recipe} recipe the changes; `batch` and `freeze` cannot change
   */
  setRecipe(recipe) {
    return this.engine.call("setRecipe", { trainer: this.handle, recipe });
  }

  /** Held-out pictures and their labels. @param {number} count @param {number} [first] */
  heldOut(count, first = 0) {
    return this.engine.call("heldOut", { trainer: this.handle, first, count });
  }

  /** The network's current predictions for one held-out picture. @param {number} index @param {number} k */
  predict(index, k) {
    return this.engine.call("predict", { trainer: this.handle, index, k });
  }

  /**
   * The first pictures of the next batch, what the network will see of them, and the window of each.
   *
   * @param {number} count at most the recipe's `batch`
   */
  nextBatch(count) {
    return this.#inTurn(async () => {
      const { windows, ...batch } = await this.engine.call("nextBatch", { trainer: this.handle, count });
      return { ...batch, windows: windowsOf(windows) };
    });
  }

  /**
   * What the network consists of now: of each layer the shares of its output for the first held-out picture that are 0 and 6,
   * and the output's effective rank; how long the gradient of its weights was in the last step; and the stem's filters. With the
   * number of pictures trained on before, and the milliseconds that it took.
   */
  inside() {
    return this.#inTurn(async () => {
      const { statistics, ...inside } = await this.engine.call("inside", { trainer: this.handle });
      return { statistics: statisticsOf(statistics), ...inside };
    });
  }

  /**
   * The network as a `.safetensors` file.
   *
   * @param {{half?: boolean}} [options] `half`: 16 instead of 32 bits per number
   */
  async weights({ half = false } = {}) {
    return (await this.engine.call("weights", { trainer: this.handle, half })).bytes;
  }

  /**
   * Everything besides the data that `createTrainer` needs to continue later, taken when `run` has handed over all
   * steps.
   */
  snapshot() {
    return this.#inTurn(() => this.engine.call("snapshot", { trainer: this.handle }));
  }
}
