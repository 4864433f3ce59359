//! The trainer: one step after another, without I/O and without a clock.

mod evaluation;

use ndarray::{ArrayView1, ArrayView2, ArrayView4};
use serde::Serialize;

use self::evaluation::inference;
use super::augment::Augment;
use super::network::Network;
use super::optim::{self, OptimizerState};
use super::recipe::Recipe;
use super::schedule::learning_rate;
use crate::arch::{FEATURES, Role, Tensor, Weights, tensors};
use crate::arrays::{check_labels, image_shape, values};
use crate::error::{Error, Result};
use crate::infer::Classifier;
use crate::kernel::best_level;
use crate::profile::{Clock, Operation, Profile};
use crate::threads;

/// The report of one step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Step {
    /// Steps taken, this one included.
    pub step: u64,
    /// Mean cross-entropy of the batch, before the update.
    pub loss: f32,
    /// Share of the batch that was classified correctly, 0 – 1.
    pub accuracy: f32,
    /// The learning rate used.
    pub learning_rate: f32,
}

/// A checkpoint's content beyond weights and recipe: with them, all that a trainer needs to continue bit for bit.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Steps taken.
    pub step: u64,
    /// Images per epoch.
    pub images_per_epoch: u64,
    /// Images seen.
    pub images: u64,
    /// State of the random generator.
    pub rng: u64,
    /// The optimiser's state.
    pub optimizer: OptimizerState,
    /// The averaged weights, if the recipe averages.
    pub average: Option<Weights>,
}

/// A network in training.
pub struct Trainer {
    weights: Weights,
    recipe: Recipe,
    /// Tensors that are not frozen.
    tensors: Vec<Tensor>,
    network: Network,
    augment: Augment,
    gradients: Vec<f32>,
    state: State,
    /// The network for evaluation; none when it is out of date.
    classifier: Option<Classifier>,
    /// Pooled features of a batch, (N, C).
    features: Vec<f32>,
}

impl Trainer {
    /// Trains `weights` by `recipe`; the schedule counts `images_per_epoch` images as an epoch.
    ///
    /// # Errors
    /// [`Error::Argument`] if a knob or a setting is out of range, [`Error::Memory`] if there is not enough for the batch.
    pub fn new(weights: Weights, recipe: Recipe, images_per_epoch: usize) -> Result<Self> {
        weights.config.validate()?;
        recipe.validate()?;
        if images_per_epoch == 0 {
            return Err(Error::Argument("an epoch needs at least one image".into()));
        }
        let length = weights.values.len();
        let layers = weights.config.layers();
        let learns = |tensor: &Tensor| layers[tensor.layer].module() >= recipe.freeze;
        Ok(Trainer {
            tensors: tensors(&layers).into_iter().filter(learns).collect(),
            network: Network::new(&weights.config, recipe.freeze, recipe.batch)?,
            augment: Augment::of(&weights.config, &recipe),
            classifier: None,
            features: Vec::new(),
            gradients: vec![0.0; length],
            state: State {
                step: 0,
                images_per_epoch: images_per_epoch as u64,
                images: 0,
                rng: recipe.seed,
                optimizer: OptimizerState::new(recipe.optimizer, length),
                average: (recipe.average > 0.0).then(|| weights.clone()),
            },
            weights,
            recipe,
        })
    }

    /// Bytes of working memory for a batch: everything but weights, gradients and optimiser state.
    pub fn working_bytes(&self) -> u64 {
        self.network.working_bytes
    }

