//! ONNX models: `onnx.checker` accepts them, and onnxruntime computes our logits.
//!
//! Needs `python3` with onnx, onnxruntime and safetensors (or another Python in `PYTHON`).
#![cfg(not(target_arch = "wasm32"))]

mod python;

use std::path::{Path, PathBuf};
use std::process::Command;

use mobilenetv2::arch::{Activation, Architecture, Config, Padding, Shortcut, Weights};
use mobilenetv2::infer::Classifier;
use mobilenetv2::weights::{Container, to_onnx};
use ndarray::Array4;
use safetensors::Dtype;
use safetensors::tensor::TensorView;

/// Both strides at odd and even sizes, both paddings and activations, every kind of shortcut, every architecture.
fn configs() -> [Config; 8] {
    let cifar = Config { width: 0.35, activation: Activation::Relu, ..Config::cifar() };
    [
        Config { classes: 7, ..Config::imagenet() },
        Config { width: 0.35, resolution: 96, padding: Padding::Same, epsilon: 1e-3, ..Config::imagenet() },
        Config { width: 0.35, resolution: 75, padding: Padding::Same, ..Config::imagenet() },
        Config { shortcut: Shortcut::Projected, expand_first: true, ..cifar.clone() },
        Config { shortcut: Shortcut::None, expansion: 1, resolution: 33, ..cifar.clone() },
        Config { shortcut: Shortcut::Expansions, ..cifar.clone() },
        Config { architecture: Architecture::MobilenetV1, resolution: 33, ..cifar.clone() },
        Config { architecture: Architecture::Plain, padding: Padding::Same, ..cifar },
    ]
}

#[test]
fn onnxruntime_gives_our_logits() {
    let Some(python) = python::with("onnx, onnxruntime, safetensors") else { return };
    for (index, config) in configs().into_iter().enumerate() {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("onnx-{index}"));
        std::fs::create_dir_all(&folder).unwrap();
        let [model, images, logits] = ["model.onnx", "images", "logits"].map(|name| folder.join(name));

        let mut rng = fastrand::Rng::with_seed(index as u64);
        let mut weights = Weights::random(config.clone(), 3);
        weights.labels = (0..config.classes).map(|class| format!("뭐 \"{class}\"")).collect();
        weights.statistics.iter_mut().for_each(|value| *value += 0.5 * rng.f32());
        std::fs::write(&model, to_onnx(&weights)).unwrap();
        // three images, a batch size that no part of the model could be specialised for
        let side = config.resolution;
        let input: Vec<f32> = (0..3 * side * side * 3).map(|_| 4.0 * rng.f32() - 2.0).collect();
        let bytes: Vec<u8> = input.iter().flat_map(|value| value.to_le_bytes()).collect();
        let view = TensorView::new(Dtype::F32, vec![3, side, side, 3], &bytes).unwrap();
        std::fs::write(&images, safetensors::serialize([("images", view)], None).unwrap()).unwrap();

        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/run_onnx.py");
        let output = Command::new(&python).arg(script).args([&model, &images, &logits]).output().unwrap();
        assert!(output.status.success(), "{config:?}: {}", String::from_utf8_lossy(&output.stderr));

        let input = Array4::from_shape_vec((3, side, side, 3), input).unwrap();
        let found = Classifier::new(&weights).unwrap().forward(input.view()).unwrap();
        let bytes = std::fs::read(&logits).unwrap();
        let file = Container::parse(&bytes).unwrap();
        let expected = file.floats("logits").unwrap();
        let scale = expected.iter().fold(0f32, |scale, value| scale.max(value.abs()));
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-4 * scale, "{config:?}: {found}; expected {expected}");
        }
        let metadata =
            |key| file.metadata().find(|(found, _)| *found == key).map(|(_, text)| text.to_string());
        assert_eq!(metadata("resolution"), Some(side.to_string()));
        assert_eq!(metadata("labels"), Some(serde_json::to_string(&weights.labels).unwrap()));
    }
}
