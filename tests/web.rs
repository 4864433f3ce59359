//! Tests that need a browser: `cargo xtask test wasm` runs these with every wasm variant.
#![cfg(target_arch = "wasm32")]

use js_sys::{Object, Reflect, Uint32Array};
use mobilenetv2::arch::{Config, Weights};
use mobilenetv2::error::Error;
use mobilenetv2::infer::Convolution;
use mobilenetv2::wasm::{Classifier, Trainer, describe, draw_shapes, manifold, shape_names, variant};
use mobilenetv2::weights;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

fn object<T: JsCast>(fields: &[(&str, JsValue)]) -> T {
    let object = Object::new();
    for (name, value) in fields {
        Reflect::set(&object, &(*name).into(), value).unwrap();
    }
    JsValue::from(object).unchecked_into()
}

fn get(value: &JsValue, name: &str) -> JsValue {
    Reflect::get(value, &name.into()).unwrap()
}

fn number(value: &JsValue, name: &str) -> f64 {
    get(value, name).as_f64().unwrap_or_else(|| panic!("{name} is a number"))
}

fn small_network(resolution: u32) -> Vec<(&'static str, JsValue)> {
    let mean = js_sys::Array::of3(&0.5.into(), &0.5.into(), &0.5.into());
    vec![
        ("width", 0.35.into()),
        ("resolution", resolution.into()),
        ("classes", 10.into()),
        ("stem", "cifar".into()),
        ("dropout", 0.into()),
        ("crop", 1.into()),
        ("mean", mean.clone().into()),
        ("std", mean.into()),
    ]
}

fn message(error: Error) -> String {
    get(&JsValue::from(error), "message").as_string().unwrap()
}

#[wasm_bindgen_test]
fn the_variant_is_that_of_the_build() {
    let instructions = if cfg!(target_feature = "relaxed-simd") { "relaxed-simd" } else { "simd128" };
    let threads = if cfg!(target_feature = "atomics") { "-threads" } else { "" };
    assert_eq!(variant(), format!("{instructions}{threads}"));
}

#[wasm_bindgen_test]
fn describe_has_the_published_counts() {
    let description: JsValue = describe(object(&[("width", 1.into())])).unwrap().into();
    assert_eq!(number(&description, "parameters"), 3_504_872.0);
    assert!(get(&get(&get(&description, "layers"), "0"), "block").is_null());
}

#[wasm_bindgen_test]
fn a_misspelt_knob_is_named() {
    let error = message(describe(object(&[("widht", 1.into())])).err().unwrap());
    assert!(error.contains("widht"), "{error}");
}

#[wasm_bindgen_test]
fn classify_gives_labels_and_probabilities() {
    let mut weights = Weights::random(Config { width: 0.35, ..Config::cifar() }, 1);
    weights.labels = (0..10).map(|class| format!("thing {class}")).collect();
    let file = weights::save(&weights, weights::Precision::Half);
    let mut classifier = Classifier::new(&file, None).unwrap();
    classifier.set_resolution(48).unwrap();
    let picture = [100, 100, 100, 255].repeat(60 * 50);
    let result: JsValue = classifier.classify(&picture, 60, 50, 3).unwrap().into();
    let predictions: js_sys::Array = get(&result, "predictions").unchecked_into();
    assert_eq!(predictions.length(), 3);
    let best = predictions.get(0);
    let class = number(&best, "class");
    assert_eq!(get(&best, "label").as_string().unwrap(), format!("thing {class}"));
    assert!(number(&best, "probability") >= 0.1);
    assert_eq!(classifier.crop().to_vec(), [100, 100, 100, 255].repeat(48 * 48));
    let error = message(classifier.classify(&picture, 61, 50, 3).err().unwrap());
    assert!(error.contains("rows of 244 bytes"), "{error}");
}

