//! The training recipe: all that defines a training besides the network and the data.

use serde::{Deserialize, Serialize};

use crate::arch::FEATURES;
use crate::error::{Error, Result};

/// Each has its own way of resizing ready.
const MOST_SIZES: f32 = 64.0;

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

/// All that defines a training besides the network and the data; the defaults are the paper's (§6.1), but for the
/// optimiser, which is plain SGD.
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
    /// Weight of the past in the momentum, 0 – 0.9999.
    pub momentum: f32,
    /// Weight of the past in RMSProp's mean square, 0 – 0.9999.
    pub rms_decay: f32,
    /// Keeps RMSProp's division finite (added to the root, as PyTorch does).
    pub rms_epsilon: f32,
    /// L2 penalty on the weights, 0 – 1.
    pub weight_decay: f32,
    /// Whether the penalty also holds for batch norm's γ and β and the bias.
    pub decay_norms: bool,
    /// Weight of the past in the averaged weights, by which the network is evaluated and saved, 0 – 0.99999; 0: no
    /// averaging. See [`optim::average`](crate::train::optim::average).
    pub average: f32,
    /// Share of the target spread over all classes, 0 – 1.
    pub label_smoothing: f32,
    /// Pixels of padding before the random crop, 0: no crop.
    pub crop_padding: usize,
    /// Whether half of the images are mirrored.
    pub flip: bool,
    /// Sizes to which an image is resized before its crop, drawn at random, at most 64; empty: its own size.
    pub sizes: Vec<usize>,
    /// Side of the square, in pixels, that is blotted out of each image at random, 0: none.
    pub cutout: usize,
    /// Leading modules of the network that stay as they are, batch norm's running averages included, 0 –
    /// [`FEATURES`] as [`Layer::module`] counts: 0 trains everything, [`FEATURES`] the classifier alone.
    ///
    /// [`Layer::module`]: crate::arch::Layer::module
    pub freeze: usize,
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
            average: 0.0,
            label_smoothing: 0.0,
            crop_padding: 4,
            flip: true,
            sizes: Vec::new(),
            cutout: 0,
            freeze: 0,
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
        check("average", self.average, 0.0, 0.99999)?;
        check("label smoothing", self.label_smoothing, 0.0, 1.0)?;
        check("crop padding", self.crop_padding as f32, 0.0, 64.0)?;
        check("cutout", self.cutout as f32, 0.0, 1024.0)?;
        check("freeze", self.freeze as f32, 0.0, FEATURES as f32)?;
        check("number of sizes", self.sizes.len() as f32, 0.0, MOST_SIZES)?;
        self.sizes.iter().try_for_each(|size| check("size", *size as f32, 8.0, 1024.0))
    }
}
