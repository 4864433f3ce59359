//! The names that torchvision's `mobilenet_v2` gives its tensors.

use crate::arch::{Kind, Layer};

/// Names of a layer's convolution and of its batch norm.
///
/// `features.0` is the stem, `features.1` to `features.17` are the blocks, `features.18` is the last convolution.
/// Within a block each convolution is a triple (`p.0` convolution, `p.1` batch norm, activation), except for the
/// projection, which has no activation and lies flat at `p` and `p + 1`. Without an expansion, everything moves up by
/// one. torchvision has no projected shortcuts and no MobileNetV1; their names here follow its pattern. In a MobileNetV1
/// `features.1` to `features.13` are the separable convolutions, depthwise `conv.0` and pointwise `conv.1`; in its plain
/// twin they are the plain ones, `conv.0`.
pub fn modules(layers: &[Layer], layer: usize) -> (String, String) {
    let Layer { kind, block, .. } = layers[layer];
    let Some(block) = block else {
        return match kind {
            Kind::Stem => ("features.0.0".into(), "features.0.1".into()),
            Kind::Last => ("features.18.0".into(), "features.18.1".into()),
            _ => ("classifier.1".into(), String::new()),
        };
    };
    let module = format!("features.{}", block + 1);
    let position = layers[..layer].iter().rev().take_while(|l| l.block == Some(block)).count();
    match kind {
        Kind::Shortcut => (format!("{module}.shortcut.0"), format!("{module}.shortcut.1")),
        Kind::Project => (format!("{module}.conv.{position}"), format!("{module}.conv.{}", position + 1)),
        _ => (format!("{module}.conv.{position}.0"), format!("{module}.conv.{position}.1")),
    }
}

#[cfg(test)]
mod tests {
    use crate::arch::{Config, Role};
    use crate::weights::scheme::SCHEMES;

    #[test]
    fn names_are_torchvisions() {
        let layers = Config::imagenet().layers();
        let name = |layers: &_, layer, role| SCHEMES[0].tensor(layers, layer, role);
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