    /// Takes a step on images augmented by the recipe: forward, loss, backward, update. `images` is (N, S, S, 3) RGB
    /// bytes of any size S, `labels` (N); N is 1 to the recipe's `batch`.
    ///
    /// # Errors
    /// [`Error::Shape`] if the images are not square or labels and images differ in number; [`Error::Argument`] if the
    /// batch is empty or larger than the recipe's, or a label is not a class; [`Error::Memory`] if only the classifier
    /// learns and there is not enough for the layers before it. On an error nothing has changed.
    ///
    /// ```
    /// use mobilenetv2::arch::{Config, Weights};
    /// use mobilenetv2::data::shapes;
    /// use mobilenetv2::train::{Recipe, Trainer};
    ///
    /// let batch = shapes::dataset(1, 0, 8, 16);
    /// let config = Config { width: 0.1, resolution: 16, ..Config::cifar() };
    /// let recipe = Recipe { batch: 8, ..Recipe::default() };
    /// let mut trainer = Trainer::new(Weights::random(config, 1), recipe, 8)?;
    /// let step = trainer.step(batch.images.view(), batch.labels.view())?;
    /// assert_eq!((step.step, step.loss.is_finite()), (1, true));
    /// # Ok::<(), mobilenetv2::error::Error>(())
    /// ```
    pub fn step(&mut self, images: ArrayView4<u8>, labels: ArrayView1<u32>) -> Result<Step> {
        let (count, size) = image_shape(&images, None)?;
        self.check_batch(count, &labels)?;
        let (images, labels) = (values("images", &images)?, values("labels", &labels)?);
        self.network.profile.start();
        let mut rng = fastrand::Rng::with_seed(self.state.rng);
        self.network.start_images(count, images, |images, input| {
            self.augment.run(&mut rng, images, size, input);
        });
        let dropout_seed = rng.u64(..);
        self.network.profile.lap_network(Operation::Augment);
        self.fill_features(count)?;
        self.state.rng = rng.get_seed();
        Ok(self.finish_step(labels, Some(dropout_seed)))
    }

    /// Takes a step of the classifier alone, on the [`Trainer::features`] of images: `features` is (N, C), `labels` (N).
    /// There is no augmentation.
    ///
    /// # Errors
    /// [`Error::Argument`] if more than the classifier learns, the batch is empty or larger than the recipe's, or a label
    /// is not a class; [`Error::Shape`] unless there are C features and a label for each image.
    pub fn step_features(&mut self, features: ArrayView2<f32>, labels: ArrayView1<u32>) -> Result<Step> {
        self.check_features(&features, &labels)?;
        self.check_batch(features.nrows(), &labels)?;
        let (features, labels) = (values("features", &features)?, values("labels", &labels)?);
        let mut rng = fastrand::Rng::with_seed(self.state.rng);
        let dropout_seed = rng.u64(..);
        self.state.rng = rng.get_seed();
        self.network.profile.start();
        self.network.start_features(features);
        Ok(self.finish_step(labels, Some(dropout_seed)))
    }

    /// Takes a step on normalised images, without augmentation and dropout, for comparison with another implementation.
    /// `images` is (N, R, R, 3), `labels` (N).
    ///
    /// # Errors
    /// As [`Trainer::step`]; [`Error::Shape`] also if the images do not have the network's resolution.
    pub fn step_tensor(&mut self, images: ArrayView4<f32>, labels: ArrayView1<u32>) -> Result<Step> {
        let (count, _) = image_shape(&images, Some(self.weights.config.resolution))?;
        self.check_batch(count, &labels)?;
        let (images, labels) = (values("images", &images)?, values("labels", &labels)?);
        self.network.profile.start();
        self.network.start_images(count, images, |images, input| input.copy_from_slice(images));
        self.fill_features(count)?;
        Ok(self.finish_step(labels, None))
    }

