/* Written by `cargo xtask generate`; not edited by hand. */

/** A network and its input. Every field is optional. */
export interface Config {
  /** Network: MobileNetV2, MobileNetV1, or that with plain convolutions (default "mobilenet-v2") */
  architecture?: "mobilenet-v2" | "mobilenet-v1" | "plain";
  /** Width multiplier (0.1 to 4; default 1) */
  width?: number;
  /** Height and width of the input (8 to 1024 pixels; default 224) */
  resolution?: number;
  /** Number of classes (1 to 100000; default 1000) */
  classes?: number;
  /** Strides of the first layers, made for images of 224² or 32² pixels (default "imagenet") */
  stem?: "imagenet" | "cifar";
  /** Activation after every convolution but the projection (default "relu6") */
  activation?: "relu6" | "relu" | "linear";
  /** Activation after the projection; the paper's is linear (default "linear") */
  bottleneck?: "relu6" | "relu" | "linear";
  /** Where the shortcut runs (default "bottlenecks") */
  shortcut?: "bottlenecks" | "projected" | "expansions" | "none";
  /** Expansion factor t of every block but the first; the paper's is 6 (1 to 10; default 6) */
  expansion?: number;
  /** Whether the first block has a 1×1 expansion although its factor is 1 (default false) */
  expand_first?: boolean;
  /** Padding of the 3×3 convolutions: PyTorch's is symmetric, TensorFlow's is same (default "symmetric") */
  padding?: "symmetric" | "same";
  /** Batch norm's ε (0.00000001 to 1; default 0.00001) */
  epsilon?: number;
  /** Weight of the current batch in batch norm's running averages (PyTorch's `momentum`): 0.1 keeps 0.9 (0 to 1; default 0.1) */
  batch_norm_momentum?: number;
  /** Probability that training drops a feature before the classifier (0 to 0.95; default 0.2) */
  dropout?: number;
  /** Subtracted from each colour channel, on a scale of 0 to 1 (-10 to 10; default [0.485, 0.456, 0.406]) */
  mean?: [number, number, number];
  /** Divides each colour channel after the mean is subtracted (0.0001 to 10000; default [0.229, 0.224, 0.225]) */
  std?: [number, number, number];
  /** Side of the square cut from a photo's centre, as a share of its shorter side, before it is resized (0.1 to 1; default 0.875) */
  crop?: number;
}

/** A training, apart from the network and the data. Every field is optional. */
export interface Recipe {
  /** Images per step (1 to 4096 images; default 96) */
  batch?: number;
  /** Rule that updates the weights from their gradients (default "sgd") */
  optimizer?: "sgd" | "nesterov" | "rmsprop";
  /** Learning rate after warm-up (0 to 10; default 0.045) */
  learning_rate?: number;
  /** How the learning rate falls (default "exponential") */
  schedule?: "exponential" | "linear" | "cosine" | "constant";
  /** Factor per epoch of the exponential schedule (0 to 1; default 0.98) */
  decay?: number;
  /** Epoch at which the linear and cosine schedules reach 0 (0 to 1000000 epochs; default 150) */
  decay_until?: number;
  /** Epoch until which the rate is held before it falls (0 to 1000000 epochs; default 0) */
  hold_until?: number;
  /** Epochs over which the rate first rises linearly from 0 (0 to 1000000 epochs; default 0) */
  warmup?: number;
  /** Weight of the past in the momentum (0 to 0.9999; default 0.9) */
  momentum?: number;
  /** Weight of the past in RMSProp's mean square (0 to 0.9999; default 0.9) */
  rms_decay?: number;
  /** RMSProp's ε, added to the root as in PyTorch: keeps the division finite (0.0000000001 to 10; default 1) */
  rms_epsilon?: number;
  /** L2 penalty on the weights (0 to 1; default 0.00004) */
  weight_decay?: number;
  /** Whether the penalty also applies to batch norm's γ and β and to the bias (default true) */
  decay_norms?: boolean;
  /** Weight of the past in the averaged weights, which are evaluated and saved; 0: no averaging (0 to 0.99999; default 0) */
  average?: number;
  /** Share of the target spread over all classes (0 to 1; default 0) */
  label_smoothing?: number;
  /** Black pixels added on every side before the random crop (0 to 64 pixels; default 4) */
  crop_padding?: number;
  /** Whether half of the images are mirrored (default true) */
  flip?: boolean;
  /** Sizes to which an image is resized before its crop, drawn at random; none: the network's resolution (8 to 1024 pixels; default []) */
  sizes?: number[];
  /** Side of the square cut out of each image at random; 0: none (0 to 1024 pixels; default 0) */
  cutout?: number;
  /** Leading modules to freeze, including batch norm's running averages, counted as torchvision's `features` (the stem, 17 blocks, the last convolution): 19 trains only the classifier, 15 also the last blocks (0 to 19 modules; default 0) */
  freeze?: number;
  /** Seed of all randomness (0 to 4294967294; default 1) */
  seed?: number;
}
