//! The training recipe: everything that defines a training besides the network and the data.

use serde::Serialize;
use strum::{FromRepr, VariantNames};

use crate::arch::FEATURES;
use crate::arch::setting::{any, between, choices, settings};
use crate::error::Result;

choices!(Optimizer, Schedule);

/// Rule that updates the weights from their gradients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, FromRepr, VariantNames)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, FromRepr, VariantNames)]
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
    /// Everything that defines a training besides the network and the data. The defaults are [the
    /// paper's](Recipe::paper), except for the optimiser, which is plain SGD.
    pub struct Recipe {
        /// Images per step.
        batch: usize = 96, between(1.0, 4096.0).unit("images");
        /// Rule that updates the weights from their gradients.
        optimizer: Optimizer = Optimizer::Sgd, any();
        /// Learning rate after warm-up.
        learning_rate: f32 = 0.045, between(0.0, 10.0).live();
        /// How the learning rate falls.
        schedule: Schedule = Schedule::Exponential, any().live();
        /// Factor per epoch of the exponential schedule.
        decay: f32 = 0.98, between(0.0, 1.0).live();
        /// Epoch at which the linear and cosine schedules reach 0.
        decay_until: f32 = 150.0, between(0.0, 1e6).unit("epochs").live();
        /// Epoch until which the rate is held before it falls.
        hold_until: f32 = 0.0, between(0.0, 1e6).unit("epochs").live();
        /// Epochs over which the rate first rises linearly from 0.
        warmup: f32 = 0.0, between(0.0, 1e6).unit("epochs").live();
        /// Weight of the past in the momentum.
        momentum: f32 = 0.9, between(0.0, 0.9999).live();
        /// Weight of the past in RMSProp's mean square.
        rms_decay: f32 = 0.9, between(0.0, 0.9999).live();
        /// RMSProp's ε, added to the root as in PyTorch: keeps the division finite.
        rms_epsilon: f32 = 1.0, between(1e-10, 10.0).live();
        /// L2 penalty on the weights.
        weight_decay: f32 = 4e-5, between(0.0, 1.0).live();
        /// Whether the penalty also applies to batch norm's γ and β and to the bias.
        decay_norms: bool = true, any().live();
        /// Weight of the past in the averaged weights, which are evaluated and saved; 0: no averaging.
        ///
        /// See [`optim::average`](crate::train::optim::average).
        average: f32 = 0.0, between(0.0, 0.99999).live();
        /// Share of the target spread over all classes.
        label_smoothing: f32 = 0.0, between(0.0, 1.0).live();
        /// Black pixels added on every side before the random crop.
        crop_padding: usize = 4, between(0.0, 64.0).unit("pixels").live();
        /// Whether half of the images are mirrored.
        flip: bool = true, any().live();
        /// Sizes to which an image is resized before its crop, drawn at random; none: the network's resolution.
        sizes: Vec<usize> = Vec::new(), between(8.0, 1024.0).unit("pixels").live();
        /// Side of the square cut out of each image at random; 0: none.
        cutout: usize = 0, between(0.0, 1024.0).unit("pixels").live();
        /// Leading modules to freeze, including batch norm's running averages, counted as torchvision's `features` (the
        /// stem, 17 blocks, the last convolution): 19 trains only the classifier, 15 also the last blocks.
        ///
        /// Counted as by [`Layer::module`](crate::arch::Layer::module): [`FEATURES`] freezes everything but the
        /// classifier.
        freeze: usize = 0, between(0.0, FEATURES as f64).unit("modules");
        /// Seed of all randomness.
        seed: u64 = 1, between(0.0, u32::MAX as f64 - 1.0);
    }
}

impl Recipe {
    /// The paper's recipe (§6.1): RMSProp with momentum 0.9, learning rate 0.045 × 0.98 per epoch, weight decay 4e-5,
    /// batches of 96.
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
