/**
 * Runs the network of Classify on a picture op by op and keeps every tensor: one trace for all panels of Take apart, which
 * is freed when the room is left. Knows no DOM.
 */
import { follow } from "./signals.js";

/**
 * @typedef {object} Wanted what to run
 * @property {import("./model.js").Loaded} loaded
 * @property {import("../engine/engine.js").Picture | ImageData} picture
 * @property {import("../engine/protocol.js").Framing} framing
 * @property {number} [reluFrom] the block from which on projections have a ReLU6, from 1; 0: none
 * @property {number} [bits] of each weight and of each layer's output; 0: all
 *
 * @typedef {Awaited<ReturnType<import("../engine/engine.js").Engine["loadTrace"]>>} Trace
 * @typedef {Awaited<ReturnType<Trace["run"]>> & {trace: Trace, layers: import("../engine/protocol.js").LayerCost[]}} Traced
 * @typedef {ReturnType<typeof createTracing>} Tracing
 * @typedef {Pick<import("../ui/context.js").Context, "engine" | "library" | "state">} Parts
 */

/**
 * A layer's output before its shortcut is added.
 *
 * @param {Traced} traced @param {number} layer its index
 */
export async function branchOf({ trace, layers }, layer) {
  const maps = await trace.maps(layer);
  const { adds } = layers[layer];
  if (adds === null) return maps;
  const { values } = await trace.maps(adds);
  return { ...maps, values: maps.values.map((value, i) => value - values[i]) }; // 0 where nothing was added to the shortcut
}

/** Those of each engine. @type {WeakMap<object, Tracing>} */
const known = new WeakMap();

/** @param {Parts} parts @returns {Tracing} */
export function tracingOf(parts) {
  const tracing = known.get(parts.engine) ?? createTracing(parts);
  known.set(parts.engine, tracing);
  return tracing;
}

/** @param {Parts} parts */
function createTracing({ engine, library, state }) {
  let turn = Promise.resolve();
  /** @type {{of: unknown[], trace: Trace, layers: Traced["layers"]} | null} */
  let open = null;
  /** The last run. @type {{of: unknown[], ran: Awaited<ReturnType<Trace["run"]>>} | null} */
  let last = null;
  /** The newest request of each owner. @type {Map<string, object>} */
  const newest = new Map();

  /** @param {unknown[]} a @param {unknown[]} b */
  const same = (a, b) => a.every((value, i) => value === b[i]);

  function close() {
    open?.trace.close();
    open = last = null;
  }

  /** @param {import("./model.js").Loaded} loaded */
  async function traceOf({ entry, classifier }) {
    const { config } = classifier;
    const of = [classifier, config.resolution];
    if (!open || !same(of, open.of)) {
      close();
      const bytes = await library.load(entry);
      const trace = await engine.loadTrace(bytes, { options: entry.options });
      if (trace.config.resolution !== config.resolution) await trace.setResolution(config.resolution);
      open = { of, trace, layers: (await engine.describe(config)).layers };
    }
    return open;
  }

  /**
   * Runs the network, unless it ran like this last time, and lets `read` read its tensors. Requests take turns; those that
   * their owner has replaced by a newer one meanwhile are left out.
   *
   * @template T
   * @param {string} owner
   * @param {Wanted} wanted
   * @param {(traced: Traced) => Promise<T>} read
   * @returns {Promise<T>}
   */
  function look(owner, { loaded, picture, framing, reluFrom = 0, bits = 0 }, read) {
    const request = {};
    newest.set(owner, request);
    const answer = turn.then(async () => {
      if (newest.get(owner) !== request) throw new DOMException("a newer request replaced it", "AbortError");
      const { trace, layers } = await traceOf(loaded);
      const of = [trace, picture, framing, reluFrom, bits];
      if (!last || !same(of, last.of)) {
        last = null;
        const changes = { reluFrom, weightBits: bits, activationBits: bits };
        last = { of, ran: await trace.run(picture, { ...framing, ...changes }) };
      }
      return read({ ...last.ran, trace, layers });
    });
    turn = answer.then(
      () => {},
      () => {},
    );
    return answer;
  }

  follow(
    () => state.room.value,
    (room) => room !== "apart" && (turn = turn.then(close)),
  );
  return { look };
}
