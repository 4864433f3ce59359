//! The names of Hugging Face transformers' `MobileNetV2ForImageClassification`, and the conventions of Google's
//! checkpoints, for which it was made.

use crate::arch::{Config, Kind, Layer, Padding};

/// ε 0.001, TensorFlow's padding, colours from -1 to 1.
pub fn conventions() -> Config {
    Config { padding: Padding::Same, epsilon: 1e-3, mean: [0.5; 3], std: [0.5; 3], ..Config::imagenet() }
}

/// Names of a layer's convolution and of its batch norm.
///
/// The first block belongs to `conv_stem`; the others are `layer.0` to `layer.15`.
pub fn modules(layers: &[Layer], layer: usize) -> (String, String) {
    let Layer { kind, block, .. } = layers[layer];
    let group = match block {
        Some(0) => "conv_stem.".into(),
        Some(block) => format!("layer.{}.", block - 1),
        None => String::new(),
    };
    let part = match kind {
        Kind::Stem => "conv_stem.first_conv",
        Kind::Expand => "expand_1x1",
        Kind::Depthwise => "conv_3x3",
        Kind::Project => "reduce_1x1",
        Kind::Shortcut => "shortcut",
        Kind::Last => "conv_1x1",
        Kind::Classifier => return ("classifier".into(), String::new()),
        Kind::Pointwise | Kind::Convolution => unreachable!("only MobileNetV2 has this scheme's names"),
    };
    let module = format!("mobilenet_v2.{group}{part}");
    (format!("{module}.convolution"), format!("{module}.normalization"))
}
