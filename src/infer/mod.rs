//! Inference: batch norm folded into the convolutions, weights packed once, each block run as one operation.
//!
//! A block expands a few rows of its input, convolves them depthwise and projects them before it moves on to the next
//! rows (`infer/block.rs`). The expanded tensor never exists as a whole. That is the paper's memory claim (§5.1), and
//! it keeps the wide values in cache between the three convolutions. The stem serves as the first block's expansion;
//! the last convolution's output goes straight into the average.
//!
//! That is how a MobileNetV2 runs. The networks that it is compared with run [op by op](Classifier::op_by_op)
//! (`infer/operations.rs`), as it can itself: then every tensor between two convolutions exists as a whole.

use fearless_simd::Level;
use ndarray::{Array2, ArrayView3, ArrayView4, Axis};

use crate::arch::{Architecture, Config, Shortcut, Weights};
use crate::arrays::{image_shape, values};
use crate::error::{Error, Result, ensure_memory};
use crate::kernel::{best_level, padded};
use crate::profile::{Clock, Operation, Profile};
use crate::threads;

mod block;
mod convolution;
mod fold;
mod fused;
mod map;
mod operations;
mod softmax;
#[cfg(test)]
mod tests;
mod trace;

pub use convolution::Convolution;
use fold::Folded;
use fused::{Fused, average_product};
pub(crate) use map::Map;
use operations::{Keeping, Operations};
pub use softmax::{Prediction, best, confidence, log_sum_exp, top};
pub use trace::{Changes, Filters, Statistics, Trace};

/// A trained network ready to classify.
pub struct Classifier {
    level: Level,
    config: Config,
    execution: Execution,
    classifier: Folded,
    /// Threads that share the work on one image.
    threads: usize,
    /// Length of a worker's arena in floats.
    arena: usize,
    /// One per image in flight, as many as threads and memory allow.
    workers: Vec<Worker>,
    clock: Option<Clock>,
}

/// How an image gets to its features.
enum Execution {
    Fused(Fused),
    OpByOp(Operations),
}

