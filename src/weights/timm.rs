//! The names of timm's `mobilenetv2_*`. Its deeper networks (`mobilenetv2_110d`, `mobilenetv2_120d`) are not the
//! paper's and are not supported.

use crate::arch::{Kind, Layer, stage};

/// Names of a layer's convolution and of its batch norm.
///
/// A block is `blocks.S.I`, with stage and index; its batch norms are numbered, and its second 1×1 convolution is
/// `conv_pwl` (linear) unless it is the only one.
pub fn modules(layers: &[Layer], layer: usize) -> (String, String) {
    let Layer { kind, block, .. } = layers[layer];
    let Some(block) = block else {
        return match kind {
            Kind::Stem => ("conv_stem".into(), "bn1".into()),
            Kind::Last => ("conv_head".into(), "bn2".into()),
            _ => ("classifier".into(), String::new()),
        };
    };
    let (stage, place) = stage(block);
    let position = layers[..layer].iter().rev().take_while(|l| l.block == Some(block)).count();
    let convolution = match kind {
        Kind::Depthwise => "conv_dw",
        Kind::Project if position > 1 => "conv_pwl",
        Kind::Shortcut => "shortcut",
        _ => "conv_pw",
    };
    let module = format!("blocks.{stage}.{place}");
    (format!("{module}.{convolution}"), format!("{module}.bn{}", position + 1))
}
