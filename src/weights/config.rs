//! The configuration of the network in a file: from its metadata, from what the caller knows, from the shapes of its
//! tensors.

use serde_json::{Map, Value};

use super::container::Container;
use super::layout;
use super::scheme::Naming;
use crate::arch::{Architecture, Config, Kind, Layer, Role, json};
use crate::error::{Error, Result};

/// Some of the fields of [`Config`] as JSON: `{"padding": "same", "mean": [0.5, 0.5, 0.5]}`.
///
/// JSON maps only grow by insertion here and in `container.rs`: removing a key, or collecting a list into a map, would
/// compile more of the B-tree and make the page 3 kB larger.
pub type PartialConfig = Map<String, Value>;

/// Common width multipliers, tried before all others: several widths can have the same channels throughout.
const COMMON_WIDTHS: [f64; 10] = [1.0, 0.75, 0.5, 0.35, 1.4, 1.3, 1.1, 1.2, 0.25, 0.1];

/// Knobs that leave no trace in the tensors.
const UNTOLD: [&str; 7] = ["stem", "activation", "bottleneck", "padding", "epsilon", "mean", "std"];

/// The architecture of the network in a file, by its metadata or `known`; else MobileNetV2. [`recognise`] reports one that does
/// not exist.
pub fn architecture(file: &Container, known: &PartialConfig) -> Architecture {
    let key = "architecture";
    let told = file.metadata().find(|(found, _)| *found == key).map(|(_, text)| from_text(text));
    let mut fields = PartialConfig::new();
    fields.extend(told.or_else(|| known.get(key).cloned()).map(|told| (key.to_owned(), told)));
    from_map(&fields).unwrap_or_default().architecture
}

/// The configuration of the network in a file.
///
/// Each knob comes from the first source that has it: the file's metadata; `known`; for width, expansion and classes,
/// the shapes of the tensors; the conventions of the scheme.
pub fn recognise(file: &Container, naming: &Naming, known: &PartialConfig) -> Result<Config> {
    let fields = to_map(&(naming.scheme.conventions)());
    let from_shapes = ["width", "expansion", "classes"];
    let mut config = PartialConfig::new();
    config.extend(fields.clone().into_iter().filter(|(key, _)| !from_shapes.contains(&key.as_str())));
    config.extend(known.clone().into_iter().filter(|(_, value)| !value.is_null()));
    for (key, text) in file.metadata() {
        if fields.contains_key(key) {
            config.insert(key.into(), from_text(text));
        }
    }
    config.entry("classes").or_insert_with(|| classes(file, naming).into());
    if !config.contains_key("width") || !config.contains_key("expansion") {
        let said = from_map(&config)?;
        let width = config.contains_key("width").then_some(said.width);
        let expansion = config.contains_key("expansion").then_some(said.expansion);
        let best = fit(file, naming, &said, width, expansion);
        config.insert("width".into(), best.width.into());
        config.insert("expansion".into(), best.expansion.into());
    }
    from_map(&config)
}

/// The knobs that leave no trace in the tensors and that neither the file's metadata nor `known` give.
pub fn assumed(file: &Container, known: &PartialConfig) -> Vec<&'static str> {
    let said = |knob: &str| {
        file.metadata().any(|(key, _)| key == knob) || known.get(knob).is_some_and(|value| !value.is_null())
    };
    UNTOLD.into_iter().filter(|knob| !said(knob)).collect()
}

/// Returns an error if the tensors do not fit `config` but fit another width or expansion better.
pub fn check_claims(file: &Container, naming: &Naming, config: &Config) -> Result<()> {
    let said = fit(file, naming, config, Some(config.width), Some(config.expansion));
    if said.differing == 0 {
        return Ok(());
    }
    let best = fit(file, naming, config, None, None);
    if 2 * best.differing > said.differing {
        return Ok(());
    }
    Err(Error::weights(
        "weights-other",
        "expected tensors of width {width} and expansion {expansion}, found those of width \
         {fits_width} and expansion {fits_expansion}",
        [
            ("width", said.width.to_string()),
            ("expansion", said.expansion.to_string()),
            ("fits_width", best.width.to_string()),
            ("fits_expansion", best.expansion.to_string()),
        ],
    ))
}

/// A configuration as metadata: one key per field, numbers and names as they are, colours as `0.5,0.5,0.5`.
pub fn to_metadata(config: &Config) -> Vec<(String, String)> {
    let json = |value: &Value| serde_json::to_string(value).expect("numbers are plain data");
    let text = |value: Value| match value {
        Value::String(text) => text,
        Value::Array(items) => items.iter().map(json).collect::<Vec<_>>().join(","),
        other => json(&other),
    };
    to_map(config).into_iter().map(|(key, value)| (key, text(value))).collect()
}

