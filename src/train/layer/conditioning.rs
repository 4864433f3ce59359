//! Batch norm where a channel's mean is large relative to its standard deviation: our layers against naive 64-bit code.
//!
//! `tests/golden/batch_norm.py` draws the same numbers and records the errors of PyTorch's 32-bit floats. Ours may be
//! ten times as large.

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use fearless_simd::Level;
    use ndarray::ArrayView2;
    use serde::Deserialize;
    use wasm_bindgen_test::wasm_bindgen_test;

    use crate::arch::{Activation, Config, Kind, Layer, Role, Weights, tensors};
    use crate::kernel::{dispatch, lanes, levels, reference};
    use crate::profile::Profile;
    use crate::train::gradients::{LayerGradients, plan};
    use crate::train::layer::conv_bn_act::{Backward, ConvBnAct, Forward, Input};
    use crate::train::layer::{GradientWriter, shortcut};
    use crate::train::workspace;

    const IMAGES: usize = 8;
    const MEAN: f64 = 100.0;

    /// Statistics and gradients of a layer.
    struct Found {
        mean: Vec<f64>,
        /// Unbiased.
        variance: Vec<f64>,
        gamma: Vec<f64>,
        beta: Vec<f64>,
        weights: Vec<f64>,
        /// Empty for the stem, whose input needs no gradient.
        input: Vec<f64>,
    }

    /// Relative errors.
    #[derive(Debug, Deserialize)]
    struct Off {
        variance: f64,
        mean: f64,
        gamma: f64,
        beta: f64,
        weights: f64,
        input: f64,
    }

    #[derive(Deserialize)]
    struct Golden {
        /// PyTorch's errors, by kind of layer and ratio.
        layers: BTreeMap<String, BTreeMap<String, Off>>,
    }

    /// Rows of `channels` values.
    fn rows(x: &[f32], channels: usize) -> ArrayView2<'_, f32> {
        ArrayView2::from_shape((x.len() / channels, channels), x).unwrap()
    }

    fn golden() -> Golden {
        serde_json::from_str(include_str!("../../../tests/golden/batch_norm.json")).unwrap()
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn of_the_stem() {
        check(Kind::Stem, "stem");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn of_an_expansion() {
        check(Kind::Expand, "expand");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn depthwise_is_about_as_precise_as_pytorch() {
        check(Kind::Depthwise, "depthwise");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn of_a_projection() {
        check(Kind::Project, "project");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn last_is_about_as_precise_as_pytorch() {
        check(Kind::Last, "last");
    }

    fn check(kind: Kind, name: &str) {
        for (ratio, allowed) in &golden().layers[name] {
            let case = Case::new(kind, ratio.parse().unwrap());
            let expected = case.naive();
            for level in levels() {
                let off = case.ours(level).off(&expected);
                let pairs = [
                    ("variance", off.variance, allowed.variance),
                    ("mean", off.mean, allowed.mean),
                    ("gamma", off.gamma, allowed.gamma),
                    ("beta", off.beta, allowed.beta),
                    ("weights", off.weights, allowed.weights),
                    ("input", off.input, allowed.input),
                ];
                for (what, found, allowed) in pairs {
                    let message = format!(
                        "{name}, mean / deviation {ratio}, {level:?}: {what} is off by {found:.1e}, PyTorch's by {allowed:.1e}"
                    );
                    println!("{message}");
                    assert!(found <= 10.0 * allowed, "{message}");
                }
            }
        }
    }

    impl Found {
        fn off(&self, expected: &Found) -> Off {
            let largest = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, f64::max);
            let channels = self.mean.len();
            let variance =
                |c: usize| ((self.variance[c] - expected.variance[c]) / expected.variance[c]).abs();
            let mean = |c: usize| (self.mean[c] - expected.mean[c]).abs() / expected.variance[c].sqrt();
            Off {
                variance: largest(&mut (0..channels).map(variance)),
                mean: largest(&mut (0..channels).map(mean)),
                gamma: distance(&self.gamma, &expected.gamma),
                beta: distance(&self.beta, &expected.beta),
                weights: distance(&self.weights, &expected.weights),
                input: distance(&self.input, &expected.input),
            }
        }
    }

    /// Length of the difference, relative to the expected length; 0 if `found` is empty.
    fn distance(found: &[f64], expected: &[f64]) -> f64 {
        let square = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>();
        let difference = square(&mut found.iter().zip(expected).map(|(f, e)| f - e));
        (difference / square(&mut expected.iter().copied())).sqrt()
    }

    /// A layer with its numbers; tensors are (N, H, W, C), weights (3, 3, inputs, outputs) or (inputs, outputs).
    struct Case {
        config: Config,
        index: usize,
        layer: Layer,
        x: Vec<f32>,
        w: Vec<f32>,
        /// Gradient of the normalised value.
        dz: Vec<f32>,
    }

    /// Numbers from -1 to 1, by index, that 24 bits represent exactly.
    fn noise(seed: u64, count: usize) -> impl Iterator<Item = f64> {
        (0..count as u64).map(move |index| {
            let z = index.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(seed << 32);
            let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            ((z ^ (z >> 31)) >> 40) as f64 / f64::from(1 << 23) - 1.0
        })
    }

    impl Case {
        fn new(kind: Kind, ratio: f64) -> Self {
            let config = Config {
                width: 0.35,
                resolution: 64,
                activation: Activation::Linear,
                batch_norm_momentum: 1.0, // so that the running averages are the batch's
                ..Config::cifar()
            };
            let block = (!matches!(kind, Kind::Stem | Kind::Last)).then_some(1);
            let layers = config.layers();
            let index = layers.iter().position(|layer| layer.kind == kind && layer.block == block).unwrap();
            let layer = layers[index];
            assert_eq!(layer.stride, 1);
            let pixels = IMAGES * layer.size_in * layer.size_in;
            let inputs = if kind == Kind::Depthwise { 1 } else { layer.c_in };
            let spread = MEAN * 1.7 * (inputs as f64).sqrt() / ratio;
            let beside = noise(3, layer.weights()).map(|value| 0.3 / ratio * value / inputs as f64);
            let tap = |index| index / (inputs * layer.c_out);
            let three = matches!(kind, Kind::Stem | Kind::Depthwise);
            let w = noise(2, layer.weights()).zip(beside).enumerate().map(|(i, (value, beside))| {
                if three && tap(i) != 4 { beside } else { (1.0 + 0.5 * value) / inputs as f64 }
            });
            Case {
                x: noise(1, pixels * layer.c_in).map(|value| (MEAN + spread * value) as f32).collect(),
                w: w.map(|value| value as f32).collect(),
                dz: noise(4, pixels * layer.c_out).map(|value| value as f32).collect(),
                config,
                index,
                layer,
            }
        }

        /// Computed by the training's own code.
        fn ours(&self, level: Level) -> Found {
            let Case { config, index, layer, x, w, dz } = self;
            let layers = config.layers();
            let tensors = tensors(&layers);
            let span = |role| {
                tensors.iter().find(|t| t.layer == *index && t.role == role).expect("it has one").span.clone()
            };
            let Weights { mut values, mut statistics, .. } = Weights::random(config.clone(), 1);
            values[span(Role::Weight)].copy_from_slice(w);
            let mut gradients = vec![0.0; values.len()];
            let mut micro_batches = workspace::micro_batches(config, &layers, IMAGES).unwrap();
            let lanes = lanes(level);
            let pixels = layer.size_in * layer.size_in;
            for (micro_batch, x) in micro_batches.iter_mut().zip(x.chunks(pixels * layer.c_in)) {
                micro_batch.images = 1;
                if layer.kind == Kind::Stem {
                    micro_batch.input.copy_from_slice(x);
                } else {
                    micro_batch.tensors.written[0] = reference::block(rows(x, layer.c_in), lanes);
                }
            }
            let input = if layer.kind == Kind::Stem { Input::Image } else { Input::Written(0) };
            let at = LayerGradients { add: None, ..plan(&layers).0[*index] };
            let mut conv = ConvBnAct::new(config, *index, *layer, &tensors, false);
            let mut profile = Profile::default();
            conv.pack(level, &values);
            conv.forward(
                &mut Forward {
                    level,
                    micro_batches: &mut micro_batches,
                    values: &values,
                    statistics: &mut statistics,
                    profile: &mut profile,
                },
                input,
            );
            for (micro_batch, dz) in micro_batches.iter_mut().zip(dz.chunks(pixels * layer.c_out)) {
                let dout = reference::block(rows(dz, layer.c_out), lanes);
                let target = &mut micro_batch.gradients[at.split.unwrap_or(at.output).of(1)];
                let writer = GradientWriter {
                    dz: target,
                    add: None,
                    mean: &conv.norm.mean,
                    sums: &mut micro_batch.sums,
                };
                let y = &micro_batch.tensors.outputs[*index];
                dispatch!(level, simd => shortcut::backward(simd, y, conv.norm.affine(), &dout, pixels, writer));
            }
            conv.backward(
                &mut Backward {
                    level,
                    micro_batches: &mut micro_batches,
                    values: &values,
                    gradients: &mut gradients,
                    profile: &mut profile,
                },
                input,
                &at,
            );
            let doubles = |values: &[f32]| values.iter().copied().map(f64::from).collect::<Vec<_>>();
            let mut dx = Vec::new();
            for micro_batch in &micro_batches {
                let Some(input) = at.input else { break };
                let blocked = &micro_batch.gradients[input.of(1)];
                let place = |pixel, c| (c / lanes * pixels + pixel) * lanes + c % lanes;
                dx.extend((0..pixels * layer.c_in).map(|i| blocked[place(i / layer.c_in, i % layer.c_in)]));
            }
            Found {
                mean: doubles(&statistics[span(Role::RunningMean)]),
                variance: doubles(&statistics[span(Role::RunningVar)]),
                gamma: doubles(&gradients[span(Role::Gamma)]),
                beta: doubles(&gradients[span(Role::Beta)]),
                weights: doubles(&gradients[span(Role::Weight)]),
                input: doubles(&dx),
            }
        }

        /// Computed by definition, in 64 bits.
        fn naive(&self) -> Found {
            let Case { config, layer, x, w, dz, .. } = self;
            let n = layer.c_out;
            let mut y = vec![0.0; dz.len()];
            self.each_product(|x_at, w_at, y_at| y[y_at] += f64::from(x[x_at]) * f64::from(w[w_at]));

            let count = (y.len() / n) as f64;
            let dz: Vec<f64> = dz.iter().copied().map(f64::from).collect();
            let sums = |values: &dyn Fn(usize) -> f64| {
                let mut sums = vec![0.0; n];
                (0..y.len()).for_each(|i| sums[i % n] += values(i));
                sums
            };
            let mean: Vec<f64> = sums(&|i| y[i]).iter().map(|sum| sum / count).collect();
            let squares = sums(&|i| (y[i] - mean[i % n]).powi(2));
            let deviation: Vec<f64> =
                squares.iter().map(|sum| (sum / count + f64::from(config.epsilon)).sqrt()).collect();
            let normalised = |i: usize| (y[i] - mean[i % n]) / deviation[i % n];
            let beta = sums(&|i| dz[i]);
            let gamma = sums(&|i| dz[i] * normalised(i));
            let dy: Vec<f64> = (0..y.len())
                .map(|i| {
                    let c = i % n;
                    (dz[i] - beta[c] / count - normalised(i) * gamma[c] / count) / deviation[c]
                })
                .collect();

            let (mut dx, mut dw) = (vec![0.0; x.len()], vec![0.0; w.len()]);
            self.each_product(|x_at, w_at, y_at| {
                dw[w_at] += f64::from(x[x_at]) * dy[y_at];
                dx[x_at] += f64::from(w[w_at]) * dy[y_at];
            });
            let variance = squares.iter().map(|sum| sum / (count - 1.0)).collect();
            Found { mean, variance, gamma, beta, weights: dw, input: dx }
        }

        /// Calls `product` with the indices of each input, its weight, and the output to which their product is added.
        fn each_product(&self, mut product: impl FnMut(usize, usize, usize)) {
            let Layer { kind, c_in, c_out, size_in: size, .. } = self.layer;
            let reach: isize = if matches!(kind, Kind::Stem | Kind::Depthwise) { 1 } else { 0 };
            let inputs = if kind == Kind::Depthwise { 1 } else { c_in };
            for pixel in 0..IMAGES * size * size {
                let (row, column) = (pixel / size % size, pixel % size);
                let taps = (-reach..=reach).flat_map(|down| (-reach..=reach).map(move |right| (down, right)));
                for (tap, (down, right)) in taps.enumerate() {
                    let inside = |at: usize, by: isize| at.checked_add_signed(by).is_some_and(|at| at < size);
                    if !inside(row, down) || !inside(column, right) {
                        continue;
                    }
                    let from = pixel.strict_add_signed(down * size as isize + right);
                    for input in 0..inputs {
                        for output in 0..c_out {
                            let channel = if kind == Kind::Depthwise { output } else { input };
                            let weight = (tap * inputs + input) * c_out + output;
                            product(from * c_in + channel, weight, pixel * c_out + output);
                        }
                    }
                }
            }
        }
    }
}
