/**
 * Class evidence: how much each place of the last maps speaks for a class. The head is linear, so this is exact: a class's
 * score is its bias and the sum over all places. Scores only count against each other; so they are taken above their mean
 * over the classes. Knows no DOM.
 */

/**
 * @typedef {import("../engine/protocol.js").FeatureMaps} Maps
 * @typedef {import("../engine/protocol.js").Filters} Filters
 *
 * @typedef {object} Evidence
 * @property {Float32Array} values (S, S); with `bias` they add up to `score`
 * @property {number} bias
 * @property {number} score above the mean of all classes
 */

/** The scores of all classes. @param {Maps} last @param {Filters} classifier */
export function scoresOf({ channels, size, values }, { filters, shift }) {
  const pixels = size * size;
  const pooled = Array.from({ length: channels }, (_, channel) => {
    let sum = 0;
    for (let i = channel * pixels; i < (channel + 1) * pixels; i++) sum += values[i];
    return sum / pixels;
  });
  return Array.from(shift, (bias, one) => {
    let score = bias;
    for (let channel = 0; channel < channels; channel++) score += filters[one * channels + channel] * pooled[channel];
    return score;
  });
}

/** Probabilities of scores. @param {number[]} scores */
export function softmax(scores) {
  const most = Math.max(...scores);
  const each = scores.map((score) => Math.exp(score - most));
  const sum = each.reduce((a, b) => a + b);
  return each.map((one) => one / sum);
}

/** A class's row of weights and its bias, less the mean of all classes. @param {Filters} classifier @param {number} target */
function against({ filters, shift, inputs }, target) {
  const classes = shift.length;
  const row = new Float64Array(inputs);
  let bias = shift[target];
  for (let one = 0; one < classes; one++) {
    bias -= shift[one] / classes;
    for (let channel = 0; channel < inputs; channel++) row[channel] -= filters[one * inputs + channel] / classes;
  }
  for (let channel = 0; channel < inputs; channel++) row[channel] += filters[target * inputs + channel];
  return { row, bias };
}

/** @param {Maps} last @param {Filters} classifier @param {number} target a class @returns {Evidence} */
export function evidenceOf({ channels, size, values }, classifier, target) {
  const { row, bias } = against(classifier, target);
  const pixels = size * size;
  const found = new Float32Array(pixels);
  let score = bias;
  for (let pixel = 0; pixel < pixels; pixel++) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++) sum += values[channel * pixels + pixel] * row[channel];
    found[pixel] = sum / pixels;
    score += sum / pixels;
  }
  return { values: found, bias, score };
}
