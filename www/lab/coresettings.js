/** The core's settings, from which the page builds its form. Written by `cargo xtask generate`; not edited by hand. */

/**
 * @typedef {object} CoreSetting
 * @property {string} key
 * @property {boolean} live whether it may change during training
 * @property {number | string | boolean} paper
 * @property {string[]} [choices]
 * @property {number} [min]
 * @property {number} [max]
 * @property {boolean} [whole] integers only
 */

/** Of the network. @type {CoreSetting[]} */
export const CONFIG = [
  { key: "architecture", live: false, paper: "mobilenet-v2", choices: ["mobilenet-v2", "mobilenet-v1", "plain"] },
  { key: "width", live: false, paper: 1, min: 0.1, max: 4 },
  { key: "resolution", live: false, paper: 224, min: 8, max: 1024, whole: true },
  { key: "classes", live: false, paper: 1000, min: 1, max: 100000, whole: true },
  { key: "stem", live: false, paper: "imagenet", choices: ["imagenet", "cifar"] },
  { key: "activation", live: false, paper: "relu6", choices: ["relu6", "relu", "linear"] },
  { key: "bottleneck", live: false, paper: "linear", choices: ["relu6", "relu", "linear"] },
  { key: "shortcut", live: false, paper: "bottlenecks", choices: ["bottlenecks", "projected", "expansions", "none"] },
  { key: "expansion", live: false, paper: 6, min: 1, max: 10, whole: true },
  { key: "expand_first", live: false, paper: false },
  { key: "padding", live: false, paper: "symmetric", choices: ["symmetric", "same"] },
  { key: "epsilon", live: false, paper: 0.00001, min: 0.00000001, max: 1 },
  { key: "batch_norm_momentum", live: false, paper: 0.1, min: 0, max: 1 },
  { key: "dropout", live: false, paper: 0.2, min: 0, max: 0.95 },
  { key: "crop", live: false, paper: 0.875, min: 0.1, max: 1 },
];

/** Of the training. @type {CoreSetting[]} */
export const RECIPE = [
  { key: "batch", live: false, paper: 96, min: 1, max: 4096, whole: true },
  { key: "optimizer", live: false, paper: "rmsprop", choices: ["sgd", "nesterov", "rmsprop"] },
  { key: "learning_rate", live: true, paper: 0.045, min: 0, max: 10 },
  { key: "schedule", live: true, paper: "exponential", choices: ["exponential", "linear", "cosine", "constant"] },
  { key: "decay", live: true, paper: 0.98, min: 0, max: 1 },
  { key: "decay_until", live: true, paper: 150, min: 0, max: 1000000 },
  { key: "hold_until", live: true, paper: 0, min: 0, max: 1000000 },
  { key: "warmup", live: true, paper: 0, min: 0, max: 1000000 },
  { key: "momentum", live: true, paper: 0.9, min: 0, max: 0.9999 },
  { key: "rms_decay", live: true, paper: 0.9, min: 0, max: 0.9999 },
  { key: "rms_epsilon", live: true, paper: 1, min: 0.0000000001, max: 10 },
  { key: "weight_decay", live: true, paper: 0.00004, min: 0, max: 1 },
  { key: "decay_norms", live: true, paper: true },
  { key: "average", live: true, paper: 0, min: 0, max: 0.99999 },
  { key: "label_smoothing", live: true, paper: 0, min: 0, max: 1 },
  { key: "crop_padding", live: true, paper: 4, min: 0, max: 64, whole: true },
  { key: "flip", live: true, paper: true },
  { key: "cutout", live: true, paper: 0, min: 0, max: 1024, whole: true },
  { key: "freeze", live: false, paper: 0, min: 0, max: 19, whole: true },
  { key: "seed", live: false, paper: 1, min: 0, max: 4294967294, whole: true },
];
