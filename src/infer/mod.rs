//! Inference: batch norm folded into the convolutions, weights packed once, each block run as one operation.
//!
//! A block expands a few rows of its input, convolves them depthwise and projects them before it moves on to the next
//! rows (`infer/block.rs`). The expanded tensor never exists as a whole. That is the paper's memory claim (§5.1), and
//! it keeps the wide values in cache between the three convolutions. The stem serves as the first block's expansion;
//! the last convolution's output goes straight into the average.

use fearless_simd::Level;
use ndarray::{Array2, ArrayView3, ArrayView4, Axis};

use crate::arch::{Config, Layer, Weights};
use crate::arrays::{image_shape, values};
use crate::error::{Error, Result, ensure_memory};
use crate::kernel::elementwise::clamp;
use crate::kernel::matmul::{matmul, panels};
use crate::kernel::{Isa, SimdBase, best_level, dispatch, lanes, padded};
use crate::profile::{Clock, Operation, Profile};
use crate::threads;

mod block;
mod fold;
mod map;
mod softmax;

use block::{FusedBlock, Input};
use fold::Folded;
pub(crate) use map::Map;
pub use softmax::{Prediction, best, confidence, log_sum_exp, top};

/// A trained network ready to classify.
pub struct Classifier {
    level: Level,
    config: Config,
    blocks: Vec<FusedBlock>,
    last: Folded,
    classifier: Folded,
    /// Threads that share the work on one image.
    threads: usize,
    /// Length of a worker's arena in floats.
    arena: usize,
    /// One per image in flight, as many as threads and memory allow.
    workers: Vec<Worker>,
    clock: Option<Clock>,
}

/// The buffers for one image.
struct Worker {
    /// A block's input at one end, its output at the other, and working memory between. The next block reads that
    /// output in place.
    arena: Vec<f32>,
    /// Averages over all pixels, (C).
    features: Vec<f32>,
    /// One per class, padded to whole vectors.
    logits: Vec<f32>,
    /// One stopwatch for each of [`Classifier::threads`].
    profiles: Vec<Profile>,
}

impl Classifier {
    /// Folds and packs `weights` for the resolution in their configuration.
    ///
    /// # Errors
    /// [`Error::Argument`] if the configuration is out of range, [`Error::Memory`] if there is not enough for one
    /// image.
    pub fn new(weights: &Weights) -> Result<Self> {
        Self::at(best_level(), weights)
    }

    fn at(level: Level, weights: &Weights) -> Result<Self> {
        weights.config.validate()?;
        let config = weights.config.clone();
        let layers = config.layers();
        // Packing holds them twice.
        ensure_memory(2 * size_of_val(&weights.values[..]) as u64, "width or number of classes", || {
            format!("a network of width {} with {} classes", config.width, config.classes)
        })?;
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
        let mut classifier = Classifier {
            level,
            config,
            blocks,
            last,
            classifier,
            threads: threads::count(),
            arena: 0,
            workers: Vec::new(),
            clock: None,
        };
        classifier.lay_out()?;
        Ok(classifier)
    }

    /// The configuration, with the current resolution.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Height and width of the images.
    pub fn resolution(&self) -> usize {
        self.config.resolution
    }

    /// Changes the size of the images; the weights fit any.
    ///
    /// # Errors
    /// [`Error::Argument`] if the resolution is out of range, [`Error::Memory`] if there is not enough for one image;
    /// the size then stays as it was.
    pub fn set_resolution(&mut self, resolution: usize) -> Result<()> {
        let config = Config { resolution, ..self.config.clone() };
        config.validate()?;
        let before = std::mem::replace(&mut self.config, config);
        self.lay_out().or_else(|error| {
            self.config = before;
            self.lay_out().and(Err(error))
        })
    }

    /// Changes the share of a photo's centre that is cropped, 0.1 – 1.
    ///
    /// # Errors
    /// [`Error::Argument`] if it is out of range; the share then stays as it was.
    pub fn set_crop(&mut self, crop: f32) -> Result<()> {
        let config = Config { crop, ..self.config.clone() };
        config.validate()?;
        self.config = config;
        Ok(())
    }

    /// Bytes of working memory for one image: everything but weights, input and output.
    pub fn working_bytes(&self) -> usize {
        self.workers
            .first()
            .map_or(0, |worker| (worker.arena.len() + worker.features.len()) * size_of::<f32>())
    }

    /// Times the following images with this clock, or stops timing; a new resolution also stops it.
    pub fn watch(&mut self, clock: Option<Clock>) {
        self.clock = clock;
        let profile = self.stopwatch();
        for worker in &mut self.workers {
            worker.profiles.fill(profile.clone());
        }
    }

