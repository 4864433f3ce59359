//! The options that describe a network.

use std::path::Path;

use mobilenetv2::config::{Activation, Padding, Stem};
use mobilenetv2::weights::{self, PartialConfig};
use mobilenetv2::{Config, Error, Result, Weights};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::files;

/// Knobs of the network; their names in a file are those of [`Config`].
#[derive(clap::Args, Serialize)]
#[command(next_help_heading = "Network")]
pub struct NetworkOptions {
    /// Width multiplier, 0.1 to 4
    #[arg(long)]
    pub width: Option<f64>,
    /// Height and width of the input in pixels, 8 to 1024
    #[arg(long)]
    pub resolution: Option<usize>,
    /// Number of classes
    #[arg(long)]
    pub classes: Option<usize>,
    /// Strides of the first layers, made for 224² or 32² images: imagenet or cifar
    #[arg(long = "input", value_parser = named::<Stem>)]
    #[serde(rename = "stem")]
    pub input: Option<Stem>,
    /// relu6 or relu
    #[arg(long, value_parser = named::<Activation>)]
    pub activation: Option<Activation>,
    /// Expansion factor of the blocks, 1 to 10
    #[arg(long)]
    pub expansion: Option<usize>,
    /// symmetric (PyTorch) or same (TensorFlow)
    #[arg(long, value_parser = named::<Padding>)]
    pub padding: Option<Padding>,
    /// Batch norm's ε
    #[arg(long)]
    pub epsilon: Option<f32>,
    /// Weight of a batch in batch norm's running averages
    #[arg(long)]
    pub batch_norm_momentum: Option<f32>,
    /// Share of features dropped before the classifier in training
    #[arg(long)]
    pub dropout: Option<f32>,
    /// Subtracted from the colour channels, on a scale of 0 to 1
    #[arg(long, value_name = "R,G,B", value_delimiter = ',')]
    pub mean: Option<Vec<f32>>,
    /// Divides the colour channels after that
    #[arg(long, value_name = "R,G,B", value_delimiter = ',')]
    pub std: Option<Vec<f32>>,
    /// Share of a photo's shorter side that the network sees, 0.1 to 1
    #[arg(long)]
    pub crop: Option<f32>,
}

impl NetworkOptions {
    /// `base` with what was given in its place.
    pub fn over(&self, base: &Config) -> Result<Config> {
        let config: Config = overlay(base, self)?;
        config.validate()?;
        Ok(config)
    }

    /// The weights in a file, of the network that it describes, with what was given in its place.
    pub fn read_weights(&self, path: &Path) -> Result<Weights> {
        let mut weights =
            weights::load(&files::read(path)?, &given(self)).map_err(|error| files::wrong(path, error))?;
        let config = self.over(&weights.config)?;
        if channels(&config) != channels(&weights.config) {
            let Config { width, classes, expansion, .. } = weights.config;
            let found = format!("width {width}, {classes} classes and expansion {expansion}");
            return Err(files::wrong(path, format!("the weights are of {found}, which cannot be changed")));
        }
        weights.config = config;
        Ok(weights)
    }

    /// [`NetworkOptions::over`] the preset of `--input`, or else of `input`.
    pub fn over_preset(&self, input: Stem) -> Result<Config> {
        match self.input.unwrap_or(input) {
            Stem::Cifar => self.over(&Config::cifar()),
            _ => self.over(&Config::imagenet()),
        }
    }
}

/// All that the tensors' shapes follow from.
fn channels(config: &Config) -> Vec<(usize, usize)> {
    config.layers().iter().map(|layer| (layer.c_in, layer.c_out)).collect()
}

/// `base` with all fields of `options` that were given in its place.
pub fn overlay<T: Serialize + for<'a> Deserialize<'a>>(base: &T, options: &impl Serialize) -> Result<T> {
    let mut map = given(base);
    map.extend(given(options));
    serde_json::from_value(map.into()).map_err(|error| Error::Argument(error.to_string()))
}

/// The fields that have a value.
fn given(options: &impl Serialize) -> PartialConfig {
    match serde_json::to_value(options) {
        Ok(Value::Object(map)) => map.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        other => unreachable!("options are an object, not {other:?}"),
    }
}

/// Reads a value by its name in JSON.
pub fn named<T: DeserializeOwned>(name: &str) -> Result<T> {
    serde_json::from_value(name.into()).map_err(|error| Error::Argument(error.to_string()))
}
