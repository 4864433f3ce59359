//! The names of the MobileNetV2 in kuangliu's collection of PyTorch networks for CIFAR-10, and its differences: ReLU,
//! an expansion in the first block too, and projected shortcuts.

use crate::arch::{Activation, Config, Kind, Layer, Shortcut};

/// The CIFAR network with this collection's differences.
pub fn conventions() -> Config {
    Config {
        activation: Activation::Relu,
        shortcut: Shortcut::Projected,
        expand_first: true,
        ..Config::cifar()
    }
}

/// Names of a layer's convolution and of its batch norm: `conv1`, `bn1`, `layers.0.conv1`, `layers.0.bn1`, …, `linear`.
pub fn modules(layers: &[Layer], layer: usize) -> (String, String) {
    let Layer { kind, block, .. } = layers[layer];
    let module = block.map_or_else(String::new, |block| format!("layers.{block}."));
    let number = match kind {
        Kind::Stem | Kind::Expand => 1,
        Kind::Depthwise | Kind::Last => 2,
        Kind::Project => 3,
        Kind::Shortcut => return (format!("{module}shortcut.0"), format!("{module}shortcut.1")),
        Kind::Classifier => return ("linear".into(), String::new()),
        Kind::Pointwise | Kind::Convolution => unreachable!("only MobileNetV2 has this scheme's names"),
    };
    (format!("{module}conv{number}"), format!("{module}bn{number}"))
}
