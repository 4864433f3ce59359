//! Inference: batch norm folded into the convolutions, weights packed once, each block run as one operation.
//!
//! A block expands a few rows of its input, convolves them depthwise and projects them before it goes on to the
//! next rows (`infer/block.rs`). The expanded tensor never exists as a whole: that is the paper's memory claim (§5.1), and
//! it keeps the wide values in the cache between the three convolutions. The stem serves as the first block's
//! expansion; the last convolution's output goes straight into the average.

use fearless_simd::Level;

use crate::config::{Config, Layer};
use crate::error::Result;
use crate::kernel::matmul::{matmul, panels};
use crate::kernel::{Simd, SimdBase, best_level, dispatch, lanes, padded};
use crate::parameters::Weights;
use crate::profile::{Clock, Operation, Profile};
use crate::threads;

mod block;
mod fold;
mod map;

use block::{FusedBlock, Input};
use fold::Folded;
use map::Map;

/// A trained network ready to classify.
pub struct Classifier {
    level: Level,
    config: Config,
    blocks: Vec<FusedBlock>,
    last: Folded,
    classifier: Folded,
    /// One a thread that can work on an image of its own.
    workers: Vec<Worker>,
}

/// The buffers of one image on its way through the network.
struct Worker {
    /// Each block's input and output, in turn.
    maps: [Map; 2],
    /// One a stripe of a map.
    scratch: Vec<block::Scratch>,
    /// Pixels of the last block's output in one piece, (C / L, pixels, L).
    rows: Vec<f32>,
    /// Averages over all pixels, (C).
    features: Vec<f32>,
    /// One a class, padded to whole vectors.
    logits: Vec<f32>,
    /// Stopwatch for what is after the blocks.
    profile: Profile,
}

impl Classifier {
    /// Folds and packs `weights`; the resolution is their configuration's.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] if the configuration is out of range.
    pub fn new(weights: &Weights) -> Result<Self> {
        weights.config.validate()?;
        let config = weights.config.clone();
        let level = best_level();
        let layers = config.layers();
        let mut folded = fold::fold(level, weights, &layers).into_iter().peekable();
        let mut stem = folded.next();
        let mut blocks = Vec::new();
        while let Some(index) = folded.peek().and_then(|next| next.layer.block) {
            let parts = std::iter::from_fn(|| folded.next_if(|next| next.layer.block == Some(index)));
            blocks.push(FusedBlock::new(index, stem.take(), parts));
        }
        let (Some(last), Some(classifier)) = (folded.next(), folded.next()) else {
            unreachable!("two layers are left")
        };
        let mut classifier = Classifier { level, config, blocks, last, classifier, workers: Vec::new() };
        classifier.lay_out();
        Ok(classifier)
    }

    /// The configuration, with the resolution in use.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Height and width of the images.
    pub fn resolution(&self) -> usize {
        self.config.resolution
    }

    /// Takes images of another size from now on; the weights serve any.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] if it is out of range; the size stays as it was.
    pub fn set_resolution(&mut self, resolution: usize) -> Result<()> {
        let config = Config { resolution, ..self.config.clone() };
        config.validate()?;
        self.config = config;
        self.lay_out();
        Ok(())
    }

    /// Bytes of working memory for one image: everything but weights, input and output.
    pub fn working_bytes(&self) -> usize {
        self.workers.first().map_or(0, |worker| {
            let maps: usize = worker.maps.iter().map(Map::capacity).sum();
            let scratch: usize = worker.scratch.iter().map(block::Scratch::len).sum();
            (maps + scratch + worker.rows.len() + worker.features.len()) * size_of::<f32>()
        })
    }

    /// Watches the time of the images to come by this clock, or no longer; ends with a change of the resolution.
    pub fn watch(&mut self, clock: Option<Clock>) {
        let profile = Profile::new(self.classifier.index + 1, clock);
        for worker in &mut self.workers {
            worker.scratch.iter_mut().for_each(|scratch| scratch.profile = profile.clone());
            worker.profile = profile.clone();
        }
    }

