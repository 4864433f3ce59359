//! Which network a file holds: from its metadata, from what the caller knows, from the shapes of its tensors.

use std::fmt::Display;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::container::Container;
use super::scheme::Scheme;
use crate::config::{Config, Kind};
use crate::error::{Error, Result};
use crate::parameters::Role;

/// Some of the fields of [`Config`] as JSON: `{"padding": "same", "mean": [0.5, 0.5, 0.5]}`.
///
/// Maps of JSON only ever grow by insertion here and in `container.rs`: removing a key, or collecting a list into a map,
/// compiles more of the B-tree, and makes a page 3 kB larger.
pub type PartialConfig = Map<String, Value>;

/// Width multipliers in use, tried before all others: several widths can share all of their channels.
const COMMON_WIDTHS: [f64; 10] = [1.0, 0.75, 0.5, 0.35, 1.4, 1.3, 1.1, 1.2, 0.25, 0.1];

/// The configuration of the network in a file.
///
/// Each knob comes from the first of these that says something: the file's metadata; `known`; for width,
/// expansion and classes, the shapes of the tensors; the conventions of the scheme.
pub fn recognise(file: &Container, scheme: &Scheme, known: &PartialConfig) -> Result<Config> {
    let fields = to_map(&(scheme.conventions)());
    let from_shapes = ["width", "expansion", "classes"];
    let mut config = PartialConfig::new();
    config.extend(fields.clone().into_iter().filter(|(key, _)| !from_shapes.contains(&key.as_str())));
    config.extend(known.clone().into_iter().filter(|(_, value)| !value.is_null()));
    for (key, text) in file.metadata() {
        if fields.contains_key(key) {
            config.insert(key.into(), from_text(text));
        }
    }
    config.entry("expansion").or_insert_with(|| expansion(file, scheme).into());
    config.entry("classes").or_insert_with(|| classes(file, scheme).into());
    if !config.contains_key("width") {
        let width = width(file, scheme, &from_map(&config)?);
        config.insert("width".into(), width.into());
    }
    from_map(&config)
}

/// A configuration as metadata: a key a field, numbers and names as they are, colours as `0.5,0.5,0.5`.
pub fn to_metadata(config: &Config) -> Vec<(String, String)> {
    let text = |value: Value| match value {
        Value::String(text) => text,
        Value::Array(items) => items.iter().map(Value::to_string).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    };
    to_map(config).into_iter().map(|(key, value)| (key, text(value))).collect()
}

fn from_text(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| match text.split_once(',') {
        Some(_) => text.split(',').map(from_text).collect(),
        None => text.trim().into(),
    })
}

/// By way of text, so that an `f32` of 0.1 reads 0.1 and not 0.10000000149.
fn to_map(config: &Config) -> PartialConfig {
    let text = serde_json::to_string(config).expect("a configuration is plain data");
    serde_json::from_str(&text).expect("JSON just written")
}

fn from_map(map: &PartialConfig) -> Result<Config> {
    let wrong = |error: &dyn Display| Error::Weights(format!("configuration of the weights: {error}"));
    // Field by field first: the library's messages do not name the field.
    for (key, value) in map {
        let mut field = PartialConfig::new();
        field.insert(key.clone(), value.clone());
        Config::deserialize(&field).map_err(|error| wrong(&format!("{key}: {error}")))?;
    }
    let config = Config::deserialize(map).map_err(|error| wrong(&error))?;
    config.validate().map_err(|error| wrong(&error))?;
    Ok(config)
}

/// Channels that the first block with an expansion makes of one.
fn expansion(file: &Container, scheme: &Scheme) -> usize {
    let layers = (scheme.conventions)().layers();
    let second = layers.iter().position(|layer| layer.block == Some(1)).expect("there are 17 blocks");
    let found = match file.shape(&scheme.tensor(&layers, second, Role::Weight)) {
        // the depthwise convolution in its place
        Some([_, 1, 3, 3]) => Some(1),
        Some([expanded, channels, 1, 1]) => expanded.checked_div(*channels).filter(|t| (1..=10).contains(t)),
        _ => None,
    };
    found.unwrap_or(Config::imagenet().expansion)
}

/// Classes of a file, without the background where there may be one.
fn classes(file: &Container, scheme: &Scheme) -> usize {
    let conventions = (scheme.conventions)();
    let layers = conventions.layers();
    match file.shape(&scheme.tensor(&layers, layers.len() - 1, Role::Bias)) {
        Some([classes]) if Some(*classes) == scheme.with_background => classes - 1,
        Some([classes]) => *classes,
        _ => conventions.classes,
    }
}

/// The width of which most layers have the file's channels; a layer that differs is reported later, by name.
fn width(file: &Container, scheme: &Scheme, config: &Config) -> f64 {
    let layers_at = |width| {
        let mut layers = Config { width, ..config.clone() }.layers();
        layers.retain(|layer| !matches!(layer.kind, Kind::Classifier | Kind::Shortcut));
        layers
    };
    let names = layers_at(1.0);
    let found: Vec<Option<usize>> = (0..names.len())
        .map(|layer| file.shape(&scheme.tensor(&names, layer, Role::Weight))?.first().copied())
        .collect();
    let differing = |width: &f64| {
        layers_at(*width).iter().zip(&found).filter(|(layer, found)| Some(layer.c_out) != **found).count()
    };
    let hundredths = (10..=400).map(|hundredths| f64::from(hundredths) / 100.0);
    COMMON_WIDTHS.into_iter().chain(hundredths).min_by_key(differing).expect("there are candidates")
}
