//! Whose names a file's tensors have, and what goes without saying under those.

use super::container::Container;
use super::{pytorch_cifar, timm, torchvision, transformers};
use crate::config::{Config, Layer};
use crate::parameters::Role;

/// The names that a library gives the tensors of its MobileNetV2, and its conventions.
pub struct Scheme {
    /// Whose names they are.
    pub name: &'static str,
    /// A tensor that every network of it has and no other scheme.
    mark: &'static str,
    modules: fn(layers: &[Layer], layer: usize) -> (String, String),
    /// What networks of it are where their files do not say.
    pub conventions: fn() -> Config,
    /// Number of classes that leave room for "background" before the first: 1001, of which 1000 are ImageNet's.
    pub with_background: Option<usize>,
    /// Whether the first block has its shortcut in networks so narrow that its channels agree.
    pub first_shortcut: bool,
}

/// All that are read; the first is the one that is written.
pub static SCHEMES: [Scheme; 4] = [
    Scheme {
        name: "torchvision",
        mark: "features.0.0.weight",
        modules: torchvision::modules,
        conventions: Config::imagenet,
        with_background: None,
        first_shortcut: true,
    },
    Scheme {
        name: "timm",
        mark: "conv_stem.weight",
        modules: timm::modules,
        conventions: Config::imagenet,
        with_background: None,
        first_shortcut: true,
    },
    Scheme {
        name: "transformers",
        mark: "mobilenet_v2.conv_stem.first_conv.convolution.weight",
        modules: transformers::modules,
        conventions: transformers::conventions,
        with_background: Some(1001),
        first_shortcut: false,
    },
    Scheme {
        name: "pytorch-cifar",
        mark: "layers.0.conv1.weight",
        modules: pytorch_cifar::modules,
        conventions: pytorch_cifar::conventions,
        with_background: None,
        first_shortcut: true,
    },
];

impl Scheme {
    /// The scheme that a file follows, if any.
    pub fn of(file: &Container) -> Option<&'static Scheme> {
        SCHEMES.iter().find(|scheme| file.shape(scheme.mark).is_some())
    }

    /// Names of a layer's convolution and of its batch norm; the classifier has only the first.
    pub fn modules(&self, layers: &[Layer], layer: usize) -> (String, String) {
        (self.modules)(layers, layer)
    }

    /// Name of a tensor: `features.2.conv.0.0.weight`, `features.2.conv.0.1.running_mean`, `classifier.1.bias`, ….
    pub fn tensor(&self, layers: &[Layer], layer: usize, role: Role) -> String {
        let (convolution, batch_norm) = self.modules(layers, layer);
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
    pub fn counter(&self, layers: &[Layer], layer: usize) -> String {
        format!("{}.num_batches_tracked", self.modules(layers, layer).1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Weights;
    use crate::parameters::{Tensor, tensors};
    use crate::weights::{Entry, PartialConfig, Precision, layout, load, write};

    #[test]
    fn a_network_without_its_first_shortcut_is_refused() {
        let weights = Weights::random(Config { width: 0.25, classes: 3, ..Config::imagenet() }, 1);
        let layers = weights.config.layers();
        let entry = |Tensor { layer, role, span }: Tensor| {
            let shape = layout::shape(&layers[layer], role);
            let flat = if role.trainable() { &weights.values } else { &weights.statistics };
            Entry::floats(SCHEMES[2].tensor(&layers, layer, role), shape, &flat[span], Precision::Full)
        };
        let entries: Vec<Entry> = tensors(&layers).into_iter().map(entry).collect();
        let error = load(&write(entries, Vec::new()), &PartialConfig::new()).unwrap_err();
        assert!(error.to_string().contains("transformers, of width 0.25, is so narrow"), "{error}");
    }
}
