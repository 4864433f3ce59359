// What Take apart's figures are made of: the selection, the map's layout, one number under the magnifier. Needs no browser.

import assert from "node:assert/strict";
import test from "node:test";
import { evidenceOf, scoresOf, softmax } from "../../www/lab/evidence.js";
import { largest, normalised, paddingBefore, takeApart, windowOf, workUpTo } from "../../www/lab/magnifier.js";
import { costOf, place, shortcutsOf, stagesOf, tensorsOf } from "../../www/lab/networkmap.js";
import { perPixel, progress } from "../../www/lab/race.js";
import { selectedLayer, selectedPixel, selecting, selectingPixel } from "../../www/lab/selection.js";

/** The paper's table 2: t, c, n, s. */
const TABLE = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
];

/** The layers of the paper's network, as the core describes them. */
function paper() {
  const /** @type {any[]} */ layers = [];
  let [channels, size] = [3, 224];
  const add = (
    /** @type {string} */ kind,
    /** @type {any} */ block,
    /** @type {number} */ to,
    stride = 1,
    own = {},
  ) => {
    const linear = kind === "project" || kind === "classifier";
    const size_out = kind === "classifier" ? 1 : size / stride;
    const macs = size_out ** 2 * to * (kind === "depthwise" ? 9 : channels * (kind === "stem" ? 9 : 1));
    const input = layers.length ? layers.length - 1 : null;
    const [c_in, size_in] = [channels, size];
    const activation = linear ? "linear" : "relu6";
    const memory = { by_operation: 4 * (size_in ** 2 * c_in + size_out ** 2 * to), by_block: 0 };
    const cost = { macs, parameters: to, memory, activation };
    layers.push({ kind, block, c_in, c_out: to, size_in, size_out, stride, input, adds: null, ...cost, ...own });
    [channels, size] = [to, size_out];
  };
  add("stem", null, 32, 2);
  let block = 0;
  for (const [t, c, n, s] of TABLE)
    for (let i = 0; i < n; i++, block++) {
      const [from, stride] = [layers.length - 1, i ? 1 : s];
      const joined = stride === 1 && channels === c;
      if (t > 1) add("expand", block, t * channels);
      add("depthwise", block, channels, stride);
      add("project", block, c, 1, { adds: joined ? from : null });
    }
  add("last", null, 1280);
  add("classifier", null, 1000);
  return { layers };
}
const description = /** @type {any} */ (paper());
const { layers } = description;

test("a selection names the same layer in every network, and a pixel the same place in every map", () => {
  for (const layer of layers) assert.equal(layers[selectedLayer(layers, selecting(layer))], layer);
  // block 1 has no expansion: its output stands for it
  assert.deepEqual(layers[selectedLayer(layers, { block: 1, part: "expand" })].kind, "project");
  const v1 = [
    { kind: "stem", block: null },
    ...[0, 1].flatMap((block) => [
      { kind: "depthwise", block },
      { kind: "pointwise", block },
    ]),
  ];
  assert.equal(selectedLayer(/** @type {any} */ (v1), { block: 2, part: "project" }), 4);
  assert.equal(
    selectedLayer(/** @type {any} */ (v1), { block: 17, part: "expand" }),
    4,
    "the last block of a shorter network",
  );

  for (const size of [1, 4, 7, 14, 112, 224])
    for (let i = 0; i < size; i++) {
      const values = selectingPixel({ x: i, y: size - 1 - i }, size);
      assert.deepEqual(selectedPixel(values, size), { x: i, y: size - 1 - i }, `${i} of ${size}`);
      assert.ok(values.x > 0 && values.x < 1);
    }
  assert.deepEqual(selectedPixel(selectingPixel({ x: -3, y: 99 }, 7), 7), { x: 0, y: 6 }, "at the edge");
  assert.deepEqual(selectedPixel(selectingPixel({ x: 3, y: 3 }, 7), 14), { x: 7, y: 7 });
});

