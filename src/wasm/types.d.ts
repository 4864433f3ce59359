/** How weights, images and training look from JavaScript, besides Config and Recipe. */

/** Bytes at single precision. */
export interface Memory {
  by_operation: number;
  by_block: number;
}

export interface LayerCost {
  name: string;
  kind: "stem" | "expand" | "depthwise" | "pointwise" | "convolution" | "project" | "shortcut" | "last" | "classifier";
  block: number | null;
  input: number | null;
  c_in: number;
  c_out: number;
  stride: number;
  size_in: number;
  size_out: number;
  activation: "relu6" | "relu" | "linear";
  adds: number | null;
  parameters: number;
  macs: number;
  output_bytes: number;
  memory: Memory;
}

export interface Description {
  parameters: number;
  macs: number;
  memory: Memory;
  layers: LayerCost[];
}

export interface Prediction {
  class: number;
  label: string | null;
  probability: number;
}

export interface About {
  config: Required<Config>;
  labels: string[];
}

export interface Result {
  predictions: Prediction[];
  preprocess_ms: number;
  network_ms: number;
}

/** (channels, size, size). */
export interface FeatureMaps {
  channels: number;
  size: number;
  values: Float32Array;
}

/**
 * `clamp(scale · Σ filter · input + shift, low, high)`; `filters`: (c_out, inputs, taps), a depthwise filter has one input.
 */
export interface Filters {
  filters: Float32Array;
  inputs: number;
  taps: number;
  scale: Float32Array;
  shift: Float32Array;
  low: number;
  high: number;
}

export interface Step {
  step: number;
  loss: number;
  accuracy: number;
  learning_rate: number;
}

/** What a network in training sees of images, (N, R, R, 3), and eight numbers for each: the size to which it is resized, the
 * window's left and top, 1 if it is mirrored, and of the cut-out the rows and the columns, each from and to, or zeros. */
export interface Inputs {
  inputs: Float32Array;
  windows: Int32Array;
}

export interface Evaluation {
  loss: number;
  correct: number;
  total: number;
  predictions: Uint32Array;
  confidences: Float32Array;
}

/** `kind` is null for what concerns the whole network; `macs` are those of one image. */
export interface ProfileRow {
  layer: string;
  kind: LayerCost["kind"] | null;
  operation:
    "augment" | "pack" | "pack_rows" | "forward" | "normalize" | "shortcut" | "loss" | "backward" | "sum" | "update";
  seconds: number;
  macs: number;
}

export interface Batch {
  images: Uint8Array;
  labels: Uint32Array;
}

/** Points are pairs of x and y; `alive`: how many dimensions let each through. */
export interface Manifold {
  curve: Float32Array;
  returned: Float32Array;
  alive: Uint32Array;
  /** (n, 2) */
  matrix: Float32Array;
}
