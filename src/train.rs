//! The training recipe, and the trainer: one step after another, without I/O and without a clock.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::kernel::best_level;
use crate::network::Network;
use crate::optim::{self, Memory};
use crate::parameters::{Tensor, Weights, tensors};
use crate::schedule::learning_rate;

/// How weights follow their gradients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Optimizer {
    /// Stochastic gradient descent with momentum.
    Sgd,
    /// The same with Nesterov's look-ahead.
    Nesterov,
    /// RMSProp with momentum, the paper's choice (§6.1).
    RmsProp,
}

/// How the learning rate falls, after warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Schedule {
    /// Times [`Recipe::decay`] each epoch (paper: 0.98).
    Exponential,
    /// In a straight line to 0 at [`Recipe::decay_until`].
    Linear,
    /// Along half a cosine to 0 at [`Recipe::decay_until`].
    Cosine,
    /// Not at all.
    Constant,
}

/// All that defines a training besides the network and the data; the defaults are the paper's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recipe {
    /// Images a step, 1 – 4096.
    pub batch: usize,
    /// How weights follow their gradients.
    pub optimizer: Optimizer,
    /// Learning rate after warm-up, 0 – 10.
    pub learning_rate: f32,
    /// How it falls.
    pub schedule: Schedule,
    /// Factor an epoch of [`Schedule::Exponential`], 0 – 1.
    pub decay: f32,
    /// Epoch at which [`Schedule::Linear`] and [`Schedule::Cosine`] reach 0.
    pub decay_until: f32,
    /// Epochs over which the rate first rises from 0 in a straight line.
    pub warmup: f32,
    /// Weight of the past in the momentum, 0 – 1.
    pub momentum: f32,
    /// Weight of the past in RMSProp's mean square, 0 – 1.
    pub rms_decay: f32,
    /// Keeps RMSProp's division finite (added to the root, as PyTorch does).
    pub rms_epsilon: f32,
    /// L2 penalty on the weights, 0 – 1.
    pub weight_decay: f32,
    /// Whether the penalty also holds for batch norm's γ and β and the bias.
    pub decay_norms: bool,
    /// Share of the target spread over all classes, 0 – 1.
    pub label_smoothing: f32,
    /// Pixels of padding before the random crop, 0: no crop.
    pub crop_padding: usize,
    /// Whether half of the images are mirrored.
    pub flip: bool,
    /// Sizes to which an image is resized before its crop, drawn at random; empty: its own size.
    pub sizes: Vec<usize>,
    /// Seed of everything random.
    pub seed: u64,
}

impl Default for Recipe {
    fn default() -> Self {
        Recipe {
            batch: 96,
            optimizer: Optimizer::Sgd,
            learning_rate: 0.045,
            schedule: Schedule::Exponential,
            decay: 0.98,
            decay_until: 150.0,
            warmup: 0.0,
            momentum: 0.9,
            rms_decay: 0.9,
            rms_epsilon: 1.0,
            weight_decay: 4e-5,
            decay_norms: true,
            label_smoothing: 0.0,
            crop_padding: 4,
            flip: true,
            sizes: Vec::new(),
            seed: 1,
        }
    }
}

impl Recipe {
    /// Checks every range.
    ///
    /// # Errors
    /// [`Error::Argument`] names the first setting out of range and the range.
    pub fn validate(&self) -> Result<()> {
        let check = |name: &str, value: f32, low: f32, high: f32| {
            if (low..=high).contains(&value) {
                return Ok(());
            }
            Err(Error::Argument(format!("{name} must be {low} to {high}, not {value}")))
        };
        check("batch", self.batch as f32, 1.0, 4096.0)?;
        check("learning rate", self.learning_rate, 0.0, 10.0)?;
        check("decay", self.decay, 0.0, 1.0)?;
        check("decay until", self.decay_until, 0.0, 1e6)?;
        check("warmup", self.warmup, 0.0, 1e6)?;
        check("momentum", self.momentum, 0.0, 0.9999)?;
        check("RMSProp's decay", self.rms_decay, 0.0, 0.9999)?;
        check("RMSProp's epsilon", self.rms_epsilon, 1e-10, 10.0)?;
        check("weight decay", self.weight_decay, 0.0, 1.0)?;
        check("label smoothing", self.label_smoothing, 0.0, 1.0)?;
        check("crop padding", self.crop_padding as f32, 0.0, 64.0)?;
        self.sizes.iter().try_for_each(|size| check("size", *size as f32, 8.0, 1024.0))
    }
}

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

/// A network in training.
pub struct Trainer {
    weights: Weights,
    recipe: Recipe,
    tensors: Vec<Tensor>,
    network: Network,
    gradients: Vec<f32>,
    state: State,
}

impl Trainer {
    /// Trains `weights` by `recipe`; the schedule counts epochs of `images_per_epoch` images.
    ///
    /// # Errors
    /// [`Error::Argument`] if a knob or a setting is out of range.
    pub fn new(weights: Weights, recipe: Recipe, images_per_epoch: usize) -> Result<Self> {
        weights.config.validate()?;
        recipe.validate()?;
        if images_per_epoch == 0 {
            return Err(Error::Argument("an epoch needs at least one image".into()));
        }
        let length = weights.values.len();
        Ok(Trainer {
            tensors: tensors(&weights.config.layers()),
            network: Network::new(&weights.config, recipe.batch),
            gradients: vec![0.0; length],
            state: State {
                step: 0,
                images_per_epoch: images_per_epoch as u64,
                images: 0,
                rng: fastrand::Rng::with_seed(recipe.seed).get_seed(),
                memory: Memory::new(recipe.optimizer, length),
            },
            weights,
            recipe,
        })
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
        self.state.step += 1;
        self.state.images += labels.len() as u64;
        Step {
            step: self.state.step,
            loss: loss.loss as f32,
            accuracy: loss.correct as f32 / labels.len() as f32,
            learning_rate: rate,
        }
    }

    fn check_batch(&self, values: usize, resolution: usize, labels: &[u32]) -> Result<()> {
        let images = labels.len();
        if images == 0 || images > self.recipe.batch {
            return Err(Error::Argument(format!(
                "a batch has 1 to {} images, not {images}",
                self.recipe.batch
            )));
        }
        let expected = images * resolution * resolution * 3;
        if values != expected {
            return Err(Error::Argument(format!(
                "{images} images of {resolution} × {resolution} × 3 are {expected} values, not {values}"
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

    /// Gradients of the last step, laid out as [`Weights::values`].
    pub fn gradients(&self) -> &[f32] {
        &self.gradients
    }

    /// All that a checkpoint needs beyond weights and recipe.
    pub fn state(&self) -> &State {
        &self.state
    }
}
