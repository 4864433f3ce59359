//! START HERE: the whole network in training, forward and backward.
//!
//! `Config` → layers → stem, seventeen blocks, last convolution, pool, classifier. Inference runs the same network
//! differently, with batch norm folded and each block as one operation: see [`crate::infer`].

use std::mem::take;
use std::ops::Range;

use fearless_simd::Level;
use ndarray::{Array2, ArrayViewMut2};

use super::block::Block;
use super::layer::conv_bn_act::{Backward, ConvBnAct, Forward, Input, sum_over_micro_batches};
use super::layer::{GradientWriter, classifier, pool};
use super::loss::{self, Loss};
use super::workspace::{self, GradientBuffer, MicroBatch};
use crate::arch::{Config, FEATURES, Kind, Role, Tensor, tensors};
use crate::error::Result;
use crate::kernel::{best_level, dispatch, lanes, matmul};
use crate::profile::{Operation, Profile};
use crate::threads::for_each;

/// A MobileNetV2 ready to train: its layers and all buffers for a batch. It holds no weights.
pub struct Network {
    level: Level,
    stem: ConvBnAct,
    blocks: Vec<Block>,
    last: ConvBnAct,
    classifier_weight: Range<usize>,
    classifier_bias: Range<usize>,
    /// The classifier's weights packed, as they are and transposed.
    packed: [Vec<f32>; 2],
    dropout: f32,
    /// Frozen leading modules: they use their running averages, and backward stops at them.
    freeze: usize,
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
        let conv = |kind| {
            let index = layers.iter().position(|layer| layer.kind == kind).expect("every network has one");
            let mut conv = ConvBnAct::new(config, index, layers[index], &tensors);
            conv.frozen = layers[index].module() < freeze;
            conv
        };
        let block = |index| {
            let mut block = Block::new(config, &layers, &tensors, index);
            block.convolutions_mut().for_each(|conv| conv.frozen = conv.layer.module() < freeze);
            block
        };
        let classifier_alone = freeze == FEATURES;
        let blocks = layers.iter().filter_map(|layer| layer.block).max().map_or(0, |last| last + 1);
        let blocks = if classifier_alone { 0 } else { blocks };
        let classifier = layers.len() - 1;
        let span = |role| {
            let found = |tensor: &&Tensor| tensor.layer == classifier && tensor.role == role;
            tensors.iter().find(found).expect("the classifier has weight and bias").span.clone()
        };
        let learning = &layers[if classifier_alone { classifier } else { 0 }..];
        // First, because it checks that there is memory for everything else too.
        let micro_batches = workspace::micro_batches(config, learning, batch)?;
        let packed = matmul::packed_len(layers[classifier].c_in, config.classes);
        Ok(Network {
            level: best_level(),
            stem: conv(Kind::Stem),
            blocks: (0..blocks).map(block).collect(),
            last: conv(Kind::Last),
            classifier_weight: span(Role::Weight),
            classifier_bias: span(Role::Bias),
            packed: [vec![0.0; packed], vec![0.0; packed]],
            dropout: config.dropout,
            freeze,
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
            assert!(
                micro_batch.images * self.stem.layer.size_in.pow(2) * 3 <= micro_batch.input.len(),
                "batch too large"
            );
        }
        &mut self.micro_batches[..self.active]
    }

    /// Starts a batch of `count` images; `read` turns those of a micro-batch into its input, (images, R, R, 3).
    ///
    /// # Panics
    /// If `count` is 0 or more than the network has buffers for.
    pub fn start_images<T>(&mut self, count: usize, images: &[T], mut read: impl FnMut(&[T], &mut [f32])) {
        let input = self.stem.layer.size_in.pow(2) * 3;
        self.share_out(count, images, |images, micro_batch| {
            read(images, &mut micro_batch.input[..micro_batch.images * input])
        });
    }

    /// Starts a batch from pooled features, (N, C), in a network that trains only its classifier.
    ///
    /// # Panics
    /// If there are no features, or more than the network has buffers for.
    pub fn start_features(&mut self, features: &[f32]) {
        let (channels, lanes) = (self.last.layer.c_out, lanes(self.level));
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
        if self.freeze < FEATURES {
            self.forward_features(values, statistics);
        }
        self.classify(values, dropout_seed);
    }

