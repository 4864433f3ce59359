/**
 * Every setting of the page's form: the core's facts about it (coresettings.js), and the page's own: its group, its
 * quick-start value, and when it applies. The form, the link and the recipe are all made from this table.
 *
 * @typedef {object} Setting
 * @property {string} key its name in the link and, for `recipe` and `config`, in the core
 * @property {"recipe" | "config" | "page"} target
 * @property {string} group of the form
 * @property {boolean} live whether it may change during training
 * @property {number | string | boolean} quick
 * @property {number | string | boolean} paper
 * @property {string[]} [choices]
 * @property {number} [min]
 * @property {number} [max]
 * @property {boolean} [whole] integers only
 * @property {(values: Values) => number} [slide] the end of its slider, if it has one
 * @property {(values: Values) => boolean} [when] whether it applies with these settings
 */
import { CIFAR_COLOURS, FEATURES, SHAPES_PER_EPOCH } from "../engine/constants.js";
import { CONFIG, RECIPE } from "./coresettings.js";

/**
 * A setting of the core as it appears on the page.
 *
 * @param {"recipe" | "config"} target @param {string} group @param {string} key @param {Setting["quick"]} quick
 * @param {Partial<Setting>} [own] what differs on the page
 * @returns {Setting}
 */
function core(target, group, key, quick, own) {
  const known = (target === "recipe" ? RECIPE : CONFIG).find((setting) => setting.key === key);
  if (!known) throw new Error(`the core has no setting ${key}`);
  return { ...known, target, group, quick, ...own };
}

/** Whether the network is made of inverted residuals. @param {Values} values */
function hasBottlenecks({ architecture }) {
  return architecture === "mobilenet-v2";
}

/** @type {Setting[]} */
export const SETTINGS = [
  {
    key: "data",
    target: "page",
    group: "data",
    live: false,
    quick: "shapes",
    paper: "shapes",
    choices: ["shapes", "cifar-10", "pictures"],
  },
  {
    key: "trained",
    target: "page",
    group: "data",
    live: false,
    quick: "all",
    paper: "all",
    choices: ["classifier", "blocks", "all"],
    when: ({ from }) => from !== "",
  },
  { key: "epochs", target: "page", group: "data", live: true, quick: 3, paper: 150, min: 1, max: 1000, whole: true },
  core("recipe", "data", "batch", 32),
  core("recipe", "data", "seed", 1),

  core("recipe", "rate", "learning_rate", 0.03),
  core("recipe", "rate", "schedule", "cosine"),
  core("recipe", "rate", "decay", 0.98, { when: ({ schedule }) => schedule === "exponential" }),
  // 0 stands for the last epoch
  core("recipe", "rate", "decay_until", 0, {
    paper: 0,
    when: ({ schedule }) => schedule === "linear" || schedule === "cosine",
  }),
  core("recipe", "rate", "hold_until", 0, { when: ({ schedule }) => schedule !== "constant" }),
  core("recipe", "rate", "warmup", 0),

  core("recipe", "optimizer", "optimizer", "sgd"),
  core("recipe", "optimizer", "momentum", 0.9),
  core("recipe", "optimizer", "weight_decay", 4e-5),
  core("recipe", "optimizer", "average", 0),
  core("recipe", "optimizer", "label_smoothing", 0),

  core("recipe", "augmentation", "crop_padding", 0, {
    slide: ({ resolution }) => Math.min(Number(resolution) / 2, 64),
  }),
  core("recipe", "augmentation", "flip", true),
  {
    key: "sizes",
    target: "page",
    group: "augmentation",
    live: true,
    quick: "one",
    paper: "one",
    choices: ["one", "larger", "all"],
  },
  core("recipe", "augmentation", "cutout", 0, { slide: ({ resolution }) => Number(resolution) }),

  core("config", "network", "architecture", "mobilenet-v2"),
  // without activations a network is a product of matrices and learns little
  core("config", "network", "activation", "relu6", { choices: ["relu6", "relu"] }),
  core("config", "network", "bottleneck", "linear", {
    choices: ["linear", "relu6", "relu"], // the paper's choice comes first
    when: hasBottlenecks,
  }),
  // projected shortcuts are not the paper's, and require a linear bottleneck, which the form does not enforce
  core("config", "network", "shortcut", "bottlenecks", {
    choices: ["bottlenecks", "expansions", "none"],
    when: hasBottlenecks,
  }),
  core("config", "network", "expansion", 6, { when: hasBottlenecks }),
  // small images need the CIFAR strides: the page trains on 32² pictures or few large ones
  core("config", "network", "stem", "cifar", { paper: "cifar", choices: ["cifar", "imagenet"] }),
  core("config", "network", "dropout", 0, { paper: 0 }),
];

export const WIDTHS = [0.35, 0.5, 0.75, 1, 1.4];
export const RESOLUTIONS = [32, 48, 64, 96, 128, 160, 192, 224];
const { min: SMALLEST = 0, max: LARGEST = 0 } = CONFIG.find(({ key }) => key === "resolution") ?? {};
/** Whether this is a valid resolution, listed or not. @param {number} value */
export const isResolution = (value) => Number.isInteger(value) && value >= SMALLEST && value <= LARGEST;