fn from_text(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| match text.split_once(',') {
        Some(_) => text.split(',').map(from_text).collect(),
        None => text.trim().into(),
    })
}

/// Goes through text, so that an `f32` of 0.1 reads 0.1 and not 0.10000000149.
fn to_map(config: &Config) -> PartialConfig {
    let text = serde_json::to_string(config).expect("a configuration is plain data");
    serde_json::from_str(&text).expect("JSON just written")
}

fn from_map(map: &PartialConfig) -> Result<Config> {
    let wrong = |reason: String| {
        Error::weights("weights-config", "configuration of the weights: {reason}", [("reason", reason)])
    };
    let config: Config = json::settings(map).map_err(wrong)?;
    config.validate().map_err(|error| wrong(error.to_string()))?;
    Ok(config)
}

/// Number of classes in a file, without a possible background class: the number on which most of the classifier's
/// weights, its bias and the names agree.
fn classes(file: &Container, naming: &Naming) -> usize {
    let conventions = (naming.scheme.conventions)();
    let layers = conventions.layers();
    let rows = |role| file.shape(&naming.tensor(&layers, layers.len() - 1, role))?.first().copied();
    let names = || Some(super::names(file)?.ok()?.len());
    let told: Vec<usize> = [rows(Role::Weight), rows(Role::Bias), names()].into_iter().flatten().collect();
    let others = |classes: &usize| told.iter().filter(|other| *other != classes).count();
    match told.iter().min_by_key(|classes| others(classes)) {
        Some(classes) if Some(*classes) == naming.scheme.with_background => classes - 1,
        Some(classes) => *classes,
        None => conventions.classes,
    }
}

/// A width and an expansion, and the number of the file's convolutions whose shapes differ from theirs.
struct Fit {
    width: f64,
    expansion: usize,
    differing: usize,
}

/// The width and the expansion that fit most convolutions of the file, unless they are given. A convolution that
/// differs is reported later, by name.
fn fit(
    file: &Container,
    naming: &Naming,
    config: &Config,
    width: Option<f64>,
    expansion: Option<usize>,
) -> Fit {
    let expansions = expansion.map_or_else(|| expansions(file, naming), |expansion| vec![expansion]);
    let hundredths = (10..=400).map(|hundredths| f64::from(hundredths) / 100.0);
    let widths =
        width.map_or_else(|| COMMON_WIDTHS.into_iter().chain(hundredths).collect(), |width| vec![width]);
    let convolution = |layer: &Layer| !matches!(layer.kind, Kind::Classifier | Kind::Shortcut);
    let mut fits = Vec::new();
    for expansion in expansions {
        // The names are the same at all widths.
        let layers = Config { width: 1.0, expansion, ..config.clone() }.layers();
        let indices = (0..layers.len()).filter(|index| convolution(&layers[*index]));
        let found: Vec<Option<&[usize]>> =
            indices.map(|layer| file.shape(&naming.tensor(&layers, layer, Role::Weight))).collect();
        fits.extend(widths.iter().map(|&width| {
            let layers = Config { width, expansion, ..config.clone() }.layers();
            let expected = layers.iter().filter(|layer| convolution(layer));
            let differs = |(layer, found): &(&Layer, &Option<&[usize]>)| {
                found.is_none_or(|found| found != layout::shape(layer, Role::Weight))
            };
            Fit { width, expansion, differing: expected.zip(&found).filter(differs).count() }
        }));
    }
    fits.into_iter().min_by_key(|fit| fit.differing).expect("there are candidates")
}

/// The expansions that the file's blocks have; most of them are usually the same.
fn expansions(file: &Container, naming: &Naming) -> Vec<usize> {
    let layers = (naming.scheme.conventions)().layers();
    let mut found = Vec::new();
    for index in (0..layers.len()).filter(|index| layers[*index].kind == Kind::Expand) {
        let expansion = match file.shape(&naming.tensor(&layers, index, Role::Weight)) {
            // the depthwise convolution takes its place
            Some([_, 1, 3, 3]) => Some(1),
            Some([expanded, channels, 1, 1]) => {
                expanded.checked_div(*channels).filter(|t| (1..=10).contains(t))
            }
            _ => None,
        };
        found.extend(expansion.filter(|expansion| !found.contains(expansion)));
    }
    if found.is_empty() { vec![Config::imagenet().expansion] } else { found }
}
