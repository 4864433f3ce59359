//! Batches in, steps, evaluations and files out.

use js_sys::{Float32Array, Int32Array, Uint32Array};
use wasm_bindgen::prelude::*;

use super::arrays;
use super::clock::seconds;
use super::objects::{from_js, object, predictions, read_weights, to_js};
use super::{JsConfig, JsEvaluation, JsInputs, JsPredictions, JsProfile, JsRecipe, JsStep};
use crate::arch::{Config, Cost, Weights};
use crate::error::Result;
use crate::evaluate::Evaluation;
use crate::train::augment::{self, Window};
use crate::train::{self, Recipe, checkpoint, learning_rate};
use crate::weights::Precision;

/// A network in training.
#[wasm_bindgen]
pub struct Trainer {
    trainer: train::Trainer,
}

#[wasm_bindgen]
impl Trainer {
    /// Starts from random weights drawn by the recipe's seed; the schedule counts `images_per_epoch` images as an
    /// epoch.
    #[wasm_bindgen(constructor)]
    pub fn new(config: JsConfig, recipe: JsRecipe, images_per_epoch: usize) -> Result<Trainer> {
        let config: Config = from_js(config.into())?;
        let recipe: Recipe = from_js(recipe.into())?;
        let weights = Weights::untrained(config, recipe.seed)?;
        Ok(Trainer { trainer: train::Trainer::new(weights, recipe, images_per_epoch)? })
    }

    /// Starts from the weights of a `.safetensors` file, at this resolution or the file's, with classes of these names:
    /// if the file has others, it gets a new classifier. `options` fill in what its metadata leave open.
    pub fn from_weights(
        weights: &[u8],
        options: Option<JsConfig>,
        recipe: JsRecipe,
        images_per_epoch: usize,
        resolution: Option<usize>,
        names: Vec<String>,
    ) -> Result<Trainer> {
        let recipe: Recipe = from_js(recipe.into())?;
        let mut weights = read_weights(weights, options)?.for_classes(&names, recipe.seed)?;
        weights.config.resolution = resolution.unwrap_or(weights.config.resolution);
        Ok(Trainer { trainer: train::Trainer::new(weights, recipe, images_per_epoch)? })
    }

    /// Continues the training that a snapshot holds.
    pub fn from_snapshot(snapshot: &[u8]) -> Result<Trainer> {
        Ok(Trainer { trainer: checkpoint::load(snapshot)? })
    }

    /// The network's knobs.
    #[wasm_bindgen(getter)]
    pub fn config(&self) -> Result<JsConfig> {
        to_js(&self.trainer.weights().config)
    }

    /// Takes a step on a batch: (N, S, S, 3) RGB bytes of any size S and one label each.
    pub fn train_step(&mut self, images: &[u8], labels: &[u32]) -> Result<JsStep> {
        Ok(step_object(self.trainer.step(arrays::images(images, labels.len())?, labels.into())?))
    }

    /// The classifier's inputs for images, (N, C): computed once for a training in which only the classifier learns.
    pub fn features(&mut self, images: &[u8], count: usize) -> Result<Float32Array> {
        Ok(arrays::float32_array(&self.trainer.features(arrays::images(images, count)?)?))
    }

    /// Takes a step of the classifier alone, on the features of images.
    pub fn train_step_features(&mut self, features: &[f32], labels: &[u32]) -> Result<JsStep> {
        let features = arrays::features(features, labels.len())?;
        Ok(step_object(self.trainer.step_features(features, labels.into())?))
    }

    /// Evaluates the network on images in the same form.
    pub fn evaluate(&mut self, images: &[u8], labels: &[u32]) -> Result<JsEvaluation> {
        let images = arrays::images(images, labels.len())?;
        Ok(evaluation_object(&self.trainer.evaluate(images, labels.into())?))
    }

    /// Evaluates the network on the features of images.
    pub fn evaluate_features(&mut self, features: &[f32], labels: &[u32]) -> Result<JsEvaluation> {
        let features = arrays::features(features, labels.len())?;
        Ok(evaluation_object(&self.trainer.evaluate_features(features, labels.into())?))
    }

