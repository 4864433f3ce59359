//! Weights as safetensors, in and out.
//!
//! Tensors have torchvision's names and PyTorch's shapes and order: a file written here loads into
//! `torchvision.models.mobilenet_v2(width_mult=…, num_classes=…)` with `strict=True`, and one saved there loads
//! here. So do files under the names of timm, Hugging Face transformers and kuangliu's pytorch-cifar; which, the
//! tensors tell (`scheme.rs`). The file's metadata hold the [`Config`], a key a field (`width`, `resolution`,
//! `classes`, `stem`, `padding`, `mean`, …), and the names of the classes (`labels`, a JSON array), so that a file
//! describes itself. What a file from elsewhere does not say comes from the caller, from the shapes of the tensors
//! (width, expansion, classes), and at last from the conventions of the library whose names it has. The stem's
//! strides leave no trace in the tensors: for a CIFAR network under torchvision's names without metadata the caller
//! has to give them.
//!
//! Google's networks, which come by way of transformers, have 1001 classes, the first of them "background". No
//! training picture was ever of that, so it is left out, and the classes are ImageNet's 1000 as everywhere else; a
//! caller who gives `classes` as 1001 gets all.

mod config;
mod container;
mod layout;
mod onnx;
mod pytorch_cifar;
mod scheme;
mod timm;
mod torchvision;
mod transformers;

use crate::config::{Config, Kind, Layer};
use crate::error::{Error, Result};
use crate::parameters::{Role, Tensor, Weights, tensors};

use scheme::{SCHEMES, Scheme};

pub use config::PartialConfig;
pub use container::{Container, Precision};
pub use onnx::to_onnx;

pub(crate) use container::{Entry, write};

/// Reads weights from the bytes of a safetensors file, in single, half or bfloat16 precision.
///
/// `known` says what the file may leave open; the file's own metadata win over it.
///
/// # Errors
/// [`Error::Foreign`], where the file is no whole safetensors file or has another network. [`Error::Weights`], where a
/// tensor is missing, unknown, of another shape or type, or has values that are not finite, a running variance is negative,
/// or the metadata make no sense: the message names the tensor, and what was found and expected.
pub fn load(bytes: &[u8], known: &PartialConfig) -> Result<Weights> {
    read(&Container::parse(bytes)?, known)
}

/// Bytes of a safetensors file.
///
/// [`Precision::Half`] halves the convolutions' and the classifier's weights; batch norm and bias, small and
/// sensitive, stay whole, and so does a tensor with a value beyond the 65,504 that half precision can hold.
pub fn save(weights: &Weights, precision: Precision) -> Vec<u8> {
    let (entries, metadata) = pack(weights, precision);
    write(entries, metadata)
}

pub(crate) fn read(file: &Container, known: &PartialConfig) -> Result<Weights> {
    let scheme = Scheme::of(file).ok_or_else(|| unknown(file))?;
    let config = config::recognise(file, scheme, known)?;
    let layers = config.layers();
    let first: Vec<Layer> = layers.iter().filter(|layer| layer.block == Some(0)).copied().collect();
    if !scheme.first_shortcut && config.adds_input(&first) {
        return Err(Error::Weights(format!(
            "this network of {}, of width {}, is so narrow that its first block would have a shortcut, which that \
             library leaves out: it can be read from width 0.3 on",
            scheme.name, config.width
        )));
    }
    let tensors = tensors(&layers);
    let background = check(file, scheme, &layers, &tensors)?;

    let (mut values, mut statistics) = (Vec::new(), Vec::new());
    for Tensor { layer, role, .. } in &tensors {
        let name = scheme.tensor(&layers, *layer, *role);
        let shape = layout::shape(&layers[*layer], *role);
        let mut numbers = file.floats(&name)?;
        if background && layers[*layer].kind == Kind::Classifier {
            numbers.drain(..numbers.len() - shape.iter().product::<usize>());
        }
        if let Some(negative) = numbers.iter().find(|v| **v < 0.0 && *role == Role::RunningVar) {
            let message = format!("tensor {name} has the value {negative}; a variance is not negative");
            return Err(Error::Weights(message));
        }
        let flat = if role.trainable() { &mut values } else { &mut statistics };
        flat.extend(layout::from_torch(&shape, &numbers));
    }
    let labels = labels(file, &config)?;
    Ok(Weights { config, labels, values, statistics })
}

