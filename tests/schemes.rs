//! Files of other libraries: read by their names and conventions, they give those libraries' logits.
//!
//! `golden/schemes.py` writes them. Small ones are in `golden/schemes/`; the libraries' own sizes are tested if
//! `python3` (or another Python in `PYTHON`) has torch, torchvision, timm, transformers and safetensors.
#![cfg(not(target_arch = "wasm32"))]

mod python;

use std::path::Path;
use std::process::Command;

use mobilenetv2::arch::{Activation, Config, Padding, Shortcut, Stem, Weights};
use mobilenetv2::data::image::normalize;
use mobilenetv2::infer::Classifier;
use mobilenetv2::train::{Recipe, Trainer};
use mobilenetv2::weights::{self, Container, PartialConfig, Precision};
use ndarray::{Array4, ArrayD, aview1};

const SCHEMES: [&str; 4] = ["torchvision", "timm", "transformers", "pytorch-cifar"];

fn manifest() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn load(folder: &Path, name: &str, known: &PartialConfig) -> Weights {
    let bytes = std::fs::read(folder.join(format!("{name}.safetensors"))).unwrap();
    weights::load(&bytes, known).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A network's pictures, normalised by its own conventions, (N, R, R, 3), and the library's logits.
fn expected(folder: &Path, name: &str, config: &Config) -> (Array4<f32>, Vec<f32>) {
    let bytes = std::fs::read(folder.join(format!("{name}.logits.safetensors"))).unwrap();
    let file = Container::parse(&bytes).unwrap();
    let pixels = file.integers("images").unwrap().mapv(|value| value as u8);
    let mut images = ArrayD::zeros(pixels.shape());
    normalize(pixels.as_slice().unwrap(), config.mean, config.std, images.as_slice_mut().unwrap());
    (images.into_dimensionality().unwrap(), file.floats("logits").unwrap().into_iter().collect())
}

fn logits(weights: &Weights, images: &Array4<f32>) -> Vec<f32> {
    let mut classifier = Classifier::new(weights).unwrap();
    classifier.set_resolution(images.dim().1).unwrap();
    classifier.forward(images.view()).unwrap().into_iter().collect()
}

fn assert_close(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(0f32, |scale, value| scale.max(value.abs()));
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-4 * scale, "{what}: {found}; expected {expected}");
    }
}

#[test]
fn small_files_give_the_libraries_logits() {
    let folder = manifest().join("tests/golden/schemes");
    for name in SCHEMES {
        let weights = load(&folder, name, &PartialConfig::new());
        let (images, expected) = expected(&folder, name, &weights.config);
        assert_close(name, &logits(&weights, &images), &expected);

        // and again after a round trip through a file of ours
        let copy = weights::load(&weights::save(&weights, Precision::Full), &PartialConfig::new()).unwrap();
        assert_eq!(copy, weights, "{name}");
    }
}

#[test]
fn conventions_come_with_the_names() {
    let folder = manifest().join("tests/golden/schemes");
    let config = |name, known: &PartialConfig| load(&folder, name, known).config;
    let none = PartialConfig::new();
    let google = config("transformers", &none);
    assert_eq!((google.padding, google.epsilon, google.mean), (Padding::Same, 1e-3, [0.5; 3]));
    assert_eq!((google.expansion, google.classes), (2, 5));
    let cifar = config("pytorch-cifar", &none);
    assert_eq!((cifar.stem, cifar.activation), (Stem::Cifar, Activation::Relu));
    assert_eq!((cifar.shortcut, cifar.expand_first), (Shortcut::Projected, true));
    let known = serde_json::json!({"mean": [0.1, 0.2, 0.3], "resolution": 96});
    let google = config("transformers", known.as_object().unwrap());
    assert_eq!((google.mean, google.resolution, google.epsilon), ([0.1, 0.2, 0.3], 96, 1e-3));
}

#[test]
fn a_network_of_pytorch_cifar_learns() {
    let folder = manifest().join("tests/golden/schemes");
    let weights = load(&folder, "pytorch-cifar", &PartialConfig::new());
    let (images, ..) = expected(&folder, "pytorch-cifar", &weights.config);
    let recipe = Recipe { batch: 2, learning_rate: 0.01, ..Recipe::default() };
    let mut trainer = Trainer::new(weights, recipe, 2).unwrap();
    let mut step = || trainer.step_tensor(images.view(), aview1(&[3, 7])).unwrap().loss;
    let first = step();
    let last = (0..10).map(|_| step()).last().unwrap();
    assert!(last < 0.5 * first, "from {first} to {last}");
}

#[test]
fn the_libraries_own_files_give_their_logits() {
    let Some(python) = python::with("safetensors, timm, torch, torchvision, transformers") else {
        return;
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("schemes");
    std::fs::create_dir_all(&folder).unwrap();
    let script = manifest().join("tests/golden/schemes.py");
    let output = Command::new(python).arg(script).arg(&folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for name in SCHEMES {
        let weights = load(&folder, name, &PartialConfig::new());
        let (images, all) = expected(&folder, name, &weights.config);
        let found = logits(&weights, &images);
        // The first of Google's 1001 classes, the background, is left out unless it is asked for.
        let background = usize::from(name == "transformers");
        let classes = weights.config.classes + background;
        let expected: Vec<f32> =
            all.chunks(classes).flat_map(|logits| &logits[background..]).copied().collect();
        assert_close(name, &found, &expected);
        if background == 1 {
            let known = serde_json::json!({"classes": 1001});
            let weights = load(&folder, name, known.as_object().unwrap());
            assert_close("with background", &logits(&weights, &images), &all);
        }
    }
}