    /// The `k` most probable classes of one image, in the same form, best first.
    pub fn predict(&mut self, image: &[u8], k: usize) -> Result<JsPredictions> {
        let logits = self.trainer.logits(arrays::images(image, 1)?)?;
        Ok(predictions(logits.row(0), &self.trainer.weights().labels, k).unchecked_into())
    }

    /// State of the random generator: what the next step sees of its images follows from it.
    #[wasm_bindgen(getter)]
    pub fn random(&self) -> u64 {
        self.trainer.state().rng
    }

    /// How long the gradient of each layer's weights was in the last step.
    pub fn gradient_norms(&self) -> Vec<f32> {
        self.trainer.gradient_norms()
    }

    /// Switches to another recipe from the next step on; `batch` and `freeze` cannot change.
    pub fn set_recipe(&mut self, recipe: JsRecipe) -> Result<()> {
        self.trainer.set_recipe(from_js(recipe.into())?)
    }

    /// Sets the class names that are saved with the weights.
    pub fn set_labels(&mut self, labels: Vec<String>) -> Result<()> {
        self.trainer.set_labels(labels)
    }

    /// Starts to add up the time of each operation of a step.
    pub fn watch(&mut self) {
        self.trainer.watch(Some(seconds));
    }

    /// The time per operation since `watch`; empty without it.
    pub fn profile(&self) -> Result<JsProfile> {
        to_js(&self.trainer.profile().rows(&Cost::new(&self.trainer.weights().config)))
    }

    /// The current weights as a `.safetensors` file, in half or single precision; an error if the training has
    /// diverged, since the file could not be read.
    pub fn weights(&self, half: bool) -> Result<Vec<u8>> {
        checkpoint::save_weights(&self.trainer, if half { Precision::Half } else { Precision::Full })
    }

    /// Everything that a training needs to continue bit for bit; an error if it has diverged.
    pub fn snapshot(&self) -> Result<Vec<u8>> {
        checkpoint::save(&self.trainer)
    }
}

/// The learning rates of a recipe after so many epochs each, whole and fractional.
#[wasm_bindgen]
pub fn learning_rates(recipe: JsRecipe, epochs: &[f64]) -> Result<Vec<f32>> {
    let recipe: Recipe = from_js(recipe.into())?;
    recipe.validate()?;
    Ok(epochs.iter().map(|&epoch| learning_rate(&recipe, epoch)).collect())
}

/// What a training by a recipe would see of `count` images, (N, S, S, 3) RGB bytes of any size S, when its generator has this
/// state.
#[wasm_bindgen]
pub fn augmented(
    config: JsConfig,
    recipe: JsRecipe,
    random: u64,
    images: &[u8],
    count: usize,
) -> Result<JsInputs> {
    let (config, recipe): (Config, Recipe) = (from_js(config.into())?, from_js(recipe.into())?);
    let (inputs, windows) = augment::augmented(&config, &recipe, random, arrays::images(images, count)?)?;
    let mut numbers = Vec::with_capacity(8 * windows.len());
    for Window { size, left, top, mirrored, rows, columns, .. } in windows {
        numbers.extend([size as i32, left as i32, top as i32, i32::from(mirrored)]);
        numbers.extend([rows.start, rows.end, columns.start, columns.end].map(|at| at as i32));
    }
    Ok(object([
        ("inputs", arrays::float32_array(&inputs).into()),
        ("windows", Int32Array::from(&numbers[..]).into()),
    ])
    .unchecked_into())
}

fn step_object(step: train::Step) -> JsStep {
    object([
        ("step", (step.step as f64).into()),
        ("loss", step.loss.into()),
        ("accuracy", step.accuracy.into()),
        ("learning_rate", step.learning_rate.into()),
    ])
    .unchecked_into()
}

fn evaluation_object(found: &Evaluation) -> JsEvaluation {
    object([
        ("loss", found.loss.into()),
        ("correct", found.correct.into()),
        ("total", found.total.into()),
        ("predictions", Uint32Array::from(found.predictions.as_slice()).into()),
        ("confidences", Float32Array::from(found.confidences.as_slice()).into()),
    ])
    .unchecked_into()
}
