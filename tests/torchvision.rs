//! Weights to torchvision and back: `strict=True` accepts ours, we accept theirs, and both compute the same.
//!
//! Needs `python3` with torch, torchvision and safetensors (or another Python in `PYTHON`).
#![cfg(not(target_arch = "wasm32"))]

mod python;

use std::path::{Path, PathBuf};
use std::process::Command;

use mobilenetv2::infer::Classifier;
use mobilenetv2::weights::{self, Container, PartialConfig, Precision};
use mobilenetv2::{Config, Weights};

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
            let mut classifier = Classifier::new(&weights).unwrap();
            classifier.set_resolution(64).unwrap();
            let mut found = Vec::new();
            classifier.forward(&images, &mut found);
            let expected = expected.floats(name).unwrap();
            let scale = expected.iter().fold(0f32, |scale, value| scale.max(value.abs()));
            for (found, expected) in found.iter().zip(&expected) {
                let error = (found - expected).abs() / scale;
                assert!(error < 1e-4, "width {width}, {name}: {found}; expected {expected}");
            }
            assert_eq!(found.len(), expected.len());
        }
    }
}
