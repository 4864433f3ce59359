/**
 * The accuracy of Google's weights on ImageNet: for each width, by resolution, millions of multiply-adds and the
 * percentage of correct answers (top 1). From tensorflow/models, research/slim/nets/mobilenet/README.md.
 *
 * @type {[width: number, measured: [resolution: number, macs: number, accuracy: number][]][]}
 */
// prettier-ignore
const FIGURES = [
  [1.4, [[224, 582, 75.0]]],
  [1.3, [[224, 509, 74.4]]],
  [1, [[224, 300, 71.8], [192, 221, 70.7], [160, 154, 68.8], [128, 99, 65.3], [96, 56, 60.3]]],
  [0.75, [[224, 209, 69.8], [192, 153, 68.7], [160, 107, 66.4], [128, 69, 63.2], [96, 39, 58.8]]],
  [0.5, [[224, 97, 65.4], [192, 71, 63.9], [160, 50, 61.0], [128, 32, 57.7], [96, 18, 51.2]]],
  [0.35, [[224, 59, 60.3], [192, 43, 58.2], [160, 30, 55.7], [128, 20, 50.8], [96, 11, 45.5]]],
];

/** The same in multiply-adds and shares, 0 – 1. */
export const PUBLISHED = FIGURES.map(([width, measured]) => ({
  width,
  measured: measured.map(([resolution, macs, right]) => ({ resolution, macs: macs * 1e6, accuracy: right / 100 })),
}));