/// The buffers for one image.
struct Worker {
    /// Tensors and working memory, as the execution lays them out.
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
        Self::at(best_level(), weights, Run::of(&weights.config))
    }

    /// As [`Classifier::new`], but run op by op: a convolution reads a whole tensor and writes another, as engines without
    /// fused blocks do. [`Classifier::working_bytes`] then has the peak of the tensors that must exist at once, and what a
    /// convolution needs beside them. Networks other than MobileNetV2, and shortcuts between expansions, run no other way.
    ///
    /// # Errors
    /// As for [`Classifier::new`].
    ///
    /// ```
    /// use mobilenetv2::arch::{Config, Weights};
    /// use mobilenetv2::infer::Classifier;
    ///
    /// let weights = Weights::random(Config::imagenet(), 1);
    /// let (fused, op_by_op) = (Classifier::new(&weights)?, Classifier::op_by_op(&weights)?);
    /// assert!(op_by_op.working_bytes() > 2 * fused.working_bytes());
    /// # Ok::<(), mobilenetv2::error::Error>(())
    /// ```
    pub fn op_by_op(weights: &Weights) -> Result<Self> {
        Self::at(best_level(), weights, Run::OpByOp)
    }

    fn at(level: Level, weights: &Weights, run: Run) -> Result<Self> {
        weights.config.validate()?;
        let config = weights.config.clone();
        let mut layers = config.layers();
        // Packing holds them twice.
        ensure_memory(2 * size_of_val(&weights.values[..]) as u64, "width or number of classes", || {
            format!("a network of width {} with {} classes", config.width, config.classes)
        })?;
        let keeping = match run {
            Run::Fused => {
                let (fused, classifier) = Fused::new(level, weights, &layers);
                return Self::with(level, config, Execution::Fused(fused), classifier);
            }
            Run::OpByOp => None,
            Run::Keeping(changes) => {
                changes.apply(&mut layers);
                Some(Keeping { bits: changes.activation_bits })
            }
        };
        let (operations, classifier) = Operations::new(level, weights, &layers, keeping);
        Self::with(level, config, Execution::OpByOp(operations), classifier)
    }

    fn with(level: Level, config: Config, execution: Execution, classifier: Folded) -> Result<Self> {
        let mut classifier = Classifier {
            level,
            config,
            execution,
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

    /// Sets how many output rows of a fused block are computed at a time, or leaves it to the size of a cache; fewer rows take
    /// less memory. A block whose map is smaller than its filters is computed at once all the same, and so is everything
    /// that runs op by op.
    ///
    /// # Errors
    /// [`Error::Memory`] if there is not enough for one image; the number then stays as it was.
    ///
    /// ```
    /// use mobilenetv2::arch::{Config, Weights};
    /// use mobilenetv2::infer::Classifier;
    ///
    /// let mut classifier = Classifier::new(&Weights::random(Config::imagenet(), 1))?;
    /// let [one, all] = [1, 112].map(|rows| {
    ///     classifier.set_row_tile(Some(rows)).unwrap();
    ///     classifier.working_bytes()
    /// });
    /// assert!(one < all);
    /// # Ok::<(), mobilenetv2::error::Error>(())
    /// ```
    pub fn set_row_tile(&mut self, rows: Option<usize>) -> Result<()> {
        let Execution::Fused(fused) = &mut self.execution else { return Ok(()) };
        let before = std::mem::replace(&mut fused.row_tile, rows);
        self.lay_out().or_else(|error| {
            if let Execution::Fused(fused) = &mut self.execution {
                fused.row_tile = before;
            }
            self.lay_out().and(Err(error))
        })
    }

    /// Bytes of working memory for one image: everything but weights, input and output.
    pub fn working_bytes(&self) -> usize {
        self.workers
            .first()
            .map_or(0, |worker| (worker.arena.len() + worker.features.len()) * size_of::<f32>())
    }

    /// Times the following images with this clock, or stops timing; a new resolution or row tile also stops it.
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
        self.run(images, self.classifier.layer.c_in, &|worker| &worker.features)
    }

    /// The output of block `index`, from 0, for one normalised image (R, R, 3), and the instruction set that defines its
    /// layout.
    ///
    /// # Errors
    /// [`Error::Argument`] if there is no such block, [`Error::Shape`] if `image` has another shape.
    pub(crate) fn bottleneck(&mut self, image: ArrayView3<f32>, index: usize) -> Result<(Map<'_>, Level)> {
        let image = image.insert_axis(Axis(0));
        image_shape(&image, Some(self.config.resolution))?;
        let last = self.config.layers().iter().filter_map(|layer| layer.block).max().unwrap_or(0);
        if index > last {
            return Err(Error::Argument(format!("blocks are numbered 0 to {last}, found {index}")));
        }
        let Worker { arena, profiles, .. } = &mut self.workers[0];
        let (level, image) = (self.level, values("the image", &image)?);
        let map = match &self.execution {
            Execution::Fused(fused) => fused.run_blocks(level, image, index + 1, arena, profiles).0,
            Execution::OpByOp(operations) => operations.run_blocks(level, image, index + 1, arena, profiles),
        };
        Ok((map, level))
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
        let Classifier { level, execution, classifier, workers, .. } = self;
        for images in images.chunks(image * workers.len()) {
            let workers = &mut workers[..images.len() / image];
            threads::run(|| {
                let mut indexed: Vec<_> = workers.iter_mut().zip(images.chunks_exact(image)).collect();
                threads::for_each(&mut indexed, |(worker, image)| {
                    worker.run(*level, execution, classifier, image)
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
                features: vec![0.0; self.classifier.layer.c_in],
                logits: vec![0.0; padded(self.classifier.layer.c_out)],
                profiles: vec![self.stopwatch(); self.threads],
            });
        }
    }

    /// Computes the size of the buffers at the current resolution.
    fn lay_out(&mut self) -> Result<()> {
        let (level, layers, threads) = (self.level, self.config.layers(), self.threads);
        self.arena = match &mut self.execution {
            Execution::Fused(fused) => fused.lay_out(level, &self.config, &layers, threads),
            Execution::OpByOp(operations) => operations.lay_out(&self.config, &layers, threads),
        };
        self.workers.clear();
        self.clock = None;
        self.employ(1);
        if self.workers.is_empty() {
            let task = format!("an image of {0} × {0}", self.config.resolution);
            let bytes = self.arena as u64 * size_of::<f32>() as u64;
            return Err(Error::Memory { task, bytes, remedy: "resolution" });
        }
        Ok(())
    }
}

/// How a network runs.
#[derive(Clone, Copy)]
enum Run<'a> {
    Fused,
    OpByOp,
    /// Op by op, changed, and every output stays.
    Keeping(&'a Changes),
}

impl Run<'_> {
    /// Each block as one operation where that is possible: nothing but its input and output may leave a block.
    fn of(config: &Config) -> Self {
        let blocks =
            config.architecture == Architecture::MobilenetV2 && config.shortcut != Shortcut::Expansions;
        if blocks { Run::Fused } else { Run::OpByOp }
    }
}

impl Worker {
    fn run(&mut self, level: Level, execution: &Execution, classifier: &Folded, image: &[f32]) {
        let Worker { arena, features, logits, profiles } = self;
        match execution {
            Execution::Fused(fused) => fused.features(level, image, arena, profiles, features),
            Execution::OpByOp(operations) => operations.features(level, image, arena, profiles, features),
        }
        let profile = &mut profiles[0];
        profile.start();
        average_product(level, classifier, features, 1, logits);
        profile.lap(classifier.index, Operation::Forward);
    }
}

impl std::fmt::Debug for Classifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Classifier").field("config", &self.config).finish_non_exhaustive()
    }
}
