//! The options that describe a network.

use std::path::Path;
use std::str::FromStr;

use mobilenetv2::arch::{Activation, Config, Layer, Padding, Stem, Weights, json};
use mobilenetv2::error::{Error, Result};
use mobilenetv2::weights::{self, PartialConfig};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::files;

/// Knobs of the network; their names in a file are those of [`Config`].
#[derive(clap::Args, Serialize)]
#[command(next_help_heading = "Network")]
pub struct NetworkOptions {
    /// Width multiplier, 0.1 to 4
    #[arg(long, value_parser = finite::<f64>)]
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
    #[arg(long, value_parser = finite::<f32>)]
    pub epsilon: Option<f32>,
    /// Weight of a batch in batch norm's running averages
    #[arg(long, value_parser = finite::<f32>)]
    pub batch_norm_momentum: Option<f32>,
    /// Share of features dropped before the classifier in training
    #[arg(long, value_parser = finite::<f32>)]
    pub dropout: Option<f32>,
    /// Subtracted from the colour channels, on a scale of 0 to 1; a single number holds for all three
    #[arg(long, value_name = "R,G,B", value_parser = colours)]
    pub mean: Option<[f32; 3]>,
    /// Divides the colour channels after that; a single number holds for all three
    #[arg(long, value_name = "R,G,B", value_parser = colours)]
    pub std: Option<[f32; 3]>,
    /// Share of a photo's shorter side that the network sees, 0.1 to 1
    #[arg(long, value_parser = finite::<f32>)]
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
        let bytes = files::read(path)?;
        let mut weights = weights::load(&bytes, &given(self)).map_err(|error| files::wrong(path, error))?;
        self.tell_assumed(path, &bytes, &weights.config)?;
        let config = self.over(&weights.config)?;
        if channels(&config) != channels(&weights.config) {
            let Config { width, classes, expansion, .. } = weights.config;
            let found = format!("width {width}, {classes} classes and expansion {expansion}");
            return Err(files::wrong(path, format!("the weights are of {found}, which cannot be changed")));
        }
        weights.config = config;
        Ok(weights)
    }

    /// Says what was taken for granted of the network in a file, where the file and the options leave it open.
    fn tell_assumed(&self, path: &Path, bytes: &[u8], config: &Config) -> Result<()> {
        let assumed = weights::assumed(bytes, &given(self))?;
        if assumed.is_empty() {
            return Ok(());
        }
        // By way of text, so that 0.001 reads so and not 0.0010000000475.
        let text = serde_json::to_string(config).expect("a configuration is plain data");
        let all: PartialConfig = serde_json::from_str(&text).expect("JSON just written");
        let knobs: Vec<String> =
            assumed.iter().map(|knob| format!("{knob} {}", all[*knob]).replace('"', "")).collect();
        eprintln!(
            "note: {} does not say all of its network; taken for granted: {}. Options such as --input or --padding say \
             otherwise",
            path.display(),
            knobs.join(", ")
        );
        let layers = config.layers();
        let second: Vec<Layer> = layers.iter().filter(|layer| layer.block == Some(1)).copied().collect();
        if config.stem == Stem::Cifar && config.adds_input(&second) {
            eprintln!(
                "note: its second block (features.2) has a shortcut, since as many channels come out as go in at stride 1; \
                 torchvision's has none where the strides were changed after the network was made"
            );
        }
        Ok(())
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
pub fn overlay<T: Serialize + DeserializeOwned>(base: &T, options: &impl Serialize) -> Result<T> {
    let mut map = given(base);
    map.extend(given(options));
    json::settings(&map).map_err(Error::Argument)
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

/// Reads a number, of which "NaN" and "inf" are none here.
pub fn finite<T: FromStr + Into<f64> + Copy>(text: &str) -> std::result::Result<T, String> {
    let number = text.trim().parse::<T>().ok().filter(|number| (*number).into().is_finite());
    number.ok_or_else(|| "expected a number, such as 0.5".into())
}

/// Reads a number for each colour, or one for all.
fn colours(text: &str) -> std::result::Result<[f32; 3], String> {
    let numbers: Vec<f32> = text.split(',').map(finite).collect::<std::result::Result<_, _>>()?;
    match numbers[..] {
        [all] => Ok([all; 3]),
        [red, green, blue] => Ok([red, green, blue]),
        _ => Err("expected three numbers, of red, green and blue, or one for all".into()),
    }
}