    fn stopwatch(&self) -> Profile {
        Profile::new(self.classifier.index + 1, self.clock)
    }

    /// Time per operation since [`Classifier::watch`], summed over all threads: with more than one it exceeds the
    /// elapsed time.
    pub fn profile(&self) -> Profile {
        let mut parts = self.workers.iter().flat_map(|worker| &worker.profiles);
        let mut sum = parts.next().cloned().unwrap_or_default();
        parts.for_each(|part| sum.add(part));
        sum
    }

    /// Logits of images, (N, classes): the larger, the more probable; [`top`] turns them into probabilities.
    ///
    /// `images` is (N, R, R, 3), normalised by the configuration's `mean` and `std`, R the [resolution](Self::resolution).
    ///
    /// # Errors
    /// [`Error::Shape`] if `images` has another shape, [`Error::Argument`] if it is not in row-major order.
    ///
    /// ```
    /// use mobilenetv2::arch::{Config, Weights};
    /// use mobilenetv2::infer::Classifier;
    /// use ndarray::Array4;
    ///
    /// let mut classifier = Classifier::new(&Weights::random(Config::cifar(), 1))?;
    /// let logits = classifier.forward(Array4::zeros((2, 32, 32, 3)).view())?;
    /// assert_eq!(logits.dim(), (2, 10));
    /// let error = classifier.forward(Array4::zeros((2, 32, 24, 3)).view()).unwrap_err();
    /// assert_eq!(error.to_string(), "images have the shape [2, 32, 24, 3]; expected [N, 32, 32, 3]");
    /// # Ok::<(), mobilenetv2::error::Error>(())
    /// ```
    pub fn forward(&mut self, images: ArrayView4<f32>) -> Result<Array2<f32>> {
        let classes = self.config.classes;
        self.run(images, classes, &|worker| &worker.logits[..classes])
    }

    /// Features of images, (N, C): the averages of the last convolution over all pixels, 0 or more, which the
    /// classifier reads.
    ///
    /// `images` is (N, R, R, 3), normalised, as [`Classifier::forward`] takes them.
    ///
    /// # Errors
    /// [`Error::Shape`] if `images` has another shape, [`Error::Argument`] if it is not in row-major order.
    ///
    /// ```
    /// # use mobilenetv2::{arch::{Config, Weights}, infer::Classifier};
    /// let mut classifier = Classifier::new(&Weights::random(Config::cifar(), 1))?;
    /// let features = classifier.features(ndarray::Array4::zeros((2, 32, 32, 3)).view())?;
    /// assert_eq!(features.dim(), (2, 1280));
    /// # Ok::<(), mobilenetv2::error::Error>(())
    /// ```
    pub fn features(&mut self, images: ArrayView4<f32>) -> Result<Array2<f32>> {
        self.run(images, self.last.layer.c_out, &|worker| &worker.features)
    }

    /// The output of block `index`, 0 – 16, for one normalised image (R, R, 3), and the instruction set that defines
    /// its layout.
    ///
    /// # Errors
    /// [`Error::Argument`] if there is no such block, [`Error::Shape`] if `image` has another shape.
    pub(crate) fn bottleneck(&mut self, image: ArrayView3<f32>, index: usize) -> Result<(Map<'_>, Level)> {
        let image = image.insert_axis(Axis(0));
        image_shape(&image, Some(self.config.resolution))?;
        let Classifier { level, blocks, workers, .. } = self;
        let last = blocks.len() - 1;
        let blocks = blocks
            .get(..=index)
            .ok_or_else(|| Error::Argument(format!("blocks are numbered 0 to {last}, found {index}")))?;
        let Worker { arena, profiles, .. } = &mut workers[0];
        let (map, _) = run_blocks(arena, profiles, *level, blocks, values("the image", &image)?);
        Ok((map, *level))
    }

    /// Runs images through the network and collects the `each` values that `take` picks of each, (N, each). Not
    /// generic: the whole network would be compiled once per caller.
    fn run(
        &mut self,
        images: ArrayView4<f32>,
        each: usize,
        take: &dyn Fn(&Worker) -> &[f32],
    ) -> Result<Array2<f32>> {
        let (count, _) = image_shape(&images, Some(self.config.resolution))?;
        let images = self::values("images", &images)?;
        let mut taken = Vec::with_capacity(count * each);
        let image = self.config.resolution * self.config.resolution * 3;
        self.employ(count);
        let Classifier { level, blocks, last, classifier, workers, .. } = self;
        for images in images.chunks(image * workers.len()) {
            let workers = &mut workers[..images.len() / image];
            threads::run(|| {
                let mut indexed: Vec<_> = workers.iter_mut().zip(images.chunks_exact(image)).collect();
                threads::for_each(&mut indexed, |(worker, image)| {
                    worker.run(*level, blocks, last, classifier, image)
                });
            });
            workers.iter().for_each(|worker| taken.extend_from_slice(take(worker)));
        }
        Ok(Array2::from_shape_vec((count, each), taken).expect("each image has as many values"))
    }

