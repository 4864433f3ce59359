//! Pictures in, classes and feature maps out.

use js_sys::Uint8Array;
use ndarray::{Array3, Array4, Axis};
use wasm_bindgen::prelude::*;

use super::arrays::float32_array;
use super::clock::{now, seconds};
use super::objects::{from_js, object, predictions, read_weights, strings, to_js};
use super::{JsConfig, JsFeatureMaps, JsProfile, JsResult, JsStrings};
use crate::arch::{Config, Cost, Weights};
use crate::data::image::{Area, Image, Orientation, RowResampler, Span, View};
use crate::error::{Error, Result};
use crate::explain::feature_maps;
use crate::infer;

/// A trained network that classifies pictures.
#[wasm_bindgen]
pub struct Classifier {
    classifier: infer::Classifier,
    labels: Vec<String>,
    /// The crop of the last picture that the network was given.
    seen: Option<Image>,
}

#[wasm_bindgen]
impl Classifier {
    /// Reads a `.safetensors` file; `options` fill in what its metadata leave open.
    #[wasm_bindgen(constructor)]
    pub fn new(weights: &[u8], options: Option<JsConfig>) -> Result<Classifier> {
        let weights = read_weights(weights, options)?;
        let classifier = infer::Classifier::new(&weights)?;
        let labels = weights.labels;
        Ok(Classifier { classifier, labels, seen: None })
    }

    /// Of random weights, to time a network by.
    pub fn untrained(config: JsConfig) -> Result<Classifier> {
        let weights = Weights::untrained(from_js(config.into())?, 0)?;
        Ok(Classifier { classifier: infer::Classifier::new(&weights)?, labels: Vec::new(), seen: None })
    }

    /// The network's knobs.
    #[wasm_bindgen(getter)]
    pub fn config(&self) -> Result<JsConfig> {
        to_js(self.classifier.config())
    }

    /// Class names; empty if the file has none.
    #[wasm_bindgen(getter)]
    pub fn labels(&self) -> JsStrings {
        strings(&self.labels)
    }

    /// Bytes of working memory for one picture: everything but weights, input and output.
    #[wasm_bindgen(getter)]
    pub fn working_bytes(&self) -> usize {
        self.classifier.working_bytes()
    }

    /// Sets the height and width to which pictures are resized, 8 – 1024.
    pub fn set_resolution(&mut self, resolution: usize) -> Result<()> {
        self.classifier.set_resolution(resolution)
    }

    /// Sets how many output rows of a block are computed at a time; none: as many as a cache holds.
    pub fn set_row_tile(&mut self, rows: Option<usize>) -> Result<()> {
        self.classifier.set_row_tile(rows)
    }

    /// The `k` most probable classes of a picture of RGBA bytes, best first, with the milliseconds taken.
    pub fn classify(&mut self, rgba: &[u8], width: usize, height: usize, k: usize) -> Result<JsResult> {
        let start = now();
        let rows = self.rows(rgba, width, height)?;
        self.classify_preprocessed(rows, k, start)
    }

    /// The same for a picture that was pushed row by row, cropped and resized for this network.
    pub fn classify_rows(&mut self, rows: Rows, k: usize) -> Result<JsResult> {
        self.classify_preprocessed(rows, k, now())
    }

    /// The output of block `block`, 0 – 16, for a picture that was pushed row by row.
    pub fn feature_maps_rows(&mut self, rows: Rows, block: usize) -> Result<JsFeatureMaps> {
        let input = self.preprocess(rows)?;
        Ok(maps_object(&feature_maps(&mut self.classifier, input.index_axis(Axis(0), 0), block)?))
    }

    /// The crop of the last picture, as RGBA bytes at the network's resolution; empty before the first.
    pub fn crop(&self) -> Uint8Array {
        self.seen.as_ref().map_or_else(Uint8Array::default, rgba)
    }

    /// Starts to add up the time of each operation, over all threads.
    pub fn watch(&mut self) {
        self.classifier.watch(Some(seconds));
    }

    /// The time per operation since `watch`; empty without it.
    pub fn profile(&self) -> Result<JsProfile> {
        to_js(&self.classifier.profile().rows(&Cost::new(self.classifier.config())))
    }
}

impl Classifier {
    /// Crops and resizes a picture of RGBA bytes.
    fn rows(&self, rgba: &[u8], width: usize, height: usize) -> Result<Rows> {
        let Config { crop, resolution, .. } = *self.classifier.config();
        let mut rows = RowResampler::center_crop(width, height, Orientation::default(), crop, resolution)?;
        rows.push_rgba(rgba)?;
        Ok(Rows { rows })
    }

    fn preprocess(&mut self, rows: Rows) -> Result<Array4<f32>> {
        let (seen, input) = rows.preprocess(self.classifier.config())?;
        self.seen = Some(seen);
        Ok(input)
    }

