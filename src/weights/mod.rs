//! Weights as safetensors, in and out.
//!
//! Tensors have torchvision's names and PyTorch's shapes and order: a file written here loads into
//! `torchvision.models.mobilenet_v2(width_mult=…, num_classes=…)` with `strict=True`, and one saved there loads here.
//! So do files with the names of timm, Hugging Face transformers and kuangliu's pytorch-cifar. The tensors tell which
//! it is (`scheme.rs`), even if a wrapper put a prefix such as `module.` before all of their names. The file's metadata
//! hold the [`Config`], one key per field (`width`, `resolution`, `classes`, `stem`, `padding`, `mean`, …), and the
//! class names (`labels`, a JSON array), so that a file describes itself. For files from elsewhere, the rest comes from
//! the caller, from the shapes of the tensors (width, expansion, classes), and finally from the conventions of the
//! library whose names it has. The stem's strides leave no trace in the tensors: for a CIFAR network with torchvision's
//! names and without metadata, the caller has to give them.
//!
//! Google's networks, which come through transformers, have 1001 classes, the first of them "background". No training
//! picture ever had that class, so it is left out and the classes are ImageNet's usual 1000. A caller who gives
//! `classes` as 1001 gets them all.

mod config;
mod container;
mod label_file;
mod layout;
mod onnx;
mod pytorch_cifar;
mod scheme;
mod timm;
mod torchvision;
mod transformers;

use crate::arch::{Config, Kind, Layer, Role, Tensor, Weights, tensors};
use crate::error::{Error, Result, ensure_memory};

use scheme::{Naming, SCHEMES, Scheme};

pub use config::PartialConfig;
pub use container::{Container, Precision};
pub use label_file::parse_labels;
pub use onnx::to_onnx;

pub(crate) use container::{Entry, write};

/// Reads weights from the bytes of a safetensors file, in single, half or bfloat16 precision.
///
/// `known` fills in what the file leaves open; the file's own metadata take precedence.
///
/// # Errors
/// [`Error::Weights`] if the file is not a whole safetensors file or has another network, a tensor is missing, unknown,
/// of another shape or type, or not finite, a running variance is negative, or the metadata make no sense: the message
/// names the tensor, what was found and what was expected. [`Error::Memory`] if there is not enough.
pub fn load(bytes: &[u8], known: &PartialConfig) -> Result<Weights> {
    read(&Container::parse(bytes)?, known)
}

/// Writes a safetensors file.
///
/// [`Precision::Half`] halves the weights of the convolutions and the classifier. Batch norm and bias, small and
/// sensitive, stay in full precision, and so does a tensor with a value beyond 65,504, the limit of half precision.
pub fn save(weights: &Weights, precision: Precision) -> Vec<u8> {
    let (entries, metadata) = pack(weights, precision);
    write(entries, metadata)
}

/// The knobs that reading a file has to assume: they leave no trace in its tensors, and neither its metadata nor
/// `known` give them. They get the conventions of the library whose names the tensors have.
///
/// # Errors
/// [`Error::Weights`] if the bytes are not a safetensors file.
pub fn assumed(bytes: &[u8], known: &PartialConfig) -> Result<Vec<&'static str>> {
    Ok(config::assumed(&Container::parse(bytes)?, known))
}

pub(crate) fn read(file: &Container, known: &PartialConfig) -> Result<Weights> {
    let naming = Naming::of(file, config::architecture(file, known))?;
    let scheme = naming.scheme;
    let config = config::recognise(file, &naming, known)?;
    let layers = config.layers();
    let first_shortcut = layers.iter().any(|layer| layer.block == Some(0) && layer.adds == Some(0));
    if !scheme.first_shortcut && first_shortcut {
        return Err(Error::weights(
            "weights-narrow",
            "networks of {scheme} have no shortcut in the first block, which this one of width {width} would need: \
             the smallest width supported is 0.3",
            [("scheme", scheme.name.into()), ("width", config.width.to_string())],
        ));
    }
    let tensors = tensors(&layers);
    let background = match check(file, &naming, &layers, &tensors) {
        Ok(background) => background,
        Err(error) => return config::check_claims(file, &naming, &config).and(Err(error)),
    };

    let numbers: usize = tensors.iter().map(|tensor| tensor.span.len()).sum();
    // A tensor is in memory twice for a moment, in the file's order and in ours.
    ensure_memory(2 * (numbers * size_of::<f32>()) as u64, "network", || "reading these weights".into())?;
    let (mut values, mut statistics) = (Vec::new(), Vec::new());
    for Tensor { layer, role, .. } in &tensors {
        let name = naming.tensor(&layers, *layer, *role);
        let shape = layout::shape(&layers[*layer], *role);
        let mut numbers = file.numbers(&name)?;
        if background && layers[*layer].kind == Kind::Classifier {
            numbers.drain(..numbers.len() - shape.iter().product::<usize>());
        }
        if *role == Role::RunningVar {
            check_not_negative(&name, &numbers)?;
        }
        let flat = if role.trainable() { &mut values } else { &mut statistics };
        flat.extend(layout::from_torch(&shape, &numbers));
    }
    let labels = labels(file, &config)?;
    Ok(Weights { config, labels, values, statistics })
}

