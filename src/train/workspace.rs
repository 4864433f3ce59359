//! Every buffer of training; each size is computed here, once.
//!
//! A batch is cut into micro-batches: fixed, independent groups of images. A thread works on one micro-batch at a time,
//! in that micro-batch's buffers. Sums over the batch are taken micro-batch by micro-batch, in order. So the result
//! depends on the batch but not on the number of threads.

use super::gradients::{plan, written};
use crate::arch::{Config, Kind, Layer};
use crate::error::{Result, ensure_memory};
use crate::kernel::depthwise::Geometry;
use crate::kernel::sums::{PIXELS, Sums};
use crate::kernel::{MAX_LANES, padded};

/// Micro-batches per batch: the number of threads that can be busy at once.
pub const MICRO_BATCHES: usize = 8;

/// Floats that a matrix product works on at once, inputs and outputs together, within the limits of [`pixels_at_once`].
const ROW_FLOATS: usize = 96 << 10;

/// Pixels that a product of `k` inputs and `n` outputs works on at once. They share one read of each panel of weights
/// and one addition of each tile of the weights' gradient to memory, so they are many even where, in the widest layers,
/// they exceed the second-level cache. The run of each channel is long enough to be prefetched. A multiple of twelve
/// makes full tiles of six rows as well as of four.
pub fn pixels_at_once(k: usize, n: usize) -> usize {
    (ROW_FLOATS / (k + n)).clamp(192, PIXELS) / 12 * 12
}

/// Tensors of the forward pass that backward reads. Sizes are those of a full micro-batch; a smaller one uses the front
/// of each.
pub struct Tensors {
    /// Each convolution's output before batch norm, in the order of [`Config::layers`]; (C / L, M, L).
    pub outputs: Vec<Vec<f32>>,
    /// Each layer's output where training writes it ([`written`]), else empty; (C / L, M, L).
    pub written: Vec<Vec<f32>>,
    /// The pooled features after dropout, (C / L, images, L).
    pub features: Vec<f32>,
    /// Dropout's factor for each feature, (C / L, images, L).
    pub dropout: Vec<f32>,
}

/// Working memory that holds nothing between two operations.
pub struct Scratch {
    /// For [`pixels_at_once`]: rows of inputs, (K / L, rows, L), and of output gradients, (N / L, rows, L).
    pub rows: [Vec<f32>; 2],
    /// Two padded planes of L channels.
    pub padded_planes: [Vec<f32>; 2],
    /// Two blocks of a plain convolution's rows' gradients, (2, rows, L).
    pub patch: Vec<f32>,
    /// Gradient of one layer's weights.
    pub dw: Vec<f32>,
    /// Gradient of the logits, (classes / L, images, L).
    pub dlogits: Vec<f32>,
    /// Gradient of the classifier's bias.
    pub dbias: Vec<f32>,
}

/// A fixed group of a batch's images with everything that a thread needs to work on them.
pub struct MicroBatch {
    /// Images of the current batch.
    pub images: usize,
    /// The images, (images, R, R, 3).
    pub input: Vec<f32>,
    /// Tensors that forward leaves for backward.
    pub tensors: Tensors,
    /// Gradients of the layers' outputs, at the places of [`plan`].
    pub gradients: Vec<f32>,
    /// Logits, (images, classes); the loss replaces them with their gradient.
    pub logits: Vec<f32>,
    /// Gradient of the features, (C / L, images, L).
    pub dfeatures: Vec<f32>,
    /// Batch norm's sums, passed from a convolution to its batch norm.
    pub sums: Sums,
    /// Working memory.
    pub scratch: Scratch,
}

impl MicroBatch {
    /// A micro-batch for up to `images` images; `zeros` makes a buffer of the given length.
    fn new(
        config: &Config,
        layers: &[Layer],
        images: usize,
        dw: usize,
        mut zeros: impl FnMut(usize) -> Vec<f32>,
    ) -> Self {
        let (convolutions, classifier) = layers.split_at(layers.len() - 1);
        let features = classifier[0].c_in * images;
        let rows = |floats: fn((usize, usize)) -> usize| {
            let products = convolutions.iter().filter(|layer| layer.kind != Kind::Depthwise);
            let products = products.map(|layer| (padded(layer.inputs()), layer.c_out));
            products.map(|(k, n)| floats((k, n)) * pixels_at_once(k, n)).max().unwrap_or(0)
        };
        let plain = convolutions.iter().filter(|layer| layer.kind == Kind::Convolution);
        let patch = plain.map(|l| 2 * MAX_LANES * pixels_at_once(l.inputs(), l.c_out)).max().unwrap_or(0);
        let depthwise = convolutions.iter().filter(|l| l.kind == Kind::Depthwise);
        let padded_plane =
            depthwise.map(|l| Geometry::of(config, l).padded_pixels()).max().unwrap_or(0) * MAX_LANES;
        let written = (0..convolutions.len()).map(|index| match written(layers, index) {
            true => layers[index].floats_out(),
            false => 0,
        });
        MicroBatch {
            images: 0,
            input: zeros(images * config.resolution * config.resolution * 3),
            tensors: Tensors {
                outputs: convolutions.iter().map(|layer| zeros(layer.floats_out() * images)).collect(),
                written: written.map(|floats| zeros(floats * images)).collect(),
                features: zeros(features),
                dropout: zeros(features),
            },
            gradients: zeros(plan(layers).1 * images),
            logits: zeros(images * config.classes),
            dfeatures: zeros(features),
            sums: Sums::new(convolutions.iter().map(|l| l.c_out).max().unwrap_or(0)),
            scratch: Scratch {
                rows: [zeros(rows(|(k, _)| k)), zeros(rows(|(_, n)| n))],
                padded_planes: [zeros(padded_plane), zeros(padded_plane)],
                patch: zeros(patch),
                dw: zeros(dw),
                dlogits: zeros(padded(config.classes) * images),
                dbias: zeros(config.classes),
            },
        }
    }
}