    /// Where only the classifier learns: computes the features of the `images` images in the micro-batches, running the
    /// layers before it as inference.
    fn fill_features(&mut self, images: usize) -> Result<()> {
        if self.recipe.freeze < FEATURES {
            return Ok(());
        }
        let classifier = inference(&mut self.classifier, evaluated_weights(&self.weights, &self.state))?;
        self.features.clear();
        let size = classifier.resolution();
        for micro_batch in self.network.start_batch(images) {
            let (shape, values) = ((micro_batch.images, size, size, 3), &micro_batch.input[..]);
            let input = ArrayView4::from_shape(shape, values).expect("a micro-batch has room for its images");
            self.features.extend_from_slice(classifier.features(input)?.as_slice().expect("a new array"));
        }
        self.network.start_features(&self.features);
        self.network.profile.start(); // inference is none of the step's operations
        Ok(())
    }

    /// Forward, loss, backward and update on the batch in the network's micro-batches.
    fn finish_step(&mut self, labels: &[u32], dropout_seed: Option<u64>) -> Step {
        let Weights { values, statistics, .. } = &mut self.weights;
        let epoch = self.state.images as f64 / self.state.images_per_epoch as f64;
        let rate = learning_rate(&self.recipe, epoch);
        let loss = threads::run(|| {
            self.network.forward(values, statistics, dropout_seed);
            let loss = self.network.loss(labels, self.recipe.label_smoothing);
            self.network.backward(values, &mut self.gradients);
            let optimizer = &mut self.state.optimizer;
            optim::update(
                best_level(),
                &self.recipe,
                rate,
                &self.tensors,
                values,
                &self.gradients,
                optimizer,
            );
            if let Some(average) = &mut self.state.average {
                let follow = |average: &mut [f32], values: &[f32]| {
                    optim::average(best_level(), &self.recipe, self.state.step + 1, average, values);
                };
                follow(&mut average.values, values);
                follow(&mut average.statistics, statistics);
            }
            self.network.profile.lap_network(Operation::Update);
            loss
        });
        if self.recipe.freeze < FEATURES {
            self.classifier = None;
        }
        self.state.step += 1;
        self.state.images += labels.len() as u64;
        Step {
            step: self.state.step,
            loss: loss.loss as f32,
            accuracy: loss.correct as f32 / labels.len() as f32,
            learning_rate: rate,
        }
    }

    /// Switches to another recipe from the next step on. A new optimiser starts with an empty state; averaging starts
    /// with the current weights.
    ///
    /// # Errors
    /// [`Error::Argument`] if a setting is out of range, or `batch` or `freeze` differs from before; the old recipe
    /// stays.
    pub fn set_recipe(&mut self, recipe: Recipe) -> Result<()> {
        recipe.validate()?;
        if recipe.batch != self.recipe.batch {
            let (old, new) = (self.recipe.batch, recipe.batch);
            return Err(Error::Argument(format!(
                "batch cannot change from {old} to {new} during a run: start a new run"
            )));
        }
        if recipe.freeze != self.recipe.freeze {
            return Err(Error::Argument("freeze cannot change during a run: start a new run".into()));
        }
        if recipe.optimizer != self.recipe.optimizer {
            self.state.optimizer = OptimizerState::new(recipe.optimizer, self.gradients.len());
        }
        if (recipe.average > 0.0) != self.state.average.is_some() {
            self.state.average = (recipe.average > 0.0).then(|| self.weights.clone());
            self.classifier = None;
        }
        self.augment = Augment::of(&self.weights.config, &recipe);
        self.recipe = recipe;
        Ok(())
    }

    /// Continues from `weights`, the latest ones, and `state`.
    ///
    /// # Errors
    /// [`Error::Argument`] if they belong to another network or another optimiser; nothing has changed then.
    pub fn restore(&mut self, weights: Weights, state: State) -> Result<()> {
        let fresh = OptimizerState::new(self.recipe.optimizer, self.gradients.len());
        if weights.config != self.weights.config {
            return Err(Error::Argument(
                "the checkpoint belongs to a network with another configuration".into(),
            ));
        }
        let lengths = |optimizer: &OptimizerState| (optimizer.momentum.len(), optimizer.square.len());
        if lengths(&state.optimizer) != lengths(&fresh) {
            return Err(Error::Argument("the checkpoint belongs to another optimizer or network".into()));
        }
        let averages = self.recipe.average > 0.0;
        let average = averages.then(|| state.average.unwrap_or_else(|| weights.clone()));
        self.weights = weights;
        self.state = State { average, ..state };
        self.classifier = None;
        Ok(())
    }

