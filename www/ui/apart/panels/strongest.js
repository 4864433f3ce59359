/** For each layer that the map shows, the channel that varies most over the picture of Classify. */
import { outputOf, selectedLayer, selecting } from "../../../lab/selection.js";
import { effect, signal } from "../../../lab/signals.js";
import { tracingOf } from "../../../lab/tracing.js";
import { createAsker } from "./panel.js";

/** @typedef {import("../../../engine/protocol.js").FeatureMaps} FeatureMaps */
/**
 * The maps found; `at`: the layer of the map's network that they stand for.
 * @typedef {{entry: import("../../../lab/library.js").Entry, side: number, crop: Uint8Array,
 *   layers: {at: number, maps: FeatureMaps, channel: number}[]}} Strongest
 */

/**
 * @param {import("../../context.js").Context} context
 * @param {import("../../../lab/signals.js").ReadonlySignal<boolean>} isOpen
 * @param {HTMLElement} problem
 * @param {() => {description: import("../../../engine/protocol.js").Description | null, opened: number}} shown
 */
export function onStrongest(context, isOpen, problem, shown) {
  const { model } = context;
  const tracing = tracingOf(context);
  const found = signal(/** @type {Strongest | null} */ (null));
  const ask = createAsker(problem, problem);
  effect(() => {
    if (!isOpen.value) return;
    const { description, opened } = shown();
    const [picture, framing, loaded] = [model.picture.value, model.framing.value, model.loaded.value];
    if (!loaded || !picture || !description) return;
    const { layers } = description;
    const wanted = layers.flatMap(({ block, kind }, at) =>
      kind !== "classifier" && (block === null || block === opened || outputOf(layers, block) === at) ? at : [],
    );
    ask(
      [loaded.classifier, loaded.classifier.config.resolution, picture, framing, String(wanted)],
      () =>
        tracing.look("map", { loaded, picture, framing }, async ({ trace, crop, layers: traced }) => {
          const maps = [];
          for (const at of wanted) {
            const one = await trace.maps(selectedLayer(traced, selecting(layers[at])));
            maps.push({ at, ...strongestOf(one) });
          }
          return { entry: loaded.entry, side: loaded.classifier.config.resolution, crop, layers: maps };
        }),
      (answer) => (found.value = answer),
    );
  });
  return found;
}

/** The channel with the greatest variance; only its values are kept. @param {FeatureMaps} maps */
function strongestOf({ channels, size, values }) {
  const pixels = size * size;
  let [best, most] = [0, -1];
  for (let channel = 0; channel < channels; channel++) {
    let [sum, squares] = [0, 0];
    for (let i = channel * pixels; i < (channel + 1) * pixels; i++) {
      sum += values[i];
      squares += values[i] * values[i];
    }
    const variance = squares / pixels - (sum / pixels) ** 2;
    if (variance > most) [best, most] = [channel, variance];
  }
  return { maps: { channels: 1, size, values: values.slice(best * pixels, (best + 1) * pixels) }, channel: 0 };
}
