//! The trainer: one step after another, without I/O and without a clock.

use serde::Serialize;

use crate::augment::Augment;
use crate::error::{Error, Result};
use crate::infer::Classifier;
use crate::kernel::best_level;
use crate::loss::{self, cross_entropy};
use crate::network::Network;
use crate::optim::{self, Memory};
use crate::parameters::{Tensor, Weights, tensors};
use crate::profile::{Clock, Operation, Profile};
use crate::schedule::learning_rate;

pub use crate::recipe::{Optimizer, Recipe, Schedule};

/// What a step reports.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Step {
    /// Steps taken, this one included.
    pub step: u64,
    /// Mean cross-entropy of the batch, before the update.
    pub loss: f32,
    /// Share of the batch whose best class was right, 0 – 1.
    pub accuracy: f32,
    /// The learning rate used.
    pub learning_rate: f32,
}

/// What a checkpoint holds beyond weights and recipe: all that a trainer needs to go on bit for bit.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Steps taken.
    pub step: u64,
    /// Images that make an epoch.
    pub images_per_epoch: u64,
    /// Images seen.
    pub images: u64,
    /// State of the random generator.
    pub rng: u64,
    /// What the optimiser remembers.
    pub memory: Memory,
}

/// How well the network does on images it was not trained on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// Mean cross-entropy.
    pub loss: f32,
    /// Images whose best class was right.
    pub correct: usize,
    /// Images in all.
    pub total: usize,
    /// The best class of each image.
    pub predictions: Vec<u32>,
}

/// Images of an evaluation that are normalised at once.
const EVALUATED_AT_ONCE: usize = 64;

/// A network in training.
pub struct Trainer {
    weights: Weights,
    recipe: Recipe,
    tensors: Vec<Tensor>,
    network: Network,
    augment: Augment,
    gradients: Vec<f32>,
    state: State,
    /// The network for evaluation, where the weights have not changed since it was made.
    classifier: Option<Classifier>,
}

impl Trainer {
    /// Trains `weights` by `recipe`; the schedule counts epochs of `images_per_epoch` images.
    ///
    /// # Errors
    /// [`Error::Argument`] if a knob or a setting is out of range, or the memory does not suffice for the batch.
    pub fn new(weights: Weights, recipe: Recipe, images_per_epoch: usize) -> Result<Self> {
        weights.config.validate()?;
        recipe.validate()?;
        if images_per_epoch == 0 {
            return Err(Error::Argument("an epoch needs at least one image".into()));
        }
        let length = weights.values.len();
        Ok(Trainer {
            tensors: tensors(&weights.config.layers()),
            network: Network::new(&weights.config, recipe.batch)?,
            augment: augment(&weights, &recipe),
            classifier: None,
            gradients: vec![0.0; length],
            state: State {
                step: 0,
                images_per_epoch: images_per_epoch as u64,
                images: 0,
                rng: recipe.seed,
                memory: Memory::new(recipe.optimizer, length),
            },
            weights,
            recipe,
        })
    }

    /// A step on images as bytes, augmented by the recipe. `images` is (N, S, S, 3) of any size S, `labels` (N).
    ///
    /// # Errors
    /// [`Error::Argument`] if the shapes do not fit, the batch is empty or larger than the recipe's, or a label is
    /// not a class.
    pub fn step(&mut self, images: &[u8], labels: &[u32]) -> Result<Step> {
        let size = side(images.len(), labels.len());
        self.check_batch(images.len(), size, labels)?;
        self.network.profile.start();
        let resolution = self.weights.config.resolution;
        let mut rng = fastrand::Rng::with_seed(self.state.rng);
        let mut rest = images;
        for shard in self.network.start_batch(labels.len()) {
            let (here, after) = rest.split_at(shard.images * size * size * 3);
            let input = &mut shard.input[..shard.images * resolution * resolution * 3];
            self.augment.run(&mut rng, here, size, input);
            rest = after;
        }
        let dropout_seed = rng.u64(..);
        self.state.rng = rng.get_seed();
        self.network.profile.lap_network(Operation::Augment);
        Ok(self.finish_step(labels, Some(dropout_seed)))
    }