    /// Provides one worker per image, as far as threads and memory allow.
    fn employ(&mut self, images: usize) {
        while self.workers.len() < images.min(threads::count()) {
            let mut arena = Vec::new();
            if arena.try_reserve_exact(self.arena).is_err() {
                return;
            }
            arena.resize(self.arena, 0.0);
            self.workers.push(Worker {
                arena,
                features: vec![0.0; self.last.layer.c_out],
                logits: vec![0.0; padded(self.classifier.layer.c_out)],
                profiles: vec![self.stopwatch(); self.threads],
            });
        }
    }

    /// Computes the size of the buffers at the current resolution.
    fn lay_out(&mut self) -> Result<()> {
        let Classifier { level, config, blocks, workers, .. } = self;
        let (layers, threads) = (config.layers(), self.threads);
        // A block's input lies where the block before left its output.
        let (mut input, mut arena) = (0, 0);
        for block in blocks.iter_mut() {
            block.lay_out(*level, config, &layers, threads);
            arena = arena.max(input + block.working_floats(threads) + block.floats_out());
            input = block.floats_out();
        }
        workers.clear();
        self.arena = arena.max(2 * input);
        self.clock = None;
        self.employ(1);
        if self.workers.is_empty() {
            let task = format!("an image of {0} × {0}", self.config.resolution);
            let bytes = (self.arena * size_of::<f32>()) as u64;
            return Err(Error::Memory { task, bytes, remedy: "resolution" });
        }
        Ok(())
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
        let Worker { arena, features, logits, profiles } = self;
        let (map, room) = run_blocks(arena, profiles, level, blocks, image);
        let profile = &mut profiles[0];
        profile.start();
        let rows = map.whole(level, room);
        profile.lap(last.index, Operation::PackRows);
        each_panel(level, last, rows, map.size * map.size, features);
        profile.lap(last.index, Operation::Forward);
        each_panel(level, classifier, features, 1, logits);
        profile.lap(classifier.index, Operation::Forward);
    }
}

/// Runs an image through blocks, with one profile per thread; returns the last one's output and the rest of the arena.
fn run_blocks<'a>(
    arena: &'a mut [f32],
    profiles: &mut [Profile],
    level: Level,
    blocks: &[FusedBlock],
    image: &[f32],
) -> (Map<'a>, &'a mut [f32]) {
    let mut before: Option<&FusedBlock> = None;
    for block in blocks {
        let (input, working, out) =
            ends(arena, block.index, before.map_or(0, FusedBlock::floats_out), block.floats_out());
        let input = before.map_or(Input::Image(image), |before| Input::Map(before.map(input)));
        block.run(level, input, out, working, profiles);
        before = Some(block);
    }
    let before = before.expect("a network has blocks");
    let (out, room, _) = ends(arena, blocks.len(), before.floats_out(), 0);
    (before.map(out), room)
}

/// Splits an arena into (input, working memory, output). The block before block `index` left the `input` floats of its
/// output at one end; this block's output goes to the other.
fn ends(arena: &mut [f32], index: usize, input: usize, out: usize) -> (&[f32], &mut [f32], &mut [f32]) {
    let length = arena.len();
    if index.is_multiple_of(2) {
        let (input, rest) = arena.split_at_mut(input);
        let (room, out) = rest.split_at_mut(rest.len() - out);
        (input, room, out)
    } else {
        let (rest, input) = arena.split_at_mut(length - input);
        let (out, room) = rest.split_at_mut(out);
        (input, room, out)
    }
}

/// A 1×1 convolution that averages its output over all pixels instead of writing it: the last convolution with the pool
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
fn average<S: Isa>(
    simd: S,
    layer: &Layer,
    x: &[f32],
    pixels: usize,
    packed: &[f32],
    bias: &[f32],
    averages: &mut [f32],
) {
    let lanes = S::Vector::LEN;
    let (low, high) = layer.activation.range();
    let (low, high) = (S::Vector::splat(simd, low), S::Vector::splat(simd, high));
    for (block, panel) in panels(simd, packed, x.len() / pixels, averages.len()) {
        let mut sums = [S::Vector::splat(simd, 0.0); 2];
        let bias = &bias[block * lanes..];
        matmul(
            simd,
            x,
            pixels,
            panel,
            #[inline(always)]
            |column, _, tile| {
                let bias = S::Vector::from_slice(simd, &bias[column * lanes..(column + 1) * lanes]);
                for value in tile {
                    sums[column] += clamp(simd, *value + bias, low, high);
                }
            },
        );
        for (sum, average) in sums.iter().zip(averages[block * lanes..].chunks_exact_mut(lanes)) {
            (*sum * (1.0 / pixels as f32)).store_slice(average);
        }
    }
}

