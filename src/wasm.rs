//! The face towards JavaScript: types crossing the border, and a clock. No maths.
//!
//! Plain objects go both ways, their types in `wasm/types.d.ts`. Every error becomes a JavaScript `Error` with the
//! message a person can act on, and a `code` and `values` by which the page finds its own words.

use js_sys::{Array, Float32Array, JSON, Object, Reflect, Uint8Array, Uint32Array};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;
use web_sys::Performance;

use crate::checkpoint;
use crate::config::{Activation, Config};
use crate::cost::Cost;
use crate::data::shapes;
use crate::error::{Error, Result, gigabytes};
use crate::evaluate::Evaluation;
use crate::image::{Orientation, RowResampler, normalize};
use crate::infer::{self, top};
use crate::json;
use crate::manifold::Manifold;
use crate::memory;
use crate::parameters::Weights;
use crate::train::{self, Recipe};
use crate::weights::{self, PartialConfig, Precision};

#[cfg(feature = "threads")]
mod pool;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = include_str!("wasm/types.d.ts");

#[wasm_bindgen]
extern "C" {
    /// A network's knobs, those left out at their defaults.
    #[wasm_bindgen(typescript_type = "Config")]
    pub type JsConfig;
    /// A recipe's settings, those left out at their defaults.
    #[wasm_bindgen(typescript_type = "Recipe")]
    pub type JsRecipe;
    /// Costs of a network.
    #[wasm_bindgen(typescript_type = "Description")]
    pub type JsDescription;
    /// What the network makes of a picture.
    #[wasm_bindgen(typescript_type = "Result")]
    pub type JsResult;
    /// What a step reports.
    #[wasm_bindgen(typescript_type = "Step")]
    pub type JsStep;
    /// What an evaluation reports.
    #[wasm_bindgen(typescript_type = "Evaluation")]
    pub type JsEvaluation;
    /// What each operation took.
    #[wasm_bindgen(typescript_type = "ProfileRow[]")]
    pub type JsProfile;
    /// What a block puts out for a picture.
    #[wasm_bindgen(typescript_type = "FeatureMaps")]
    pub type JsFeatureMaps;
    /// Images with labels.
    #[wasm_bindgen(typescript_type = "Batch")]
    pub type JsBatch;
    /// A curve before and after.
    #[wasm_bindgen(typescript_type = "Manifold")]
    pub type JsManifold;
    /// Several strings.
    #[wasm_bindgen(typescript_type = "string[]")]
    pub type JsStrings;

    #[wasm_bindgen(thread_local_v2, js_name = performance)]
    static PERFORMANCE: Performance;
}

/// Makes a panic, which is a mistake of ours, show its message in the console.
#[wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
}

/// The name of this build: the instructions it uses, and `-threads` where it works on several.
#[wasm_bindgen]
pub fn variant() -> String {
    let simd = if cfg!(target_feature = "relaxed-simd") { "relaxed-simd" } else { "simd128" };
    if cfg!(feature = "threads") { format!("{simd}-threads") } else { simd.into() }
}

/// Parameters, multiply-adds and memory of a network, per layer and in all.
#[wasm_bindgen]
pub fn describe(config: JsConfig) -> Result<JsDescription> {
    let config: Config = from_js(config.into())?;
    config.validate()?;
    to_js(&Cost::new(&config))
}

/// A trained network that classifies pictures.
#[wasm_bindgen]
pub struct Classifier {
    classifier: infer::Classifier,
    labels: Vec<String>,
    /// What the network saw of the last picture, (resolution, resolution, 3) bytes.
    seen: Vec<u8>,
    input: Vec<f32>,
    logits: Vec<f32>,
}

#[wasm_bindgen]
impl Classifier {
    /// From a `.safetensors` file; `options` say what its metadata leave open.
    #[wasm_bindgen(constructor)]
    pub fn new(weights: &[u8], options: Option<JsConfig>) -> Result<Classifier> {
        let weights = read_weights(weights, options)?;
        let classifier = infer::Classifier::new(&weights)?;
        let labels = weights.labels;
        Ok(Classifier { classifier, labels, seen: Vec::new(), input: Vec::new(), logits: Vec::new() })
    }