    /// From the images to the pooled features.
    fn forward_features(&mut self, values: &[f32], statistics: &mut [f32]) {
        let level = self.level;
        let micro_batches = &mut self.micro_batches[..self.active];
        let mut pass = Forward { level, micro_batches, values, statistics, profile: &mut self.profile };
        self.stem.forward(&mut pass, Input::Image);
        for (index, block) in self.blocks.iter_mut().enumerate() {
            block.forward(&mut pass, block_input(&self.stem, index));
        }
        self.last.forward(&mut pass, Input::Bottleneck(self.blocks.len() - 1));

        let last = &self.last;
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
        let (channels, packed) = (self.last.layer.c_out, &self.packed[0]);
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
                classifier::forward(simd, features, packed, bias, micro_batch.images, &mut micro_batch.logits);
            });
        });
        self.profile.lap(self.last.index + 1, Operation::Forward);
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
        self.profile.lap(self.last.index + 1, Operation::Loss);
        total
    }

    /// Number of features that the classifier reads.
    pub fn channels(&self) -> usize {
        self.last.layer.c_out
    }

    /// Pixels per image of the last convolution's output.
    pub fn last_pixels(&self) -> usize {
        self.last.pixels()
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
        let (last, packed) = (&self.last, &self.packed[1]);
        let (weights, classes) = (self.classifier_weight.len(), self.classifier_bias.len());
        for_each(micro_batches, |micro_batch| {
            let images = micro_batch.images;
            let scratch = &mut micro_batch.scratch;
            let features = &micro_batch.tensors.features[..images * last.layer.c_out];
            let dfeatures = &mut micro_batch.dfeatures[..features.len()];
            let dlogits = &micro_batch.logits[..images * classes];
            let (dw, dbias) = (&mut scratch.dw[..weights], &mut scratch.dbias);
            let dy = &mut scratch.dlogits;
            dispatch!(level, simd => {
                classifier::backward(simd, features, packed, dlogits, images, dfeatures, dw, dbias, dy);
            });
        });
        self.profile.lap(last.index + 1, Operation::Backward);
        sum_over_micro_batches(
            micro_batches,
            &mut gradients[self.classifier_weight.clone()],
            |micro_batch| &micro_batch.scratch.dw,
        );
        sum_over_micro_batches(micro_batches, &mut gradients[self.classifier_bias.clone()], |micro_batch| {
            &micro_batch.scratch.dbias
        });
        self.profile.lap(last.index + 1, Operation::Sum);

        if self.freeze == FEATURES {
            return;
        }
        let pixels = last.pixels();
        for_each(micro_batches, |micro_batch| {
            let dfeatures = &mut micro_batch.dfeatures[..micro_batch.images * last.layer.c_out];
            let lazy = Input::Convolution(last).lazy(&micro_batch.tensors, dfeatures.len() * pixels);
            let mut dz = take(&mut micro_batch.gradients[GradientBuffer::Depthwise as usize]);
            let writer =
                GradientWriter { dz: &mut dz, add: None, mean: &last.norm.mean, sums: &mut micro_batch.sums };
            dispatch!(level, simd => {
                multiply(dfeatures, &micro_batch.tensors.dropout);
                pool::backward(simd, lazy, last.norm.affine(), dfeatures, pixels, micro_batch.images, writer);
            });
            micro_batch.gradients[GradientBuffer::Depthwise as usize] = dz;
        });
        self.profile.lap(last.index, Operation::Backward);

        let mut pass = Backward { level, micro_batches, values, gradients, profile: &mut self.profile };
        let input = Input::Bottleneck(self.blocks.len() - 1);
        self.last.backward(&mut pass, input, GradientBuffer::Depthwise, GradientBuffer::Output, None);
        // Block i is module i + 1.
        let first = self.freeze.saturating_sub(1);
        for (index, block) in self.blocks.iter_mut().enumerate().skip(first).rev() {
            block.backward(&mut pass, block_input(&self.stem, index));
        }
        if self.freeze > 0 {
            return workspace::clear_sums(pass.micro_batches, self.stem.layer.c_out);
        }
        // The image needs no gradient, so its buffer is not written.
        self.stem.backward(&mut pass, Input::Image, GradientBuffer::Expand, GradientBuffer::Input, None);
    }

    /// Packs all weights for this step.
    fn pack(&mut self, values: &[f32]) {
        let level = self.level;
        let classes = self.classifier_bias.len();
        let w = &values[self.classifier_weight.clone()];
        let [packed, transposed] = &mut self.packed;
        let features = self.last.layer.c_out;
        dispatch!(level, simd => {
            matmul::pack(simd, w, (features, classes), false, packed);
            matmul::pack(simd, w, (classes, features), true, transposed);
        });
        if self.freeze == FEATURES {
            return;
        }
        self.stem.pack(level, values);
        self.last.pack(level, values);
        for_each(&mut self.blocks, |block| {
            block.convolutions_mut().for_each(|conv| conv.pack(level, values))
        });
    }
}

/// The input of block `index`: the stem for the first block, else the block before.
fn block_input(stem: &ConvBnAct, index: usize) -> Input<'_> {
    if index == 0 { Input::Convolution(stem) } else { Input::Bottleneck(index - 1) }
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
    use crate::arch::Weights;
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
        let weights = Weights::random(Config { width: 0.35, dropout: 0.2, ..Config::cifar() }, 1);
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