#[wasm_bindgen_test]
fn training_learns_and_its_memory_does_not_grow() {
    let recipe = object(&[("batch", 16.into()), ("crop_padding", 0.into()), ("flip", false.into())]);
    let mut trainer = Trainer::new(object(&small_network(16)), recipe, 16).unwrap();
    let batch: JsValue = draw_shapes(1, 0, 16, 16).unwrap().into();
    let images = get(&batch, "images").unchecked_into::<js_sys::Uint8Array>().to_vec();
    let labels = get(&batch, "labels").unchecked_into::<Uint32Array>().to_vec();
    let mut step = || -> f64 {
        let step: JsValue = trainer.train_step(&images, &labels).unwrap().into();
        number(&step, "loss")
    };
    let first = step();
    let memory = || wasm_bindgen::memory().unchecked_into::<js_sys::WebAssembly::Memory>().buffer();
    let before = memory().unchecked_into::<js_sys::ArrayBuffer>().byte_length();
    let last = (0..40).map(|_| step()).last().unwrap();
    assert_eq!(memory().unchecked_into::<js_sys::ArrayBuffer>().byte_length(), before);
    assert!(first > 1.8 && last < 1.0, "from {first} to {last}");

    let snapshot = trainer.snapshot().unwrap();
    let again: JsValue = trainer.train_step(&images, &labels).unwrap().into();
    let mut restored = Trainer::from_snapshot(&snapshot).unwrap();
    let restored: JsValue = restored.train_step(&images, &labels).unwrap().into();
    assert_eq!(number(&again, "loss"), number(&restored, "loss"));

    let evaluation: JsValue = trainer.evaluate(&images, &labels).unwrap().into();
    assert_eq!(number(&evaluation, "total"), 16.0);
    assert_eq!(get(&evaluation, "predictions").unchecked_into::<Uint32Array>().length(), 16);
}

#[wasm_bindgen_test]
fn a_profile_has_a_time_for_each_operation() {
    let rows = |profile: JsValue| -> Vec<(String, String, f64)> {
        let text = |row: &JsValue, name| get(row, name).as_string().unwrap();
        let row = |row: JsValue| (text(&row, "layer"), text(&row, "operation"), number(&row, "seconds"));
        profile.unchecked_into::<js_sys::Array>().iter().map(row).collect()
    };
    let convolutions = |profile: &[(String, String, f64)], operation: &str| {
        profile.iter().filter(|(layer, done, _)| layer != "network" && done == operation).count()
    };
    let layers = Config::default().layers().len();

    let recipe = object(&[("batch", 4.into())]);
    let mut trainer = Trainer::new(object(&small_network(16)), recipe, 4).unwrap();
    assert!(rows(trainer.profile().unwrap().into()).is_empty(), "nothing was timed");
    trainer.watch();
    trainer.train_step(&[100; 4 * 16 * 16 * 3], &[0, 1, 2, 3]).unwrap();
    let profile = rows(trainer.profile().unwrap().into());
    assert_eq!(convolutions(&profile, "forward"), layers);
    assert_eq!(convolutions(&profile, "backward"), layers);
    assert!(profile.iter().all(|(.., seconds)| (0.0..10.0).contains(seconds)), "{profile:?}");

    let mut classifier = Classifier::new(&trainer.weights(false).unwrap(), None).ok().unwrap();
    classifier.watch();
    classifier.classify(&[100; 16 * 16 * 4], 16, 16, 1).unwrap();
    let profile = rows(classifier.profile().unwrap().into());
    assert_eq!(convolutions(&profile, "forward"), layers);
}

#[wasm_bindgen_test]
fn a_training_too_large_for_the_memory_is_an_error() {
    let config = object(&[("width", 1.4.into()), ("resolution", 224.into())]);
    let error = message(Trainer::new(config, object(&[("batch", 1024.into())]), 1024).err().unwrap());
    assert!(error.contains("1024 images of 224 × 224") && error.contains("GB"), "{error}");
}

