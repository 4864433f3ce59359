//! The options that describe a training.

use std::path::PathBuf;

use mobilenetv2::arch::json;
use mobilenetv2::error::Result;
use mobilenetv2::train::{Optimizer, Recipe, Schedule};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::files;
use crate::network::{finite, named, overlay};

/// Settings of the training; their names in a file are those of [`Recipe`].
#[derive(clap::Args, Serialize)]
#[command(next_help_heading = "Recipe (defaults: the paper's, with SGD for RMSProp)")]
pub struct Options {
    /// A JSON object of settings, named as the options below with _ for -; options win over it
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    recipe: Option<PathBuf>,
    /// Images a step [default: 96]
    #[arg(long)]
    batch: Option<usize>,
    /// sgd, nesterov or rmsprop [default: sgd]
    #[arg(long, value_parser = named::<Optimizer>)]
    optimizer: Option<Optimizer>,
    /// Learning rate after warm-up [default: 0.045]
    #[arg(long, value_parser = finite::<f32>)]
    learning_rate: Option<f32>,
    /// How it falls: exponential, linear, cosine or constant [default: exponential]
    #[arg(long, value_parser = named::<Schedule>)]
    schedule: Option<Schedule>,
    /// Factor an epoch of the exponential schedule [default: 0.98]
    #[arg(long, value_parser = finite::<f32>)]
    decay: Option<f32>,
    /// Epoch at which the linear and the cosine schedule reach 0 [default: the last]
    #[arg(long, value_parser = finite::<f32>)]
    decay_until: Option<f32>,
    /// Epochs over which the rate first rises from 0 [default: 0]
    #[arg(long, value_parser = finite::<f32>)]
    warmup: Option<f32>,
    /// Weight of the past in the momentum [default: 0.9]
    #[arg(long, value_parser = finite::<f32>)]
    momentum: Option<f32>,
    /// Weight of the past in RMSProp's mean square [default: 0.9]
    #[arg(long, value_parser = finite::<f32>)]
    rms_decay: Option<f32>,
    /// RMSProp's ε, added to the root [default: 1]
    #[arg(long, value_parser = finite::<f32>)]
    rms_epsilon: Option<f32>,
    /// L2 penalty on the weights [default: 4e-5]
    #[arg(long, value_parser = finite::<f32>)]
    weight_decay: Option<f32>,
    /// Whether the penalty holds for batch norm and bias too [default: true]
    #[arg(long)]
    decay_norms: Option<bool>,
    /// Weight of the past in the averaged weights that are evaluated and written; 0: no averaging [default: 0]
    #[arg(long, value_parser = finite::<f32>)]
    average: Option<f32>,
    /// Share of the target spread over all classes [default: 0]
    #[arg(long, value_parser = finite::<f32>)]
    label_smoothing: Option<f32>,
    /// Pixels of padding before the random crop [default: 4]
    #[arg(long)]
    crop_padding: Option<usize>,
    /// Whether half of the images are mirrored [default: true]
    #[arg(long)]
    flip: Option<bool>,
    /// Sizes to which an image is resized before its crop, drawn at random, at most 64 [default: its own]
    #[arg(long, value_name = "PIXELS", value_delimiter = ',')]
    sizes: Option<Vec<usize>>,
    /// Side of the square that is blotted out of each image at random [default: 0]
    #[arg(long, value_name = "PIXELS")]
    cutout: Option<usize>,
    /// Leading modules that stay as they are, counted as torchvision's `features` (the stem, 17 blocks, the last
    /// convolution): 19 trains the classifier alone, 15 the last blocks too [default: 0]
    #[arg(long, value_name = "N")]
    freeze: Option<usize>,
    /// Seed of everything random [default: 1]
    #[arg(long)]
    seed: Option<u64>,
}

impl Options {
    /// `base`, with what the file and then the options say in its place.
    pub fn over(&self, base: &Recipe) -> Result<Recipe> {
        let mut recipe = base.clone();
        if let Some(path) = &self.recipe {
            let bytes = files::read(path)?;
            let settings: Map<String, Value> =
                serde_json::from_slice(&bytes).map_err(|error| files::wrong(path, error))?;
            if let Some(key) = json::doubled_key(&bytes) {
                return Err(files::wrong(path, format!("{key} is given twice")));
            }
            recipe = overlay(&recipe, &settings).map_err(|error| files::wrong(path, error))?;
            // Before the options come over it: what is too large for a number would count as not given there.
            recipe.validate().map_err(|error| files::wrong(path, error))?;
        }
        let recipe: Recipe = overlay(&recipe, self)?;
        recipe.validate()?;
        Ok(recipe)
    }
}