/// What to say of a file under no known names.
fn unknown(file: &Container) -> Error {
    let names = file.names();
    let some = names.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(", ");
    let message = format!(
        "this is no MobileNetV2 under the names of {} (the file has {} tensors: {some}, …)",
        SCHEMES.each_ref().map(|scheme| scheme.name).join(", "),
        names.len()
    );
    Error::Foreign { code: "foreign-network", message }
}

/// Checks that the file has all of the tensors, in their shapes, and no others. True where the classifier has one
/// class more than it should, the background.
fn check(file: &Container, scheme: &Scheme, layers: &[Layer], tensors: &[Tensor]) -> Result<bool> {
    let mut known = Vec::with_capacity(tensors.len());
    let mut background = false;
    for Tensor { layer, role, .. } in tensors {
        let name = scheme.tensor(layers, *layer, *role);
        let expected = layout::shape(&layers[*layer], *role);
        match file.shape(&name) {
            Some(found) if found == expected => {}
            Some(found)
                if layers[*layer].kind == Kind::Classifier && with_background(scheme, found, &expected) =>
            {
                background = true;
            }
            Some(found) => {
                let message = format!("tensor {name} has shape {found:?}; expected {expected:?}");
                return Err(Error::Weights(message));
            }
            None => {
                let message = format!("tensor {name} is missing; expected shape {expected:?}");
                return Err(Error::Weights(message));
            }
        };
        known.push(name);
    }
    known.extend(batch_norms(layers).map(|(layer, _)| scheme.counter(layers, layer)));
    // A checkpoint has the optimiser's memory beside the weights.
    let unknown = |name: &String| !known.contains(name) && !name.starts_with("optimizer.");
    match file.names().into_iter().find(unknown) {
        None => Ok(background),
        Some(name) => {
            let shape = file.shape(&name).unwrap_or_default();
            Err(Error::Weights(format!("tensor {name} of shape {shape:?} is not part of this MobileNetV2")))
        }
    }
}

/// Whether a tensor of the classifier is as expected but for the background.
fn with_background(scheme: &Scheme, found: &[usize], expected: &[usize]) -> bool {
    let (Some((found, inputs)), Some((expected, expected_inputs))) =
        (found.split_first(), expected.split_first())
    else {
        return false;
    };
    scheme.with_background == Some(*found) && *found == expected + 1 && inputs == expected_inputs
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
pub(crate) fn pack(weights: &Weights, precision: Precision) -> (Vec<Entry>, Vec<(String, String)>) {
    let layers = weights.config.layers();
    let mut entries = Vec::new();
    for Tensor { layer, role, span } in tensors(&layers) {
        let name = SCHEMES[0].tensor(&layers, layer, role);
        let shape = layout::shape(&layers[layer], role);
        let flat = if role.trainable() { &weights.values } else { &weights.statistics };
        let values = layout::to_torch(&shape, &flat[span]);
        let precision = if role == Role::Weight { precision } else { Precision::Full };
        entries.push(Entry::floats(name, shape, &values, precision));
    }
    entries.extend(batch_norms(&layers).map(|(layer, _)| Entry::zero(SCHEMES[0].counter(&layers, layer))));
    let mut metadata = metadata(weights);
    // PyTorch's loaders ask for it.
    metadata.push(("format".into(), "pt".into()));
    (entries, metadata)
}

/// What a file says of the network: its configuration and the names of its classes.
fn metadata(weights: &Weights) -> Vec<(String, String)> {
    let mut metadata = config::to_metadata(&weights.config);
    if !weights.labels.is_empty() {
        let labels = serde_json::to_string(&weights.labels).expect("strings are JSON");
        metadata.push(("labels".into(), labels));
    }
    metadata
}
