//! START HERE: the whole network in training, forward and backward.
//!
//! [`Config::layers`] lists the layers, and which of them each reads and adds: stem, blocks, last convolution, classifier. A
//! MobileNetV2, a MobileNetV1 and its plain twin differ in that list alone. Forward walks it from the first layer to the last,
//! backward from the last to the first.
//!
//! ```text
//!            image ─→ stem ─→ expand ─→ depthwise ─→ project ─→ … ─→ last ─→ pool ─→ classifier ─→ logits
//!                          │                            + │
//!                          └────────────────────────────┘ └─ a shortcut ends here: the sum is written
//! ```
//!
//! Inference runs the same network differently, with batch norm folded and each block as one operation: see
//! [`crate::infer`].

use std::ops::Range;

use fearless_simd::Level;
use ndarray::{Array2, ArrayViewMut2};

use super::gradients::{LayerGradients, plan, written};
use super::layer::conv_bn_act::{Backward, ConvBnAct, Forward, Input, sum_over_micro_batches};
use super::layer::{GradientWriter, classifier, pool};
use super::loss::{self, Loss};
use super::workspace::{self, MicroBatch};
use crate::arch::{Config, FEATURES, Layer, Role, Tensor, tensors};
use crate::error::Result;
use crate::kernel::{best_level, dispatch, lanes, matmul};
use crate::profile::{Operation, Profile};
use crate::threads::for_each;

/// A network ready to train: its layers and all buffers for a batch. It holds no weights.
pub struct Network {
    level: Level,
    /// In the order of [`Config::layers`]; none where the classifier alone learns.
    convolutions: Vec<ConvBnAct>,
    /// Where the gradients at each convolution lie.
    gradients: Vec<LayerGradients>,
    /// Shape and index of the classifier.
    classifier: (usize, Layer),
    classifier_weight: Range<usize>,
    classifier_bias: Range<usize>,
    /// The classifier's weights packed, as they are and transposed.
    packed: [Vec<f32>; 2],
    dropout: f32,
    /// Floats of an image.
    image: usize,
    micro_batches: Vec<MicroBatch>,
    /// Bytes that the micro-batches take.
    pub working_bytes: u64,
    /// Micro-batches that the current batch fills.
    active: usize,
    /// Stopwatch, off at first.
    pub profile: Profile,
}

impl Network {
    /// Builds the network of `config`, its first `freeze` modules frozen, with buffers for batches of up to `batch`
    /// images. If [`FEATURES`] modules are frozen, only the classifier is built, and batches start with
    /// [`Network::start_features`].
    ///
    /// # Errors
    /// [`crate::error::Error::Memory`] if there is not enough for the buffers.
    pub fn new(config: &Config, freeze: usize, batch: usize) -> Result<Self> {
        let layers = config.layers();
        let tensors = tensors(&layers);
        let index = layers.len() - 1;
        let classifier = layers[index];
        let span = |role| {
            let found = |tensor: &&Tensor| tensor.layer == index && tensor.role == role;
            tensors.iter().find(found).expect("the classifier has weight and bias").span.clone()
        };
        let learning = &layers[if freeze == FEATURES { index } else { 0 }..];
        // Before the other buffers, because it checks that there is memory for them too.
        let micro_batches = workspace::micro_batches(config, learning, batch)?;
        let convolutions = learning[..learning.len() - 1].iter().enumerate();
        let packed = matmul::packed_len(classifier.c_in, config.classes);
        Ok(Network {
            level: best_level(),
            convolutions: convolutions
                .map(|(index, layer)| {
                    let mut conv = ConvBnAct::new(config, index, *layer, &tensors, written(&layers, index));
                    conv.frozen = layer.module() < freeze;
                    conv
                })
                .collect(),
            gradients: plan(learning).0,
            classifier: (index, classifier),
            classifier_weight: span(Role::Weight),
            classifier_bias: span(Role::Bias),
            packed: [vec![0.0; packed], vec![0.0; packed]],
            dropout: config.dropout,
            image: config.resolution * config.resolution * 3,
            working_bytes: workspace::bytes(config, learning, batch),
            micro_batches,
            active: 0,
            profile: Profile::default(),
        })
    }

