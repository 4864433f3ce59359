//! Every knob of the network, the paper's table 2 and the rounding of channels.
//!
//! A [`Config`] is a plain value; [`Config::layers`] turns it into the list of layers that everything else
//! (costs, parameters, buffers, the network itself) is derived from.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Rows of table 2 of the paper: expansion t, channels c, repeats n, stride s of the first repeat.
const STAGES: [(usize, usize, usize, usize); 7] = [
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
];
/// Inputs of one output pixel of the stem: 3 rows, 3 columns, 3 colours.
pub const STEM_INPUTS: usize = 27;
const STEM_CHANNELS: usize = 32;
const LAST_CHANNELS: usize = 1280;
/// What torchvision calls `features`: the stem, 17 blocks and the last convolution. Only the classifier follows.
pub const FEATURES: usize = 19;

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
    /// Width multiplier, 0.1 – 4; see [`round_channels`].
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

    /// Whether the input of a block is added to its output as it is; `block` are the block's layers.
    pub fn adds_input(&self, block: &[Layer]) -> bool {
        let ([first, ..], Some(project)) = (block, block.iter().find(|layer| layer.kind == Kind::Project))
        else {
            return false;
        };
        self.shortcut != Shortcut::None
            && block.iter().all(|layer| layer.stride == 1)
            && first.c_in == project.c_out
    }

    /// Rows and columns of zeros before the input of a 3×3 convolution: 1, or 0 where SAME pads only behind, at
    /// stride 2 and an even size. Behind it there is always 1.
    pub fn padding_before(&self, layer: &Layer) -> usize {
        let behind = self.padding == Padding::Same && layer.stride == 2 && layer.size_in.is_multiple_of(2);
        usize::from(!behind)
    }

    /// Every convolution, and the classifier, in the order in which they run.
    pub fn layers(&self) -> Vec<Layer> {
        let scale = |channels| round_channels(channels as f64 * self.width);
        let stem_stride = if self.stem == Stem::Imagenet { 2 } else { 1 };
        let mut layers = Vec::new();
        let mut size = self.resolution;
        let mut push = |kind, block, c_in, c_out, stride, activation| {
            let layer = Layer { kind, block, c_in, c_out, stride, size_in: size, activation };
            size = layer.size_out();
            layers.push(layer);
        };

        let mut c_in = scale(STEM_CHANNELS);
        push(Kind::Stem, None, 3, c_in, stem_stride, self.activation);
        let mut block = 0;
        for (stage, (t, c, n, s)) in STAGES.into_iter().enumerate() {
            let c_out = scale(c);
            for repeat in 0..n {
                let expansion = if t == 1 { 1 } else { self.expansion };
                let expanded = c_in * expansion;
                let stride = match (repeat, stage) {
                    (0, 1) => stem_stride,
                    (0, _) => s,
                    _ => 1,
                };
                if expansion > 1 || block == 0 && self.expand_first {
                    push(Kind::Expand, Some(block), c_in, expanded, 1, self.activation);
                }
                push(Kind::Depthwise, Some(block), expanded, expanded, stride, self.activation);
                push(Kind::Project, Some(block), expanded, c_out, 1, self.bottleneck);
                if self.shortcut == Shortcut::Projected && stride == 1 && c_in != c_out {
                    push(Kind::Shortcut, Some(block), c_in, c_out, 1, Activation::Linear);
                }
                c_in = c_out;
                block += 1;
            }
        }
        // The last convolution is not narrowed below width 1 (paper §4).
        let last = round_channels(LAST_CHANNELS as f64 * self.width.max(1.0));
        push(Kind::Last, None, c_in, last, 1, self.activation);
        layers.push(Layer {
            kind: Kind::Classifier,
            block: None,
            c_in: last,
            c_out: self.classes,
            stride: 1,
            size_in: 1,
            activation: Activation::Linear,
        });
        layers
    }
}

/// The stage (row of the paper's table 2) of the block of this index, and its place there; both from 0.
pub fn stage(block: usize) -> (usize, usize) {
    let mut place = block;
    for (stage, (_, _, repeats, _)) in STAGES.into_iter().enumerate() {
        if place < repeats {
            return (stage, place);
        }
        place -= repeats;
    }
    (STAGES.len(), place)
}

/// What a layer computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// 3×3 convolution of the image.
    Stem,
    /// 1×1 convolution that widens a bottleneck.
    Expand,
    /// 3×3 convolution of each channel on its own.
    Depthwise,
    /// 1×1 convolution back to a bottleneck.
    Project,
    /// 1×1 convolution of the block's input, added to its output ([`Shortcut::Projected`]).
    Shortcut,
    /// 1×1 convolution before the average pool.
    Last,
    /// Matrix product with bias, after the average pool.
    Classifier,
}

