/** Constants of the core that JavaScript needs too. Written by `cargo xtask generate`; not edited by hand. */

/** Leading modules of a network that can be frozen, as torchvision's `features`: with all of them frozen only the classifier learns. */
export const FEATURES = 19;

/** Micro-batches per batch: more threads would have nothing to do. */
export const MICRO_BATCHES = 8;

/** Default number of images per step. */
export const BATCH = 96;

/** ImageNet's colour mean and standard deviation. @type {{mean: [number, number, number], std: [number, number, number]}} */
export const IMAGENET_COLOURS = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** The same for CIFAR-10. @type {{mean: [number, number, number], std: [number, number, number]}} */
export const CIFAR_COLOURS = { mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.201] };

/** CIFAR-10's classes, in the order of its labels. */
export const CIFAR_NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/** A CIFAR-10 mosaic: rows and columns of images, and the side of each image. */
export const MOSAIC = { rows: 25, columns: 40, size: 32 };

/** Default number of drawings per epoch; they never repeat. */
export const SHAPES_PER_EPOCH = 5000;

/** The drawings on which a training is evaluated: a seed that no training has, and their number. */
export const HELD_OUT_SHAPES = { seed: 4294967295, count: 1000 };