    /// Distributes the next batch of `images` images over the micro-batches and returns those in use, in order.
    ///
    /// # Panics
    /// If `images` is 0 or more than the network has buffers for.
    pub fn start_batch(&mut self, images: usize) -> &mut [MicroBatch] {
        self.active = self.micro_batches.len().min(images);
        let (each, rest) = (images / self.active, images % self.active);
        for (index, micro_batch) in self.micro_batches[..self.active].iter_mut().enumerate() {
            micro_batch.images = each + usize::from(index < rest);
            assert!(micro_batch.images * self.image <= micro_batch.input.len(), "batch too large");
        }
        &mut self.micro_batches[..self.active]
    }

    /// Starts a batch of `count` images; `read` turns those of a micro-batch into its input, (images, R, R, 3).
    ///
    /// # Panics
    /// If `count` is 0 or more than the network has buffers for.
    pub fn start_images<T>(&mut self, count: usize, images: &[T], mut read: impl FnMut(&[T], &mut [f32])) {
        let input = self.image;
        self.share_out(count, images, |images, micro_batch| {
            read(images, &mut micro_batch.input[..micro_batch.images * input])
        });
    }

    /// Starts a batch from pooled features, (N, C), in a network that trains only its classifier.
    ///
    /// # Panics
    /// If there are no features, or more than the network has buffers for.
    pub fn start_features(&mut self, features: &[f32]) {
        let (channels, lanes) = (self.channels(), lanes(self.level));
        self.share_out(features.len() / channels, features, |features, micro_batch| {
            for (image, features) in features.chunks_exact(channels).enumerate() {
                for (block, values) in features.chunks_exact(lanes).enumerate() {
                    let start = (block * micro_batch.images + image) * lanes;
                    micro_batch.tensors.features[start..start + lanes].copy_from_slice(values);
                }
            }
        });
    }

    /// Starts a batch of `count` images; `take` receives each micro-batch's share of `values`, equally many per image.
    fn share_out<T>(&mut self, count: usize, values: &[T], mut take: impl FnMut(&[T], &mut MicroBatch)) {
        let each = values.len() / count;
        let mut rest = values;
        for micro_batch in self.start_batch(count) {
            let (here, after) = rest.split_at(micro_batch.images * each);
            take(here, micro_batch);
            rest = after;
        }
    }

    /// Computes the batch's logits. Layers that are not frozen normalise by the batch's statistics, which update the
    /// running averages. `dropout_seed` chooses the features to drop; without a seed none are.
    pub fn forward(&mut self, values: &[f32], statistics: &mut [f32], dropout_seed: Option<u64>) {
        self.pack(values);
        self.profile.lap_network(Operation::Pack);
        self.forward_features(values, statistics);
        self.classify(values, dropout_seed);
    }

    /// From the images to the pooled features.
    fn forward_features(&mut self, values: &[f32], statistics: &mut [f32]) {
        let level = self.level;
        let micro_batches = &mut self.micro_batches[..self.active];
        let mut pass = Forward { level, micro_batches, values, statistics, profile: &mut self.profile };
        for index in 0..self.convolutions.len() {
            let (before, rest) = self.convolutions.split_at_mut(index);
            let conv = &mut rest[0];
            conv.forward(&mut pass, Input::of(before, conv.layer.input));
            if conv.written {
                conv.write(&mut pass, conv.layer.adds.map(|adds| Input::of(before, Some(adds))));
            }
        }

        let Some(last) = self.convolutions.last() else { return };
        let pixels = last.pixels();
        for_each(micro_batches, |micro_batch| {
            let features = &mut micro_batch.tensors.features[..micro_batch.images * last.layer.c_out];
            let y = &micro_batch.tensors.outputs[last.index][..features.len() * pixels];
            dispatch!(level, simd => {
                pool::forward(simd, y, last.norm.affine(), pixels, micro_batch.images, features);
            });
        });
        self.profile.lap(last.index, Operation::Forward);
    }

    /// From the pooled features to the logits.
    fn classify(&mut self, values: &[f32], dropout_seed: Option<u64>) {
        let level = self.level;
        let micro_batches = &mut self.micro_batches[..self.active];
        let (channels, packed) = (self.classifier.1.c_in, &self.packed[0]);
        let bias = &values[self.classifier_bias.clone()];
        let dropout = dropout_seed.map(|seed| (seed, self.dropout)).filter(|(_, dropout)| *dropout > 0.0);
        for (index, micro_batch) in micro_batches.iter_mut().enumerate() {
            let factors = &mut micro_batch.tensors.dropout[..micro_batch.images * channels];
            let dropout = dropout.map(|(seed, p)| (seed.wrapping_add(index as u64), p));
            draw_dropout(factors, micro_batch.images, lanes(level), dropout);
        }
        for_each(micro_batches, |micro_batch| {
            let features = &mut micro_batch.tensors.features[..micro_batch.images * channels];
            dispatch!(level, simd => {
                multiply(features, &micro_batch.tensors.dropout);
                let (logits, y) = (&mut micro_batch.logits, &mut micro_batch.scratch.dlogits);
                classifier::forward(simd, features, packed, bias, micro_batch.images, logits, y);
            });
        });
        self.profile.lap(self.classifier.0, Operation::Forward);
    }

