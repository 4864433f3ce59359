/**
 * MobileNetV2 in its own worker: classifies pictures and trains networks without blocking the page.
 *
 *     const engine = await createEngine();
 *     const classifier = await engine.loadClassifier("weights/shapes-0.35.safetensors");
 *     const { predictions } = await classifier.classify(await (await fetch("cat.jpg")).blob());
 *
 * Everything returns a promise. Long actions take an `AbortSignal` and report progress.
 */
import { checkData, checkWhole } from "./checks.js";
import { MICRO_BATCHES } from "./constants.js";
import { decode } from "./decode.js";
import { abortable, download, fetchFile, folderAt } from "./download.js";
import { EngineError } from "./errors.js";
import { Classifier, Picture, SLICE, Trainer, windowsOf } from "./handles.js";
import { Trace } from "./trace.js";
import { findObstacle, pickInstructions } from "./support.js";
import { Watch } from "./watch.js";

export { Classifier, download, EngineError, Picture, Trace, Trainer };
export { fetchCifar, forgetCifar, openCifar, openedCifar } from "./opencifar.js";

/**
 * @typedef {import("./protocol.js").Config} Config
 * @typedef {import("./protocol.js").Recipe} Recipe
 * @typedef {import("./protocol.js").Data} Data
 * @typedef {import("./protocol.js").Methods} Methods
 * @typedef {import("./decode.js").ImageSource} ImageSource
 */

/**
 * Starts the worker and loads the core.
 *
 * @param {{threads?: number}} [options] number of `threads`, if the browser allows several; by default one per
 *   processor core. Results do not depend on it.
 * @throws {EngineError} `no-simd`, `no-worker` if the worker does not load, `other-origin`, or `core`
 */
export async function createEngine({ threads = Math.min(navigator.hardwareConcurrency, MICRO_BATCHES) } = {}) {
  const engine = new Engine(pickInstructions(), threads);
  await engine.start();
  return engine;
}

/**
 * The worker and the calls that wait for it. Events:
 *
 * - `restart` after the core was restarted (because its memory ran out, for example), with the error if there was one;
 *   classifiers and trainers are gone then
 * - `failure` with the error if the restart failed
 * - `loading` with the name of the data file being fetched, or null
 * - `silent` with the seconds since the worker last answered, repeatedly while a call waits, and null once it answers:
 *   it may be busy, or `restart` ends it
 */
export class Engine extends EventTarget {
  /** @type {Map<number, {resolve: (result: any) => void, reject: (error: Error) => void}>} */
  #waiting = new Map();
  #next = 1;
  /** @type {Worker | undefined} */
  #worker;
  #watch = this.#newWatch();
  #instructions;

  /** @param {string} instructions @param {number} threads */
  constructor(instructions, threads) {
    super();
    this.#instructions = instructions;
    /** Number of threads. */
    this.threads = Math.min(Math.max(1, Math.floor(threads) || 1), MICRO_BATCHES);
    /** Why there is only one thread although several were requested. @type {import("./support.js").Obstacle | null} */
    this.obstacle = this.threads > 1 ? findObstacle() : null;
    if (this.obstacle) this.threads = 1;
  }

  /** The core's build: its instruction set, and `-threads` if there are several. */
  get variant() {
    return this.threads > 1 ? `${this.#instructions}-threads` : this.#instructions;
  }