    /// The network's knobs.
    #[wasm_bindgen(getter)]
    pub fn config(&self) -> Result<JsConfig> {
        to_js(self.classifier.config())
    }

    /// Names of the classes; empty where the file has none.
    #[wasm_bindgen(getter)]
    pub fn labels(&self) -> JsStrings {
        strings(&self.labels)
    }

    /// Bytes of working memory for one picture: all but weights, input and output.
    #[wasm_bindgen(getter)]
    pub fn working_bytes(&self) -> usize {
        self.classifier.working_bytes()
    }

    /// Has pictures resized to this height and width from now on, 8 – 1024.
    pub fn set_resolution(&mut self, resolution: usize) -> Result<()> {
        self.classifier.set_resolution(resolution)
    }

    /// Has pictures cut to this share of their centre from now on, 0.1 – 1.
    pub fn set_crop(&mut self, crop: f32) -> Result<()> {
        self.classifier.set_crop(crop)
    }

    /// The `k` most probable classes of a picture of RGBA bytes, best first, with milliseconds taken.
    pub fn classify(&mut self, rgba: &[u8], width: usize, height: usize, k: usize) -> Result<JsResult> {
        let start = now();
        let rows = self.rows(rgba, width, height)?;
        self.classify_seen(rows, k, start)
    }

    /// The same of a picture whose rows have come one after the other, cut and resized as this network has it.
    pub fn classify_rows(&mut self, rows: Rows, k: usize) -> Result<JsResult> {
        self.classify_seen(rows, k, now())
    }

    /// What block `block`, 0 – 16, puts out for a picture whose rows have come one after the other.
    pub fn feature_maps_rows(&mut self, rows: Rows, block: usize) -> Result<JsFeatureMaps> {
        self.see(rows)?;
        let maps = self.classifier.feature_maps(&self.input, block)?;
        Ok(object([
            ("channels", maps.channels.into()),
            ("size", maps.size.into()),
            ("values", Float32Array::from(maps.values.as_slice()).into()),
        ])
        .unchecked_into())
    }

    /// The part of the last picture that the network saw, as RGBA bytes of its resolution; empty before the first.
    pub fn crop(&self) -> Uint8Array {
        let rgba: Vec<u8> = self.seen.chunks_exact(3).flat_map(|rgb| [rgb[0], rgb[1], rgb[2], 255]).collect();
        Uint8Array::from(rgba.as_slice())
    }

    /// Has what each operation takes added up from now on, over all threads.
    pub fn watch(&mut self) {
        self.classifier.watch(Some(seconds));
    }

    /// What each operation took since `watch`; empty without it.
    pub fn profile(&self) -> Result<JsProfile> {
        to_js(&self.classifier.profile().rows(&Cost::new(self.classifier.config())))
    }
}

impl Classifier {
    /// A picture of RGBA bytes, cut and resized.
    fn rows(&self, rgba: &[u8], width: usize, height: usize) -> Result<Rows> {
        let Config { crop, resolution, .. } = *self.classifier.config();
        Rows::of(rgba, width, height, crop, resolution)
    }

    /// Takes a picture that is cut and resized for the network, and normalises it.
    fn see(&mut self, rows: Rows) -> Result<()> {
        let Config { mean, std, resolution, .. } = *self.classifier.config();
        let picture = rows.rows.finish()?;
        if picture.width() != resolution {
            let found = picture.width();
            return Err(Error::Argument(format!(
                "the picture was resized to {found} pixels; the network takes {resolution}"
            )));
        }
        self.seen = picture.into_rgb();
        self.input.resize(self.seen.len(), 0.0);
        normalize(&self.seen, mean, std, &mut self.input);
        Ok(())
    }

