//! A network that can be looked into, and changed to see what that does.

use ndarray::Array3;

use super::operations::round;
use super::{Classifier, Execution, Run};
use crate::arch::{Activation, Kind, Layer, Role, Weights, tensors};
use crate::error::{Error, Result};
use crate::kernel::best_level;

/// Pixels of a map by which its channels are compared, evenly spread.
const SAMPLED: usize = 1024;

/// A network that runs op by op and keeps the output of every layer until the next image.
#[derive(Debug)]
pub struct Trace {
    weights: Weights,
    changes: Changes,
    classifier: Classifier,
}

/// What is different from the network of the weights; by default nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// From this block on, from 0, the projections have a ReLU6, which the paper leaves out (§3.2).
    pub relu_from: Option<usize>,
    /// Bits to which each output channel's weights are rounded, 2 – 16; 0: not rounded.
    pub weight_bits: u32,
    /// Bits to which each layer's output is rounded, over its range in this image, 2 – 16; 0: not rounded.
    pub activation_bits: u32,
}

/// A layer's convolution and what follows it: `clamp(scale · Σ filter · input + shift, low, high)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Filters {
    /// (C_out, inputs, taps): a depthwise filter has one input; taps are row by row.
    pub filters: Array3<f32>,
    /// Batch norm's, (C_out); of the classifier 1.
    pub scale: Vec<f32>,
    /// Batch norm's shift, (C_out), or the classifier's bias.
    pub shift: Vec<f32>,
    /// The activation's bounds.
    pub range: (f32, f32),
}

/// What a layer's output consists of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Statistics {
    /// Share of values that are 0.
    pub zeros: f32,
    /// Share of values that are 6.
    pub sixes: f32,
    /// In how many directions the pixels differ: the effective rank of the channels' covariance, `(Σ λ)² / Σ λ²` of its
    /// eigenvalues, at least 1 and at most the number of channels.
    pub rank: f32,
}

impl Changes {
    /// Gives the layers their activations.
    pub(super) fn apply(&self, layers: &mut [Layer]) {
        let Some(first) = self.relu_from else { return };
        for layer in layers {
            if layer.kind == Kind::Project && layer.block >= Some(first) {
                layer.activation = Activation::Relu6;
            }
        }
    }
}

impl Trace {
    /// An unchanged network.
    ///
    /// # Errors
    /// As for [`Classifier::new`].
    pub fn new(weights: Weights) -> Result<Self> {
        let changes = Changes::default();
        let classifier = Classifier::at(best_level(), &weights, Run::Keeping(&changes))?;
        Ok(Trace { weights, changes, classifier })
    }

    /// The changed network, to classify with. To look at an image's outputs, classify it alone: after several images they
    /// may belong to any of them.
    ///
    /// ```
    /// use mobilenetv2::arch::{Config, Weights};
    /// use mobilenetv2::infer::{Changes, Trace};
    /// use ndarray::Array4;
    ///
    /// let mut trace = Trace::new(Weights::random(Config::cifar(), 1))?;
    /// let image = Array4::from_elem((1, 32, 32, 3), 0.5);
    /// let logits = trace.network().forward(image.view())?;
    /// assert_eq!(trace.maps(0)?.dim(), (32, 32, 32)); // the stem: channels, rows, columns
    ///
    /// trace.change(Changes { relu_from: Some(10), ..Changes::default() })?;
    /// assert_ne!(trace.network().forward(image.view())?, logits);
    /// # Ok::<(), mobilenetv2::error::Error>(())
    /// ```
    pub fn network(&mut self) -> &mut Classifier {
        &mut self.classifier
    }