    fn classify_preprocessed(&mut self, rows: Rows, k: usize, start: f64) -> Result<JsResult> {
        let input = self.preprocess(rows)?;
        let prepared = now();
        let logits = self.classifier.forward(input.view())?;
        let end = now();

        Ok(object([
            ("predictions", predictions(logits.row(0), &self.labels, k).into()),
            ("preprocess_ms", (prepared - start).into()),
            ("network_ms", (end - prepared).into()),
        ])
        .unchecked_into())
    }
}

/// A convolution to be timed, plain or separable.
#[wasm_bindgen]
pub struct Convolution {
    convolution: infer::Convolution,
}

#[wasm_bindgen]
impl Convolution {
    /// From `from` to `to` channels on maps of `size`² pixels.
    #[wasm_bindgen(constructor)]
    pub fn new(separable: bool, from: usize, to: usize, size: usize) -> Result<Convolution> {
        Ok(Convolution { convolution: infer::Convolution::new(separable, from, to, size)? })
    }

    /// Convolves a map of ones, and returns the output's first value.
    pub fn run(&mut self) -> f32 {
        self.convolution.run()
    }
}

/// A picture that is pushed row by row from the top and becomes the network's input; it is never held whole.
#[wasm_bindgen]
pub struct Rows {
    rows: RowResampler,
}

#[wasm_bindgen]
impl Rows {
    /// For a picture stored as `width` × `height`: resizes the centre crop whose side is this share of the shorter side, 0.1 – 1,
    /// to `resolution` (8 – 1024) pixels. The picture's EXIF orientation is 1 – 8.
    pub fn of_center(
        width: usize,
        height: usize,
        orientation: u8,
        resolution: usize,
        crop: f32,
    ) -> Result<Rows> {
        Config { crop, ..Config::cifar() }.validate()?;
        Rows::of(width, height, orientation, resolution, View::Center(crop))
    }

    /// The same for a part, in pixels of the upright picture; it is squeezed unless it is square.
    pub fn of_part(
        width: usize,
        height: usize,
        orientation: u8,
        resolution: usize,
        x: f64,
        y: f64,
        part_width: f64,
        part_height: f64,
    ) -> Result<Rows> {
        let part = Area { left: x, top: y, right: x + part_width, bottom: y + part_height };
        Rows::of(width, height, orientation, resolution, View::Part(part))
    }

    /// The same for the whole picture, in its own proportions between bars of this colour, 0 – 1.
    pub fn between_bars(
        width: usize,
        height: usize,
        orientation: u8,
        resolution: usize,
        red: f32,
        green: f32,
        blue: f32,
    ) -> Result<Rows> {
        let colour = [red, green, blue].map(|share| (255.0 * share).round() as u8);
        Rows::of(width, height, orientation, resolution, View::Bars(colour))
    }

    /// The part of the picture to push: the columns left of it, the rows above it, its columns and its rows.
    #[wasm_bindgen(getter)]
    pub fn span(&self) -> Vec<usize> {
        let Span { left, top, width, height } = self.rows.span();
        vec![left, top, width, height]
    }

    /// Pushes that part of the next rows as RGBA bytes, any number at once.
    pub fn push(&mut self, rgba: &[u8]) -> Result<()> {
        self.rows.push_span_rgba(rgba)
    }

    /// The network's crop of the picture, as RGB bytes, once all rows are pushed.
    pub fn finish(self) -> Result<Uint8Array> {
        Ok(Uint8Array::from(self.rows.finish()?.rgb()))
    }
}

impl Rows {
    fn of(width: usize, height: usize, orientation: u8, resolution: usize, view: View) -> Result<Rows> {
        Config { resolution, ..Config::cifar() }.validate()?;
        let orientation = Orientation::from_exif(orientation);
        Ok(Rows { rows: RowResampler::new(width, height, orientation, view, resolution)? })
    }

    /// The picture, and the same normalised for the network of `config`: (1, R, R, 3).
    pub(super) fn preprocess(self, config: &Config) -> Result<(Image, Array4<f32>)> {
        let Config { mean, std, resolution, .. } = *config;
        let picture = self.rows.finish()?;
        if picture.width() != resolution {
            let found = picture.width();
            return Err(Error::Argument(format!(
                "the picture was resized to {found} pixels; the network expects {resolution}"
            )));
        }
        let input = picture.normalized(mean, std);
        Ok((picture, input))
    }
}

/// An image as RGBA bytes.
pub(super) fn rgba(image: &Image) -> Uint8Array {
    let rgba: Vec<u8> = image.rgb().chunks_exact(3).flat_map(|rgb| [rgb[0], rgb[1], rgb[2], 255]).collect();
    Uint8Array::from(rgba.as_slice())
}

/// Feature maps, (C, S, S).
pub(super) fn maps_object(maps: &Array3<f32>) -> JsFeatureMaps {
    let (channels, size, _) = maps.dim();
    let values = float32_array(maps).into();
    object([("channels", channels.into()), ("size", size.into()), ("values", values)]).unchecked_into()
}
