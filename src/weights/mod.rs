//! Weights as safetensors, in and out.
//!
//! Tensors have torchvision's names and PyTorch's shapes and order: a file written here loads into
//! `torchvision.models.mobilenet_v2(width_mult=…, num_classes=…)` with `strict=True`, and one saved there loads
//! here. The file's metadata hold the [`Config`], a key a field (`width`, `resolution`, `classes`, `stem`,
//! `padding`, `mean`, …), and the names of the classes (`labels`, a JSON array), so that a file describes itself.
//! What a file from elsewhere does not say comes from the caller, from the shapes of the tensors (width,
//! expansion, classes), and at last from torchvision's conventions ([`Config::imagenet`]). The stem's strides
//! leave no trace in the tensors: for a CIFAR network without metadata the caller has to give them.

mod config;
mod container;
mod layout;
mod torchvision;

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Config, Kind, Layer};
use crate::error::{Error, Result};
use crate::parameters::{Role, Tensor, Weights, tensors};

pub use config::PartialConfig;
pub use container::{Container, Precision};

pub(crate) use container::{Entry, write};

/// Reads weights from the bytes of a safetensors file, in single, half or bfloat16 precision.
///
/// `known` says what the file may leave open; the file's own metadata win over it.
///
/// # Errors
/// [`Error::Weights`], where the file is no whole safetensors file, a tensor is missing, unknown, of another
/// shape or type, or has values that are not finite, a running variance is negative, or the metadata make no
/// sense. The message names the tensor, and what was found and expected.
pub fn load(bytes: &[u8], known: &PartialConfig) -> Result<Weights> {
    read(&Container::parse(bytes)?, known)
}

/// Bytes of a safetensors file.
///
/// [`Precision::Half`] halves the convolutions' and the classifier's weights; batch norm and bias, small and
/// sensitive, stay whole, and so does a tensor with a value beyond the 65,504 that half precision can hold.
pub fn save(weights: &Weights, precision: Precision) -> Vec<u8> {
    let (entries, metadata) = pack(weights, precision);
    write(&entries, metadata)
}

pub(crate) fn read(file: &Container, known: &PartialConfig) -> Result<Weights> {
    let stem = "features.0.0.weight";
    if file.shape(stem).is_none() {
        let names = file.names();
        let some = names.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(", ");
        return Err(Error::Weights(format!(
            "tensor {stem} is missing: this is no MobileNetV2 under torchvision's names (the file has {} \
             tensors: {some}, …)",
            names.len()
        )));
    }
    let config = config::recognise(file, known)?;
    let layers = config.layers();
    let tensors = tensors(&layers);
    check(file, &layers, &tensors)?;

    let (mut values, mut statistics) = (Vec::new(), Vec::new());
    for Tensor { layer, role, .. } in &tensors {
        let name = torchvision::name(&layers, *layer, *role);
        let numbers = file.floats(&name)?;
        if let Some(negative) = numbers.iter().find(|v| **v < 0.0 && *role == Role::RunningVar) {
            let message = format!("tensor {name} has the value {negative}; a variance is not negative");
            return Err(Error::Weights(message));
        }
        let flat = if role.trainable() { &mut values } else { &mut statistics };
        flat.extend(layout::from_torch(&layout::shape(&layers[*layer], *role), &numbers));
    }
    let labels = labels(file, &config)?;
    Ok(Weights { config, labels, values, statistics })
}

/// Checks that the file has all of the tensors, in their shapes, and no others.
fn check(file: &Container, layers: &[Layer], tensors: &[Tensor]) -> Result<()> {
    let mut unknown = BTreeSet::from_iter(file.names());
    for Tensor { layer, role, .. } in tensors {
        let name = torchvision::name(layers, *layer, *role);
        let expected = layout::shape(&layers[*layer], *role);
        match file.shape(&name) {
            Some(found) if found == expected => unknown.remove(&name),
            Some(found) => {
                let message = format!("tensor {name} has shape {found:?}; expected {expected:?}");
                return Err(Error::Weights(message));
            }
            None => {
                let message = format!("tensor {name} is missing; expected shape {expected:?}");
                return Err(Error::Weights(message));
            }
        };
    }
    for (layer, _) in batch_norms(layers) {
        unknown.remove(&torchvision::counter(layers, layer));
    }
    // A checkpoint has the optimiser's memory beside the weights.
    match unknown.into_iter().find(|name| !name.starts_with("optimizer.")) {
        None => Ok(()),
        Some(name) => {
            let shape = file.shape(&name).unwrap_or_default();
            Err(Error::Weights(format!("tensor {name} of shape {shape:?} is not part of this MobileNetV2")))
        }
    }
}

fn batch_norms(layers: &[Layer]) -> impl Iterator<Item = (usize, &Layer)> {
    layers.iter().enumerate().filter(|(_, layer)| layer.kind != Kind::Classifier)
}

/// The names of the classes, where the metadata have them.
fn labels(file: &Container, config: &Config) -> Result<Vec<String>> {
    let Some((_, text)) = file.metadata().find(|(key, _)| *key == "labels") else {
        return Ok(Vec::new());
    };
    let labels: Vec<String> = serde_json::from_str(text)
        .map_err(|error| Error::Weights(format!("labels in the file's metadata: {error}")))?;
    if labels.len() == config.classes {
        return Ok(labels);
    }
    let message = format!("the file's metadata have {} labels; expected {}", labels.len(), config.classes);
    Err(Error::Weights(message))
}

/// Everything of the weights that goes into a file.
pub(crate) fn pack(weights: &Weights, precision: Precision) -> (Vec<Entry>, BTreeMap<String, String>) {
    let layers = weights.config.layers();
    let mut entries = Vec::new();
    for Tensor { layer, role, span } in tensors(&layers) {
        let name = torchvision::name(&layers, layer, role);
        let shape = layout::shape(&layers[layer], role);
        let flat = if role.trainable() { &weights.values } else { &weights.statistics };
        let values = layout::to_torch(&shape, &flat[span]);
        let precision = if role == Role::Weight { precision } else { Precision::Full };
        entries.push(Entry::floats(name, shape, &values, precision));
    }
    entries.extend(batch_norms(&layers).map(|(layer, _)| Entry::zero(torchvision::counter(&layers, layer))));

    let mut metadata = config::to_metadata(&weights.config);
    // PyTorch's loaders ask for it.
    metadata.insert("format".into(), "pt".into());
    if !weights.labels.is_empty() {
        let labels = serde_json::to_string(&weights.labels).expect("strings are JSON");
        metadata.insert("labels".into(), labels);
    }
    (entries, metadata)
}