    /// Changes the network, which then has not seen an image.
    ///
    /// # Errors
    /// [`Error::Argument`] if a number of bits is neither 0 nor 2 – 16; otherwise as for [`Classifier::new`].
    pub fn change(&mut self, changes: Changes) -> Result<()> {
        if changes == self.changes {
            return Ok(());
        }
        for (name, bits) in [("weight", changes.weight_bits), ("activation", changes.activation_bits)] {
            if bits != 0 && !(2..=16).contains(&bits) {
                return Err(Error::Argument(format!("{name} bits are 2 to 16, or 0 for all; found {bits}")));
            }
        }
        let mut weights = self.weights.clone();
        weights.config.resolution = self.classifier.resolution();
        if changes.weight_bits > 0 {
            round_channels(&mut weights, changes.weight_bits);
        }
        self.classifier = Classifier::at(best_level(), &weights, Run::Keeping(&changes))?;
        self.changes = changes;
        Ok(())
    }

    /// The output of layer `index` of [`Config::layers`](crate::arch::Config::layers) for the last image, after batch norm,
    /// activation and shortcut: one channel after another, (C, S, S).
    ///
    /// # Errors
    /// [`Error::Argument`] if there is no such layer; the classifier has no maps.
    pub fn maps(&self, index: usize) -> Result<Array3<f32>> {
        let layers = self.classifier.config().layers();
        if index + 1 >= layers.len() {
            let last = layers.len() - 2;
            return Err(Error::Argument(format!("layers with maps are numbered 0 to {last}, found {index}")));
        }
        Ok(self.planes(index))
    }

    fn planes(&self, index: usize) -> Array3<f32> {
        let Execution::OpByOp(operations) = &self.classifier.execution else { unreachable!() };
        operations.map(index, &self.classifier.workers[0].arena).to_planes(self.classifier.level)
    }

    /// What the outputs of all layers but the classifier consist of, for the last image.
    pub fn statistics(&self) -> Vec<Statistics> {
        (0..self.classifier.config().layers().len() - 1)
            .map(|index| statistics(&self.planes(index)))
            .collect()
    }

    /// The filters of layer `index` of [`Config::layers`](crate::arch::Config::layers), as trained: not rounded.
    ///
    /// # Errors
    /// [`Error::Argument`] if there is no such layer.
    pub fn filters(&self, index: usize) -> Result<Filters> {
        let mut layers = self.classifier.config().layers();
        self.changes.apply(&mut layers);
        let Some(layer) = layers.get(index) else {
            let last = layers.len() - 1;
            return Err(Error::Argument(format!("layers are numbered 0 to {last}, found {index}")));
        };
        let tensors = tensors(&layers);
        let values = self.weights.tensor(&tensors, index, Role::Weight).expect("every layer has weights");
        let taps = layer.kernel() * layer.kernel();
        let inputs = layer.inputs() / taps;
        let mut filters = Vec::with_capacity(values.len()); // stored as (taps, inputs, C_out)
        for channel in 0..layer.c_out {
            for input in 0..inputs {
                filters.extend((0..taps).map(|tap| values[(tap * inputs + input) * layer.c_out + channel]));
            }
        }
        let (scale, shift) = self.weights.scale_and_shift(&tensors, index, layer.c_out);
        let filters = Array3::from_shape_vec((layer.c_out, inputs, taps), filters).expect("all are there");
        Ok(Filters { filters, scale, shift, range: layer.activation.range() })
    }
}

/// Rounds the weights of each output channel to `bits` bits of their range, which batch norm then scales.
fn round_channels(weights: &mut Weights, bits: u32) {
    let layers = weights.config.layers();
    for tensor in tensors(&layers).into_iter().filter(|tensor| tensor.role == Role::Weight) {
        let channels = layers[tensor.layer].c_out;
        let values = &mut weights.values[tensor.span];
        for channel in 0..channels {
            let mut own: Vec<f32> = values[channel..].iter().step_by(channels).copied().collect();
            round(&mut own, bits);
            values[channel..].iter_mut().step_by(channels).zip(own).for_each(|(value, own)| *value = own);
        }
    }
}

