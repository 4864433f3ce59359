//! Every knob of the network, and the range of each.

use serde::Serialize;
use strum::{FromRepr, VariantNames};

use super::setting::{any, between, choices, settings};
use crate::error::{Error, Result};

choices!(Architecture, Stem, Activation, Shortcut, Padding);

/// Which network it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, FromRepr, VariantNames)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
#[non_exhaustive]
pub enum Architecture {
    /// Inverted residuals with linear bottlenecks (arXiv 1801.04381).
    MobilenetV2,
    /// Depthwise separable convolutions, one after the other (arXiv 1704.04861).
    MobilenetV1,
    /// MobileNetV1 with a plain 3×3 convolution in place of each separable one.
    Plain,
}

impl Architecture {
    /// As people write it.
    pub fn title(self) -> &'static str {
        match self {
            Architecture::MobilenetV2 => "MobileNetV2",
            Architecture::MobilenetV1 => "MobileNetV1",
            Architecture::Plain => "MobileNetV1 with plain convolutions",
        }
    }
}

/// Strides of the first layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, FromRepr, VariantNames)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
#[non_exhaustive]
pub enum Stem {
    /// Stride 2 in the stem and in the 24-channel stage: a 224² image ends as 7².
    Imagenet,
    /// Stride 1 in both: a 32² image ends as 4².
    Cifar,
}

/// What follows a convolution and its batch norm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, FromRepr, VariantNames)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, FromRepr, VariantNames)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
#[non_exhaustive]
pub enum Shortcut {
    /// From bottleneck to bottleneck where stride is 1 and the channels agree: the inverted residual.
    Bottlenecks,
    /// Wherever stride is 1; where the channels differ, a 1×1 convolution with its own batch norm matches them. Not in
    /// the paper, but common in networks for CIFAR-10.
    Projected,
    /// From expansion to expansion: what the depthwise convolution of a block reads is added to what that of the next block
    /// would read, where the first of them has stride 1 and both have the same shape.
    ///
    /// ```text
    ///            from block i - 1                                        to block i + 2
    ///                    │     ┌───────────────────────────────────────────┐     ↑
    ///                    ↓     │                                           ↓     │
    /// ─→ expand, ReLU6 ─→ + ─ e ┴→ depthwise ─→ project ─→ expand, ReLU6 ─→ + ─ e'┴→ depthwise ─→
    ///
    ///    block i, stride 1                                 block i + 1
    /// ```
    ///
    /// The sum e' = ReLU6(norm(expand)) + e feeds the depthwise convolution and the next sum; no activation follows it. So
    /// gradients flow from expansion to expansion, and bottlenecks have no shortcut. The first block of a stage expands as
    /// many channels, at the same size, as the last block of the stage before, so it adds that block's expansion. It
    /// passes on its own only if its stride is 1 and the next block expands as many channels. A block without a 1×1
    /// expansion, such as the first (t = 1), takes no part.
    Expansions,
    /// None at all.
    None,
}

/// How a 3×3 convolution pads its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, FromRepr, VariantNames)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
#[non_exhaustive]
pub enum Padding {
    /// One pixel on every side (PyTorch).
    Symmetric,
    /// TensorFlow's SAME: at stride 2 and an even size, nothing before and one pixel after.
    Same,
}

settings! {
    /// Everything that defines a network, including its input. The default is [`Config::imagenet`].
    pub struct Config {
        /// Network: MobileNetV2, MobileNetV1, or that with plain convolutions.
        ///
        /// The latter two have no bottlenecks: `bottleneck`, `shortcut`, `expansion` and `expand_first` do not apply to them.
        architecture: Architecture = Architecture::MobilenetV2, any();
        /// Width multiplier.
        ///
        /// See [`round_channels`](crate::arch::round_channels).
        width: f64 = 1.0, between(0.1, 4.0);
        /// Height and width of the input.
        resolution: usize = 224, between(8.0, 1024.0).unit("pixels");
        /// Number of classes.
        classes: usize = 1000, between(1.0, 100_000.0);
        /// Strides of the first layers, made for images of 224² or 32² pixels.
        stem: Stem = Stem::Imagenet, any();
        /// Activation after every convolution but the projection.
        activation: Activation = Activation::Relu6, any();
        /// Activation after the projection; the paper's is linear.
        bottleneck: Activation = Activation::Linear, any();
        /// Where the shortcut runs.
        shortcut: Shortcut = Shortcut::Bottlenecks, any();
        /// Expansion factor t of every block but the first; the paper's is 6.
        expansion: usize = 6, between(1.0, 10.0);
        /// Whether the first block has a 1×1 expansion although its factor is 1.
        expand_first: bool = false, any();
        /// Padding of the 3×3 convolutions: PyTorch's is symmetric, TensorFlow's is same.
        padding: Padding = Padding::Symmetric, any();
        /// Batch norm's ε.
        epsilon: f32 = 1e-5, between(1e-8, 1.0);
        /// Weight of the current batch in batch norm's running averages (PyTorch's `momentum`): 0.1 keeps 0.9.
        batch_norm_momentum: f32 = 0.1, between(0.0, 1.0);
        /// Probability that training drops a feature before the classifier.
        dropout: f32 = 0.2, between(0.0, 0.95);
        /// Subtracted from each colour channel, on a scale of 0 to 1.
        mean: [f32; 3] = [0.485, 0.456, 0.406], between(-10.0, 10.0);
        /// Divides each colour channel after the mean is subtracted.
        std: [f32; 3] = [0.229, 0.224, 0.225], between(1e-4, 1e4);
        /// Side of the square cut from a photo's centre, as a share of its shorter side, before it is resized.
        crop: f32 = 0.875, between(0.1, 1.0);
    }
}

impl Config {
    /// The paper's network at 224² with 1000 classes and torchvision's conventions.
    pub fn imagenet() -> Self {
        Config::default()
    }

    /// The CIFAR variant: 32², ten classes, no dropout, CIFAR-10's mean and standard deviation.
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

    /// Checks every range, and that projected shortcuts have a linear bottleneck.
    ///
    /// # Errors
    /// [`Error::Argument`] names the first knob that is wrong.
    pub fn validate(&self) -> Result<()> {
        self.check_ranges()?;
        if self.shortcut == Shortcut::Projected && self.bottleneck != Activation::Linear {
            return Err(Error::Argument("projected shortcuts need a linear bottleneck".into()));
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