/// Checks that values of this tensor, which are means of squares, are not negative.
pub(crate) fn check_not_negative(name: &str, numbers: &[f32]) -> Result<()> {
    match numbers.iter().find(|number| **number < 0.0) {
        None => Ok(()),
        Some(negative) => Err(Error::weights(
            "weights-variance",
            "tensor {tensor} has the value {value}; a variance is not negative",
            [("tensor", name.into()), ("value", negative.to_string())],
        )),
    }
}

/// Checks that the file has all of the tensors, in their shapes, and no others. Returns true if the classifier has one
/// extra class, the background.
fn check(file: &Container, naming: &Naming, layers: &[Layer], tensors: &[Tensor]) -> Result<bool> {
    let mut known = Vec::with_capacity(tensors.len());
    let mut background = false;
    for Tensor { layer, role, .. } in tensors {
        let name = naming.tensor(layers, *layer, *role);
        let expected = layout::shape(&layers[*layer], *role);
        let told = |found: Option<&[usize]>| {
            let found = found.map(|found| ("found", format!("{found:?}")));
            [("tensor", name.clone()), ("expected", format!("{expected:?}"))]
                .into_iter()
                .chain(found)
                .collect()
        };
        match file.shape(&name) {
            Some(found) if found == expected => {}
            Some(found)
                if layers[*layer].kind == Kind::Classifier
                    && with_background(naming.scheme, found, &expected) =>
            {
                background = true;
            }
            Some(found) => {
                return Err(Error::Weights {
                    code: "weights-shape",
                    message: "tensor {tensor} has shape {found}; expected {expected}",
                    values: told(Some(found)),
                });
            }
            None => {
                return Err(Error::Weights {
                    code: "weights-missing",
                    message: "tensor {tensor} is missing; expected shape {expected}",
                    values: told(None),
                });
            }
        };
        known.push(name);
    }
    known.extend(batch_norms(layers).map(|(layer, _)| naming.counter(layers, layer)));
    // A checkpoint also holds the optimiser's state, PyTorch's AveragedModel a counter.
    let unknown =
        |name: &String| !known.contains(name) && !name.starts_with("optimizer.") && name != "n_averaged";
    match file.names().into_iter().find(unknown) {
        None => Ok(background),
        Some(name) => Err(Error::weights(
            "weights-unknown",
            "tensor {tensor} of shape {found} is not part of this MobileNetV2",
            [("found", format!("{:?}", file.shape(&name).unwrap_or_default())), ("tensor", name)],
        )),
    }
}

/// Whether a classifier's tensor has the expected shape plus the background.
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

/// The class names, if the metadata have them.
fn labels(file: &Container, config: &Config) -> Result<Vec<String>> {
    let labels = names(file).transpose().map_err(|error| {
        let reason = error.to_string();
        Error::weights("weights-labels", "labels in the file's metadata: {reason}", [("reason", reason)])
    })?;
    match labels {
        Some(labels) if labels.len() != config.classes => Err(Error::weights(
            "weights-names",
            "the file's metadata have {found} labels; expected {expected}",
            [("found", labels.len().to_string()), ("expected", config.classes.to_string())],
        )),
        labels => Ok(labels.unwrap_or_default()),
    }
}

/// The names in the metadata, if any.
fn names(file: &Container) -> Option<serde_json::Result<Vec<String>>> {
    file.metadata().find(|(key, _)| *key == "labels").map(|(_, text)| serde_json::from_str(text))
}

/// Everything about the weights that goes into a file.
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
    // PyTorch's loaders require it.
    metadata.push(("format".into(), "pt".into()));
    (entries, metadata)
}

/// The file's metadata: the network's configuration and its class names.
fn metadata(weights: &Weights) -> Vec<(String, String)> {
    let mut metadata = config::to_metadata(&weights.config);
    if !weights.labels.is_empty() {
        let labels = serde_json::to_string(&weights.labels).expect("strings are JSON");
        metadata.push(("labels".into(), labels));
    }
    metadata
}