/// What maps, (C, S, S), consist of.
fn statistics(maps: &Array3<f32>) -> Statistics {
    let (values, pixels) = (maps.as_slice().expect("new maps are contiguous"), maps.len() / maps.dim().0);
    let share =
        |wanted: f32| values.iter().filter(|value| **value == wanted).count() as f32 / values.len() as f32;
    // channels less their means, at up to SAMPLED pixels
    let every = pixels.div_ceil(SAMPLED);
    let sampled = pixels.div_ceil(every);
    let mut centred = Vec::with_capacity(values.len() / pixels * sampled);
    for plane in values.chunks_exact(pixels) {
        let from = centred.len();
        centred.extend(plane.iter().step_by(every));
        let mean = centred[from..].iter().sum::<f32>() / sampled as f32;
        centred[from..].iter_mut().for_each(|value| *value -= mean);
    }
    // The covariances of channels and of pixels have the same eigenvalues; the smaller one is cheaper.
    let channels = centred.len() / sampled;
    let (count, length, next, step) =
        if sampled < channels { (sampled, channels, 1, sampled) } else { (channels, sampled, sampled, 1) };
    let (mut trace, mut squares) = (0.0, 0.0);
    for i in 0..count {
        for j in 0..=i {
            let product =
                |k| f64::from(centred[i * next + k * step]) * f64::from(centred[j * next + k * step]);
            let sum = (0..length).map(product).sum::<f64>();
            squares += if i == j { sum * sum } else { 2.0 * sum * sum };
            trace += if i == j { sum } else { 0.0 };
        }
    }
    let rank = if squares > 0.0 { (trace * trace / squares) as f32 } else { 1.0 };
    Statistics { zeros: share(0.0), sixes: share(6.0), rank }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, Array4, Axis};
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;
    use crate::arch::{Architecture, Config, Padding, Shortcut};
    use crate::kernel::reference::numbers;

    fn traced(config: Config) -> (Trace, Array4<f32>, Array2<f32>) {
        let size = config.resolution;
        let mut trace = Trace::new(Weights::random(config, 4)).unwrap();
        let image = Array4::from_shape_vec((1, size, size, 3), numbers(1, size * size * 3)).unwrap();
        let logits = trace.network().forward(image.view()).unwrap();
        (trace, image, logits)
    }

    /// One value of a layer's output from the maps before it, as the magnifier of the page computes it.
    fn value(trace: &Trace, layer: &Layer, filters: &Filters, input: &Array3<f32>, at: [usize; 3]) -> f32 {
        let [channel, y, x] = at;
        let before = if layer.kernel() == 3 { trace.classifier.config().padding_before(layer) } else { 0 };
        let mut sum = 0.0;
        for tap in 0..layer.kernel() * layer.kernel() {
            let row = (y * layer.stride + tap / layer.kernel()).checked_sub(before);
            let column = (x * layer.stride + tap % layer.kernel()).checked_sub(before);
            let (Some(row), Some(column)) = (row, column) else { continue };
            for c in 0..filters.filters.dim().1 {
                let from = if layer.kind == Kind::Depthwise { channel } else { c };
                let weight = f64::from(filters.filters[[channel, c, tap]]);
                sum += input.get([from, row, column]).map_or(0.0, |input| weight * f64::from(*input));
            }
        }
        let normalised = sum as f32 * filters.scale[channel] + filters.shift[channel];
        normalised.clamp(filters.range.0, filters.range.1)
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn every_value_follows_from_filters_and_the_maps_before() {
        let small = Config { width: 0.35, ..Config::cifar() };
        let v1 = Config { architecture: Architecture::MobilenetV1, width: 0.25, ..Config::cifar() };
        let networks = [
            Config { shortcut: Shortcut::Expansions, ..small.clone() },
            Config { shortcut: Shortcut::Projected, padding: Padding::Same, ..small.clone() },
            Config { architecture: Architecture::Plain, ..v1.clone() },
            v1,
            Config { resolution: 75, ..Config { width: 0.35, ..Config::imagenet() } },
        ];
        for config in networks {
            let (trace, image, _) = traced(config);
            let colours = image.index_axis(Axis(0), 0).permuted_axes([2, 0, 1]).to_owned();
            let layers = trace.classifier.config().layers();
            for (index, layer) in layers[..layers.len() - 1].iter().enumerate() {
                let (found, filters) = (trace.maps(index).unwrap(), trace.filters(index).unwrap());
                let input = layer.input.map_or_else(|| colours.clone(), |input| trace.maps(input).unwrap());
                let last = layer.size_out() - 1;
                for at in [[0, 0, 0], [layer.c_out - 1, last, last], [layer.c_out / 2, last / 2, last]] {
                    let added = layer.adds.map_or(0.0, |added| trace.maps(added).unwrap()[at]);
                    let expected = value(&trace, layer, &filters, &input, at) + added;
                    let error = (found[at] - expected).abs();
                    assert!(error < 1e-4 * (1.0 + expected.abs()), "{:?}, layer {index}, {at:?}", layer.kind);
                }
            }
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn unchanged_it_is_the_network_op_by_op() {
        let (mut trace, image, logits) = traced(Config { width: 0.35, ..Config::cifar() });
        let mut classifier = Classifier::op_by_op(&trace.weights).unwrap();
        assert_eq!(classifier.forward(image.view()).unwrap(), logits);
        trace.change(Changes { relu_from: Some(3), weight_bits: 8, activation_bits: 8 }).unwrap();
        assert_ne!(trace.network().forward(image.view()).unwrap(), logits);
        trace.change(Changes::default()).unwrap();
        assert_eq!(trace.network().forward(image.view()).unwrap(), logits);
        let error = trace.maps(52).unwrap_err().to_string();
        assert_eq!(error, "layers with maps are numbered 0 to 51, found 52");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn relu_after_the_projections_leaves_no_negative_value() {
        let (mut trace, image, _) = traced(Config { shortcut: Shortcut::None, ..Config::cifar() });
        trace.change(Changes { relu_from: Some(10), ..Changes::default() }).unwrap();
        trace.network().forward(image.view()).unwrap();
        let statistics = trace.statistics();
        for (index, layer) in
            trace.classifier.config().layers().iter().enumerate().filter(|(_, l)| l.kind == Kind::Project)
        {
            let negative = trace.maps(index).unwrap().iter().any(|value| *value < 0.0);
            assert_eq!(negative, layer.block < Some(10), "{:?}", layer.block);
            assert_eq!(statistics[index].zeros > 0.2, layer.block >= Some(10), "{:?}", layer.block);
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn fewer_bits_leave_fewer_values() {
        let (mut trace, image, exact) = traced(Config { width: 0.35, ..Config::cifar() });
        let mut errors = Vec::new();
        for bits in [16, 8, 4, 2] {
            trace.change(Changes { weight_bits: bits, activation_bits: bits, ..Changes::default() }).unwrap();
            let logits = trace.network().forward(image.view()).unwrap();
            errors.push((logits - &exact).iter().fold(0.0f32, |most, error| most.max(error.abs())));
            let mut values: Vec<f32> = trace.maps(0).unwrap().iter().copied().collect();
            values.sort_by(f32::total_cmp);
            values.dedup();
            assert!(values.len() <= 1 << bits, "{} values of {bits} bits", values.len());
        }
        assert!(errors[0] < 1e-3 && errors.is_sorted(), "{errors:?}");
        let error = trace.change(Changes { weight_bits: 1, ..Changes::default() }).unwrap_err().to_string();
        assert_eq!(error, "weight bits are 2 to 16, or 0 for all; found 1");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn the_effective_rank_counts_directions() {
        let wave = |channel: usize, pixel: usize| {
            let angle = std::f32::consts::TAU * (channel + 1) as f32 * pixel as f32 / 64.0;
            angle.sin()
        };
        let maps = |own: &dyn Fn(usize) -> usize, channels| {
            Array3::from_shape_fn((channels, 8, 8), |(channel, y, x)| wave(own(channel), 8 * y + x))
        };
        for channels in [5, 100] {
            assert!((statistics(&maps(&|c| c % 5, channels)).rank - 5.0).abs() < 1e-3);
        }
        assert!((statistics(&maps(&|_| 0, 7)).rank - 1.0).abs() < 1e-3);
        assert_eq!(statistics(&Array3::zeros((3, 4, 4))).rank, 1.0);
    }
}