    /// A step on normalised images as they are, without augmentation and dropout: what a replay against another
    /// implementation compares. `images` is (N, R, R, 3), `labels` (N).
    ///
    /// # Errors
    /// [`Error::Argument`] if the shapes do not fit, the batch is empty or larger than the recipe's, or a label is
    /// not a class.
    pub fn step_tensor(&mut self, images: &[f32], labels: &[u32]) -> Result<Step> {
        let resolution = self.weights.config.resolution;
        self.check_batch(images.len(), resolution, labels)?;
        self.network.profile.start();
        let mut rest = images;
        for shard in self.network.start_batch(labels.len()) {
            let (here, after) = rest.split_at(shard.images * resolution * resolution * 3);
            shard.input[..here.len()].copy_from_slice(here);
            rest = after;
        }
        Ok(self.finish_step(labels, None))
    }

    /// Forward, loss, backward and update on the batch that the network's shards hold.
    fn finish_step(&mut self, labels: &[u32], dropout_seed: Option<u64>) -> Step {
        let Weights { values, statistics, .. } = &mut self.weights;
        let epoch = self.state.images as f64 / self.state.images_per_epoch as f64;
        let rate = learning_rate(&self.recipe, epoch);
        self.network.forward(values, statistics, dropout_seed);
        let loss = self.network.loss(labels, self.recipe.label_smoothing);
        self.network.backward(values, &mut self.gradients);
        let memory = &mut self.state.memory;
        optim::update(best_level(), &self.recipe, rate, &self.tensors, values, &self.gradients, memory);
        self.network.profile.lap_network(Operation::Update);
        self.classifier = None;
        self.state.step += 1;
        self.state.images += labels.len() as u64;
        Step {
            step: self.state.step,
            loss: loss.loss as f32,
            accuracy: loss.correct as f32 / labels.len() as f32,
            learning_rate: rate,
        }
    }

    /// How well the network does, by its running averages. `images` is (N, S, S, 3) of any size S and any number,
    /// `labels` (N).
    ///
    /// # Errors
    /// [`Error::Argument`] if the shapes do not fit or a label is not a class.
    pub fn evaluate(&mut self, images: &[u8], labels: &[u32]) -> Result<Evaluation> {
        let size = side(images.len(), labels.len());
        self.check_shape(images.len(), size, labels)?;
        let classifier = match &mut self.classifier {
            Some(classifier) => classifier,
            none => none.insert(Classifier::new(&self.weights)?),
        };
        Ok(evaluate(classifier, images, size, labels))
    }

    /// Trains by another recipe from the next step on. A change of optimiser makes it forget its past.
    ///
    /// # Errors
    /// [`Error::Argument`] if a setting is out of range or the batch larger than before; the old one stays.
    pub fn set_recipe(&mut self, recipe: Recipe) -> Result<()> {
        recipe.validate()?;
        if recipe.batch > self.recipe.batch {
            let (old, new) = (self.recipe.batch, recipe.batch);
            return Err(Error::Argument(format!(
                "a batch of {new} needs a new run: this one has room for {old}"
            )));
        }
        if recipe.optimizer != self.recipe.optimizer {
            self.state.memory = Memory::new(recipe.optimizer, self.gradients.len());
        }
        self.augment = augment(&self.weights, &recipe);
        // The buffers keep the size they were made with.
        self.recipe = Recipe { batch: self.recipe.batch, ..recipe };
        Ok(())
    }

    /// Goes on from where `weights` and `state` were taken.
    ///
    /// # Errors
    /// [`Error::Argument`] if they belong to another network or another optimiser; nothing has changed then.
    pub fn restore(&mut self, weights: Weights, state: State) -> Result<()> {
        let fresh = Memory::new(self.recipe.optimizer, self.gradients.len());
        if weights.config != self.weights.config {
            return Err(Error::Argument(
                "the checkpoint belongs to a network with another configuration".into(),
            ));
        }
        let lengths = |memory: &Memory| (memory.momentum.len(), memory.square.len());
        if lengths(&state.memory) != lengths(&fresh) {
            return Err(Error::Argument("the checkpoint belongs to another optimizer".into()));
        }
        self.weights = weights;
        self.state = state;
        self.classifier = None;
        Ok(())
    }