/// One layer with its shape; all but the classifier are followed by batch norm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layer {
    /// What it computes.
    pub kind: Kind,
    /// Index of the inverted residual block it belongs to, 0 – 16.
    pub block: Option<usize>,
    /// Channels read.
    pub c_in: usize,
    /// Channels written.
    pub c_out: usize,
    /// 1 or 2.
    pub stride: usize,
    /// Height and width of the input.
    pub size_in: usize,
    /// What follows batch norm.
    pub activation: Activation,
}

impl Layer {
    /// Height and width of the output: the input's, divided by the stride, rounded up.
    pub fn size_out(&self) -> usize {
        self.size_in.div_ceil(self.stride)
    }

    /// Index in torchvision's `features`; the classifier's is [`FEATURES`].
    pub fn module(&self) -> usize {
        match (self.kind, self.block) {
            (Kind::Stem, _) => 0,
            (Kind::Last, _) => FEATURES - 1,
            (Kind::Classifier, _) => FEATURES,
            (_, block) => 1 + block.expect("what is left is in a block"),
        }
    }

    /// Number of weights, without batch norm and bias.
    pub fn weights(&self) -> usize {
        match self.kind {
            Kind::Stem => 9 * self.c_in * self.c_out,
            Kind::Depthwise => 9 * self.c_out,
            Kind::Expand | Kind::Project | Kind::Shortcut | Kind::Last | Kind::Classifier => {
                self.c_in * self.c_out
            }
        }
    }
}

/// Rounds to the nearest multiple of 8, at least 8, never more than 10 % down
/// (`_make_divisible` of the reference implementations).
pub fn round_channels(channels: f64) -> usize {
    let rounded = ((channels + 4.0) as usize / 8 * 8).max(8);
    if (rounded as f64) < 0.9 * channels { rounded + 8 } else { rounded }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_of_the_width_table() {
        // torchvision.models.mobilenet_v2(width_mult=…) has these
        let rows: [(f64, usize, [usize; 7], usize); 8] = [
            (0.10, 8, [8, 8, 8, 8, 16, 16, 32], 1280),
            (0.25, 8, [8, 8, 8, 16, 24, 40, 80], 1280),
            (0.35, 16, [8, 8, 16, 24, 32, 56, 112], 1280),
            (0.50, 16, [8, 16, 16, 32, 48, 80, 160], 1280),
            (0.75, 24, [16, 24, 24, 48, 72, 120, 240], 1280),
            (1.00, 32, [16, 24, 32, 64, 96, 160, 320], 1280),
            (1.30, 40, [24, 32, 40, 80, 128, 208, 416], 1664),
            (1.40, 48, [24, 32, 48, 88, 136, 224, 448], 1792),
        ];
        for (width, stem, stages, last) in rows {
            let layers = Config { width, ..Config::imagenet() }.layers();
            assert_eq!(layers[0].c_out, stem, "stem at width {width}");
            let projected: Vec<usize> =
                layers.iter().filter(|l| l.kind == Kind::Project).map(|l| l.c_out).collect();
            let firsts = [0, 1, 3, 6, 10, 13, 16].map(|block| projected[block]);
            assert_eq!(firsts, stages, "stages at width {width}");
            assert_eq!(layers[layers.len() - 2].c_out, last, "last at width {width}");
        }
    }

    #[test]
    fn sizes_end_as_the_paper_says() {
        let end = |config: Config| {
            let layers = config.layers();
            layers[layers.len() - 2].size_out()
        };
        assert_eq!(end(Config::imagenet()), 7);
        assert_eq!(end(Config::cifar()), 4);
    }

    #[test]
    fn modules_count_as_torchvision_does() {
        // layer: features.0, features.1.conv (two, without an expansion), features.2.conv (three), …
        let modules: Vec<usize> = Config::cifar().layers().iter().map(Layer::module).collect();
        assert_eq!(modules[..6], [0, 1, 1, 2, 2, 2]);
        assert_eq!(modules[modules.len() - 3..], [17, 18, 19]);
    }

    #[test]
    fn out_of_range_is_named() {
        let config = Config { width: 9.0, ..Config::cifar() };
        assert_eq!(config.validate().unwrap_err().to_string(), "width must be 0.1 to 4, not 9");
    }
}