test("the stages are table 2's, whatever the width", () => {
  assert.deepEqual(
    stagesOf(layers).map(({ t, c, n, s }) => [t, c, n, s]),
    TABLE,
  );
  assert.deepEqual(stagesOf(layers.filter(({ block }) => block !== 3)), [], "another network has none");
});

test("closed, a block is its output; open, all of its layers", () => {
  const shown = (opened = -1) => tensorsOf(description, opened).filter(({ shown }) => shown);
  assert.equal(shown().length, 1 + 1 + 17 + 1 + 1 + 1, "picture, stem, blocks, last, average, classifier");
  assert.deepEqual(
    shown(2)
      .filter(({ block }) => block === 2)
      .map(({ kind, channels }) => [kind, channels]),
    [
      ["expand", 144],
      ["depthwise", 144],
      ["project", 24],
    ],
  );
  assert.equal(shown().filter(({ starts }) => starts).length, 8, "seven stages, and what follows");
  const sum = { parameters: 0, macs: 0 };
  for (const tensor of shown(4)) {
    const { parameters, macs } = costOf(tensor, layers, 4);
    sum.parameters += parameters;
    sum.macs += macs;
  }
  for (const key of /** @type {const} */ (["parameters", "macs"]))
    assert.equal(
      sum[key],
      layers.reduce((/** @type {number} */ all, /** @type {any} */ one) => all + one[key], 0),
      key,
    );
});

test("shortcuts join the blocks of stride 1 with equal channels: ten in the paper's network", () => {
  for (const opened of [-1, 2]) {
    const tensors = tensorsOf(description, opened);
    const arcs = shortcutsOf(tensors, layers);
    assert.equal(arcs.length, 10);
    for (const { from, to } of arcs) {
      assert.ok(tensors[from].shown && tensors[to].shown && from < to);
      assert.deepEqual([tensors[from].channels, tensors[from].size], [tensors[to].channels, tensors[to].size]);
    }
  }
});

test("tensors fill the length at 224², follow one another, and are to scale", () => {
  for (const log of [true, false])
    for (const opened of [-1, 4]) {
      const tensors = tensorsOf(description, opened);
      const places = place(tensors, { length: 900, across: 300, log });
      const end = Math.max(...places.map(({ at, slot }) => at + slot));
      assert.ok(Math.abs(end - 900) < (log ? 1e-6 : 12), `${end}`); // the thinnest are thicker than true
      let last = -1;
      places.forEach(({ at, along, across }, i) => {
        assert.ok(at >= last && across <= 300, tensors[i].key);
        last = at;
        if (!tensors[i].shown) assert.equal(along, 0);
      });
    }
  const tensors = tensorsOf(description, -1);
  const places = place(tensors, { length: 900, across: 300, log: false });
  const of = (/** @type {string} */ kind) => places[tensors.findIndex((tensor) => tensor.kind === kind)];
  assert.ok(Math.abs(of("picture").along / of("stem").along - 2) < 1e-9);
  assert.ok(Math.abs(of("last").across / of("stem").across - 40) < 1e-9);
  const slots = place(tensors, { length: 900, across: 180, log: true, least: 44 });
  tensors.forEach(({ shown }, i) => shown && assert.ok(slots[i].slot >= 44));
  const small = place(
    tensors.map((tensor) => ({ ...tensor, size: Math.max(1, tensor.size / 2) })),
    { length: 900, across: 300, log: false },
  );
  const half = small[0].along / places[0].along;
  assert.ok(half > 0.45 && half < 0.55, `half the resolution is half as long: ${half}`);
});

test("two networks beside each other have one scale, and neither is longer than its place", () => {
  const { tensors: ours, layers: v1 } = separable();
  const theirs = tensorsOf(description, -1);
  for (const log of [true, false]) {
    const room = { length: 900, across: 300, log };
    const [one, other] = [place(theirs, { ...room, beside: ours }), place(ours, { ...room, beside: theirs })];
    for (const places of [one, other]) assert.ok(Math.max(...places.map(({ at, slot }) => at + slot)) <= 912);
    const [picture] = one;
    assert.ok(Math.abs(picture.along - other[0].along) < 1e-9, "the same image is as long in both");
    const stems = [theirs, ours].map((all) => all.findIndex(({ kind }) => kind === "stem"));
    assert.deepEqual(
      [other[stems[1]].along, other[stems[1]].across],
      [one[stems[0]].along, one[stems[0]].across],
      "and so is the same stem",
    );
  }
  assert.deepEqual(stagesOf(v1), [], "the paper's table is not that of this network");
});