  /** The variants that may be needed: if threads fail, also the single-threaded one. */
  get variants() {
    return [...new Set([this.variant, this.#instructions])];
  }

  /** Starts the worker, initially or again. */
  async start() {
    const worker = createWorker();
    const watch = (this.#watch = this.#newWatch());
    const locks = `mobilenetv2-${Math.random()}`;
    let started = false;
    let threadsStarted = () => {};
    worker.onmessage = ({ data }) => {
      if ("threads" in data) {
        threadsStarted = watch.startThreads(() =>
          this.#fail(new EngineError("no-threads", "the threads do not start")),
        );
      } else this.#receive(data);
    };
    worker.onerror = (event) => {
      const reason = event.message || "the worker did not load";
      if (started) this.#startAnew(new EngineError("engine-stopped", reason));
      else this.#fail(new EngineError("no-worker", reason));
    };
    this.#worker = worker;
    try {
      await this.call("init", { variant: this.variant, threads: this.threads, locks });
      threadsStarted();
      started = true;
      if (this.threads > 1) watch.threads(threadLocks(locks, this.threads), () => this.#loseThread());
    } catch (error) {
      if (this.#worker !== worker) throw error; // it was replaced meanwhile
      this.close();
      if (/** @type {EngineError} */ (error).code === "no-worker") await explainNoWorker();
      if (this.threads === 1) throw error;
      console.warn("no threads:", error);
      this.threads = 1;
      this.obstacle = "failed";
      await this.start();
    }
  }

  /**
   * Ends whatever the core is doing, with everything it held, and restarts it.
   *
   * @param {Error} [reason] given to the calls that wait
   */
  async restart(reason) {
    this.close(reason);
    await this.start();
    this.dispatchEvent(new CustomEvent("restart", { detail: reason }));
  }

  /** @param {Error} reason */
  #startAnew(reason) {
    this.restart(reason).catch((error) => this.dispatchEvent(new CustomEvent("failure", { detail: error })));
  }

  /**
   * Handles the end of a thread, for which the worker would wait forever. It may happen to other threads too, so there
   * is only one from now on.
   */
  #loseThread() {
    this.threads = 1;
    this.obstacle = "lost";
    this.#startAnew(new EngineError("thread-lost", "one of the threads has ended"));
  }

  #newWatch() {
    return new Watch({
      ping: () => this.#worker?.postMessage({ id: 0, method: "ping", args: {} }),
      silent: (seconds) => this.dispatchEvent(new CustomEvent("silent", { detail: seconds })),
    });
  }

  /**
   * Ends the worker and its threads. Calls that wait for it are rejected, and so is every later one.
   *
   * @param {Error} [reason] with which they are rejected
   */
  close(reason = new EngineError("engine-stopped", "the engine was stopped")) {
    this.#watch.stop();
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#fail(reason);
    this.dispatchEvent(new CustomEvent("loading", { detail: null }));
  }

  /** @param {Error} error */
  #fail(error) {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
    this.#watch.waiting = false;
  }

  /** @param {import("./protocol.js").Answer | import("./protocol.js").Notice} message */
  #receive(message) {
    this.#watch.heard();
    if ("loading" in message) {
      this.dispatchEvent(new CustomEvent("loading", { detail: message.loading }));
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    this.#watch.waiting = this.#waiting.size > 0;
    if ("result" in message) {
      waiting?.resolve(message.result);
      return;
    }
    const { code, message: text, values, fatal } = message.failure;
    waiting?.reject(new EngineError(fatal ? "engine-stopped" : code, text, values));
    if (fatal) this.#startAnew(new EngineError("engine-stopped", text));
  }

  /**
   * Calls one of the worker's methods (protocol.js).
   *
   * @template {keyof Methods} M
   * @param {M} method
   * @param {Methods[M][0]} args
   * @param {Transferable[]} [transfer]
   * @returns {Promise<Methods[M][1]>}
   */
  call(method, args, transfer = []) {
    return new Promise((resolve, reject) => {
      if (!this.#worker) throw new EngineError("engine-stopped", "the engine was stopped");
      const id = this.handle();
      this.#waiting.set(id, { resolve, reject });
      this.#watch.waiting = method !== "init"; // init may have much to fetch
      this.#worker.postMessage({ id, method, args }, transfer);
    });
  }

  /** A number that is unique among this engine's messages and objects. */
  handle() {
    return this.#next++;
  }

  /**
   * Parameters, multiply-adds and memory of a network, layer by layer.
   *
   * @param {Config} config
   */
  describe(config) {
    return this.call("describe", { config });
  }

  /**
   * Times one picture through a network with untrained weights.
   *
   * @param {Config} config
   */
  measure(config) {
    return this.call("measure", { config });
  }

  /**
   * Times a network with untrained weights, as a whole and operation by operation.
   *
   * @param {Config} config
   * @param {{batch?: number}} [options] `batch`: pictures per training step; without it, one picture is classified
   */
  async profile(config, { batch = 0 } = {}) {
    checkWhole({ batch });
    return this.call("profile", { config, batch });
  }

  /**
   * Pictures of the drawn data set: (count, R, R, 3) RGB bytes and labels.
   *
   * @param {{seed?: number, first?: number, count: number, resolution: number}} options
   */
  async shapes({ seed = 0, first = 0, count, resolution }) {
    checkWhole({ seed, first, count, resolution });
    return this.call("shapes", { seed, first, count, resolution });
  }

  /**
   * What ReLU destroys (the paper's figure 1): a spiral in the plane, embedded by a random matrix in `dimensions`
   * dimensions, 2 – 64, with or without ReLU there, and projected back.
   *
   * @param {{dimensions: number, relu?: boolean, seed?: number}} options `seed`: of the matrix
   */
  async manifold({ dimensions, relu = true, seed = 1 }) {
    checkWhole({ dimensions, seed });
    return this.call("manifold", { dimensions, relu, seed });
  }

  /**
   * Times a 3×3 convolution with stride 1, plain and separable: median milliseconds of each.
   *
   * @param {{from: number, to: number, size: number}} shape channels read and written, multiples of 8 up to 2048, and the map's
   *   height and width, up to 1024
   */
  async timeConvolutions({ from, to, size }) {
    checkWhole({ from, to, size });
    return this.call("timeConvolutions", { from, to, size });
  }

  /**
   * The learning rates of a recipe.
   *
   * @param {Recipe} recipe
   * @param {ArrayLike<number>} epochs whole and fractional numbers of epochs trained before
   * @returns {Promise<Float32Array>}
   */
  async learningRates(recipe, epochs) {
    return this.call("learningRates", { recipe, epochs: Float64Array.from(epochs) });
  }

  /**
   * What a training of a network of `config` would see of pictures: `inputs`, (N, R, R, 3), normalised, and what was done to
   * each. The recipe's seed determines what is drawn.
   *
   * @param {Uint8Array} images (N, S, S, 3) RGB bytes
   * @param {number} count N
   * @param {{config: Config, recipe: Recipe}} training
   */
  async augmented(images, count, { config, recipe }) {
    checkWhole({ count });
    const { inputs, windows } = await this.call("augmented", { config, recipe, images, count });
    return { inputs, windows: windowsOf(windows) };
  }

  /**
   * Creates a classifier from a `.safetensors` file.
   *
   * @param {string | URL | Blob | Uint8Array} source an address, a file or its bytes
   * @param {{options?: Config, signal?: AbortSignal, onProgress?: (share: number) => void}} [how] `options` fill in
   *   what the file leaves open; `onProgress` receives the share downloaded, 0 – 1
   * @returns {Promise<Classifier>}
   */
  async loadClassifier(source, { options = {}, signal, onProgress } = {}) {
    const weights = await bytesOf(source, { signal, onProgress });
    const classifier = this.handle();
    const { config, labels } = await this.call("load", { classifier, weights, options });
    return new Classifier(this, classifier, config, labels);
  }

  /**
   * Creates a network to look into from a `.safetensors` file.
   *
   * @param {string | URL | Blob | Uint8Array} source an address, a file or its bytes
   * @param {{options?: Config, signal?: AbortSignal, onProgress?: (share: number) => void}} [how] as of `loadClassifier`
   * @returns {Promise<Trace>}
   */
  async loadTrace(source, { options = {}, signal, onProgress } = {}) {
    const weights = await bytesOf(source, { signal, onProgress });
    const trace = this.handle();
    return new Trace(this, trace, await this.call("loadTrace", { trace, weights, options }));
  }

  /**
   * What a `.safetensors` file of weights says of its network: its config, and the names of its classes, if it has any. The whole
   * file is checked.
   *
   * @param {string | URL | Blob | Uint8Array} source an address, a file or its bytes
   * @param {{options?: Config, signal?: AbortSignal, onProgress?: (share: number) => void}} [how] as of `loadClassifier`
   */
  async about(source, { options = {}, signal, onProgress } = {}) {
    const weights = await bytesOf(source, { signal, onProgress });
    return this.call("about", { weights, options });
  }

  /**
   * The network of a `.safetensors` file as an ONNX model with the input `image`, (N, 3, R, R), normalised, and the
   * output `logits`.
   *
   * @param {string | URL | Blob | Uint8Array} source an address, a file or its bytes
   * @param {{options?: Config, signal?: AbortSignal, onProgress?: (share: number) => void}} [how] as for
   *   `loadClassifier`
   */
  async toOnnx(source, { options = {}, signal, onProgress } = {}) {
    const weights = await bytesOf(source, { signal, onProgress });
    return (await this.call("toOnnx", { weights, options })).bytes;
  }

  /**
   * Decodes a picture once, to be classified any number of times.
   *
   * @param {ImageSource} source
   * @returns {Promise<Picture>}
   * @throws {EngineError} `empty-file`, `not-an-image`, `damaged`, `unsupported`, `too-large`, `no-canvas`, or
   *   `falsified` if the browser does not give true pixels
   */
  async openPicture(source) {
    const picture = this.handle();
    const pixels = await decode(source);
    const transfer = pixels instanceof ImageBitmap ? [pixels] : [];
    const { width, height, preview } = await this.call("open", { picture, source: pixels }, transfer);
    return new Picture(this, picture, width, height, preview);
  }

  /**
   * Creates a trainer. Without `weights` it starts from random ones for the network of `config`. With them it continues
   * from those with their own config, at `config.resolution` if that is given; if the data have other classes, the
   * classifier starts anew. The `recipe.freeze` leading modules are frozen; with all 19 only the classifier learns,
   * from features that are computed once, so that a training takes seconds.
   *
   * With a `snapshot` it continues that training bit for bit; apart from it, only the data are needed.
   *
   * @param {{config?: Config, recipe?: Recipe, data: Data, weights?: string | URL | Blob | Uint8Array,
   *   options?: Config, snapshot?: import("./protocol.js").Snapshot, signal?: AbortSignal,
   *   onProgress?: (share: number) => void, onReady?: (share: number) => void}} how `options` fill in what the weights file leaves
   *   open; `onReady` receives the share of the pictures that have been fetched, decoded and possibly turned into features, if
   *   they are always the same
   * @returns {Promise<Trainer>}
   * @throws {EngineError} `wrong-argument` names what `data` lack, `other-classes` if their classes differ from the
   *   snapshot's, `hub-…` and `parquet-…` if a set of the Hub cannot be read
   *   snapshot's training, `hub-…` and `parquet-…` where a set of the Hub cannot be read
   */
  async createTrainer({
    config = {},
    recipe = {},
    data,
    weights,
    options = {},
    snapshot,
    signal,
    onProgress,
    onReady,
  }) {
    checkData(data);
    const bytes = weights === undefined ? null : await bytesOf(weights, { signal, onProgress });
    if (data.kind === "cifar-10" && "base" in data) data = { ...data, base: folderAt(data.base) };
    if (data.kind === "hub" && data.api) data = { ...data, api: folderAt(data.api) };
    const trainer = this.handle();
    const start = { config, recipe, data, weights: bytes, options, snapshot: snapshot ?? null };
    const preparing = this.call("prepare", { trainer, ...start });
    const prepared = await abortable(preparing, signal).catch(async (error) => {
      if (signal?.aborted) await this.call("drop", { handle: trainer });
      throw error;
    });
    const made = new Trainer(this, trainer, prepared);
    try {
      for (let done = 0, total = Infinity; done < total;) {
        ({ done, total } = await abortable(this.call("ready", { trainer, milliseconds: SLICE }), signal));
        if (total) onReady?.(done / total);
      }
    } catch (error) {
      made.close();
      throw error;
    }
    return made;
  }
}

/**
 * The address is written out where it is used, since bundlers find the file that way.
 *
 * @throws {EngineError} `other-origin`
 */
function createWorker() {
  try {
    return new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  } catch (error) {
    throw /** @type {Error} */ (error).name === "SecurityError" ? otherOrigin() : error;
  }
}

/**
 * Finds out why the worker did not load, if the host says so: next to this module in a build lies the worker.
 *
 * @throws {EngineError} `other-origin`, or as `fetchFile`
 */
async function explainNoWorker() {
  const script = import.meta.url.replace(/[^/]*$/, "worker.js");
  if (!/^https?:/.test(script)) return; // a bundler moved it
  if (new URL(script).origin !== location.origin) throw otherOrigin();
  await fetchFile(script);
}

/** Browsers only start workers from the page's own origin. */
function otherOrigin() {
  const { origin, host } = new URL(import.meta.url);
  const message = `engine.js comes from ${origin}, but a page of ${location.origin} cannot start workers from there: copy the package to its own host`;
  return new EngineError("other-origin", message, { host });
}

/** The names of the threads' locks, from their common prefix. @param {string} locks @param {number} threads */
const threadLocks = (locks, threads) => Array.from({ length: threads }, (_, i) => `${locks}-${i}`);

/**
 * @param {string | URL | Blob | Uint8Array} source
 * @param {{signal?: AbortSignal, onProgress?: (share: number) => void}} how
 */
async function bytesOf(source, how) {
  if (source instanceof Uint8Array) return source;
  if (source instanceof Blob) return new Uint8Array(await source.arrayBuffer());
  return download(source, how);
}
