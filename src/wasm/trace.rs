//! A network that the page looks into.

use js_sys::Float32Array;
use ndarray::ArrayView1;
use wasm_bindgen::prelude::*;

use super::arrays::{float32_array, images};
use super::classifier::{Rows, maps_object, rgba};
use super::objects::{object, predictions, read_weights, strings, to_js};
use super::{JsConfig, JsFeatureMaps, JsFilters, JsSeen, JsStrings};
use crate::error::Result;
use crate::evaluate::evaluate;
use crate::infer;

/// A trained network that keeps the output of every layer.
#[wasm_bindgen]
pub struct Trace {
    trace: infer::Trace,
    labels: Vec<String>,
}

#[wasm_bindgen]
impl Trace {
    /// Reads a `.safetensors` file; `options` fill in what its metadata leave open.
    #[wasm_bindgen(constructor)]
    pub fn new(weights: &[u8], options: Option<JsConfig>) -> Result<Trace> {
        let weights = read_weights(weights, options)?;
        let labels = weights.labels.clone();
        Ok(Trace { trace: infer::Trace::new(weights)?, labels })
    }

    /// The network's knobs.
    #[wasm_bindgen(getter)]
    pub fn config(&mut self) -> Result<JsConfig> {
        to_js(self.trace.network().config())
    }

    /// Class names; empty if the file has none.
    #[wasm_bindgen(getter)]
    pub fn labels(&self) -> JsStrings {
        strings(&self.labels)
    }

    /// Sets the height and width to which pictures are resized, 8 – 1024.
    pub fn set_resolution(&mut self, resolution: usize) -> Result<()> {
        self.trace.network().set_resolution(resolution)
    }

    /// Changes the network, as the core's `Changes` say.
    pub fn change(&mut self, relu_from: Option<usize>, weight_bits: u32, activation_bits: u32) -> Result<()> {
        self.trace.change(infer::Changes { relu_from, weight_bits, activation_bits })
    }

    /// The `k` most probable classes of a picture that was pushed row by row, and what the network saw of it.
    pub fn run(&mut self, rows: Rows, k: usize) -> Result<JsSeen> {
        let (seen, input) = rows.preprocess(self.trace.network().config())?;
        let logits = self.trace.network().forward(input.view())?;
        let predictions = predictions(logits.row(0), &self.labels, k);
        Ok(object([("predictions", predictions.into()), ("crop", rgba(&seen).into())]).unchecked_into())
    }

    /// How many of the images, (N, S, S, 3) RGB bytes, the changed network classifies as their labels say.
    pub fn correct(&mut self, bytes: &[u8], labels: &[u32]) -> Result<usize> {
        let images = images(bytes, labels.len())?;
        Ok(evaluate(self.trace.network(), images, ArrayView1::from(labels))?.correct)
    }

    /// The output of a layer for the last picture.
    pub fn maps(&self, layer: usize) -> Result<JsFeatureMaps> {
        Ok(maps_object(&self.trace.maps(layer)?))
    }

    /// The filters of a layer.
    pub fn filters(&self, layer: usize) -> Result<JsFilters> {
        let infer::Filters { filters, scale, shift, range: (low, high) } = self.trace.filters(layer)?;
        let (_, inputs, taps) = filters.dim();
        Ok(object([
            ("filters", float32_array(&filters).into()),
            ("inputs", inputs.into()),
            ("taps", taps.into()),
            ("scale", Float32Array::from(&scale[..]).into()),
            ("shift", Float32Array::from(&shift[..]).into()),
            ("low", low.into()),
            ("high", high.into()),
        ])
        .unchecked_into())
    }

    /// What the outputs of all layers but the classifier consist of, for the last picture: of each the share of zeros, that of
    /// sixes, and the effective rank.
    pub fn statistics(&self) -> Vec<f32> {
        let each = |of: infer::Statistics| [of.zeros, of.sixes, of.rank];
        self.trace.statistics().into_iter().flat_map(each).collect()
    }
}