    fn classify_seen(&mut self, rows: Rows, k: usize, start: f64) -> Result<JsResult> {
        self.see(rows)?;
        let prepared = now();
        self.classifier.forward(&self.input, &mut self.logits);
        let end = now();

        let predictions = Array::new();
        for prediction in top(&self.logits, k) {
            let label = self.labels.get(prediction.class).map_or(JsValue::NULL, |label| label.into());
            predictions.push(&object([
                ("class", prediction.class.into()),
                ("label", label),
                ("probability", prediction.probability.into()),
            ]));
        }
        Ok(object([
            ("predictions", predictions.into()),
            ("preprocess_ms", (prepared - start).into()),
            ("network_ms", (end - prepared).into()),
        ])
        .unchecked_into())
    }
}

/// A picture that comes row by row from the top, so that it is never held whole, and becomes what the network sees of it.
#[wasm_bindgen]
pub struct Rows {
    rows: RowResampler,
}

#[wasm_bindgen]
impl Rows {
    /// For a picture of `width` × `height`: of its middle, a square of the share `crop` (0.1 – 1) of the shorter side, at
    /// `resolution` (8 – 1024) pixels. Its EXIF orientation, 1 – 8, is given where the rows are not upright.
    #[wasm_bindgen(constructor)]
    pub fn new(
        width: usize,
        height: usize,
        crop: f32,
        resolution: usize,
        orientation: Option<u8>,
    ) -> Result<Rows> {
        Config { crop, resolution, ..Config::cifar() }.validate()?;
        let orientation = Orientation::from_exif(orientation.unwrap_or(1));
        Ok(Rows { rows: RowResampler::center_crop(width, height, orientation, crop, resolution)? })
    }

    /// The next rows as RGBA bytes, as many as one likes.
    pub fn push(&mut self, rgba: &[u8]) -> Result<()> {
        self.rows.push_rgba(rgba)
    }

    /// What the network sees of the picture, as RGB bytes, once all rows have come.
    pub fn finish(self) -> Result<Uint8Array> {
        Ok(Uint8Array::from(self.rows.finish()?.rgb()))
    }
}

impl Rows {
    /// Of a picture that is there whole.
    fn of(rgba: &[u8], width: usize, height: usize, crop: f32, resolution: usize) -> Result<Rows> {
        let mut rows = RowResampler::center_crop(width, height, Orientation::default(), crop, resolution)?;
        rows.push_rgba(rgba)?;
        Ok(Rows { rows })
    }
}

/// A network in training.
#[wasm_bindgen]
pub struct Trainer {
    trainer: train::Trainer,
}

#[wasm_bindgen]
impl Trainer {
    /// Starts from random weights drawn by the recipe's seed; the schedule counts epochs of `images_per_epoch`.
    #[wasm_bindgen(constructor)]
    pub fn new(config: JsConfig, recipe: JsRecipe, images_per_epoch: usize) -> Result<Trainer> {
        let config: Config = from_js(config.into())?;
        let recipe: Recipe = from_js(recipe.into())?;
        let weights = Weights::untrained(config, recipe.seed)?;
        Ok(Trainer { trainer: train::Trainer::new(weights, recipe, images_per_epoch)? })
    }

    /// Goes on from the weights of a `.safetensors` file, at this resolution or the file's, with classes of these
    /// names: where the file has others, the classifier starts anew. `options` say what its metadata leave open.
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

    /// Goes on with the training that a snapshot was taken of.
    pub fn from_snapshot(snapshot: &[u8]) -> Result<Trainer> {
        Ok(Trainer { trainer: checkpoint::load(snapshot)? })
    }

    /// The network's knobs.
    #[wasm_bindgen(getter)]
    pub fn config(&self) -> Result<JsConfig> {
        to_js(&self.trainer.weights().config)
    }

    /// One step on a batch: (N, S, S, 3) RGB bytes of any size S and one label each.
    pub fn train_step(&mut self, images: &[u8], labels: &[u32]) -> Result<JsStep> {
        Ok(step_object(self.trainer.step(images, labels)?))
    }