    /// The loss of the batch; replaces the logits with its gradient. `labels` has one class per image.
    pub fn loss(&mut self, labels: &[u32], smoothing: f32) -> Loss {
        let classes = self.classifier_bias.len();
        let mut total = Loss::default();
        let mut first = 0;
        for micro_batch in &mut self.micro_batches[..self.active] {
            let labels_here = &labels[first..first + micro_batch.images];
            let logits = &mut micro_batch.logits[..micro_batch.images * classes];
            let logits =
                ArrayViewMut2::from_shape((micro_batch.images, classes), logits).expect("a row an image");
            let part = loss::cross_entropy(logits, labels_here.into(), smoothing, labels.len());
            total.loss += part.loss;
            total.correct += part.correct;
            first += micro_batch.images;
        }
        self.profile.lap(self.classifier.0, Operation::Loss);
        total
    }

    /// Number of features that the classifier reads.
    pub fn channels(&self) -> usize {
        self.classifier.1.c_in
    }

    /// Pixels per image of the last convolution's output.
    pub fn last_pixels(&self) -> usize {
        self.convolutions.last().map_or(1, ConvBnAct::pixels)
    }

    /// Logits of the batch, (N, classes); valid until [`Network::loss`] replaces them.
    pub fn logits(&self) -> Array2<f32> {
        let classes = self.classifier_bias.len();
        let parts = self.micro_batches[..self.active].iter();
        let logits: Vec<f32> =
            parts.flat_map(|part| &part.logits[..part.images * classes]).copied().collect();
        Array2::from_shape_vec((logits.len() / classes, classes), logits).expect("a row an image")
    }

    /// Computes the gradients of all values that are not frozen, from the loss's gradient that [`Network::loss`] left.
    pub fn backward(&mut self, values: &[f32], gradients: &mut [f32]) {
        let level = self.level;
        let micro_batches = &mut self.micro_batches[..self.active];
        let (channels, packed) = (self.classifier.1.c_in, &self.packed[1]);
        let (weights, classes) = (self.classifier_weight.len(), self.classifier_bias.len());
        for_each(micro_batches, |micro_batch| {
            let images = micro_batch.images;
            let scratch = &mut micro_batch.scratch;
            let features = &micro_batch.tensors.features[..images * channels];
            let dfeatures = &mut micro_batch.dfeatures[..features.len()];
            let dlogits = &micro_batch.logits[..images * classes];
            let (dw, dbias) = (&mut scratch.dw[..weights], &mut scratch.dbias);
            let dy = &mut scratch.dlogits;
            dispatch!(level, simd => {
                classifier::backward(simd, features, packed, dlogits, images, dfeatures, dw, dbias, dy);
            });
        });
        self.profile.lap(self.classifier.0, Operation::Backward);
        sum_over_micro_batches(
            micro_batches,
            &mut gradients[self.classifier_weight.clone()],
            |micro_batch| &micro_batch.scratch.dw,
        );
        sum_over_micro_batches(micro_batches, &mut gradients[self.classifier_bias.clone()], |micro_batch| {
            &micro_batch.scratch.dbias
        });
        self.profile.lap(self.classifier.0, Operation::Sum);

        let (Some(last), Some(at_last)) = (self.convolutions.last(), self.gradients.last()) else { return };
        let pixels = last.pixels();
        for_each(micro_batches, |micro_batch| {
            let images = micro_batch.images;
            let dfeatures = &mut micro_batch.dfeatures[..images * channels];
            let lazy = Input::Convolution(last).lazy(&micro_batch.tensors, dfeatures.len() * pixels);
            let dz = &mut micro_batch.gradients[at_last.output.of(images)];
            let writer = GradientWriter { dz, add: None, mean: &last.norm.mean, sums: &mut micro_batch.sums };
            dispatch!(level, simd => {
                multiply(dfeatures, &micro_batch.tensors.dropout);
                pool::backward(simd, lazy, last.norm.affine(), dfeatures, pixels, images, writer);
            });
        });
        self.profile.lap(last.index, Operation::Backward);

        let mut pass = Backward { level, micro_batches, values, gradients, profile: &mut self.profile };
        for index in (0..self.convolutions.len()).rev() {
            let (before, rest) = self.convolutions.split_at_mut(index);
            let conv = &mut rest[0];
            if conv.frozen {
                return workspace::clear_sums(pass.micro_batches, conv.layer.c_out);
            }
            let at = &self.gradients[index];
            if let Some(to) = at.split {
                conv.split(&mut pass, at.output, to);
            }
            conv.backward(&mut pass, Input::of(before, conv.layer.input), at);
        }
    }