/** MobileNetV1 at width 1 and 224²: the paper's table 1. */
function separable() {
  const /** @type {any[]} */ layers = [];
  let [c_in, size_in] = [3, 224];
  const add = (/** @type {string} */ kind, /** @type {any} */ block, /** @type {number} */ c_out, stride = 1) => {
    const size_out = kind === "classifier" ? 1 : size_in / stride;
    const activation = kind === "classifier" ? "linear" : "relu6";
    const own = { parameters: 0, macs: 0, memory: { by_operation: 0 }, activation, adds: null };
    layers.push({ kind, block, c_in, c_out, size_in, size_out, stride, ...own });
    [c_in, size_in] = [c_out, size_out];
  };
  add("stem", null, 32, 2);
  const table = [64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024];
  table.forEach((channels, block) => {
    add("depthwise", block, c_in, [1, 3, 5, 11].includes(block) ? 2 : 1);
    add("pointwise", block, channels);
  });
  add("classifier", null, 1000);
  return { layers, tensors: tensorsOf(/** @type {any} */ ({ layers }), -1) };
}

/** Numbers that are the same in every run. */
function numbers(seed = 7) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.fround(state / 2 ** 31 - 1);
  };
}

test("one number is the sum of what its window reads, in plain, depthwise and 1×1 convolutions", () => {
  const next = numbers();
  const fill = (/** @type {number} */ n) => Float32Array.from({ length: n }, next);
  for (const [kind, c_in, c_out, size_in, stride, taps, padding] of /** @type {const} */ ([
    ["stem", 3, 4, 8, 2, 9, "symmetric"],
    ["stem", 3, 4, 8, 2, 9, "same"],
    ["depthwise", 5, 5, 7, 1, 9, "symmetric"],
    ["depthwise", 5, 5, 7, 2, 9, "same"],
    ["project", 6, 2, 5, 1, 1, "symmetric"],
  ])) {
    const size_out = Math.ceil(size_in / stride);
    const inputs = kind === "depthwise" ? 1 : c_in;
    const layer = /** @type {any} */ ({
      kind,
      c_in,
      c_out,
      size_in,
      size_out,
      stride,
      macs: size_out ** 2 * c_out * inputs * taps,
    });
    const input = { channels: c_in, size: size_in, values: fill(c_in * size_in ** 2) };
    const adds = kind === "project" ? { channels: c_out, size: size_out, values: fill(c_out * size_out ** 2) } : null;
    const filters = {
      filters: fill(c_out * inputs * taps),
      inputs,
      taps,
      scale: fill(c_out),
      shift: fill(c_out),
      low: adds ? -Infinity : 0,
      high: adds ? Infinity : 6,
    };
    // the definition: a padded input, slid over
    const side = Math.sqrt(taps);
    const before = padding === "same" && stride === 2 && size_in % 2 === 0 ? 0 : (side - 1) / 2;
    for (let channel = 0; channel < c_out; channel++)
      for (let y = 0; y < size_out; y++)
        for (let x = 0; x < size_out; x++) {
          let sum = 0;
          for (let i = 0; i < inputs; i++)
            for (let dy = 0; dy < side; dy++)
              for (let dx = 0; dx < side; dx++) {
                const [row, column] = [y * stride + dy - before, x * stride + dx - before];
                if (row < 0 || column < 0 || row >= size_in || column >= size_in) continue;
                const from = kind === "depthwise" ? channel : i;
                const value = input.values[from * size_in ** 2 + row * size_in + column];
                sum += value * filters.filters[channel * inputs * taps + i * taps + dy * side + dx];
              }
          let expected = filters.scale[channel] * sum + filters.shift[channel];
          if (!adds) expected = Math.min(Math.max(expected, 0), 6);
          else expected += adds.values[channel * size_out ** 2 + y * size_out + x];
          const found = takeApart({ layer, filters, input, adds, padding }, channel, { x, y });
          assert.equal(found.terms.length, inputs * taps, "9 · d, 9 or d");
          assert.ok(Math.abs(found.output - expected) < 1e-6, `${kind} ${padding} ${channel} ${x} ${y}`);
          const { first, others, rest } = largest(found.terms, 4);
          assert.equal(first.length + others, found.terms.length);
          assert.ok(Math.abs(first.reduce((all, { product }) => all + product, rest) - found.sum) < 1e-9);
        }
    assert.equal(
      workUpTo(layer, { x: size_out - 1, y: size_out - 1 }),
      layer.macs,
      "the counter ends at the layer's work",
    );
  }
  assert.equal(paddingBefore({ size_in: 224, size_out: 112, stride: 2 }, 3, "same"), 0);
  assert.equal(paddingBefore({ size_in: 7, size_out: 7, stride: 1 }, 3, "same"), 1);
  assert.deepEqual(windowOf(layers[0], { x: 0, y: 5 }, 9, "symmetric"), { x: -1, y: 9, side: 3 });
});