    /// Names the classes, for the file that the weights will be saved to.
    ///
    /// # Errors
    /// [`Error::Argument`] unless there is one name a class.
    pub fn set_labels(&mut self, labels: Vec<String>) -> Result<()> {
        let classes = self.weights.config.classes;
        if labels.len() != classes {
            return Err(Error::Argument(format!(
                "{classes} classes need as many names, not {}",
                labels.len()
            )));
        }
        self.weights.labels = labels;
        Ok(())
    }

    fn check_batch(&self, values: usize, size: usize, labels: &[u32]) -> Result<()> {
        let (images, most) = (labels.len(), self.recipe.batch);
        if images == 0 || images > most {
            return Err(Error::Argument(format!("a batch has 1 to {most} images, not {images}")));
        }
        self.check_shape(values, size, labels)
    }

    fn check_shape(&self, values: usize, size: usize, labels: &[u32]) -> Result<()> {
        let images = labels.len();
        let expected = images * size * size * 3;
        if values != expected {
            return Err(Error::Argument(format!(
                "{images} images of {size} × {size} × 3 are {expected} values, not {values}"
            )));
        }
        let classes = self.weights.config.classes;
        match labels.iter().find(|label| **label as usize >= classes) {
            Some(label) => Err(Error::Argument(format!("label {label} is not one of {classes} classes"))),
            None => Ok(()),
        }
    }

    /// The weights as they are now.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// The recipe in force.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// Watches the time of the steps to come by this clock, or no longer.
    pub fn watch(&mut self, clock: Option<Clock>) {
        self.network.profile = Profile::new(self.weights.config.layers().len(), clock);
    }

    /// What the operations of the steps since [`Trainer::watch`] took, as whoever waits for them sees it.
    pub fn profile(&self) -> &Profile {
        &self.network.profile
    }

    /// Gradients of the last step, laid out as [`Weights::values`].
    pub fn gradients(&self) -> &[f32] {
        &self.gradients
    }

    /// All that a checkpoint needs beyond weights and recipe.
    pub fn state(&self) -> &State {
        &self.state
    }
}

/// What the recipe does to training images.
fn augment(weights: &Weights, recipe: &Recipe) -> Augment {
    Augment::new(&weights.config, recipe.crop_padding, recipe.flip, &recipe.sizes)
}

/// Height and width of `images` square images of `values` values in all, rounded to what is nearest.
fn side(values: usize, images: usize) -> usize {
    (values as f64 / (images * 3).max(1) as f64).sqrt().round() as usize
}

/// How well `classifier` does on `images` (N, size, size, 3) of `labels` (N), which are classes of its network.
///
/// # Panics
/// If there are fewer images than labels or a label is not a class.
pub fn evaluate(classifier: &mut Classifier, images: &[u8], size: usize, labels: &[u32]) -> Evaluation {
    let config = classifier.config().clone();
    let input = config.resolution * config.resolution * 3;
    let mut plain = Augment::new(&config, 0, false, &[]);
    let mut inputs = vec![0.0; EVALUATED_AT_ONCE * input];
    let mut logits = Vec::new();
    let mut found = Evaluation { loss: 0.0, correct: 0, total: labels.len(), predictions: Vec::new() };
    let mut total_loss = 0.0;
    let images = images.chunks(EVALUATED_AT_ONCE * (size * size * 3).max(1));
    for (images, labels_here) in images.zip(labels.chunks(EVALUATED_AT_ONCE)) {
        let inputs = &mut inputs[..labels_here.len() * input];
        // Nothing is random with everything off; the generator is asked for nothing that matters.
        plain.run(&mut fastrand::Rng::with_seed(0), images, size, inputs);
        classifier.forward(inputs, &mut logits);
        found.predictions.extend(logits.chunks_exact(config.classes).map(|logits| loss::best(logits) as u32));
        let part = cross_entropy(&mut logits, labels_here, 0.0, labels.len());
        total_loss += part.loss;
        found.correct += part.correct;
    }
    found.loss = total_loss as f32;
    found
}