    /// Packs all weights for this step.
    fn pack(&mut self, values: &[f32]) {
        let level = self.level;
        let classes = self.classifier_bias.len();
        let w = &values[self.classifier_weight.clone()];
        let [packed, transposed] = &mut self.packed;
        let features = self.classifier.1.c_in;
        dispatch!(level, simd => {
            matmul::pack(simd, w, (features, classes), false, packed);
            matmul::pack(simd, w, (classes, features), true, transposed);
        });
        for_each(&mut self.convolutions, |conv| conv.pack(level, values));
    }
}

/// Draws dropout's factors, (C / L, images, L): 0 with probability p, else 1 / (1 - p), which preserves the mean. Draws
/// image by image, so that a seed means the same at any L.
fn draw_dropout(factors: &mut [f32], images: usize, lanes: usize, seed: Option<(u64, f32)>) {
    let Some((seed, p)) = seed else { return factors.fill(1.0) };
    let mut rng = fastrand::Rng::with_seed(seed);
    for image in 0..images {
        for block in factors.chunks_exact_mut(images * lanes) {
            let of_image = &mut block[image * lanes..(image + 1) * lanes];
            of_image.fill_with(|| if rng.f32() < p { 0.0 } else { 1.0 / (1.0 - p) });
        }
    }
}

#[inline(always)]
fn multiply(values: &mut [f32], factors: &[f32]) {
    for (value, factor) in values.iter_mut().zip(factors) {
        *value *= factor;
    }
}

#[cfg(not(target_arch = "wasm32"))] // a browser has one instruction set
#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::{Architecture, Shortcut, Weights};
    use crate::kernel::{levels, reference, same_to_the_bit};

    const IMAGES: usize = 9;

    /// Gradients and running averages after a step on random numbers.
    fn step(level: Level, weights: &Weights) -> Vec<f32> {
        let Weights { config, values, statistics, .. } = weights;
        let images = reference::numbers(2, IMAGES * config.resolution * config.resolution * 3);
        let labels: Vec<u32> = (0..IMAGES as u32).collect();
        let mut network = Network::new(config, 0, IMAGES).unwrap();
        network.level = level;
        network.start_images(IMAGES, &images, |images, input| input.copy_from_slice(images));
        let mut statistics = statistics.clone();
        let mut gradients = vec![0.0; values.len()];
        network.forward(values, &mut statistics, Some(3));
        network.loss(&labels, 0.1);
        network.backward(values, &mut gradients);
        gradients.extend(statistics);
        gradients
    }

    #[test]
    fn instruction_sets_agree_to_the_bit_where_they_round_alike() {
        let v2 = Config { width: 0.35, dropout: 0.2, ..Config::cifar() };
        let expansions = Config { shortcut: Shortcut::Expansions, ..v2.clone() };
        let [v1, plain] = [Architecture::MobilenetV1, Architecture::Plain]
            .map(|architecture| Config { architecture, ..v2.clone() });
        [v2, expansions, v1, plain].into_iter().for_each(instruction_sets_agree);
    }

    fn instruction_sets_agree(config: Config) {
        let weights = Weights::random(config, 1);
        let found: Vec<_> = levels().into_iter().map(|level| (level, step(level, &weights))).collect();
        for pair in found.windows(2) {
            let [(level, wide), (other, narrow)] = pair else { unreachable!() };
            assert!(!same_to_the_bit(*level, *other) || wide == narrow, "{level:?}, {other:?}");
            let off: f64 = wide.iter().zip(narrow).map(|(a, b)| f64::from(a - b).powi(2)).sum();
            let all: f64 = narrow.iter().map(|b| f64::from(*b).powi(2)).sum();
            // rounding moves some activations across a kink
            assert!((off / all).sqrt() < 1e-2, "{level:?}, {other:?}: {}", (off / all).sqrt());
        }
    }
}
