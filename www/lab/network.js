/**
 * The network that the model bar shows in each room, and the choices there. Only reads; knows no DOM.
 *
 * @typedef {import("./library.js").Entry} Entry
 * @typedef {import("../engine/protocol.js").Config} Config
 *
 * @typedef {[string, Record<string, string | number | number[]>]} Reason a key of the page's texts, and its values
 *
 * @typedef {object} Choice
 * @property {number} value
 * @property {boolean} chosen
 * @property {Record<string, string | number> | null} values to set in the room's state, null if it is not available
 * @property {Reason | null} reason why it is not available
 *
 * @typedef {object} Network
 * @property {Config} config
 * @property {Entry | undefined} entry the weights that it has or starts from
 * @property {Choice[]} widths
 * @property {Choice[]} resolutions
 */
import { classesOf, configOf, RESOLUTIONS, WIDTHS } from "./settings.js";

/** The paper's network. @type {Config} */
const PAPER = { width: 1, resolution: 224, classes: 1000, stem: "imagenet" };

/** Blocks of MobileNetV2; no network has more. */
export const BLOCKS = 17;
/** Blocks of MobileNetV1, and of its plain twin. */
const SEPARABLE_BLOCKS = 13;

/** Whether a network is made of inverted residuals, as MobileNetV2 is. @param {Config} config */
export const isInverted = ({ architecture = "mobilenet-v2" }) => architecture === "mobilenet-v2";

/** Whether the core runs each of a network's blocks as one operation. @param {Config} config */
export const isFused = (config) => isInverted(config) && config.shortcut !== "expansions";

/** How many blocks a network has. @param {Config} config */
export const blocksOf = (config) => (isInverted(config) ? BLOCKS : SEPARABLE_BLOCKS);

/**
 * @param {import("./state.js").PageState} state
 * @param {import("./library.js").Library} library
 * @param {import("./project.js").Project} project
 * @returns {Network}
 */
export function networkOf(state, library, project) {
  const [classify, train, apart] = [state.values.classify.value, state.values.train.value, state.values.apart.value];
  const shown = library.find(classify.weights) ?? library.entries.value[0];
  switch (state.room.value) {
    case "classify": {
      const config = { ...shown?.config, ...given({ resolution: classify.resolution }) };
      const family = shown ? library.family(shown) : [];
      const widths = choices(WIDTHS, config.width, (width) => {
        const sibling = family.find((entry) => entry.config.width === width);
        if (sibling) return { weights: sibling.id };
        const has = family.map((entry) => entry.config.width ?? 1);
        return ["width.missing", { name: shown?.name() ?? "", width, has }];
      });
      return { config, entry: shown, widths, resolutions: free("resolution", RESOLUTIONS, config.resolution) };
    }
    case "train": {
      const from = library.find(train.from);
      const classes = classesOf(train, project);
      const { width, ...config } = from ? { ...from.config, classes } : configOf(train, classes);
      const resolution = Number(train.resolution);
      /** @type {(value: number) => [string, Record<string, string>]} */
      const fixed = () => ["width.from", { name: from?.name() ?? "" }];
      return {
        config: { ...config, width, resolution },
        entry: from,
        widths: from ? choices(WIDTHS, width, fixed) : free("width", WIDTHS, width),
        resolutions: free("resolution", RESOLUTIONS, resolution),
      };
    }
    case "apart": {
      const { network, width, resolution, stem } = apart;
      // the paper's, until a person chooses weights
      const paper = network === "paper" || !classify.weights;
      const config = { ...(paper ? PAPER : shown?.config), ...given({ width, resolution, stem }) };
      return {
        config,
        entry: paper ? undefined : shown,
        widths: free("width", WIDTHS, config.width),
        resolutions: free("resolution", RESOLUTIONS, config.resolution),
      };
    }
  }
}

/** Leaves out values that are not set. @param {Record<string, unknown>} values */
function given(values) {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value));
}

/** @param {string} key @param {number[]} all @param {number | undefined} chosen */
const free = (key, all, chosen) => choices(all, chosen, (value) => ({ [key]: value }));

/**
 * The usual values and, if it is a different one, the chosen one.
 *
 * @param {number[]} all
 * @param {number | undefined} chosen
 * @param {(value: number) => Record<string, string | number> | Reason} offer
 * @returns {Choice[]}
 */
function choices(all, chosen, offer) {
  const values = chosen === undefined || all.includes(chosen) ? all : [...all, chosen].sort((a, b) => a - b);
  return values.map((value) => {
    if (value === chosen) return { value, chosen: true, values: {}, reason: null };
    const offered = offer(value);
    return Array.isArray(offered)
      ? { value, chosen: false, values: null, reason: offered }
      : { value, chosen: false, values: offered, reason: null };
  });
}
