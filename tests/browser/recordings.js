// Recorded trainings made up for tests, in the form that `cargo xtask experiments` writes.

const EPOCHS = 12;

/** A training that rises to an accuracy. @param {number} seed @param {number} end */
const run = (seed, end) => ({
  seed,
  commit: "abc1234",
  epochs: Array.from({ length: EPOCHS }, (_, i) => {
    const done = 1 - Math.exp(-(i + 1) / 3);
    const accuracy = Number((0.4 + (end - 0.4) * done + 0.004 * ((seed + i) % 3)).toFixed(4));
    return { step: 781 * (i + 1), loss: Number((2.2 - 1.6 * accuracy).toFixed(4)), accuracy };
  }),
});

/** A recording of two sides. @param {number[]} ends of the first side's seeds @param {number[]} others */
export const recording = (ends, others) => ({
  name: "bottleneck",
  settings: {
    ...{ architecture: "mobilenet-v2", width: 0.35, activation: "relu6", bottleneck: "linear", epochs: EPOCHS },
    ...{ batch: 64, learning_rate: 0.05, schedule: "cosine", decay_until: EPOCHS },
  },
  command: "cargo xtask experiments --only bottleneck",
  sides: [
    { settings: { bottleneck: "linear" }, runs: ends.map((end, i) => run(i + 1, end)) },
    { settings: { bottleneck: "relu6" }, runs: others.map((end, i) => run(i + 1, end)) },
  ],
});

/** Answers with these recordings and no others. @param {Record<string, object>} recordings by name */
export const routesOf = (recordings) => ({
  "**/curves/recorded.json": JSON.stringify(Object.keys(recordings)),
  ...Object.fromEntries(
    Object.entries(recordings).map(([name, one]) => [`**/curves/${name}.json`, JSON.stringify(one)]),
  ),
});

export const FIXTURE_ROUTES = routesOf({ bottleneck: recording([0.86, 0.87, 0.865], [0.82, 0.835, 0.825]) });
