//! Weights to torchvision and back: `strict=True` accepts ours, we accept theirs, and both compute the same.
//!
//! Needs `python3` with torch, torchvision and safetensors (or another Python in `PYTHON`).
#![cfg(not(target_arch = "wasm32"))]

mod python;

use std::path::{Path, PathBuf};
use std::process::Command;

use mobilenetv2::arch::{Activation, Config, Padding, Shortcut, Weights};
use mobilenetv2::infer::Classifier;
use mobilenetv2::weights::{self, Container, PartialConfig, Precision};
use ndarray::ArrayD;

#[test]
fn there_and_back() {
    let Some(python) = python::with("torch, torchvision, safetensors") else { return };
    for (width, classes, precision) in [(0.35, 10, Precision::Full), (1.4, 3, Precision::Half)] {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("torchvision-{width}"));
        std::fs::create_dir_all(&folder).unwrap();
        let file = |name: &str| folder.join(name);
        let (ours, theirs, logits) = (file("ours"), file("theirs"), file("logits"));

        let config = Config { width, classes, resolution: 64, ..Config::imagenet() };
        let weights = Weights::random(config, 5);
        std::fs::write(&ours, weights::save(&weights, precision)).unwrap();
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/exchange.py");
        let mut python = Command::new(&python);
        python.arg(script).arg(&ours).arg(width.to_string()).arg(classes.to_string());
        let output = python.arg(&theirs).arg(&logits).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

        let bytes = std::fs::read(&logits).unwrap();
        let expected = Container::parse(&bytes).unwrap();
        let images = expected.floats("images").unwrap();
        for (name, path) in [("ours", &ours), ("theirs", &theirs)] {
            let weights = weights::load(&std::fs::read(path).unwrap(), &PartialConfig::new()).unwrap();
            assert_eq!((weights.config.width, weights.config.classes), (width, classes));
            let expected = expected.floats(name).unwrap();
            assert_logits(&format!("width {width}, {name}"), &weights, 64, &images, &expected);
        }
    }
}

fn assert_logits(
    what: &str,
    weights: &Weights,
    resolution: usize,
    images: &ArrayD<f32>,
    expected: &ArrayD<f32>,
) {
    let mut classifier = Classifier::new(weights).unwrap();
    classifier.set_resolution(resolution).unwrap();
    let found = classifier.forward(images.view().into_dimensionality().unwrap()).unwrap();
    assert_eq!(found.shape(), expected.shape());
    let scale = expected.iter().fold(0f32, |scale, value| scale.max(value.abs()));
    for (found, expected) in found.iter().zip(expected) {
        let error = (found - expected).abs() / scale;
        assert!(error < 1e-4, "{what}: {found}; expected {expected}");
    }
}

/// Networks that their tensors alone do not describe.
fn unlike_torchvisions() -> Vec<(&'static str, Weights)> {
    let drawn = |config: Config| {
        let mut weights = Weights::random(Config { classes: 10, ..config }, 3);
        let mut rng = fastrand::Rng::with_seed(4);
        weights.statistics.fill_with(|| 0.5 + rng.f32());
        weights
    };
    let cifar = || Config { width: 0.35, ..Config::cifar() };
    let google = Config {
        width: 0.1,
        resolution: 48,
        padding: Padding::Same,
        epsilon: 1e-2,
        activation: Activation::Relu,
        expansion: 3,
        ..Config::imagenet()
    };
    let kuangliu =
        Config { shortcut: Shortcut::Projected, expand_first: true, activation: Activation::Relu, ..cifar() };
    let plain = Config {
        shortcut: Shortcut::None,
        bottleneck: Activation::Relu6,
        activation: Activation::Linear,
        expansion: 1,
        ..cifar()
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("www/weights/cifar10-0.35.safetensors");
    let shipped = weights::load(&std::fs::read(path).unwrap(), &PartialConfig::new()).unwrap();
    vec![
        ("shipped", shipped),
        ("cifar", drawn(cifar())),
        ("google", drawn(google)),
        ("kuangliu", drawn(kuangliu)),
        ("plain", drawn(plain)),
    ]
}

#[test]
fn the_readmes_example_gives_our_logits() {
    let Some(python) = python::with("torch, torchvision, safetensors") else { return };
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let networks = unlike_torchvisions();
    let folder = |name: &str| Path::new(env!("CARGO_TARGET_TMPDIR")).join("torchvision-readme").join(name);
    for (name, weights) in &networks {
        std::fs::create_dir_all(folder(name)).unwrap();
        let bytes = weights::save(weights, Precision::Full);
        std::fs::write(folder(name).join("w.safetensors"), bytes).unwrap();
    }
    let output = Command::new(python)
        .arg(manifest.join("tests/golden/readme.py"))
        .arg(manifest.join("README.md"))
        .args(networks.iter().map(|(name, _)| folder(name)))
        .env("PYTHONPATH", manifest.join("examples"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for (name, weights) in &networks {
        let bytes = std::fs::read(folder(name).join("logits")).unwrap();
        let logits = Container::parse(&bytes).unwrap();
        let [images, expected] = ["images", "logits"].map(|tensor| logits.floats(tensor).unwrap());
        assert_logits(name, weights, weights.config.resolution, &images, &expected);
        let bytes = std::fs::read(folder(name).join("theirs.safetensors")).unwrap();
        assert_eq!(&weights::load(&bytes, &PartialConfig::new()).unwrap(), weights, "{name}, and back");
    }
}
