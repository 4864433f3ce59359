/**
 * Which network the model bar is about, room by room, and what can be chosen there. Only reads; knows no DOM.
 *
 * @typedef {import("./library.js").Entry} Entry
 * @typedef {import("../engine/protocol.js").Config} Config
 *
 * @typedef {[string, Record<string, string | number | number[]>]} Reason a key of the page's words, and its values
 *
 * @typedef {object} Choice
 * @property {number} value
 * @property {boolean} chosen
 * @property {Record<string, string | number> | null} values to be set in the room's state, null where it is not to be had
 * @property {Reason | null} reason why it is not to be had
 *
 * @typedef {object} Network
 * @property {Config} config
 * @property {Entry | undefined} entry the weights it has or starts from
 * @property {Choice[]} widths
 * @property {Choice[]} resolutions
 */
import { classesOf, configOf, RESOLUTIONS, WIDTHS } from "./settings.js";

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
      const { width, resolution, stem } = apart;
      const config = { ...shown?.config, ...given({ width, resolution, stem }) };
      return {
        config,
        entry: shown,
        widths: free("width", WIDTHS, config.width),
        resolutions: free("resolution", RESOLUTIONS, config.resolution),
      };
    }
  }
}

/** Leaves out what is not set. @param {Record<string, unknown>} values */
function given(values) {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value));
}

/** @param {string} key @param {number[]} all @param {number | undefined} chosen */
const free = (key, all, chosen) => choices(all, chosen, (value) => ({ [key]: value }));

/**
 * The usual values and, where it is another, the chosen one.
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
