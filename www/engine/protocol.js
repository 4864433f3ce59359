/**
 * Every message that crosses between engine.js and worker.js.
 *
 * The engine sends a {@link Request}; the worker answers each with one {@link Answer}, in its own time, and may send
 * {@link Notice}s in between. Large buffers of answers are transferred, nothing is turned into text. Handles (`classifier`,
 * `trainer`, `picture`) are numbers that the engine chooses.
 *
 * @typedef {import("./pkg/simd128-threads/mobilenetv2.js").Config} Config
 * @typedef {import("./pkg/simd128-threads/mobilenetv2.js").Recipe} Recipe
 * @typedef {import("./pkg/simd128-threads/mobilenetv2.js").Description} Description
 * @typedef {import("./pkg/simd128-threads/mobilenetv2.js").LayerCost} LayerCost
 * @typedef {import("./pkg/simd128-threads/mobilenetv2.js").Prediction} Prediction
 * @typedef {import("./pkg/simd128-threads/mobilenetv2.js").Result} Result
 * @typedef {import("./pkg/simd128-threads/mobilenetv2.js").FeatureMaps} FeatureMaps
 * @typedef {import("./pkg/simd128-threads/mobilenetv2.js").Step} Step
 * @typedef {import("./pkg/simd128-threads/mobilenetv2.js").Evaluation} Evaluation
 * @typedef {import("./pkg/simd128-threads/mobilenetv2.js").ProfileRow} ProfileRow
 * @typedef {import("./pkg/simd128-threads/mobilenetv2.js").Manifold} Manifold
 */

/**
 * Result of one picture; `crop` holds the R × R RGBA bytes that the network saw, where they were asked for.
 * @typedef {Result & {crop: Uint8Array | null}} Classification
 */

/**
 * What a block puts out for a picture, with the R × R RGBA bytes that the network saw.
 * @typedef {FeatureMaps & {crop: Uint8Array}} Seen
 */

/**
 * What a training reads. `shapes` are drawn without end, so `images` only says how many make an epoch. `cifar-10`
 * takes its mosaics from the folder `base`, or is the archive that `openCifar` was given. `hub` is a set of the Hugging Face Hub, of which `images` pictures are taken in all
 * (`hub.js` says what the rest is). `images` are the caller's own: (N, R, R, 3) RGB bytes; `pictures` are files of any size, cut
 * and resized as for classification. Of both the last `held_out` are kept for evaluation.
 * @typedef {{kind: "shapes", images?: number}
 *   | {kind: "cifar-10", base: string} | {kind: "cifar-10", opened: true}
 *   | {kind: "hub", images: number} & import("./hub.js").Wanted
 *   | {kind: "images", images: Uint8Array, labels: Uint32Array, resolution: number, names: string[], held_out: number}
 *   | {kind: "pictures", pictures: Blob[], labels: Uint32Array, names: string[], held_out: number}
 * } Data
 */

/**
 * Some pictures of a data set: (N, R, R, 3) RGB bytes and one label each; `indices` are theirs in a fixed set.
 * @typedef {{images: Uint8Array, labels: Uint32Array, resolution: number, indices?: Uint32Array}} Batch
 */

/**
 * What is known of a loaded network.
 * @typedef {{config: Required<Config>, labels: string[]}} Loaded
 */

/**
 * What is known of a training once its data were found.
 * @typedef {{names: string[], images_per_epoch: number, held_out: number}} Prepared
 */

/**
 * What an evaluation found, with the labels that the pictures have.
 * @typedef {Evaluation & {labels: Uint32Array}} Evaluated
 */

/**
 * The state of a training: the core's snapshot, which is a `.safetensors` file of the weights too, the recipe, and how many
 * images have been drawn.
 * @typedef {{bytes: Uint8Array, recipe: Recipe, position: number}} Snapshot
 */

