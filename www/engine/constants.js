/** Numbers of the core that JavaScript needs too. Written by `cargo xtask generate`; not edited by hand. */

/** Leading modules of a network that can be frozen, as torchvision's `features`: with all of them the classifier alone learns. */
export const FEATURES = 19;

/** Parts into which a batch is cut: more threads would have nothing to do. */
export const MICRO_BATCHES = 8;

/** Images of a step where the recipe does not say. */
export const BATCH = 96;

/** ImageNet's mean and deviation of the colours. @type {{mean: [number, number, number], std: [number, number, number]}} */
export const IMAGENET_COLOURS = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** CIFAR-10's, likewise. @type {{mean: [number, number, number], std: [number, number, number]}} */
export const CIFAR_COLOURS = { mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.201] };

/** CIFAR-10's classes, in the order of its labels. */
export const CIFAR_NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/** A mosaic of CIFAR-10: rows and columns of images, and the height and width of each. */
export const MOSAIC = { rows: 25, columns: 40, size: 32 };

/** Drawings that count as an epoch where nothing else is said: they never repeat. */
export const SHAPES_PER_EPOCH = 5000;

/** The drawings that a training is evaluated on: the seed that no training has, and how many. */
export const HELD_OUT_SHAPES = { seed: 4294967295, count: 1000 };