    /// What the classifier is given of images, (N, C), once for a training in which it alone learns.
    pub fn features(&mut self, images: &[u8], count: usize) -> Result<Float32Array> {
        Ok(Float32Array::from(self.trainer.features(images, count)?.as_slice()))
    }

    /// One step of the classifier alone, on features of images.
    pub fn train_step_features(&mut self, features: &[f32], labels: &[u32]) -> Result<JsStep> {
        Ok(step_object(self.trainer.step_features(features, labels)?))
    }

    /// How well the network does on other images, in the same form.
    pub fn evaluate(&mut self, images: &[u8], labels: &[u32]) -> Result<JsEvaluation> {
        Ok(evaluation_object(&self.trainer.evaluate(images, labels)?))
    }

    /// The same of images of which there are features.
    pub fn evaluate_features(&mut self, features: &[f32], labels: &[u32]) -> Result<JsEvaluation> {
        Ok(evaluation_object(&self.trainer.evaluate_features(features, labels)?))
    }

    /// Trains by another recipe from the next step on; `batch` and `freeze` cannot change.
    pub fn set_recipe(&mut self, recipe: JsRecipe) -> Result<()> {
        self.trainer.set_recipe(from_js(recipe.into())?)
    }

    /// Names the classes, for the file that the weights will be saved to.
    pub fn set_labels(&mut self, labels: Vec<String>) -> Result<()> {
        self.trainer.set_labels(labels)
    }

    /// Has what each operation of a step takes added up from now on.
    pub fn watch(&mut self) {
        self.trainer.watch(Some(seconds));
    }

    /// What each operation took since `watch`; empty without it.
    pub fn profile(&self) -> Result<JsProfile> {
        to_js(&self.trainer.profile().rows(&Cost::new(&self.trainer.weights().config)))
    }

    /// A `.safetensors` file of the weights as they are now, in half or single precision; none of a training that has
    /// diverged, as it could not be read.
    pub fn weights(&self, half: bool) -> Result<Vec<u8>> {
        checkpoint::save_weights(&self.trainer, if half { Precision::Half } else { Precision::Full })
    }

    /// All that a training needs to go on bit for bit; nothing of one that has diverged, likewise.
    pub fn snapshot(&self) -> Result<Vec<u8>> {
        checkpoint::save(&self.trainer)
    }
}

/// Images `first..first + count` of the drawn data set of a seed, at any resolution, 8 – 1024.
#[wasm_bindgen(js_name = shapes)]
pub fn draw_shapes(seed: u32, first: u32, count: usize, resolution: usize) -> Result<JsBatch> {
    Config { resolution, ..Config::cifar() }.validate()?;
    let length = resolution * resolution * 3;
    memory::ask(count as u64 * length as u64, "number", || {
        format!("drawing {count} pictures of {resolution} × {resolution}")
    })?;
    let mut images = vec![0; count * length];
    let labels: Vec<u32> = images
        .chunks_exact_mut(length)
        .zip(u64::from(first)..)
        .map(|(image, index)| shapes::draw(seed.into(), index, resolution, image))
        .collect();
    Ok(object([
        ("images", Uint8Array::from(images.as_slice()).into()),
        ("labels", Uint32Array::from(labels.as_slice()).into()),
    ])
    .unchecked_into())
}

/// Names of the drawn classes.
#[wasm_bindgen]
pub fn shape_names() -> JsStrings {
    strings(shapes::NAMES)
}

