//! The JavaScript interface: types that cross the border, and a clock. No maths.
//!
//! Plain objects go both ways; `wasm/types.d.ts` has their types. Every error becomes a JavaScript `Error` with a
//! message that a person can act on, and with `code` and `values`, from which the page makes a translated one.

use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;

use crate::arch::{Activation, Config, Cost};
use crate::data::{self, shapes};
use crate::error::{Result, ensure_memory};
use crate::explain::Manifold;
use crate::weights;

mod arrays;
mod classifier;
mod clock;
mod objects;
#[cfg(feature = "threads")]
mod pool;
mod trace;
mod trainer;

use arrays::{float32_array, uint32_array};
pub use classifier::{Classifier, Convolution, Rows};
use objects::{from_js, object, read_weights, strings, to_js};
pub use trace::Trace;
pub use trainer::{Trainer, augmented, learning_rates};

#[wasm_bindgen(typescript_custom_section)]
const SETTINGS: &str = include_str!("settings.d.ts");

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = include_str!("types.d.ts");

#[wasm_bindgen]
extern "C" {
    /// A network's knobs; missing ones have their defaults.
    #[wasm_bindgen(typescript_type = "Config")]
    pub type JsConfig;
    /// A recipe's settings; missing ones have their defaults.
    #[wasm_bindgen(typescript_type = "Recipe")]
    pub type JsRecipe;
    /// Costs of a network.
    #[wasm_bindgen(typescript_type = "Description")]
    pub type JsDescription;
    /// The classification of a picture.
    #[wasm_bindgen(typescript_type = "Result")]
    pub type JsResult;
    /// The most probable classes of a picture.
    #[wasm_bindgen(typescript_type = "Prediction[]")]
    pub type JsPredictions;
    /// What is known of a file of weights.
    #[wasm_bindgen(typescript_type = "About")]
    pub type JsAbout;
    /// The report of a step.
    #[wasm_bindgen(typescript_type = "Step")]
    pub type JsStep;
    /// The report of an evaluation.
    #[wasm_bindgen(typescript_type = "Evaluation")]
    pub type JsEvaluation;
    /// What a network in training sees of images.
    #[wasm_bindgen(typescript_type = "Inputs")]
    pub type JsInputs;
    /// The time per operation.
    #[wasm_bindgen(typescript_type = "ProfileRow[]")]
    pub type JsProfile;
    /// A block's output for a picture.
    #[wasm_bindgen(typescript_type = "FeatureMaps")]
    pub type JsFeatureMaps;
    /// A layer's filters.
    #[wasm_bindgen(typescript_type = "Filters")]
    pub type JsFilters;
    /// The classes of a picture, and the network's crop of it.
    #[wasm_bindgen(typescript_type = "{ predictions: Prediction[]; crop: Uint8Array }")]
    pub type JsSeen;
    /// Images with labels.
    #[wasm_bindgen(typescript_type = "Batch")]
    pub type JsBatch;
    /// A curve before and after the activation.
    #[wasm_bindgen(typescript_type = "Manifold")]
    pub type JsManifold;
    /// Several strings.
    #[wasm_bindgen(typescript_type = "string[]")]
    pub type JsStrings;
}

/// Makes a panic, which is a bug of ours, show its message in the console.
#[wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
}

/// The name of this build: its instruction set, and `-threads` if it uses several.
#[wasm_bindgen]
pub fn variant() -> String {
    let simd = if cfg!(target_feature = "relaxed-simd") { "relaxed-simd" } else { "simd128" };
    if cfg!(feature = "threads") { format!("{simd}-threads") } else { simd.into() }
}

/// Parameters, multiply-adds and memory of a network, per layer and in total.
#[wasm_bindgen]
pub fn describe(config: JsConfig) -> Result<JsDescription> {
    let config: Config = from_js(config.into())?;
    config.validate()?;
    to_js(&Cost::new(&config))
}

/// Images `first..first + count` of the drawn data set with this seed, at any resolution, 8 – 1024.
#[wasm_bindgen(js_name = shapes)]
pub fn draw_shapes(seed: u32, first: u32, count: usize, resolution: usize) -> Result<JsBatch> {
    Config { resolution, ..Config::cifar() }.validate()?;
    ensure_memory(count as u64 * (resolution * resolution * 3) as u64, "number", || {
        format!("drawing {count} pictures of {resolution} × {resolution}")
    })?;
    let drawn = shapes::dataset(seed.into(), first.into(), count, resolution);
    Ok(object([
        ("images", Uint8Array::from(drawn.images.as_slice().expect("new images are contiguous")).into()),
        ("labels", uint32_array(&drawn.labels).into()),
    ])
    .unchecked_into())
}

/// The images of a training as one stream; see [`data::Order`].
#[wasm_bindgen]
pub struct Order {
    order: data::Order,
}

#[wasm_bindgen]
impl Order {
    /// For `images` images; `mixed` if they lie in random order already.
    #[wasm_bindgen(constructor)]
    pub fn new(seed: u32, images: usize, mixed: bool) -> Result<Order> {
        Ok(Order { order: data::Order::new(seed.into(), images, mixed)? })
    }

    /// The next `count` images from `position` on, counted from the start of the training.
    pub fn take(&mut self, position: f64, count: usize) -> Vec<u32> {
        self.order.take(position as u64, count)
    }
}

/// Names of the drawn classes.
#[wasm_bindgen]
pub fn shape_names() -> JsStrings {
    strings(shapes::NAMES)
}

/// A spiral that a matrix drawn by `seed` embeds in `dimensions`, 2 – 64, and projects back, with or without ReLU
/// between.
#[wasm_bindgen]
pub fn manifold(dimensions: usize, relu: bool, seed: u32) -> Result<JsManifold> {
    let activation = if relu { Activation::Relu } else { Activation::Linear };
    let found = Manifold::new(dimensions, activation, seed.into())?;
    Ok(object([
        ("curve", float32_array(&found.curve).into()),
        ("returned", float32_array(&found.returned).into()),
        ("alive", uint32_array(&found.alive).into()),
        ("matrix", float32_array(&found.matrix).into()),
    ])
    .unchecked_into())
}

/// The knobs and the names of the classes of a `.safetensors` file, all of which is checked; `options` say what its metadata
/// leave open.
#[wasm_bindgen]
pub fn about(weights: &[u8], options: Option<JsConfig>) -> Result<JsAbout> {
    let weights = read_weights(weights, options)?;
    let config: JsConfig = to_js(&weights.config)?;
    Ok(object([("config", config.into()), ("labels", strings(&weights.labels).into())]).unchecked_into())
}

/// The network of a `.safetensors` file as an ONNX model; `options` fill in what the file's metadata leave open.
#[wasm_bindgen]
pub fn to_onnx(weights: &[u8], options: Option<JsConfig>) -> Result<Vec<u8>> {
    Ok(weights::to_onnx(&read_weights(weights, options)?))
}
