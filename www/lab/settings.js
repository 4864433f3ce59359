/**
 * Every setting of a training, once: its range, the paper's value, the value a quick start takes, where it goes and
 * whether it may change while training. The form, the link and the recipe are all made from this table.
 *
 * @typedef {object} Setting
 * @property {string} key its name in the link and, for `recipe` and `config`, in the core
 * @property {"recipe" | "config" | "page"} target
 * @property {string} group of the form
 * @property {boolean} live whether a change acts while training
 * @property {number | string | boolean} quick
 * @property {number | string | boolean} [paper] the same as `quick` where it is left out
 * @property {string[]} [choices]
 * @property {number} [min]
 * @property {number} [max]
 * @property {boolean} [whole] integers only
 * @property {(values: Values) => boolean} [when] whether it is of use among these settings
 */

/** @type {Setting[]} */
export const SETTINGS = [
  {
    key: "data",
    target: "page",
    group: "data",
    live: false,
    quick: "shapes",
    choices: ["shapes", "cifar-10", "pictures"],
  },
  {
    key: "trained",
    target: "page",
    group: "data",
    live: false,
    quick: "all",
    choices: ["classifier", "blocks", "all"],
    when: ({ from }) => from !== "",
  },
  { key: "epochs", target: "page", group: "data", live: true, quick: 3, paper: 150, min: 1, max: 1000, whole: true },
  { key: "batch", target: "recipe", group: "data", live: false, quick: 32, paper: 96, min: 1, max: 1024, whole: true },
  { key: "seed", target: "recipe", group: "data", live: false, quick: 1, min: 0, max: 999_999_999, whole: true },

  { key: "learning_rate", target: "recipe", group: "rate", live: true, quick: 0.03, paper: 0.045, min: 0, max: 10 },
  {
    key: "schedule",
    target: "recipe",
    group: "rate",
    live: true,
    quick: "cosine",
    paper: "exponential",
    choices: ["exponential", "linear", "cosine", "constant"],
  },
  {
    key: "decay",
    target: "recipe",
    group: "rate",
    live: true,
    quick: 0.98,
    min: 0,
    max: 1,
    when: ({ schedule }) => schedule === "exponential",
  },
  {
    key: "decay_until",
    target: "recipe",
    group: "rate",
    live: true,
    quick: 0,
    min: 0,
    max: 1000,
    when: ({ schedule }) => schedule === "linear" || schedule === "cosine",
  },
  { key: "warmup", target: "recipe", group: "rate", live: true, quick: 0, min: 0, max: 100 },

  {
    key: "optimizer",
    target: "recipe",
    group: "optimizer",
    live: false,
    quick: "sgd",
    paper: "rmsprop",
    choices: ["sgd", "nesterov", "rmsprop"],
  },
  { key: "momentum", target: "recipe", group: "optimizer", live: true, quick: 0.9, min: 0, max: 0.9999 },
  { key: "weight_decay", target: "recipe", group: "optimizer", live: true, quick: 4e-5, min: 0, max: 1 },
  { key: "average", target: "recipe", group: "optimizer", live: true, quick: 0, min: 0, max: 0.99999 },
  { key: "label_smoothing", target: "recipe", group: "optimizer", live: true, quick: 0, min: 0, max: 1 },

  {
    key: "crop_padding",
    target: "recipe",
    group: "augmentation",
    live: true,
    quick: 0,
    paper: 4,
    min: 0,
    max: 64,
    whole: true,
  },
  { key: "flip", target: "recipe", group: "augmentation", live: true, quick: true },
  { key: "cutout", target: "recipe", group: "augmentation", live: true, quick: 0, min: 0, max: 224, whole: true },

  { key: "activation", target: "config", group: "network", live: false, quick: "relu6", choices: ["relu6", "relu"] },
  {
    key: "bottleneck",
    target: "config",
    group: "network",
    live: false,
    quick: "linear",
    choices: ["linear", "relu6", "relu"],
  },
  {
    key: "shortcut",
    target: "config",
    group: "network",
    live: false,
    quick: "bottlenecks",
    choices: ["bottlenecks", "none"],
  },
  { key: "expansion", target: "config", group: "network", live: false, quick: 6, min: 1, max: 10, whole: true },
  { key: "stem", target: "config", group: "network", live: false, quick: "cifar", choices: ["cifar", "imagenet"] },
  { key: "dropout", target: "config", group: "network", live: false, quick: 0, min: 0, max: 0.95 },
];

export const WIDTHS = [0.35, 0.5, 0.75, 1, 1.4];
export const RESOLUTIONS = [32, 48, 64, 96, 128, 160, 192, 224];
/** Whether a network can have it, be it one of those or not. @param {number} value */
export const isResolution = (value) => Number.isInteger(value) && value >= 8 && value <= 1024;

