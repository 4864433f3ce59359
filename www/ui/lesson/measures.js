/** What the outcomes of a lesson's stops show: measured or counted here, or recorded by us; in the page's words. */
import { fetchJson } from "../../engine/download.js";
import { recordedOutcomes } from "../../lab/duel/contests.js";
import { evidenceOf } from "../../lab/evidence.js";
import { BLOCKS } from "../../lab/network.js";
import { recipeOf } from "../../lab/settings.js";
import { tracingOf } from "../../lab/tracing.js";
import { bytes, count, milliseconds, number, percent, t, tiny } from "../shared/i18n.js";

/** @typedef {import("../context.js").Context} Context */
/** @typedef {Record<string, string>} Figures */

/** The paper's network on ImageNet. */
const PAPER = { width: 1, resolution: 224 };
/** Matrices over which the spiral's loss is averaged. */
const MATRICES = 40;

/** @param {number} value */
const times = (value) => number(value, { maximumSignificantDigits: 2 });

/** @param {import("../../engine/protocol.js").LayerCost[]} layers @param {"parameters" | "macs"} key */
const sum = (layers, key) => layers.reduce((total, layer) => total + layer[key], 0);

/** Mean accuracy over the recorded seeds of each side of a ready-made comparison. @param {string} name */
async function recorded(name) {
  const { sides } = (await recordedOutcomes())[name];
  return sides.map((accuracies) => percent(accuracies.reduce((total, one) => total + one, 0) / accuracies.length));
}