    /// What the operations since [`Classifier::watch`] took, added up over all threads: where there is more than
    /// one, more than the time that has passed.
    pub fn profile(&self) -> Profile {
        let mut parts = self.workers.iter().flat_map(|worker| {
            worker.scratch.iter().map(|scratch| &scratch.profile).chain([&worker.profile])
        });
        let mut sum = parts.next().cloned().unwrap_or_default();
        parts.for_each(|part| sum.add(part));
        sum
    }

    /// Logits of one or more images.
    ///
    /// `images` is (N, R, R, 3), normalised; `logits` becomes (N, classes).
    ///
    /// # Panics
    /// If `images` is not a whole number of images.
    pub fn forward(&mut self, images: &[f32], logits: &mut Vec<f32>) {
        let classes = self.config.classes;
        logits.clear();
        self.run(images, &mut |worker| logits.extend_from_slice(&worker.logits[..classes]));
    }

    /// Appends what the classifier is given of one or more images, the averages of the last convolution over all
    /// pixels, (N, C), to `features`.
    ///
    /// `images` is (N, R, R, 3), normalised.
    ///
    /// # Panics
    /// If `images` is not a whole number of images.
    pub fn features(&mut self, images: &[f32], features: &mut Vec<f32>) {
        self.run(images, &mut |worker| features.extend_from_slice(&worker.features));
    }

    /// Runs images through the network; `take` sees what came of each, in order. (Not generic: the whole network would
    /// be compiled once a caller.)
    fn run(&mut self, images: &[f32], take: &mut dyn FnMut(&Worker)) {
        let Classifier { level, config, blocks, last, classifier, workers } = self;
        let image = config.resolution * config.resolution * 3;
        assert_eq!(images.len() % image, 0, "images of {image} values");
        for images in images.chunks(image * workers.len()) {
            let workers = &mut workers[..images.len() / image];
            let images: &[f32] = images;
            threads::run(|| {
                let mut indexed: Vec<_> = workers.iter_mut().zip(images.chunks_exact(image)).collect();
                threads::for_each(&mut indexed, |(worker, image)| {
                    worker.run(*level, blocks, last, classifier, image)
                });
            });
            workers.iter().for_each(&mut *take);
        }
    }

    /// Computes the buffers for the resolution in use.
    fn lay_out(&mut self) {
        let Classifier { config, blocks, last, classifier, workers, .. } = self;
        let layers = config.layers();
        for block in blocks.iter_mut() {
            block.lay_out(config, &layers);
        }
        let stripes = threads::count();
        workers.clear();
        workers.resize_with(stripes, || {
            let floats = |block: &FusedBlock| block.floats_out();
            Worker {
                maps: [0, 1].map(|parity| {
                    let blocks = blocks.iter().enumerate().filter(|(index, _)| index % 2 == parity);
                    Map::with_capacity(blocks.map(|(_, block)| floats(block)).max().unwrap_or(0))
                }),
                scratch: (0..stripes).map(|_| block::Scratch::for_blocks(blocks)).collect(),
                rows: vec![0.0; blocks.last().map_or(0, floats)],
                features: vec![0.0; last.layer.c_out],
                logits: vec![0.0; padded(classifier.layer.c_out)],
                profile: Profile::default(),
            }
        });
    }
}

impl Worker {
    fn run(
        &mut self,
        level: Level,
        blocks: &[FusedBlock],
        last: &Folded,
        classifier: &Folded,
        image: &[f32],
    ) {
        let stripes = self.scratch.len();
        let [mut out, mut other] = self.maps.each_mut();
        for block in blocks {
            let input = if block.index == 0 { Input::Image(image) } else { Input::Map(other) };
            out.shape(block.channels_out(), block.size_out(), stripes);
            out.for_each_stripe(&mut self.scratch, |rows, stripe, scratch| {
                dispatch!(level, simd => block.run(simd, input, rows, stripe, scratch));
            });
            std::mem::swap(&mut out, &mut other);
        }

        // The last block's output is in `other` now.
        self.profile.start();
        let pixels = other.size * other.size;
        dispatch!(level, simd => other.gather(simd, 0..other.size, &mut self.rows));
        self.profile.lap(last.index, Operation::Gather);
        let rows = &self.rows[..pixels * last.layer.c_in];
        each_panel(level, last, rows, pixels, &mut self.features);
        self.profile.lap(last.index, Operation::Forward);
        each_panel(level, classifier, &self.features, 1, &mut self.logits);
        self.profile.lap(classifier.index, Operation::Forward);
    }
}

