/**
 * Every message that crosses between engine.js and worker.js.
 *
 * The engine sends {@link Request}s; the worker answers each with one {@link Answer}, when it is ready, and may send
 * {@link Notice}s in between. Large buffers in answers are transferred; nothing is serialised as text. Handles
 * (`classifier`, `trainer`, `picture`) are numbers that the engine chooses.
 *
 * @typedef {import("./pkg/simd128-threads/mobilenetv2.js").Config} Config
 * @typedef {import("./pkg/simd128-threads/mobilenetv2.js").Recipe} Recipe
 * @typedef {import("./pkg/simd128-threads/mobilenetv2.js").Description} Description
 * @typedef {import("./pkg/simd128-threads/mobilenetv2.js").LayerCost} LayerCost
 * @typedef {import("./pkg/simd128-threads/mobilenetv2.js").Prediction} Prediction
 * @typedef {import("./pkg/simd128-threads/mobilenetv2.js").About} About
 * @typedef {import("./pkg/simd128-threads/mobilenetv2.js").Result} Result
 * @typedef {import("./pkg/simd128-threads/mobilenetv2.js").FeatureMaps} FeatureMaps
 * @typedef {import("./pkg/simd128-threads/mobilenetv2.js").Filters} Filters
 * @typedef {import("./pkg/simd128-threads/mobilenetv2.js").Inputs} Inputs
 * @typedef {import("./pkg/simd128-threads/mobilenetv2.js").Step} Step
 * @typedef {import("./pkg/simd128-threads/mobilenetv2.js").Evaluation} Evaluation
 * @typedef {import("./pkg/simd128-threads/mobilenetv2.js").ProfileRow} ProfileRow
 * @typedef {import("./pkg/simd128-threads/mobilenetv2.js").Manifold} Manifold
 */

/**
 * A part of an upright picture, in pixels; edges may lie within pixels.
 * @typedef {{x: number, y: number, width: number, height: number}} Box
 */

/**
 * The part of a picture that becomes a network's input: a centre crop whose side is this share of the shorter side, a box,
 * squeezed unless it is square, or the whole picture, between bars of this colour (0 – 1).
 * @typedef {{center: number} | {box: Box} | {bars: [number, number, number]}} View
 */

/**
 * How a picture is fed to a network, whose input is square. The default `fit` is `"crop"`: the centre crop of the network's
 * evaluation, or the part `box`, squeezed unless it is square. `"squeeze"` and `"bars"` take the whole picture: squeezed
 * into the square, or in its own proportions between bars of the network's mean colour.
 * @typedef {{fit?: "crop" | "squeeze" | "bars", box?: Box}} Framing
 */

/**
 * The result for one picture; `crop` holds the network's crop as R × R RGBA bytes, if requested.
 * @typedef {Result & {crop: Uint8Array | null}} Classification
 */

/**
 * A block's output for a picture, and the network's crop as R × R RGBA bytes.
 * @typedef {FeatureMaps & {crop: Uint8Array}} Seen
 */

/**
 * The data of a training. `shapes` are drawn without end, so `images` only sets the length of an epoch. `cifar-10`
 * takes its mosaics from the folder `base`, or is what `openCifar` or `fetchCifar` stored. `hub` is a set of the Hugging Face
 * Hub, of which `images` pictures are taken in total (see `hub.js` for the rest). `images` are the caller's own: (N, R,
 * R, 3) RGB bytes; `pictures` are files of any size, cropped and resized as for classification. Of both the last
 * `held_out` are kept for evaluation.
 * @typedef {{kind: "shapes", images?: number}
 *   | {kind: "cifar-10", base: string} | {kind: "cifar-10", opened: true}
 *   | {kind: "hub", images: number} & import("./hub.js").Wanted
 *   | {kind: "images", images: Uint8Array, labels: Uint32Array, resolution: number, names: string[], held_out: number}
 *   | {kind: "pictures", pictures: Blob[], labels: Uint32Array, names: string[], held_out: number}
 * } Data
 */

/**
 * Some pictures of a data set: (N, R, R, 3) RGB bytes and one label each; `indices` are their places in a fixed set.
 * @typedef {{images: Uint8Array, labels: Uint32Array, resolution: number, indices?: Uint32Array}} Batch
 */

