//! The naming schemes of tensors, and the conventions that come with each.

use std::slice;

use super::container::Container;
use super::{pytorch_cifar, timm, torchvision, transformers};
use crate::arch::{Architecture, Config, Layer, Role};
use crate::error::{Error, Result};

/// A library's tensor names for its MobileNetV2, and its conventions.
pub struct Scheme {
    /// The library.
    pub name: &'static str,
    modules: fn(layers: &[Layer], layer: usize) -> (String, String),
    /// The configuration of its networks where their files do not say.
    pub conventions: fn() -> Config,
    /// Number of classes that includes "background" before the first: 1001, with ImageNet's 1000.
    pub with_background: Option<usize>,
    /// Whether the first block has its shortcut in networks so narrow that its channels match.
    pub first_shortcut: bool,
}

/// All schemes that are read; the first is the one that is written.
pub static SCHEMES: [Scheme; 4] = [
    Scheme {
        name: "torchvision",
        modules: torchvision::modules,
        conventions: Config::imagenet,
        with_background: None,
        first_shortcut: true,
    },
    Scheme {
        name: "timm",
        modules: timm::modules,
        conventions: Config::imagenet,
        with_background: None,
        first_shortcut: true,
    },
    Scheme {
        name: "transformers",
        modules: transformers::modules,
        conventions: transformers::conventions,
        with_background: Some(1001),
        first_shortcut: false,
    },
    Scheme {
        name: "pytorch-cifar",
        modules: pytorch_cifar::modules,
        conventions: pytorch_cifar::conventions,
        with_background: None,
        first_shortcut: true,
    },
];

impl Scheme {
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

    /// Name of the counter that every batch norm of PyTorch has, too; its value is neither read nor needed here.
    pub fn counter(&self, layers: &[Layer], layer: usize) -> String {
        format!("{}.num_batches_tracked", self.modules(layers, layer).1)
    }
}

/// A file's tensor names: a scheme's, after the prefix that a wrapper put before all of them, such as `module.`
/// (DataParallel) or `state_dict.model.`.
pub struct Naming {
    pub scheme: &'static Scheme,
    pub prefix: String,
}

impl Naming {
    /// The naming of a file: a scheme of which the file has at least a third of the convolutions, since a network without
    /// expansions names the others differently. Other architectures than MobileNetV2 have the first scheme's names.
    ///
    /// # Errors
    /// [`Error::Weights`] if the file holds no network, or several.
    pub fn of(file: &Container, architecture: Architecture) -> Result<Naming> {
        let names = file.names();
        let mut found: Vec<Naming> = Vec::new();
        let schemes = if architecture == Architecture::MobilenetV2 { &SCHEMES[..] } else { &SCHEMES[..1] };
        for scheme in schemes {
            let layers = Config { architecture, ..(scheme.conventions)() }.layers();
            let convolutions: Vec<String> =
                (0..layers.len()).map(|layer| scheme.tensor(&layers, layer, Role::Weight)).collect();
            let mut prefixes: Vec<&str> = names
                .iter()
                .flat_map(|name| convolutions.iter().filter_map(|tensor| name.strip_suffix(tensor)))
                .collect();
            prefixes.retain(|prefix| prefix.is_empty() || prefix.ends_with('.'));
            prefixes.sort_unstable();
            let shared = prefixes.chunk_by(|a, b| a == b).filter(|same| 3 * same.len() > convolutions.len());
            found.extend(shared.map(|same| Naming { scheme, prefix: same[0].into() }));
        }
        match found.pop() {
            Some(naming) if found.is_empty() => Ok(naming),
            Some(naming) => Err(several(found.iter().chain(slice::from_ref(&naming)))),
            None => Err(unknown(&names)),
        }
    }

    /// [`Scheme::tensor`] in the file.
    pub fn tensor(&self, layers: &[Layer], layer: usize, role: Role) -> String {
        self.prefix.clone() + &self.scheme.tensor(layers, layer, role)
    }

    /// [`Scheme::counter`] in the file.
    pub fn counter(&self, layers: &[Layer], layer: usize) -> String {
        self.prefix.clone() + &self.scheme.counter(layers, layer)
    }
}

/// The error for a file with the weights of several networks, such as a model and its running average.
fn several<'a>(namings: impl Iterator<Item = &'a Naming>) -> Error {
    let name = |naming: &Naming| format!("\"{}\"", naming.prefix);
    let prefixes = namings.map(name).collect::<Vec<_>>().join(", ");
    Error::weights(
        "weights-several",
        "the file holds the weights of several networks, such as a model and its average, under names that begin with \
         {prefixes}: save one of them alone",
        [("prefixes", prefixes)],
    )
}

/// The error for a file with unknown names.
fn unknown(names: &[String]) -> Error {
    let some = names.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(", ");
    Error::weights(
        "foreign-network",
        "this is not a MobileNetV2 with the tensor names of {schemes} (the file has {count} tensors: {names}, …)",
        [
            ("schemes", SCHEMES.each_ref().map(|scheme| scheme.name).join(", ")),
            ("count", names.len().to_string()),
            ("names", some),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::{Tensor, Weights, tensors};
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
        assert!(error.to_string().contains("this one of width 0.25 would need"), "{error}");
    }
}
