/** The whole network as one drawing: its tensors, how large each is drawn, and where. Knows no DOM. */
import { outputOf } from "./selection.js";

/** Blocks of each stage (the paper's table 2). */
const STAGES = [1, 2, 3, 4, 3, 3, 1];
/** The largest network that the page offers, whose drawing fills the place. */
const LARGEST = { channels: 1792, resolution: 224 };
/** Pixels between two tensors, and more where a stage begins. */
const GAP = 8;
const STAGE_GAP = 18;
/** Pixels of the smallest tensor. */
const LEAST = 3;

/**
 * A tensor: the output of a layer, the picture, or the average of the last maps.
 *
 * @typedef {object} Tensor
 * @property {string} key
 * @property {number | null} layer its index
 * @property {"picture" | "pool" | import("../engine/protocol.js").LayerCost["kind"]} kind
 * @property {number | null} block from 0
 * @property {number} channels
 * @property {number} size
 * @property {boolean} linear whether nothing clips it
 * @property {boolean} shown the layers within a block only show when it is open
 * @property {boolean} starts whether a stage or the part after the blocks starts here
 *
 * Where a tensor is drawn, in pixels: `at` and `along` in the direction of the data, `across` at right angles; `slot` is the
 * room that it has, which may be more.
 * @typedef {{at: number, slot: number, along: number, across: number}} Place
 *
 * @typedef {import("../engine/protocol.js").Description} Description
 */

/**
 * @param {Description} description
 * @param {number} opened the block whose layers show, from 0, or -1
 * @returns {Tensor[]}
 */
export function tensorsOf({ layers }, opened) {
  const starts = new Set(stagesOf(layers).map(({ first }) => first));
  const begun = new Set();
  const tensors = layers.map((layer, index) => {
    const { block } = layer;
    const shown = block === null || block === opened || outputOf(layers, block) === index;
    const first = block === null ? layer.kind === "last" : shown && starts.has(block) && !begun.has(block);
    if (shown) begun.add(block);
    return {
      key: String(index),
      layer: index,
      kind: layer.kind,
      block,
      channels: layer.c_out,
      size: layer.size_out,
      linear: layer.activation === "linear",
      shown: shown && layer.kind !== "shortcut",
      starts: first,
    };
  });
  const none = { layer: null, block: null, linear: true, shown: true, starts: false };
  const picture = { ...none, key: "picture", kind: "picture", channels: layers[0].c_in, size: layers[0].size_in };
  const pool = { ...none, key: "pool", kind: "pool", channels: layers[layers.length - 1].c_in, size: 1 };
  return /** @type {Tensor[]} */ ([picture, ...tensors.slice(0, -1), pool, ...tensors.slice(-1)]);
}

/**
 * The stages, as in table 2: t, c, n and s, and their first and last block, from 0. None in a network of another kind.
 *
 * @param {Description["layers"]} layers
 */
export function stagesOf(layers) {
  const blocks = new Set(layers.flatMap(({ block }) => block ?? []));
  if (blocks.size !== STAGES.reduce((a, b) => a + b)) return [];
  let next = 0;
  return STAGES.map((n) => {
    const first = next;
    next += n;
    const own = layers.filter(({ block }) => block === first);
    const wide = own.find(({ kind }) => kind === "depthwise") ?? own[0];
    return {
      first,
      last: next - 1,
      t: Math.round(wide.c_in / own[0].c_in),
      c: layers[outputOf(layers, first)].c_out,
      n,
      s: Math.max(...own.map(({ stride }) => stride)),
    };
  });
}

/**
 * Places the tensors one after another. The largest network at 224² fills the place; others are smaller by their share.
 *
 * @param {Tensor[]} tensors
 * @param {object} room in pixels
 * @param {number} room.length
 * @param {number} room.across
 * @param {boolean} room.log by the logarithm
 * @param {number} [room.least] of a slot
 * @param {Tensor[]} [room.beside] another network that is drawn to the same scale
 * @returns {Place[]}
 */
export function place(tensors, { length, across, log, least = 0, beside }) {
  const scaled = (/** @type {number} */ value) => (log ? Math.log2(1 + value) : value);
  /** Pixels of one unit if these fill the place. @param {Tensor[]} all */
  const unitOf = (all) => {
    const shown = all.filter(({ shown }) => shown);
    const larger = Math.max(1, LARGEST.resolution / shown[0].size);
    const whole = shown.reduce((sum, { size }) => sum + scaled(size > 1 ? size * larger : 1), 0);
    return (length - shown.reduce((sum, tensor, i) => sum + (i ? gapBefore(tensor) : 0), 0)) / whole;
  };
  const unit = Math.min(unitOf(tensors), beside ? unitOf(beside) : Infinity);
  const both = [...tensors, ...(beside ?? [])].filter(({ shown }) => shown);
  const most = Math.max(LARGEST.channels, ...both.map(({ channels }) => channels));
  let end = 0;
  return tensors.map((tensor, i) => {
    if (tensor.shown && i) end += gapBefore(tensor);
    const along = tensor.shown ? Math.max(LEAST, unit * scaled(tensor.size)) : 0;
    const slot = tensor.shown ? Math.max(least, along) : 0;
    const at = end;
    end += slot;
    return { at, slot, along, across: Math.max(LEAST, (across * scaled(tensor.channels)) / scaled(most)) };
  });
}

/** @param {Tensor} tensor */
const gapBefore = ({ starts }) => (starts ? STAGE_GAP : GAP);

/**
 * The index of the tensor that shows a layer's output: its own, or that of the closed block around it.
 *
 * @param {Tensor[]} tensors
 * @param {Description["layers"]} layers
 * @param {number} layer
 */
export function indexOf(tensors, layers, layer) {
  const { block } = layers[layer];
  const own = tensors.findIndex((tensor) => tensor.layer === layer && tensor.shown);
  return own >= 0 || block === null ? own : tensors.findIndex((one) => one.layer === outputOf(layers, block));
}

/**
 * The shortcuts, each from one tensor that shows to another, as indices.
 *
 * @param {Tensor[]} tensors
 * @param {Description["layers"]} layers
 * @returns {{from: number, to: number}[]}
 */
export function shortcutsOf(tensors, layers) {
  const shows = (/** @type {number} */ layer) => indexOf(tensors, layers, layer);
  return layers.flatMap(({ adds }, index) => (adds === null ? [] : { from: shows(adds), to: shows(index) }));
}

/**
 * What a tensor's layers cost: those of its block, if that is closed.
 *
 * @param {Tensor} tensor
 * @param {Description["layers"]} layers
 * @param {number} opened the block that is open, from 0, or -1
 * @param {Record<string, number>} [times] milliseconds of layers by their names
 */
export function costOf({ layer, block }, layers, opened, times = {}) {
  const own = layers.filter((one, i) => (block === null || block === opened ? i === layer : one.block === block));
  const sum = (/** @type {(one: Description["layers"][number]) => number} */ of) =>
    own.reduce((total, one) => total + of(one), 0);
  return {
    parameters: sum(({ parameters }) => parameters),
    macs: sum(({ macs }) => macs),
    memory: Math.max(0, ...own.map(({ memory }) => memory.by_operation)),
    time: sum(({ name }) => times[name] ?? 0),
  };
}
