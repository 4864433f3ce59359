//! The training recipe: all that defines a training besides the network and the data.

use serde::{Deserialize, Serialize};
use strum::VariantNames;

use crate::arch::FEATURES;
use crate::arch::setting::{any, between, choices, settings};
use crate::error::Result;

choices!(Optimizer, Schedule);

/// How weights follow their gradients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, VariantNames)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, VariantNames)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
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

settings! {
    /// All that defines a training besides the network and the data; the defaults are [the paper's](Recipe::paper), but for
    /// the optimiser, which is plain SGD.
    pub struct Recipe {
        /// Images a step.
        batch: usize = 96, between(1.0, 4096.0).unit("images");
        /// How weights follow their gradients.
        optimizer: Optimizer = Optimizer::Sgd, any();
        /// Learning rate after warm-up.
        learning_rate: f32 = 0.045, between(0.0, 10.0).live();
        /// How the learning rate falls.
        schedule: Schedule = Schedule::Exponential, any().live();
        /// Factor an epoch of the exponential schedule.
        decay: f32 = 0.98, between(0.0, 1.0).live();
        /// Epoch at which the linear and the cosine schedule reach 0.
        decay_until: f32 = 150.0, between(0.0, 1e6).unit("epochs").live();
        /// Epochs over which the rate first rises from 0 in a straight line.
        warmup: f32 = 0.0, between(0.0, 1e6).unit("epochs").live();
        /// Weight of the past in the momentum.
        momentum: f32 = 0.9, between(0.0, 0.9999).live();
        /// Weight of the past in RMSProp's mean square.
        rms_decay: f32 = 0.9, between(0.0, 0.9999).live();
        /// RMSProp's ε, added to the root as PyTorch does: it keeps the division finite.
        rms_epsilon: f32 = 1.0, between(1e-10, 10.0).live();
        /// L2 penalty on the weights.
        weight_decay: f32 = 4e-5, between(0.0, 1.0).live();
        /// Whether the penalty holds for batch norm's γ and β and the bias too.
        decay_norms: bool = true, any().live();
        /// Weight of the past in the averaged weights, by which the network is evaluated and saved; 0: no averaging.
        ///
        /// See [`optim::average`](crate::train::optim::average).
        average: f32 = 0.0, between(0.0, 0.99999).live();
        /// Share of the target spread over all classes.
        label_smoothing: f32 = 0.0, between(0.0, 1.0).live();
        /// Pixels of padding before the random crop; 0: no crop.
        crop_padding: usize = 4, between(0.0, 64.0).unit("pixels").live();
        /// Whether half of the images are mirrored.
        flip: bool = true, any().live();
        /// Sizes to which an image is resized before its crop, drawn at random; none: its own size.
        sizes: Vec<usize> = Vec::new(), between(8.0, 1024.0).unit("pixels").live();
        /// Side of the square that is blotted out of each image at random; 0: none.
        cutout: usize = 0, between(0.0, 1024.0).unit("pixels").live();
        /// Leading modules that stay as they are, batch norm's running averages included, counted as torchvision's
        /// `features` (the stem, 17 blocks, the last convolution): 19 trains the classifier alone, 15 the last blocks
        /// too.
        ///
        /// As [`Layer::module`](crate::arch::Layer::module) counts: [`FEATURES`] of them are all but the classifier.
        freeze: usize = 0, between(0.0, FEATURES as f64).unit("modules");
        /// Seed of everything random.
        seed: u64 = 1, between(0.0, u32::MAX as f64 - 1.0);
    }
}

impl Recipe {
    /// The paper's recipe (§6.1): RMSProp with a momentum of 0.9, 0.045 × 0.98 an epoch, weight decay 4e-5, batches of 96.
    pub fn paper() -> Self {
        Recipe { optimizer: Optimizer::RmsProp, ..Recipe::default() }
    }

    /// Checks every range.
    ///
    /// # Errors
    /// [`Error::Argument`](crate::error::Error::Argument) names the first setting out of range and the range.
    pub fn validate(&self) -> Result<()> {
        self.check_ranges()
    }
}