/// A spiral that is carried into so many dimensions, 2 – 64, through ReLU there or not, and back, by a matrix of this seed.
#[wasm_bindgen]
pub fn manifold(dimensions: usize, relu: bool, seed: u32) -> Result<JsManifold> {
    let activation = if relu { Activation::Relu } else { Activation::Linear };
    let found = Manifold::new(dimensions, activation, seed.into())?;
    Ok(object([
        ("curve", Float32Array::from(found.curve.as_slice()).into()),
        ("returned", Float32Array::from(found.returned.as_slice()).into()),
        ("alive", Uint32Array::from(found.alive.as_slice()).into()),
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

/// The network of a `.safetensors` file as an ONNX model; `options` say what the file's metadata leave open.
#[wasm_bindgen]
pub fn to_onnx(weights: &[u8], options: Option<JsConfig>) -> Result<Vec<u8>> {
    Ok(weights::to_onnx(&read_weights(weights, options)?))
}

fn read_weights(bytes: &[u8], options: Option<JsConfig>) -> Result<Weights> {
    let options = options.map(|options| fields(options.into())).transpose()?;
    weights::load(bytes, &options.unwrap_or_default())
}

fn argument(error: serde_json::Error) -> Error {
    Error::Argument(error.to_string())
}

impl From<Error> for JsValue {
    fn from(error: Error) -> JsValue {
        let values = match &error {
            Error::Memory { bytes, .. } => object([("gigabytes", gigabytes(*bytes).into())]),
            Error::Weights { values, .. } => {
                let object = Object::new();
                values.iter().for_each(|(name, value)| assign(&object, [(name, value.into())]));
                object.into()
            }
            _ => object([]),
        };
        let caught = js_sys::Error::new(&error.to_string());
        assign(&caught, [("code", error.code().into()), ("values", values)]);
        caught.into()
    }
}

/// Milliseconds since this thread began.
fn now() -> f64 {
    PERFORMANCE.with(Performance::now)
}

/// The clock of a profile: the same on all threads, between which a step moves.
fn seconds() -> f64 {
    PERFORMANCE.with(|clock| (clock.time_origin() + clock.now()) / 1e3)
}

/// Reads an object whose fields may be left out; one that does not exist is an error.
fn from_js<T: DeserializeOwned>(value: JsValue) -> Result<T> {
    json::settings(&fields(value)?).map_err(Error::Argument)
}

/// The fields of an object, without those that are undefined.
fn fields(object: JsValue) -> Result<PartialConfig> {
    if object.is_object() {
        Object::entries(object.unchecked_ref())
            .iter()
            .try_for_each(|field| check_finite(field.unchecked_ref()))?;
    }
    let text = JSON::stringify(&object).ok().and_then(|text| text.as_string());
    let text = text.ok_or_else(|| Error::Argument("expected an object of plain values".into()))?;
    serde_json::from_str(&text).map_err(argument)
}

/// Checks a field, its name and its value, for numbers of which JSON would make `null`, alone or in an array.
fn check_finite(field: &Array) -> Result<()> {
    let value = field.get(1);
    let values = if Array::is_array(&value) { Array::from(&value) } else { Array::of1(&value) };
    match values.iter().filter_map(|value| value.as_f64()).find(|number| !number.is_finite()) {
        None => Ok(()),
        Some(number) => {
            let name = field.get(0).as_string().unwrap_or_default();
            Err(Error::Argument(format!("{name}: {number} is no number that a setting can have")))
        }
    }
}

fn to_js<T: JsCast>(value: &impl Serialize) -> Result<T> {
    let text = serde_json::to_string(value).map_err(argument)?;
    Ok(JSON::parse(&text).expect("JSON just written").unchecked_into())
}

fn strings(values: impl IntoIterator<Item = impl AsRef<str>>) -> JsStrings {
    let array: Array = values.into_iter().map(|value| JsValue::from_str(value.as_ref())).collect();
    array.unchecked_into()
}

fn object<const N: usize>(fields: [(&str, JsValue); N]) -> JsValue {
    let object = Object::new();
    assign(&object, fields);
    object.into()
}

/// Sets fields of an object that is as yet only ours, which cannot fail.
fn assign<const N: usize>(object: &Object, fields: [(&str, JsValue); N]) {
    for (name, value) in fields {
        let _ = Reflect::set(object, &name.into(), &value);
    }
}