/** Classes of the data sets that the page knows. */
const CLASSES = 10;
/**
 * Leading modules of a network that stay as they are, of 19: with all of them the classifier alone learns, with 15 the
 * last three blocks and the last convolution too.
 *
 * @type {Record<string, number>}
 */
const FREEZE = { classifier: 19, blocks: 15, all: 0 };
/** Drawings that count as an epoch. */
const SHAPES_EPOCH = 5000;
/** CIFAR-10's mean and deviation of the colours, which do for drawings as well. @type {Pick<import("../engine/protocol.js").Config, "mean" | "std">} */
const COLOURS = { mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.201] };
/** Where a quick start on a data set differs from the one on Shapes. @type {Record<string, Values>} */
const QUICK = {
  "cifar-10": { epochs: 10, crop_padding: 4 },
  pictures: { epochs: 30, batch: 16, learning_rate: 0.01, crop_padding: 4, trained: "classifier" },
};
/** What a network for a data set has, however it is started: photos are large, and reduced at once. @type {Record<string, Values>} */
const NETWORK = { pictures: { stem: "imagenet" } };

/**
 * All settings of one kind of start on a data set.
 *
 * @typedef {number | string | boolean} Value
 * @typedef {Record<string, Value>} Values
 * @param {"quick" | "paper"} start
 * @param {string} data
 * @returns {Values}
 */
export function preset(start, data = "shapes") {
  const values = Object.fromEntries(SETTINGS.map((setting) => [setting.key, setting[start] ?? setting.quick]));
  return { ...values, ...(start === "quick" && QUICK[data]), ...NETWORK[data], data };
}

/**
 * What to set so that another data set is trained on: what still stands as a quick start left it follows.
 *
 * @param {Values} values
 * @param {string} data
 * @returns {Values}
 */
export function switchData(values, data) {
  const before = preset("quick", String(values.data));
  const after = Object.entries(preset("quick", data));
  return Object.fromEntries(after.filter(([key, value]) => values[key] === before[key] && values[key] !== value));
}

/**
 * The value as the setting's own kind, or null where it is out of range.
 *
 * @param {Setting} setting
 * @param {string} text
 */
export function parse(setting, text) {
  if (setting.choices) return setting.choices.includes(text) ? text : null;
  if (typeof setting.quick === "boolean") return ["true", "false"].includes(text) ? text === "true" : null;
  const plain = text.trim().replace(",", "."); // of a decimal fraction, in half of the world
  const value = Number(plain);
  const { min = -Infinity, max = Infinity, whole } = setting;
  // in a whole number a comma or a point marks thousands
  const isNumber = whole ? /^[-+\de]+$/i.test(plain) && Number.isInteger(value) : /^[-+.\de]+$/i.test(plain);
  return isNumber && value >= min && value <= max ? value : null;
}

/** @param {Values} values @param {"recipe" | "config"} target */
function only(values, target) {
  return Object.fromEntries(SETTINGS.filter((s) => s.target === target).map((s) => [s.key, values[s.key]]));
}

/**
 * The recipe; a rate that should fall until epoch 0 falls until the last one.
 *
 * @param {Values} values
 * @returns {import("../engine/protocol.js").Recipe}
 */
export function recipeOf(values) {
  return {
    ...only(values, "recipe"),
    decay_until: Number(values.decay_until) || Number(values.epochs),
    freeze: values.from ? FREEZE[String(values.trained)] : 0,
  };
}

/**
 * @param {Values} values settings with `width` and `resolution`
 * @param {number} classes
 * @returns {import("../engine/protocol.js").Config}
 */
export function configOf(values, classes) {
  const { width, resolution } = values;
  return {
    ...only(values, "config"),
    ...COLOURS,
    width: Number(width),
    resolution: Number(resolution),
    classes,
    crop: 1,
  };
}

/** Where CIFAR-10 is, beside the document, if it is. */
export const CIFAR_10 = "data/cifar-10/";

/** How many classes the data have. @param {Values} values @param {import("./project.js").Project} project */
export const classesOf = ({ data }, project) =>
  data === "pictures" ? Math.max(project.classes.value.length, 1) : CLASSES;

/**
 * @param {Values} values
 * @param {import("./project.js").Project} project
 * @returns {import("../engine/protocol.js").Data}
 */
export function dataOf(values, project) {
  if (values.data === "pictures") return project.data();
  if (values.data === "shapes") return { kind: "shapes", images: SHAPES_EPOCH };
  return { kind: "cifar-10", base: CIFAR_10 };
}
