//! A network's layers: what each computes, with its shape, and which it reads and adds.

use serde::Serialize;

use super::config::{Activation, Config, Padding};

/// Inputs of one output pixel of the stem: 3 rows, 3 columns, 3 colours.
pub const STEM_INPUTS: usize = 27;
/// Modules in torchvision's `features`: the stem, 17 blocks and the last convolution. Only the classifier follows; it has
/// this index in every network, however many blocks there are.
pub const FEATURES: usize = 19;

impl Config {
    /// Rows and columns of zeros before the input of a 3×3 convolution: 0 where SAME pads only after it (stride 2, even
    /// size), else 1. After the input there is always 1.
    pub fn padding_before(&self, layer: &Layer) -> usize {
        let behind = self.padding == Padding::Same && layer.stride == 2 && layer.size_in.is_multiple_of(2);
        usize::from(!behind)
    }
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
    /// 1×1 convolution after a depthwise one: with it, a separable convolution (MobileNetV1).
    Pointwise,
    /// 3×3 convolution of all channels, in place of a separable one.
    Convolution,
    /// 1×1 convolution back to a bottleneck.
    Project,
    /// 1×1 convolution of the block's input, added to its output ([`Shortcut::Projected`](super::Shortcut::Projected)).
    Shortcut,
    /// 1×1 convolution before the average pool.
    Last,
    /// Matrix product with bias, after the average pool.
    Classifier,
}

/// One layer with its shape; batch norm follows every layer but the classifier.
///
/// Its output is `activation(norm(convolution(input)))`, to which the output of the layer `adds` is added.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layer {
    /// What it computes.
    pub kind: Kind,
    /// Index of the block it belongs to: an inverted residual, 0 – 16, or a separable convolution, 0 – 12.
    pub block: Option<usize>,
    /// The layer whose output it reads, an earlier one of the list; none: the image. The classifier reads the average of that
    /// output over all pixels.
    pub input: Option<usize>,
    /// The layer whose output is added to its own, an earlier one of the list: where a shortcut ends.
    pub adds: Option<usize>,
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
    /// Height and width of the output: the input's divided by the stride, rounded up.
    pub fn size_out(&self) -> usize {
        self.size_in.div_ceil(self.stride)
    }

    /// Index in torchvision's `features`; the classifier's is [`FEATURES`].
    pub fn module(&self) -> usize {
        match (self.kind, self.block) {
            (Kind::Stem, _) => 0,
            (Kind::Last, _) => FEATURES - 1,
            (Kind::Classifier, _) => FEATURES,
            (_, block) => 1 + block.expect("every other layer is in a block"),
        }
    }

    /// Height and width of the kernel.
    pub fn kernel(&self) -> usize {
        match self.kind {
            Kind::Stem | Kind::Depthwise | Kind::Convolution => 3,
            _ => 1,
        }
    }

    /// Inputs of one output value.
    pub fn inputs(&self) -> usize {
        let channels = if self.kind == Kind::Depthwise { 1 } else { self.c_in };
        self.kernel() * self.kernel() * channels
    }

    /// Number of weights, without batch norm and bias.
    pub fn weights(&self) -> usize {
        self.inputs() * self.c_out
    }

    /// Number of values of the output.
    pub fn floats_out(&self) -> usize {
        self.c_out * self.size_out() * self.size_out()
    }
}