/**
 * Facts about a loaded network.
 * @typedef {{config: Required<Config>, labels: string[]}} Loaded
 */

/**
 * Facts about a training once its data are known.
 * @typedef {{names: string[], images_per_epoch: number, held_out: number}} Prepared
 */

/**
 * The result of an evaluation, with the pictures' labels.
 * @typedef {Evaluation & {labels: Uint32Array}} Evaluated
 */

/**
 * The state of a training: the core's snapshot, which is also a `.safetensors` file of the weights, the recipe, and the
 * number of images drawn.
 * @typedef {{bytes: Uint8Array, recipe: Recipe, position: number}} Snapshot
 */

/**
 * Arguments and answer of each of the worker's methods.
 * @typedef {object} Methods
 * @property {[{variant: string, threads: number, locks: string}, {}]} init Loads the wasm module and starts its threads; each
 *   holds the lock of its number, `LOCKS-0` and so on, until it ends.
 * @property {[{}, {}]} ping Answers, unless the worker is busy.
 * @property {[{config: Config}, Description]} describe Costs of a network, layer by layer.
 * @property {[{classifier: number, weights: Uint8Array, options: Config}, About]} load Creates a classifier.
 * @property {[{weights: Uint8Array, options: Config}, About]} about Reads what a file of weights says about its network.
 * @property {[{classifier: number, resolution: number}, {}]} resize Sets a classifier's resolution.
 * @property {[{classifier: number, rows: number}, {}]} setRowTile Sets how many output rows of a block are computed at a time; 0:
 *   as many as a cache holds.
 * @property {[{classifier?: number, config?: Config}, Measured]} measure Times one picture through a classifier, or
 *   through untrained weights of `config`.
 * @property {[{from: number, to: number, size: number}, {plain: number, separable: number}]} timeConvolutions Median milliseconds
 *   of a 3×3 convolution from `from` to `to` channels on maps of `size`² pixels.
 * @property {[{config: Config, batch: number}, Profiled]} profile Times one picture through untrained weights or, if `batch` is
 *   not 0, a training step on as many, as a whole and operation by operation.
 * @property {[{picture: number, source: Pixels}, {width: number, height: number, preview: Blob | null}]} open Keeps a picture;
 *   `preview` replaces a file that is large or not shown upright by every browser.
 * @property {[{classifier: number, picture: number, k: number, crop: boolean, framing: Framing}, Classification]} classify Runs the
 *   network.
 * @property {[{classifier: number, picture: number, block: number, framing: Framing}, Seen]} featureMaps Runs the network up to a
 *   block, 0 – 16.
 * @property {[{trace: number, weights: Uint8Array, options: Config}, Loaded]} loadTrace Creates a network to look into.
 * @property {[{trace: number, picture: number, k: number, framing: Framing, changes: Changes}, {predictions:
 *   Prediction[], crop: Uint8Array}]} runTrace Runs it, changed, and keeps the outputs of its layers.
 * @property {[{trace: number, layer: number}, FeatureMaps]} maps A layer's output for the last picture.
 * @property {[{trace: number, layer: number}, Filters]} filters A layer's filters.
 * @property {[{trace: number}, Float32Array]} statistics Three numbers for each layer; see trace.js.
 * @property {[{trace: number, images: Uint8Array, labels: Uint32Array, changes: Changes}, number]} correct How
 *   many pictures it classifies as their labels say.
 * @property {[{trainer: number, config: Config, recipe: Recipe, data: Data, weights: Uint8Array | null, options: Config,
 *   snapshot: Snapshot | null}, Prepared]} prepare Creates a trainer; with `weights` it continues from those with their
 *   config, except for `config.resolution`. With `snapshot` it continues that training.
 * @property {[{trainer: number, milliseconds: number}, {done: number, total: number}]} ready Decodes as many pictures as
 *   fit into the time and, if only the classifier learns, computes their features. Repeat it until all are done.
 * @property {[{trainer: number, steps: number, milliseconds: number}, {steps: Step[]}]} train Takes as many steps as fit into
 *   the time, at least one and at most `steps`.
 * @property {[{trainer: number}, {}]} halt Makes `train` return what it has, even while it waits for data.
 * @property {[{trainer: number, first: number, count: number, milliseconds: number}, Evaluated]} evaluate Evaluates as many
 *   held-out pictures from `first` on as fit into the time.
 * @property {[{trainer: number, first: number, count: number}, Batch]} heldOut Some held-out pictures.
 * @property {[{trainer: number, index: number, k: number}, Prediction[]]} predict Classifies one held-out picture.
 * @property {[{trainer: number, recipe: Recipe}, {position: number}]} setRecipe Changes these settings from the next step on;
 *   `position`: images drawn before.
 * @property {[{trainer: number, count: number}, Batch & Inputs]} nextBatch The first pictures of the next batch, and what the
 *   network will see of them.
 * @property {[{trainer: number}, Inside]} inside What the network consists of now.
 * @property {[{config: Config, recipe: Recipe, images: Uint8Array, count: number}, Inputs]} augmented What a training would see of
 *   these pictures.
 * @property {[{recipe: Recipe, epochs: Float64Array}, Float32Array]} learningRates The rates after so many epochs each.
 * @property {[{trainer: number, half: boolean}, {bytes: Uint8Array}]} weights A `.safetensors` file.
 * @property {[{source: Blob | {api?: string}}, {}]} storeCifar Starts to store CIFAR-10: its archive, or the Hub's copy.
 * @property {[{}, {share: number, bytes: number, stored: boolean, checked: boolean}]} cifarState How much of it is stored.
 * @property {[{}, {}]} forgetCifar Stops that, and removes everything.
 * @property {[{weights: Uint8Array, options: Config}, {bytes: Uint8Array}]} toOnnx An ONNX model of a `.safetensors` file.
 * @property {[{trainer: number}, Snapshot]} snapshot Everything that a training needs to continue.
 * @property {[{seed: number, first: number, count: number, resolution: number}, Batch & {names: string[]}]} shapes Draws.
 * @property {[{dimensions: number, relu: boolean, seed: number}, Manifold]} manifold Embeds a spiral in so many dimensions, with
 *   or without ReLU there, and projects it back.
 * @property {[{handle: number}, {}]} drop Frees a classifier, a trainer or a picture.
 */