/// A 1×1 convolution whose output is averaged over all pixels at once: the last convolution with the pool after it
/// and, over a single pixel, the classifier.
///
/// `x` is (K / L, pixels, L), `averages` (N) padded to whole blocks.
fn each_panel(level: Level, layer: &Folded, x: &[f32], pixels: usize, averages: &mut [f32]) {
    let width = 2 * lanes(level);
    let per_thread = averages.len().div_ceil(threads::count()).next_multiple_of(width);
    threads::for_each_chunk(averages, per_thread, |index, averages| {
        let panel_floats = x.len() / pixels * width;
        let packed = &layer.weights[index * per_thread / width * panel_floats..];
        let bias = &layer.bias[index * per_thread..];
        dispatch!(level, simd => average(simd, &layer.layer, x, pixels, packed, bias, averages));
    });
}

#[inline(always)]
fn average<S: Simd>(
    simd: S,
    layer: &Layer,
    x: &[f32],
    pixels: usize,
    packed: &[f32],
    bias: &[f32],
    averages: &mut [f32],
) {
    let lanes = S::f32s::LEN;
    let (low, high) = layer.activation.range();
    let (low, high) = (S::f32s::splat(simd, low), S::f32s::splat(simd, high));
    for (block, panel) in panels(simd, packed, x.len() / pixels, averages.len()) {
        let mut sums = [S::f32s::splat(simd, 0.0); 2];
        let bias = &bias[block * lanes..];
        matmul(
            simd,
            x,
            pixels,
            panel,
            #[inline(always)]
            |column, _, tile| {
                let bias = S::f32s::from_slice(simd, &bias[column * lanes..(column + 1) * lanes]);
                for value in tile {
                    sums[column] += (*value + bias).max(low).min(high);
                }
            },
        );
        for (sum, average) in sums.iter().zip(averages[block * lanes..].chunks_exact_mut(lanes)) {
            (*sum * (1.0 / pixels as f32)).store_slice(average);
        }
    }
}

/// A class and how probable the network thinks it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// Index of the class.
    pub class: usize,
    /// 0 – 1; over all classes they sum to 1.
    pub probability: f32,
}

/// The `k` most probable classes of one image by the softmax of its logits, best first.
pub fn top(logits: &[f32], k: usize) -> Vec<Prediction> {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logits.iter().map(|logit| (logit - highest).exp()).sum();
    let mut predictions: Vec<Prediction> = logits
        .iter()
        .enumerate()
        .map(|(class, logit)| Prediction { class, probability: (logit - highest).exp() / sum })
        .collect();
    predictions.sort_unstable_by(|a, b| b.probability.total_cmp(&a.probability).then(a.class.cmp(&b.class)));
    predictions.truncate(k);
    predictions
}

impl std::fmt::Debug for Classifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Classifier").field("config", &self.config).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;
    use crate::Error;

    #[wasm_bindgen_test(unsupported = test)]
    fn top_is_a_softmax_best_first() {
        let top = top(&[0.0, f32::ln(3.0), f32::ln(4.0)], 2);
        assert_eq!(top.iter().map(|p| p.class).collect::<Vec<_>>(), [2, 1]);
        assert!((top[0].probability - 0.5).abs() < 1e-6 && (top[1].probability - 0.375).abs() < 1e-6);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn batches_and_single_images_agree() {
        let mut classifier =
            Classifier::new(&Weights::random(Config { width: 0.35, ..Config::cifar() }, 4)).unwrap();
        let images = crate::kernel::reference::numbers(1, 5 * 32 * 32 * 3);
        let (mut together, mut alone) = (Vec::new(), Vec::new());
        classifier.forward(&images, &mut together);
        for (image, expected) in images.chunks(32 * 32 * 3).zip(together.chunks(10)) {
            classifier.forward(image, &mut alone);
            assert_eq!(alone, expected);
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn resolution_out_of_range_changes_nothing() {
        let mut classifier = Classifier::new(&Weights::random(Config::cifar(), 4)).unwrap();
        let error = classifier.set_resolution(4).unwrap_err();
        assert!(matches!(error, Error::Argument(_)));
        assert_eq!(classifier.resolution(), 32);
    }
}