    /// Sets the class names that are saved with the weights.
    ///
    /// # Errors
    /// [`Error::Argument`] unless there is one name per class.
    pub fn set_labels(&mut self, labels: Vec<String>) -> Result<()> {
        let classes = self.weights.config.classes;
        if labels.len() != classes {
            return Err(Error::Argument(format!("expected {classes} class names, found {}", labels.len())));
        }
        if let Some(average) = &mut self.state.average {
            average.labels.clone_from(&labels);
        }
        self.weights.labels = labels;
        Ok(())
    }

    fn check_batch(&self, images: usize, labels: &ArrayView1<u32>) -> Result<()> {
        let most = self.recipe.batch;
        if images == 0 || images > most {
            return Err(Error::Argument(format!("a batch has 1 to {most} images, not {images}")));
        }
        // Batch norm would subtract a channel's only value from itself and leave nothing.
        if images == 1 && self.network.last_pixels() == 1 && self.recipe.freeze < FEATURES {
            return Err(Error::Argument(
                "in a batch of one image the last layers have one value per channel, too few for batch norm: use at \
                 least two images, or a higher resolution"
                    .into(),
            ));
        }
        check_labels(labels, images, self.weights.config.classes)
    }

    /// The result so far: the averaged weights if the recipe averages, else the latest.
    pub fn weights(&self) -> &Weights {
        evaluated_weights(&self.weights, &self.state)
    }

    /// Checks that all values are finite: a file with others could not be read.
    ///
    /// # Errors
    /// [`Error::Diverged`] if one is not.
    pub fn check_finite(&self) -> Result<()> {
        let State { step, optimizer, average, .. } = &self.state;
        let weights = [&self.weights].into_iter().chain(average).flat_map(|w| [&w.values, &w.statistics]);
        let mut numbers = weights.chain([&optimizer.momentum, &optimizer.square]).flatten();
        match numbers.all(|number| number.is_finite()) {
            true => Ok(()),
            false => Err(Error::Diverged { step: *step }),
        }
    }

    /// The weights after the last step, from which the training continues.
    pub fn latest_weights(&self) -> &Weights {
        &self.weights
    }

    /// The recipe in force.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// Times the following steps with this clock, or stops timing.
    pub fn watch(&mut self, clock: Option<Clock>) {
        self.network.profile = Profile::new(self.weights.config.layers().len(), clock);
    }

    /// Elapsed time per operation of the steps since [`Trainer::watch`].
    pub fn profile(&self) -> &Profile {
        &self.network.profile
    }

    /// Gradients of the last step, laid out like [`Weights::values`].
    pub fn gradients(&self) -> &[f32] {
        &self.gradients
    }

    /// How long the gradient of each layer's weights was in the last step: the root of the sum of its squares; 0 of frozen layers
    /// and before the first step.
    pub fn gradient_norms(&self) -> Vec<f32> {
        let mut norms = vec![0.0; self.weights.config.layers().len()];
        for tensor in self.tensors.iter().filter(|tensor| tensor.role == Role::Weight) {
            let gradient = &self.gradients[tensor.span.clone()];
            norms[tensor.layer] = gradient.iter().map(|value| value * value).sum::<f32>().sqrt();
        }
        norms
    }

    /// The part of a checkpoint beyond weights and recipe.
    pub fn state(&self) -> &State {
        &self.state
    }
}

/// The weights to evaluate and save: the average, or those of the last step.
fn evaluated_weights<'a>(weights: &'a Weights, state: &'a State) -> &'a Weights {
    state.average.as_ref().unwrap_or(weights)
}