/// Whether the weights' gradient of a layer is computed after backward, for all micro-batches at once. That needs the rows of
/// a micro-batch of `images` images to fit into its scratch as a whole.
pub fn at_once(layer: &Layer, images: usize) -> bool {
    let product = !matches!(layer.kind, Kind::Stem | Kind::Depthwise | Kind::Classifier);
    let pixels = layer.size_out() * layer.size_out();
    product && images.saturating_mul(pixels) <= pixels_at_once(layer.inputs(), layer.c_out)
}

/// Floats of the largest weights' gradient that each micro-batch of `images` images computes for itself.
fn largest_dw(layers: &[Layer], images: usize) -> usize {
    layers.iter().filter(|layer| !at_once(layer, images)).map(Layer::weights).max().unwrap_or(0)
}

/// Maximum number of copies of the weights in a training, beside its micro-batches: gradients, optimiser state (two),
/// average, packed weights (two), the network for evaluation, and a checkpoint being written (three).
const COPIES: u64 = 10;

/// Bytes of the micro-batches for `layers`, with batches of up to `batch` images.
pub fn bytes(config: &Config, layers: &[Layer], batch: usize) -> u64 {
    let images = batch.div_ceil(MICRO_BATCHES);
    let dw = largest_dw(layers, images);
    let bytes = |images| {
        let mut floats = 0;
        MicroBatch::new(config, layers, images, dw, |length| {
            floats += length as u64;
            Vec::new()
        });
        floats * size_of::<f32>() as u64
    };
    // Extrapolated from one and two images, since the size for a whole batch may exceed `usize`.
    let (one, two) = (bytes(1), bytes(2));
    MICRO_BATCHES.min(batch) as u64 * (one + (images as u64 - 1) * (two - one))
}

/// Allocates the micro-batches for `layers`, all of `config`'s or only the last, with batches of up to `batch` images.
///
/// # Errors
/// [`Error::Memory`](crate::error::Error::Memory) if there is not enough for a training with them; nothing is kept
/// then.
pub fn micro_batches(config: &Config, layers: &[Layer], batch: usize) -> Result<Vec<MicroBatch>> {
    let weights: usize = config.layers().iter().map(Layer::weights).sum();
    let bytes = bytes(config, layers, batch) + COPIES * (weights * size_of::<f32>()) as u64;
    ensure_memory(bytes, "batch, resolution or width", || {
        format!("training on {batch} images of {0} × {0} at a time", config.resolution)
    })?;
    let images = batch.div_ceil(MICRO_BATCHES);
    let dw = largest_dw(layers, images);
    Ok((0..MICRO_BATCHES.min(batch))
        .map(|_| MicroBatch::new(config, layers, images, dw, |n| vec![0.0; n]))
        .collect())
}

/// Batch norm's sums of `channels` channels over the whole batch: adds those of the micro-batches up in the first one,
/// in order, and clears the others.
pub fn batch_sums(micro_batches: &mut [MicroBatch], channels: usize) -> &mut Sums {
    let (first, others) = micro_batches.split_first_mut().expect("a batch fills a micro-batch");
    for other in others {
        first.sums.absorb(&mut other.sums, channels);
    }
    &mut first.sums
}

/// Clears batch norm's sums of `channels` channels, where nothing reads them.
pub fn clear_sums(micro_batches: &mut [MicroBatch], channels: usize) {
    for micro_batch in micro_batches {
        micro_batch.sums.clear(channels);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::Architecture;

    #[test]
    fn bytes_match_the_buffers() {
        let few = Config { width: 0.35, ..Config::cifar() };
        let many = Config { classes: 10_000, ..few.clone() };
        let plain = Config { architecture: Architecture::Plain, ..few.clone() };
        for (config, batch) in
            [(&few, 3), (&few, 8), (&few, 24), (&many, 24), (&many, 512), (&plain, 8), (&plain, 512)]
        {
            let micro_batches = micro_batches(config, &config.layers(), batch).unwrap();
            let floats = |m: &MicroBatch| {
                let MicroBatch { input, tensors, gradients, logits, dfeatures, scratch, .. } = m;
                let Scratch { rows, padded_planes, patch, dw, dlogits, dbias } = scratch;
                let own = [input, gradients, logits, dfeatures, patch, dw, dlogits, dbias];
                let Tensors { outputs, written, features, dropout } = tensors;
                let all = own.into_iter().chain(rows).chain(padded_planes).chain(outputs).chain(written);
                all.chain([features, dropout]).map(Vec::len).sum::<usize>()
            };
            let expected = micro_batches.iter().map(floats).sum::<usize>() * size_of::<f32>();
            let found = bytes(config, &config.layers(), batch);
            assert_eq!(found, expected as u64, "{config:?}, batch {batch}");
        }
    }
}
