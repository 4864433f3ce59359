//! The names that torchvision's `mobilenet_v2` gives its tensors.

use crate::config::{Kind, Layer};
use crate::parameters::Role;

/// Name of a tensor: `features.2.conv.0.0.weight`, `features.2.conv.0.1.running_mean`, `classifier.1.bias`, ….
pub fn name(layers: &[Layer], layer: usize, role: Role) -> String {
    let (convolution, batch_norm) = modules(layers, layer);
    match role {
        Role::Weight => format!("{convolution}.weight"),
        Role::Bias => format!("{convolution}.bias"),
        Role::Gamma => format!("{batch_norm}.weight"),
        Role::Beta => format!("{batch_norm}.bias"),
        Role::RunningMean => format!("{batch_norm}.running_mean"),
        Role::RunningVar => format!("{batch_norm}.running_var"),
    }
}

/// Name of the counter that every batch norm of PyTorch also has; this crate neither reads nor needs its value.
pub fn counter(layers: &[Layer], layer: usize) -> String {
    format!("{}.num_batches_tracked", modules(layers, layer).1)
}

/// Names of a layer's convolution and of its batch norm.
///
/// `features.0` is the stem, `features.1` to `features.17` are the blocks, `features.18` is the last
/// convolution. Within a block each convolution is a triple (`p.0` convolution, `p.1` batch norm, activation),
/// but for the projection, which has no activation and lies flat at `p` and `p + 1`. Without an expansion,
/// everything moves up by one.
fn modules(layers: &[Layer], layer: usize) -> (String, String) {
    let Layer { kind, block, .. } = layers[layer];
    let Some(block) = block else {
        return match kind {
            Kind::Stem => ("features.0.0".into(), "features.0.1".into()),
            Kind::Last => ("features.18.0".into(), "features.18.1".into()),
            _ => ("classifier.1".into(), String::new()),
        };
    };
    let module = format!("features.{}.conv", block + 1);
    let position = layers[..layer].iter().rev().take_while(|l| l.block == Some(block)).count();
    match kind {
        Kind::Project => (format!("{module}.{position}"), format!("{module}.{}", position + 1)),
        _ => (format!("{module}.{position}.0"), format!("{module}.{position}.1")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn names_are_torchvisions() {
        let layers = Config::imagenet().layers();
        let names: Vec<String> = (0..layers.len()).map(|l| name(&layers, l, Role::Weight)).collect();
        // [n for n, p in torchvision.models.mobilenet_v2().named_parameters() if p.dim() > 1][:6] and [-3:]
        assert_eq!(
            names[..6],
            [
                "features.0.0.weight",
                "features.1.conv.0.0.weight",
                "features.1.conv.1.weight",
                "features.2.conv.0.0.weight",
                "features.2.conv.1.0.weight",
                "features.2.conv.2.weight"
            ]
        );
        assert_eq!(
            names[names.len() - 3..],
            ["features.17.conv.2.weight", "features.18.0.weight", "classifier.1.weight"]
        );
        assert_eq!(name(&layers, 2, Role::Gamma), "features.1.conv.2.weight");
        assert_eq!(name(&layers, 5, Role::RunningVar), "features.2.conv.3.running_var");
    }
}
