//! Plain objects and errors that cross the border.

use js_sys::{Array, JSON, Object, Reflect};
use ndarray::ArrayView1;
use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::{JsConfig, JsStrings};
use crate::arch::setting::Settings;
use crate::arch::{Weights, json};
use crate::error::{Error, Result, gigabytes};
use crate::infer::top;
use crate::weights::{self, PartialConfig};

/// The network of a `.safetensors` file; `options` fill in what its metadata leave open.
pub(super) fn read_weights(bytes: &[u8], options: Option<JsConfig>) -> Result<Weights> {
    let options = options.map(|options| fields(options.into())).transpose()?;
    weights::load(bytes, &options.unwrap_or_default())
}

/// Reads an object whose fields are optional; an unknown field is an error.
pub(super) fn from_js<T: Settings>(value: JsValue) -> Result<T> {
    json::settings(&fields(value)?).map_err(Error::Argument)
}

/// The fields of an object, except those that are undefined.
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

/// Checks a field, [name, value], for numbers that JSON would turn into `null`, alone or in an array.
fn check_finite(field: &Array) -> Result<()> {
    let value = field.get(1);
    let values = if Array::is_array(&value) { Array::from(&value) } else { Array::of1(&value) };
    match values.iter().filter_map(|value| value.as_f64()).find(|number| !number.is_finite()) {
        None => Ok(()),
        Some(number) => {
            let name = field.get(0).as_string().unwrap_or_default();
            Err(Error::Argument(format!("{name}: expected a finite number, found {number}")))
        }
    }
}

pub(super) fn to_js<T: JsCast>(value: &impl Serialize) -> Result<T> {
    let text = serde_json::to_string(value).map_err(argument)?;
    Ok(JSON::parse(&text).expect("JSON just written").unchecked_into())
}

pub(super) fn strings(values: impl IntoIterator<Item = impl AsRef<str>>) -> JsStrings {
    let array: Array = values.into_iter().map(|value| JsValue::from_str(value.as_ref())).collect();
    array.unchecked_into()
}

/// The `k` most probable classes by an image's logits, best first, with their names where they have some.
pub(super) fn predictions(logits: ArrayView1<f32>, labels: &[String], k: usize) -> Array {
    let object = |class: usize, probability: f32| {
        let label = labels.get(class).map_or(JsValue::NULL, |label| label.into());
        object([("class", class.into()), ("label", label), ("probability", probability.into())])
    };
    top(logits, k).into_iter().map(|found| object(found.class, found.probability)).collect()
}

pub(super) fn object<const N: usize>(fields: [(&str, JsValue); N]) -> JsValue {
    let object = Object::new();
    assign(&object, fields);
    object.into()
}

/// Sets fields of an object that nobody else holds yet, which cannot fail.
fn assign<const N: usize>(object: &Object, fields: [(&str, JsValue); N]) {
    for (name, value) in fields {
        let _ = Reflect::set(object, &name.into(), &value);
    }
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