/**
 * What is different from the network of the weights. `reluFrom`: from this block on, counted from 1, the projections have
 * a ReLU6; 0: none has. `weightBits` and `activationBits`: each output channel's weights, and each layer's output, are rounded
 * to so many bits, 2 – 16; 0: they are not.
 * @typedef {{reluFrom?: number, weightBits?: number, activationBits?: number}} Changes
 */

/**
 * A network in training: of each layer the shares of zeros and sixes in its output for a held-out picture and the output's
 * effective rank, three numbers; the length of its weights' gradient in the last step; and the stem's filters, (C, 3, 9).
 * `position`: images trained on before; `milliseconds` that it took to find out.
 * @typedef {{statistics: Float32Array, gradients: Float32Array, filters: Float32Array, position: number, milliseconds: number}} Inside
 */

/**
 * A picture in the form in which it is sent to the worker.
 * @typedef {Blob | ImageBitmap | {data: Uint8Array, width: number, height: number}} Pixels
 */

/**
 * Median time of one picture through the network, and the size of its buffers.
 * @typedef {{milliseconds: number, working_bytes: number}} Measured
 */

/**
 * Median time of one run, and of each operation in it: `seconds`, in inference summed over all threads, and the `macs`
 * of one picture.
 * @typedef {{milliseconds: number, rows: ProfileRow[]}} Profiled
 */

/** @typedef {{id: number, method: keyof Methods, args: any}} Request */

/**
 * `fatal`: the wasm instance cannot continue.
 * @typedef {{code: string, message: string, values: Record<string, string | number>, fatal: boolean}} Failure
 */

/** @typedef {{id: number, result: any} | {id: number, failure: Failure}} Answer */

/**
 * Something that takes time: the file of a data set that is being fetched; null when it has arrived.
 * @typedef {{loading: string | null}} Notice
 */

/**
 * The core has arrived, and this many threads start.
 * @typedef {{threads: number}} Starting
 */

export {};
