//! The options that describe a network.

use std::path::Path;

use clap::Arg;
use mobilenetv2::arch::{Config, Layer, Stem, Weights};
use mobilenetv2::error::Result;
use mobilenetv2::weights;

use crate::files;
use crate::settings::{self, Given, overlay};

/// Knobs of the network that were given; their names in a file are those of [`Config`].
pub type NetworkOptions = Given<Config>;

impl settings::Options for Config {
    const HEADING: &str = "Network";

    fn args() -> Vec<Arg> {
        let args = Config::SETTINGS.iter().map(|setting| settings::arg(setting, None));
        // The stem is what a person chooses by the size of the images.
        args.map(|arg| if arg.get_id() == "stem" { arg.long("input") } else { arg }).collect()
    }
}

impl NetworkOptions {
    /// `base` with what was given in its place.
    pub fn over(&self, base: &Config) -> Result<Config> {
        let config: Config = overlay(base, &self.fields)?;
        config.validate()?;
        Ok(config)
    }

    /// The weights in a file, of the network that it describes, with what was given in its place.
    pub fn read_weights(&self, path: &Path) -> Result<Weights> {
        let bytes = files::read(path)?;
        let mut weights = weights::load(&bytes, &self.fields).map_err(|error| files::wrong(path, error))?;
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
        let assumed = weights::assumed(bytes, &self.fields)?;
        if assumed.is_empty() {
            return Ok(());
        }
        let all = settings::written(config);
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
        let preset = match input {
            Stem::Cifar => Config::cifar(),
            _ => Config::imagenet(),
        };
        match overlay(&preset, &self.fields)?.stem {
            Stem::Cifar => self.over(&Config::cifar()),
            _ => self.over(&Config::imagenet()),
        }
    }
}

/// All that the tensors' shapes follow from.
fn channels(config: &Config) -> Vec<(usize, usize)> {
    config.layers().iter().map(|layer| (layer.c_in, layer.c_out)).collect()
}