/// The weights alone would exceed the largest possible memory.
#[wasm_bindgen_test]
fn a_network_too_large_for_the_memory_is_an_error() {
    let config = object(&[("width", 4.into()), ("classes", 100_000.into())]);
    let error = JsValue::from(Trainer::new(config, object(&[("batch", 1.into())]), 1).err().unwrap());
    assert_eq!(get(&error, "code").as_string().unwrap(), "no-memory");
    assert_eq!(get(&get(&error, "values"), "gigabytes").as_string().unwrap(), "6.6");
}

#[wasm_bindgen_test]
fn non_finite_numbers_are_named() {
    let error = |name, value: JsValue| message(describe(object(&[(name, value)])).err().unwrap());
    assert_eq!(error("width", f64::NAN.into()), "width: expected a finite number, found NaN");
    let mean = js_sys::Array::of3(&0.5.into(), &f64::INFINITY.into(), &0.5.into());
    assert_eq!(error("mean", mean.into()), "mean: expected a finite number, found inf");
    assert!(error("classes", JsValue::NULL).starts_with("classes: invalid type: null"));
}

#[wasm_bindgen_test]
fn errors_in_weights_have_a_code_and_values() {
    let weights = Weights::random(Config { width: 0.1, classes: 3, ..Config::cifar() }, 1);
    let file = weights::save(&weights, weights::Precision::Full);
    let length = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let header = std::str::from_utf8(&file[8..8 + length]).unwrap();
    let header = header.replacen("[3,1280]", "[1280,3]", 1);
    let file = [&file[..8], header.as_bytes(), &file[8 + length..]].concat();
    let error = JsValue::from(Classifier::new(&file, None).err().unwrap());
    assert_eq!(get(&error, "code").as_string().unwrap(), "weights-shape");
    let value = |name| get(&get(&error, "values"), name).as_string().unwrap();
    assert_eq!(["tensor", "found", "expected"].map(value), ["classifier.1.weight", "[1280, 3]", "[3, 1280]"]);
}

/// With a 32-bit `usize`, products of such numbers would wrap around.
#[wasm_bindgen_test]
fn more_images_than_memory_can_hold_are_an_error() {
    let recipe = |freeze: u32| object(&[("batch", 4.into()), ("freeze", freeze.into())]);
    let mut trainer = Trainer::new(object(&small_network(16)), recipe(19), 4).unwrap();
    let error = message(trainer.features(&[0; 8], 1_431_655_766).err().unwrap());
    assert_eq!(error, "images have the shape [8]; expected [1431655766, S, S, 3]");
    let mut trainer = Trainer::new(object(&small_network(16)), recipe(0), 4).unwrap();
    // an image with so many pixels that 64 of them overflow
    let evaluation: JsValue = trainer.evaluate(&vec![0; 3 * 4730 * 4730], &[1]).unwrap().into();
    assert_eq!(number(&evaluation, "total"), 1.0);
}

#[wasm_bindgen_test]
fn shapes_have_one_name_per_class() {
    let names: JsValue = shape_names().into();
    assert_eq!(number(&names, "length"), 10.0);
}

#[wasm_bindgen_test]
fn a_manifold_has_its_result_and_open_dimensions_for_each_point() {
    let found: JsValue = manifold(15, false, 1).unwrap().into();
    let length = |name| get(&found, name).unchecked_into::<js_sys::Float32Array>().length();
    let alive: Uint32Array = get(&found, "alive").unchecked_into();
    assert_eq!(alive.length(), length("curve") / 2);
    assert_eq!(length("returned"), length("curve"));
    assert_eq!(alive.get_index(0), 15, "all of them, without ReLU");
    let error = message(manifold(1, true, 1).err().unwrap());
    assert!(error.contains("2 to 64, not 1"), "{error}");
}

#[wasm_bindgen_test]
fn a_convolution_that_no_memory_holds_is_an_error() {
    let error = Convolution::new(false, 2048, 2048, 1024).err().expect("its maps take 25.8 GB");
    assert!(matches!(error, Error::Memory { bytes, .. } if bytes > 25_000_000_000), "{error}");
}
