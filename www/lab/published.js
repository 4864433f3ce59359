/**
 * The accuracy of Google's weights on ImageNet: for each width, by resolution, the percentage of correct answers (top 1). From
 * tensorflow/models, research/slim/nets/mobilenet/README.md.
 *
 * @type {[width: number, measured: [resolution: number, accuracy: number][]][]}
 */
// prettier-ignore
const FIGURES = [
  [1.4, [[224, 75.0]]],
  [1.3, [[224, 74.4]]],
  [1, [[224, 71.8], [192, 70.7], [160, 68.8], [128, 65.3], [96, 60.3]]],
  [0.75, [[224, 69.8], [192, 68.7], [160, 66.4], [128, 63.2], [96, 58.8]]],
  [0.5, [[224, 65.4], [192, 63.9], [160, 61.0], [128, 57.7], [96, 51.2]]],
  [0.35, [[224, 60.3], [192, 58.2], [160, 55.7], [128, 50.8], [96, 45.5]]],
];

/** The same as shares, 0 – 1. */
export const PUBLISHED = FIGURES.map(([width, measured]) => ({
  width,
  measured: measured.map(([resolution, right]) => ({ resolution, accuracy: right / 100 })),
}));

/**
 * The best test accuracies on CIFAR-10 that a student's study reports for this network, one training each. `start`: whether
 * the first test accuracy was in the 80s or the 70s; `until`: the epoch at which the rate's decay ends.
 *
 * @type {{epochs: number, until: number, start: number, activation: "relu" | "relu6", accuracy: number}[]}
 */
export const STUDY = [
  { epochs: 150, until: 150, start: 80, activation: "relu", accuracy: 0.9337 },
  { epochs: 150, until: 150, start: 80, activation: "relu6", accuracy: 0.9304 },
  { epochs: 150, until: 150, start: 70, activation: "relu", accuracy: 0.9235 },
  { epochs: 150, until: 150, start: 70, activation: "relu6", accuracy: 0.9267 },
  { epochs: 200, until: 150, start: 70, activation: "relu6", accuracy: 0.9247 },
  { epochs: 200, until: 200, start: 70, activation: "relu6", accuracy: 0.9249 },
];
