//! Every knob of the network, and the range of each.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Which strides the first layers have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Stem {
    /// Stride 2 in the stem and in the 24-channel stage: a 224² image ends as 7².
    Imagenet,
    /// Stride 1 in both: a 32² image ends as 4².
    Cifar,
}

/// What follows a convolution and its batch norm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Activation {
    /// min(max(x, 0), 6)
    Relu6,
    /// max(x, 0)
    Relu,
    /// x: the linear bottleneck (paper §3.2)
    Linear,
}

impl Activation {
    /// The activation as a clamp to `[low, high]`; its derivative is 1 strictly inside and 0 outside.
    pub fn range(self) -> (f32, f32) {
        match self {
            Activation::Relu6 => (0.0, 6.0),
            Activation::Relu => (0.0, f32::INFINITY),
            Activation::Linear => (f32::NEG_INFINITY, f32::INFINITY),
        }
    }
}

/// Where a block's shortcut runs (paper, figure 6b).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Shortcut {
    /// From bottleneck to bottleneck where stride is 1 and the channels agree: the inverted residual.
    Bottlenecks,
    /// Wherever stride is 1: where the channels differ, through a 1×1 convolution and batch norm of its own. Not the
    /// paper's, but that of many networks for CIFAR-10.
    Projected,
    /// None at all.
    None,
}

/// How a 3×3 convolution sees the border.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Padding {
    /// One pixel on every side (PyTorch).
    Symmetric,
    /// TensorFlow's SAME: at stride 2 and an even size, none before and one after.
    Same,
}

/// All that defines a MobileNetV2, its input included.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Width multiplier, 0.1 – 4; see [`round_channels`](super::round_channels).
    pub width: f64,
    /// Height and width of the input in pixels, 8 – 1024.
    pub resolution: usize,
    /// Number of classes, 1 – 100,000.
    pub classes: usize,
    /// Strides of the first layers.
    pub stem: Stem,
    /// Activation after stem, expansion, depthwise and last convolution.
    pub activation: Activation,
    /// Activation after the projection; the paper's is [`Activation::Linear`].
    pub bottleneck: Activation,
    /// Where the shortcut runs.
    pub shortcut: Shortcut,
    /// Expansion factor t of every block but the first, 1 – 10; the paper's is 6.
    pub expansion: usize,
    /// Whether the first block, whose factor is 1, has a 1×1 convolution for its expansion all the same.
    pub expand_first: bool,
    /// Padding of the 3×3 convolutions.
    pub padding: Padding,
    /// Batch norm's ε.
    pub epsilon: f32,
    /// Weight of a batch's statistics in the running averages (PyTorch's `momentum`): 0.1 keeps 0.9.
    pub batch_norm_momentum: f32,
    /// Probability that a feature is dropped before the classifier, in training, 0 – 0.95.
    pub dropout: f32,
    /// Subtracted from each colour channel, on a scale of 0 – 1.
    pub mean: [f32; 3],
    /// Divides each colour channel after that.
    pub std: [f32; 3],
    /// Side of the square cut from a photo's centre, as a share of its shorter side, before it is resized, 0.1 – 1.
    pub crop: f32,
}

impl Default for Config {
    fn default() -> Self {
        Config::imagenet()
    }
}

impl Config {
    /// The paper's network at 224² with 1000 classes and torchvision's conventions.
    pub fn imagenet() -> Self {
        Config {
            width: 1.0,
            resolution: 224,
            classes: 1000,
            stem: Stem::Imagenet,
            activation: Activation::Relu6,
            bottleneck: Activation::Linear,
            shortcut: Shortcut::Bottlenecks,
            expansion: 6,
            expand_first: false,
            padding: Padding::Symmetric,
            epsilon: 1e-5,
            batch_norm_momentum: 0.1,
            dropout: 0.2,
            mean: [0.485, 0.456, 0.406],
            std: [0.229, 0.224, 0.225],
            crop: 0.875,
        }
    }

    /// The CIFAR variant: 32², ten classes, no dropout, CIFAR-10's mean and deviation.
    pub fn cifar() -> Self {
        Config {
            resolution: 32,
            classes: 10,
            stem: Stem::Cifar,
            dropout: 0.0,
            mean: [0.4914, 0.4822, 0.4465],
            std: [0.2023, 0.1994, 0.2010],
            crop: 1.0,
            ..Config::imagenet()
        }
    }

    /// Checks every range.
    ///
    /// # Errors
    /// [`Error::Argument`] names the first knob out of range and the range.
    pub fn validate(&self) -> Result<()> {
        let check = |name: &str, value: f64, low: f64, high: f64| {
            if (low..=high).contains(&value) {
                return Ok(());
            }
            Err(Error::Argument(format!("{name} must be {low} to {high}, not {value}")))
        };
        check("width", self.width, 0.1, 4.0)?;
        check("resolution", self.resolution as f64, 8.0, 1024.0)?;
        check("classes", self.classes as f64, 1.0, 100_000.0)?;
        check("expansion", self.expansion as f64, 1.0, 10.0)?;
        check("epsilon", self.epsilon.into(), 1e-8, 1.0)?;
        check("batch norm momentum", self.batch_norm_momentum.into(), 0.0, 1.0)?;
        check("dropout", self.dropout.into(), 0.0, 0.95)?;
        check("crop", self.crop.into(), 0.1, 1.0)?;
        if self.shortcut == Shortcut::Projected && self.bottleneck != Activation::Linear {
            return Err(Error::Argument("projected shortcuts need a linear bottleneck".into()));
        }
        for (mean, std) in self.mean.iter().zip(self.std) {
            check("mean", f64::from(*mean), -10.0, 10.0)?;
            check("std", f64::from(std), 1e-4, 1e4)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn out_of_range_is_named() {
        let config = Config { width: 9.0, ..Config::cifar() };
        assert_eq!(config.validate().unwrap_err().to_string(), "width must be 0.1 to 4, not 9");
    }
}