/** @type {Record<string, (context: Context) => Promise<Figures>>} */
export const MEASURES = {
  async phone({ engine }) {
    const { macs, parameters } = await engine.describe(PAPER);
    const { milliseconds: ms, working_bytes } = await engine.measure(PAPER);
    return {
      macs: count(macs),
      parameters: count(parameters),
      ms: milliseconds(ms),
      memory: bytes(working_bytes),
    };
  },

  /** The convolution of the question. */
  async separable({ engine }) {
    const { plain, separable } = await engine.timeConvolutions({ from: 64, to: 128, size: 56 });
    return {
      separable: milliseconds(separable),
      plain: milliseconds(plain),
      times: times(plain / separable),
    };
  },

  async v1({ engine }) {
    const { layers, parameters } = await engine.describe({ ...PAPER, architecture: "mobilenet-v1" });
    const share = (/** @type {string} */ kind) =>
      percent(
        sum(
          layers.filter((layer) => layer.kind === kind),
          "parameters",
        ) / parameters,
      );
    return {
      total: count(parameters),
      pointwise: share("pointwise"),
      classifier: share("classifier"),
      depthwise: share("depthwise"),
    };
  },

  async spiral({ engine }) {
    /** @param {number} dimensions */
    const lost = async (dimensions) => {
      let share = 0;
      for (let seed = 1; seed <= MATRICES; seed++) {
        const { alive } = await engine.manifold({ dimensions, seed });
        share += alive.filter((open) => open < 2).length / alive.length;
      }
      return percent(share / MATRICES);
    };
    return { two: await lost(2), three: await lost(3), five: await lost(5), fifteen: await lost(15) };
  },

  async negative({ model }) {
    const { loaded, picture, framing } = seenBy(model);
    const shares = [];
    for (let block = 0; block < BLOCKS; block++) {
      const { values } = await loaded.classifier.featureMaps(picture, block, framing);
      shares.push(values.filter((value) => value < 0).length / values.length);
    }
    const most = Math.max(...shares);
    const [linear, relu6] = await recorded("bottleneck");
    return {
      linear,
      relu6,
      below: percent(shares.reduce((a, b) => a + b) / BLOCKS),
      most: percent(most),
      block: number(shares.indexOf(most) + 1),
    };
  },

  async shortcut({ engine }) {
    const { layers } = await engine.describe(PAPER);
    const [expand] = layers.filter(({ block, kind }) => block === 2 && kind === "expand");
    const narrow = (expand.output_bytes / expand.c_out) * expand.c_in;
    const [bottlenecks, expansions, none] = await recorded("shortcut");
    return {
      bottlenecks,
      expansions,
      none,
      narrow: bytes(narrow),
      wide: bytes(expand.output_bytes),
      times: times(expand.output_bytes / narrow),
    };
  },

  async relu6(context) {
    const owner = newOwner();
    const { width, runs } = await fetchJson(new URL("../../curves/activation.json", import.meta.url));
    const last = (/** @type {string} */ name) =>
      percent(runs.find((/** @type {any} */ { activation }) => activation === name).held_out.at(-1).accuracy);
    const { loaded, picture, framing } = seenBy(context.model);
    const answers = (/** @type {number} */ bits) =>
      tracingOf(context).look(owner, { loaded, picture, framing, bits }, async ({ predictions }) => predictions);
    const [best] = await answers(0);
    const rounded = async (/** @type {number} */ bits) => {
      const still = (await answers(bits)).find((one) => one.class === best.class);
      return still ? percent(still.probability) : t("relu.below");
    };
    const shares = { eight: await rounded(8), four: await rounded(4), two: await rounded(2) };
    return {
      width: number(width),
      relu6: last("relu6"),
      relu: last("relu"),
      exact: percent(best.probability),
      ...shares,
    };
  },

  async whole({ engine }) {
    const { layers, parameters, macs } = await engine.describe(PAPER);
    const early = layers.filter(({ block, kind }) => kind === "stem" || (block !== null && block < 6));
    const late = layers.filter(({ kind }) => kind === "last" || kind === "classifier");
    return {
      early: percent(sum(early, "parameters") / parameters),
      early_macs: percent(sum(early, "macs") / macs),
      late: percent(sum(late, "parameters") / parameters),
      late_macs: percent(sum(late, "macs") / macs),
    };
  },

  async width({ engine }) {
    const [narrow, small] = [
      { width: 0.5, resolution: 224 },
      { width: 1, resolution: 128 },
    ];
    return {
      narrow: milliseconds((await engine.measure(narrow)).milliseconds),
      small: milliseconds((await engine.measure(small)).milliseconds),
      narrow_parameters: count((await engine.describe(narrow)).parameters),
      small_parameters: count((await engine.describe(small)).parameters),
    };
  },

  async memory({ engine, library, model }) {
    const { by_operation, by_block } = (await engine.describe(PAPER)).memory;
    const { entry, classifier } = seenBy(model).loaded;
    const { resolution } = classifier.config;
    const own = await engine.loadClassifier(await library.load(entry), { options: entry.options });
    await own.setResolution(resolution);
    await own.setRowTile(1);
    const one = await own.measure();
    await own.setRowTile(0);
    const auto = await own.measure();
    own.close();
    return {
      ...{ operation: bytes(by_operation), block: bytes(by_block), times: times(by_operation / by_block) },
      ...{ name: entry.name(), side: number(resolution) },
      ...{ one: bytes(one.working_bytes), one_ms: milliseconds(one.milliseconds) },
      ...{ auto: bytes(auto.working_bytes), auto_ms: milliseconds(auto.milliseconds) },
    };
  },

  async training({ engine, session }) {
    const run = session.run.value;
    if (!run?.steps.step.length) throw new Error("no step yet");
    const { step, loss, learning_rate } = run.steps;
    const done = step[step.length - 1];
    const rate = learning_rate[learning_rate.length - 1];
    const last = loss[loss.length - 1];
    const [planned] = await engine.learningRates(recipeOf(run.settings), [(done - 1) / run.steps_per_epoch]);
    return {
      step: number(done),
      loss: number(last, { maximumSignificantDigits: 3 }),
      first: number(loss[0], { maximumSignificantDigits: 3 }),
      rate: tiny(rate),
      planned: tiny(planned),
      images: number(done * Number(run.settings.batch)),
    };
  },

  /** What the answer is worth without the place that speaks most for it. */
  async evidence(context) {
    const { loaded, picture, framing } = seenBy(context.model);
    const seen = await tracingOf(context).look(
      newOwner(),
      { loaded, picture, framing },
      async ({ trace, layers, predictions, crop }) => {
        const last = await trace.maps(layers.length - 2);
        return { last, classifier: await trace.filters(layers.length - 1), best: predictions[0], crop };
      },
    );
    const { last, classifier, best, crop } = seen;
    const { values } = evidenceOf(last, classifier, best.class);
    const without = greyAt(crop, last.size, values.indexOf(Math.max(...values)), loaded.classifier.config.mean);
    const { predictions } = await loaded.classifier.classify(without, { k: loaded.names.length, fit: "squeeze" });
    const after = predictions.find((one) => one.class === best.class)?.probability ?? 0;
    return { size: number(last.size), before: percent(best.probability), after: percent(after) };
  },
};

let owners = 0;
/** A measurement's requests are its own: a stop that is shown anew measures while the view before it still does. */
const newOwner = () => `lesson ${owners++}`;

/** The network and the picture of Classify. @param {import("../../lab/model.js").Model} model */
function seenBy({ loaded: { value: loaded }, picture: { value: picture }, framing: { value: framing } }) {
  if (!loaded || !picture) throw new Error("no picture or no weights yet");
  return { loaded, picture, framing };
}

/**
 * A picture with one of its places in the mean colour of the training's pictures.
 *
 * @param {Uint8Array} crop R × R RGBA bytes @param {number} size places in a row @param {number} place
 * @param {[number, number, number]} mean
 */
function greyAt(crop, size, place, mean) {
  const side = Math.sqrt(crop.length / 4);
  const image = new ImageData(new Uint8ClampedArray(crop), side);
  const [row, column] = [Math.floor(place / size), place % size];
  const edge = (/** @type {number} */ at) => Math.round((side * at) / size);
  for (let y = edge(row); y < edge(row + 1); y++) {
    for (let x = edge(column); x < edge(column + 1); x++) {
      mean.forEach((value, c) => (image.data[4 * (y * side + x) + c] = 255 * value));
    }
  }
  return image;
}