impl std::fmt::Debug for Classifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Classifier").field("config", &self.config).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use ndarray::Array4;

    use super::*;

    /// `count` images of numbers between -1 and 1.
    fn noise(count: usize, size: usize) -> Array4<f32> {
        let values = crate::kernel::reference::numbers(1, count * size * size * 3);
        Array4::from_shape_vec((count, size, size, 3), values).unwrap()
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn batches_and_single_images_agree() {
        let mut classifier =
            Classifier::new(&Weights::random(Config { width: 0.35, ..Config::cifar() }, 4)).unwrap();
        let images = noise(5, 32);
        let together = classifier.forward(images.view()).unwrap();
        for (image, expected) in images.outer_iter().zip(together.rows()) {
            let alone = classifier.forward(image.insert_axis(Axis(0))).unwrap();
            assert_eq!(alone.row(0), expected);
        }
        let channels_first = images.permuted_axes([0, 3, 1, 2]).as_standard_layout().into_owned();
        let error = classifier.forward(channels_first.view()).unwrap_err().to_string();
        assert_eq!(error, "images have the shape [5, 3, 32, 32]; expected [N, 32, 32, 3]");
        let transposed = channels_first.view().permuted_axes([0, 2, 3, 1]);
        assert!(classifier.forward(transposed).unwrap_err().to_string().contains("`as_standard_layout`"));
    }

    /// Row partitions, channel partitions, row tiles and their seams, at more threads than some maps have rows.
    #[test]
    #[cfg(not(target_arch = "wasm32"))]
    fn logits_are_bit_identical_at_any_number_of_threads() {
        use crate::arch::Shortcut;
        let residual = Config { width: 0.1, ..Config::cifar() };
        let projected = Config { shortcut: Shortcut::Projected, expand_first: true, ..Config::cifar() };
        let larger = Config { width: 0.35, resolution: 160, ..Config::cifar() };
        let imagenet = |width, resolution| Config { width, resolution, ..Config::imagenet() };
        let imagenet = [imagenet(1.0, 224), imagenet(0.35, 96), imagenet(0.5, 72)];
        for config in [residual, projected, larger].into_iter().chain(imagenet) {
            let weights = Weights::random(config, 4);
            let image = noise(1, weights.config.resolution);
            let classify = || Classifier::new(&weights).unwrap().forward(image.view()).unwrap();
            let logits = |threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(classify)
            };
            let expected = logits(1);
            for threads in [2, 3, 8] {
                assert_eq!(logits(threads), expected, "{:?} on {threads} threads", weights.config);
            }
            assert_eq!(classify(), expected, "{:?} from outside the thread pool", weights.config);
        }
    }

    /// A classifier may be built in one thread pool and used in another, which has its own workers.
    #[test]
    #[cfg(not(target_arch = "wasm32"))]
    fn logits_are_bit_identical_in_another_thread_pool() {
        let weights = Weights::random(Config { width: 0.35, resolution: 96, ..Config::imagenet() }, 4);
        let images = noise(3, 96);
        let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let expected = pool(1).install(|| Classifier::new(&weights).unwrap().forward(images.view()).unwrap());
        for (made, used) in [(8, 2), (1, 3)] {
            let mut classifier = pool(made).install(|| Classifier::new(&weights).unwrap());
            let logits = pool(used).install(|| classifier.forward(images.view()).unwrap());
            assert_eq!(logits, expected, "made on {made} threads, used on {used}");
        }
    }

    #[test]
    #[cfg(not(target_arch = "wasm32"))]
    fn instruction_sets_agree_to_the_bit_where_they_round_alike() {
        use crate::kernel::{levels, same_to_the_bit};
        let weights = Weights::random(Config { width: 0.35, resolution: 96, ..Config::imagenet() }, 4);
        let image = noise(1, 96);
        let found: Vec<_> = levels()
            .into_iter()
            .map(|level| (level, Classifier::at(level, &weights).unwrap().forward(image.view()).unwrap()))
            .collect();
        for pair in found.windows(2) {
            let [(level, wide), (other, narrow)] = pair else { unreachable!() };
            assert!(!same_to_the_bit(*level, *other) || wide == narrow, "{level:?}, {other:?}");
            for (a, b) in wide.iter().zip(narrow) {
                assert!((a - b).abs() < 1e-4 * (1.0 + b.abs()), "{level:?}, {other:?}: {a}, {b}");
            }
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