/**
 * Argument and answer of every method of the worker.
 * @typedef {object} Methods
 * @property {[{variant: string, threads: number, locks: string}, {}]} init Loads the wasm module and starts its threads; each
 *   holds the lock of its number, `LOCKS-0` and so on, until it ends.
 * @property {[{}, {}]} ping Answers, unless the worker is at work.
 * @property {[{config: Config}, Description]} describe Costs of a network, layer by layer.
 * @property {[{classifier: number, weights: Uint8Array, options: Config}, Loaded]} load Makes a classifier.
 * @property {[{classifier: number, resolution: number}, {}]} resize Sets a classifier's resolution.
 * @property {[{classifier?: number, config?: Config}, Measured]} measure Times one picture through a classifier, or
 *   through untrained weights of `config`.
 * @property {[{config: Config, batch: number}, Profiled]} profile Times one picture through untrained weights or, where
 *   `batch` is not 0, a training step on so many, as a whole and operation by operation.
 * @property {[{picture: number, source: Pixels}, {width: number, height: number, preview: Blob | null}]} open Keeps a picture;
 *   `preview` is to be shown instead of a file that is large or not shown upright everywhere.
 * @property {[{classifier: number, picture: number, k: number, crop: boolean}, Classification]} classify Runs the network.
 * @property {[{classifier: number, picture: number, block: number}, Seen]} featureMaps Runs the network up to a block, 0 – 16.
 * @property {[{trainer: number, config: Config, recipe: Recipe, data: Data, weights: Uint8Array | null, options: Config,
 *   snapshot: Snapshot | null}, Prepared]} prepare Makes a trainer; with `weights` it goes on from those and takes their
 *   config, but for `config.resolution`. With `snapshot` it is the training that this was taken of.
 * @property {[{trainer: number, milliseconds: number}, {done: number, total: number}]} ready Decodes as many pictures as
 *   fit into the time and, where the classifier alone learns, computes their features. To be repeated until all are done.
 * @property {[{trainer: number, steps: number, milliseconds: number}, {steps: Step[]}]} train As many steps as fit into
 *   the time, at least one and at most `steps`.
 * @property {[{trainer: number}, {}]} halt Has `train` return what it has, even where it waits for data.
 * @property {[{trainer: number, first: number, count: number, milliseconds: number}, Evaluated]} evaluate As many
 *   held-out pictures from `first` on as fit into the time.
 * @property {[{trainer: number, first: number, count: number}, Batch]} heldOut Some held-out pictures.
 * @property {[{trainer: number, index: number, k: number}, Result]} predict One held-out picture in full.
 * @property {[{trainer: number, recipe: Recipe}, {position: number}]} setRecipe Changes those settings from the next step on;
 *   `position`: how many images have been drawn before.
 * @property {[{trainer: number, half: boolean}, {bytes: Uint8Array}]} weights A `.safetensors` file.
 * @property {[{archive: Blob}, {}]} openArchive Begins to unpack the archive of CIFAR-10.
 * @property {[{}, {share: number, bytes: number, stored: boolean}]} archiveState How much of it is here.
 * @property {[{}, {}]} forgetArchive Stops that, and removes what there is.
 * @property {[{weights: Uint8Array, options: Config}, {bytes: Uint8Array}]} toOnnx An ONNX model of a `.safetensors` file.
 * @property {[{trainer: number}, Snapshot]} snapshot All a training needs to go on.
 * @property {[{seed: number, first: number, count: number, resolution: number}, Batch & {names: string[]}]} shapes Draws.
 * @property {[{dimensions: number, relu: boolean, seed: number}, Manifold]} manifold Carries a spiral into so many dimensions,
 *   through ReLU or not, and back.
 * @property {[{handle: number}, {}]} drop Frees a classifier, a trainer or a picture.
 */

/**
 * A picture on its way to the worker.
 * @typedef {Blob | ImageBitmap | {data: Uint8Array, width: number, height: number}} Pixels
 */

/**
 * Median time of one picture through the network and the buffers it needed.
 * @typedef {{milliseconds: number, working_bytes: number}} Measured
 */

/**
 * Median time of one run, and of each operation in one: `seconds`, added up over all threads in inference, and the `macs`
 * of one picture.
 * @typedef {{milliseconds: number, rows: ProfileRow[]}} Profiled
 */

/** @typedef {{id: number, method: keyof Methods, args: any}} Request */

/**
 * `fatal`: the wasm instance cannot go on.
 * @typedef {{code: string, message: string, values: Record<string, string | number>, fatal: boolean}} Failure
 */

/** @typedef {{id: number, result: any} | {id: number, failure: Failure}} Answer */

/**
 * Something a person may wait for: a file of the data set that is being fetched; null when it has arrived.
 * @typedef {{loading: string | null}} Notice
 */

/**
 * All of the core has arrived, and so many threads start.
 * @typedef {{threads: number}} Starting
 */

export {};
