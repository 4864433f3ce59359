//! Pictures in, classes and feature maps out.

use js_sys::Uint8Array;
use ndarray::{Array4, Axis};
use serde::Deserialize;
use wasm_bindgen::prelude::*;

use super::arrays::float32_array;
use super::clock::{now, seconds};
use super::objects::{from_js, object, predictions, read_weights, strings, to_js};
use super::{JsConfig, JsFeatureMaps, JsProfile, JsResult, JsStrings, JsView};
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

    /// Sets the share of a picture's centre that is cropped, 0.1 – 1.
    pub fn set_crop(&mut self, crop: f32) -> Result<()> {
        self.classifier.set_crop(crop)
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
        let maps = feature_maps(&mut self.classifier, input.index_axis(Axis(0), 0), block)?;
        let (channels, size, _) = maps.dim();
        Ok(object([
            ("channels", channels.into()),
            ("size", size.into()),
            ("values", float32_array(&maps).into()),
        ])
        .unchecked_into())
    }

    /// The crop of the last picture, as RGBA bytes at the network's resolution; empty before the first.
    pub fn crop(&self) -> Uint8Array {
        let rgb = self.seen.as_ref().map_or(&[][..], Image::rgb);
        let rgba: Vec<u8> = rgb.chunks_exact(3).flat_map(|rgb| [rgb[0], rgb[1], rgb[2], 255]).collect();
        Uint8Array::from(rgba.as_slice())
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
        Rows::of(rgba, width, height, crop, resolution)
    }

    /// Normalises a picture that is cropped and resized for the network: (1, R, R, 3).
    fn preprocess(&mut self, rows: Rows) -> Result<Array4<f32>> {
        let Config { mean, std, resolution, .. } = *self.classifier.config();
        let picture = rows.rows.finish()?;
        if picture.width() != resolution {
            let found = picture.width();
            return Err(Error::Argument(format!(
                "the picture was resized to {found} pixels; the network expects {resolution}"
            )));
        }
        Ok(self.seen.insert(picture).normalized(mean, std))
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

/// [`View`] as JavaScript says it: a share, pixels, or a colour of 0 – 1.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ViewFields {
    Center(f32),
    Box { x: f64, y: f64, width: f64, height: f64 },
    Bars([f32; 3]),
}

/// A picture that is pushed row by row from the top and becomes the network's input; it is never held whole.
#[wasm_bindgen]
pub struct Rows {
    rows: RowResampler,
}

#[wasm_bindgen]
impl Rows {
    /// For a picture stored as `width` × `height`: resizes what `view` shows of it to `resolution` (8 – 1024) pixels. Its EXIF
    /// orientation, 1 – 8, is given unless the rows are upright.
    #[wasm_bindgen(constructor)]
    pub fn new(
        width: usize,
        height: usize,
        view: JsView,
        resolution: usize,
        orientation: Option<u8>,
    ) -> Result<Rows> {
        let mut config = Config { resolution, ..Config::cifar() };
        let view = match from_js(view.into())? {
            ViewFields::Center(crop) => {
                config.crop = crop;
                View::Center(crop)
            }
            ViewFields::Box { x, y, width, height } => {
                View::Part(Area { left: x, top: y, right: x + width, bottom: y + height })
            }
            ViewFields::Bars(mean) => View::Bars(mean.map(|mean| (255.0 * mean).round() as u8)),
        };
        config.validate()?;
        let orientation = Orientation::from_exif(orientation.unwrap_or(1));
        Ok(Rows { rows: RowResampler::new(width, height, orientation, view, resolution)? })
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
    /// Crops and resizes a picture that is in memory as a whole.
    fn of(rgba: &[u8], width: usize, height: usize, crop: f32, resolution: usize) -> Result<Rows> {
        let mut rows = RowResampler::center_crop(width, height, Orientation::default(), crop, resolution)?;
        rows.push_rgba(rgba)?;
        Ok(Rows { rows })
    }
}