test("the first layer reads the crop as it was normalised in training", () => {
  const crop = new Uint8Array([255, 0, 51, 255, 0, 255, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255]);
  const { size, values } = normalised(crop, { mean: [0.5, 0.5, 0.2], std: [0.5, 0.25, 1] });
  assert.equal(size, 2);
  const expected = [1, -1, -1, -1, -2, 2, -2, -2, 0, -0.2, -0.2, -0.2].map(Math.fround);
  values.forEach((value, i) => assert.ok(Math.abs(value - expected[i]) < 1e-7, `${i}: ${value}`));
});

test("evidence adds up to a class's score above the mean, place by place", () => {
  const next = numbers(3);
  const fill = (/** @type {number} */ n) => Float32Array.from({ length: n }, next);
  const [channels, size, classes] = [12, 4, 5];
  const last = { channels, size, values: fill(channels * size ** 2).map(Math.abs) };
  const head = {
    filters: fill(classes * channels),
    inputs: channels,
    taps: 1,
    scale: fill(0),
    shift: fill(classes),
    low: -Infinity,
    high: Infinity,
  };
  const scores = scoresOf(last, head);
  const mean = scores.reduce((a, b) => a + b) / classes;
  for (let one = 0; one < classes; one++) {
    const { values, bias, score } = evidenceOf(last, head, one);
    assert.equal(values.length, size ** 2);
    const sum = values.reduce((a, b) => a + b, bias);
    assert.ok(Math.abs(sum - score) < 1e-5 && Math.abs(score - (scores[one] - mean)) < 1e-5, `class ${one}`);
    // a place on its own: all others dark
    const dark = { ...last, values: last.values.map((value, i) => (i % size ** 2 === 7 ? value : 0)) };
    assert.ok(Math.abs(evidenceOf(dark, head, one).score - bias - values[7]) < 1e-6);
  }
  const shares = softmax([1000, 1001, 999]);
  assert.ok(Math.abs(shares.reduce((a, b) => a + b) - 1) < 1e-12);
  assert.ok(Math.abs(shares[1] / shares[0] - Math.E) < 1e-9);
});

test("the race ends at 9 · d · d′ and 9 · d + d · d′ for each pixel, and both do as much at any time", () => {
  assert.deepEqual(perPixel(64, 128), { plain: 73_728, separable: 8768 });
  const shape = { from: 64, to: 128, side: 14 };
  const end = progress(shape, Infinity);
  assert.deepEqual([end.plain.all, end.separable.all], [14 ** 2 * 73_728, 14 ** 2 * 8768]);
  assert.deepEqual([end.plain.pixels, end.separable.pixels], [196, 196]);
  const middle = progress(shape, 14 ** 2 * 8768);
  assert.deepEqual([middle.separable.pixels, middle.plain.pixels], [196, 23]);
  assert.equal(middle.plain.macs, middle.separable.macs);
});