/**
 * Sizes to which a picture is resized before its crop, as shares of the network's input; none: the input's. `all` are those of
 * recipes/study.json.
 *
 * @type {Record<string, number[]>}
 */
const SIZES = { one: [], larger: [1, 1.25, 1.5], all: [0.75, 1, 1.25, 1.5] };

/** Number of classes in the page's data sets. */
const CLASSES = 10;
/**
 * Leading modules to freeze: with all of them only the classifier learns, with 15 also the last three blocks and the
 * last convolution.
 *
 * @type {Record<string, number>}
 */
const FREEZE = { classifier: FEATURES, blocks: 15, all: 0 };
/** Quick-start values that differ from those for Shapes. @type {Record<string, Values>} */
const QUICK = {
  "cifar-10": { epochs: 10, crop_padding: 4 },
  pictures: { epochs: 30, batch: 16, learning_rate: 0.01, crop_padding: 4, trained: "classifier" },
};
/** Values for a data set with any start: photos are large, and are reduced early. @type {Record<string, Values>} */
const NETWORK = { pictures: { stem: "imagenet" } };

/**
 * All settings of a start on a data set.
 *
 * @typedef {number | string | boolean} Value
 * @typedef {Record<string, Value>} Values
 * @param {"quick" | "paper"} start
 * @param {string} data
 * @returns {Values}
 */
export function preset(start, data = "shapes") {
  const values = Object.fromEntries(SETTINGS.map((setting) => [setting.key, setting[start]]));
  return { ...values, ...(start === "quick" && QUICK[data]), ...NETWORK[data], data };
}

/**
 * The changes when another data set is chosen: values still at their quick start follow it.
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
 * The value in the setting's own type, or null if it is out of range.
 *
 * @param {Setting} setting
 * @param {string} text
 */
export function parse(setting, text) {
  if (setting.choices) return setting.choices.includes(text) ? text : null;
  if (typeof setting.quick === "boolean") return ["true", "false"].includes(text) ? text === "true" : null;
  const plain = text.trim().replace(",", "."); // the decimal comma of half of the world
  const value = Number(plain);
  const { min = -Infinity, max = Infinity, whole } = setting;
  // in a whole number a comma or a point separates thousands
  const isNumber = whole ? /^[-+\de]+$/i.test(plain) && Number.isInteger(value) : /^[-+.\de]+$/i.test(plain);
  return isNumber && value >= min && value <= max ? value : null;
}

/** Settings that a run of an earlier build lacks stay as in the core. @param {Values} values @param {"recipe" | "config"} target */
function only(values, target) {
  const known = SETTINGS.filter((setting) => setting.target === target && setting.key in values);
  return Object.fromEntries(known.map(({ key }) => [key, values[key]]));
}

/** Sizes in pixels. @param {Values} values */
function sizesOf({ sizes = "one", resolution }) {
  const within = (/** @type {number} */ size) => Math.min(Math.max(Math.round(size), SMALLEST), LARGEST);
  const shares = new Map(Object.entries(SIZES)).get(String(sizes)) ?? [];
  return shares.map((share) => within(share * Number(resolution)));
}

/**
 * The recipe; a rate that falls until epoch 0 falls until the last one.
 *
 * @param {Values} values
 * @returns {import("../engine/protocol.js").Recipe}
 */
export function recipeOf(values) {
  return {
    ...only(values, "recipe"),
    decay_until: Number(values.decay_until) || Number(values.epochs),
    sizes: sizesOf(values),
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
    ...CIFAR_COLOURS, // which suit drawings, too
    width: Number(width),
    resolution: Number(resolution),
    classes,
    crop: 1,
  };
}

/** Location of CIFAR-10 relative to the document, if it is there. */
export const CIFAR_10 = "data/cifar-10/";

/** Training images of CIFAR-10. */
export const CIFAR_IMAGES = 50_000;

/** Images of an epoch. @param {Values} values @param {import("./project.js").Project} project */
export function imagesOf({ data }, project) {
  if (data === "pictures") return project.pictures.value.length - project.heldOut;
  return data === "shapes" ? SHAPES_PER_EPOCH : CIFAR_IMAGES;
}

/** Number of classes in the data. @param {Values} values @param {import("./project.js").Project} project */
export const classesOf = ({ data }, project) =>
  data === "pictures" ? Math.max(project.classes.value.length, 1) : CLASSES;

/**
 * @param {Values} values
 * @param {{project: import("./project.js").Project, cifar: import("./cifar.js").Cifar}} sources
 * @returns {Promise<import("../engine/protocol.js").Data>}
 */
export async function dataOf(values, { project, cifar }) {
  if (values.data === "pictures") return project.data();
  if (values.data === "shapes") return { kind: "shapes", images: SHAPES_PER_EPOCH };
  return cifar.data();
}
