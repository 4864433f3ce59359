//! The options that describe a network.

use std::path::Path;

use clap::Arg;
use mobilenetv2::arch::{Config, Kind, Layer, Stem, Weights};
use mobilenetv2::error::Result;
use mobilenetv2::weights;

use crate::files;
use crate::settings::{self, Given, overlay};

/// The network options that were given; their names in a file are those of [`Config`].
pub type NetworkOptions = Given<Config>;

impl settings::Options for Config {
    const HEADING: &str = "Network";

    fn args() -> Vec<Arg> {
        let args = Config::SETTINGS.iter().map(|setting| settings::arg(setting, None));
        // The option for the stem is called --input, since people choose it by the size of their images.
        args.map(|arg| if arg.get_id() == "stem" { arg.long("input") } else { arg }).collect()
    }
}

impl NetworkOptions {
    /// `base`, overridden by the options.
    pub fn over(&self, base: &Config) -> Result<Config> {
        let config: Config = overlay(base, &self.fields)?;
        config.validate()?;
        Ok(config)
    }

    /// Reads the weights in a file, with the network that it describes overridden by the options.
    pub fn read_weights(&self, path: &Path) -> Result<Weights> {
        let bytes = files::read(path)?;
        let mut weights = weights::load(&bytes, &self.fields).map_err(|error| files::wrong(path, error))?;
        self.tell_assumed(path, &bytes, &weights.config)?;
        let config = self.over(&weights.config)?;
        if channels(&config) != channels(&weights.config) {
            let Config { width, classes, expansion, .. } = weights.config;
            let found = format!("width {width}, {classes} classes and expansion {expansion}");
            return Err(files::wrong(path, format!("the weights have {found}, which cannot be changed")));
        }
        weights.config = config;
        Ok(weights)
    }

    /// Reports what is assumed about the network in a file, where the file and the options leave it open.
    fn tell_assumed(&self, path: &Path, bytes: &[u8], config: &Config) -> Result<()> {
        let assumed = weights::assumed(bytes, &self.fields)?;
        if assumed.is_empty() {
            return Ok(());
        }
        let all = settings::written(config);
        let knobs: Vec<String> =
            assumed.iter().map(|knob| format!("{knob} {}", all[*knob]).replace('"', "")).collect();
        eprintln!(
            "note: {} does not describe its network completely; assuming {}. Options such as --input or \
             --padding override this",
            path.display(),
            knobs.join(", ")
        );
        let layers = config.layers();
        let added = |layer: &Layer| layer.kind == Kind::Project && layer.adds.is_some();
        let second = layers.iter().any(|layer| layer.block == Some(1) && added(layer));
        if config.stem == Stem::Cifar && second {
            eprintln!(
                "note: its second block (features.2) has a shortcut, since it has as many channels in as out \
                 at stride 1; torchvision's has none if the strides were changed after the network was built"
            );
        }
        Ok(())
    }

    /// [`NetworkOptions::over`] the preset of `--input`, by default `input`.
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

/// Everything that determines the tensors' shapes.
fn channels(config: &Config) -> Vec<(usize, usize)> {
    config.layers().iter().map(|layer| (layer.c_in, layer.c_out)).collect()
}
