//! `examples/continue_in_pytorch.py`: two processes continue training a network of ours, which then loads back and
//! performs as well here.
//!
//! Needs `python3` with torch, torchvision, safetensors and Pillow (or another Python in `PYTHON`). Alone:
//! `cargo test --test pytorch`.
#![cfg(not(target_arch = "wasm32"))]

mod python;

use std::fs;
use std::path::Path;
use std::process::Command;

use mobilenetv2::arch::json::settings;
use mobilenetv2::arch::{Activation, Config, Padding, Stem, Weights};
use mobilenetv2::data::{Dataset, cifar10, shapes};
use mobilenetv2::evaluate::evaluate;
use mobilenetv2::infer::Classifier;
use mobilenetv2::train::{Recipe, Trainer};
use mobilenetv2::weights::{self, PartialConfig, Precision};
use ndarray::ArrayView3;
use serde_json::{Value, json};

/// Drawings as CIFAR-10 records: a label, then the pixels colour by colour.
fn records(data: &Dataset) -> Vec<u8> {
    let record = |(image, label): (ArrayView3<u8>, &u32)| {
        let planes = image.permuted_axes([2, 0, 1]);
        std::iter::once(*label as u8).chain(planes.iter().copied()).collect::<Vec<u8>>()
    };
    data.images.outer_iter().zip(&data.labels).flat_map(record).collect()
}

/// What `examples/continue_in_pytorch.py` imports.
const MODULES: &str = "PIL, safetensors, torch, torchvision";

/// Trains on the records in a folder and returns the printed lines of JSON.
fn torchrun(python: &str, processes: &str, folder: &Path, epochs: &str) -> Vec<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/continue_in_pytorch.py");
    let output = Command::new(python)
        .args(["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", processes])
        .arg(script)
        .args(["--weights", "before", "--recipe", "recipe.json", "--out", "after", "--data", "."])
        .args(["--epochs", epochs])
        .current_dir(folder)
        .env("OMP_NUM_THREADS", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[test]
fn a_training_continues_in_two_processes_and_comes_back() {
    let Some(python) = python::with(MODULES) else { return };
    let cifar = Config { width: 0.35, ..Config::cifar() };
    let imagenet = Config {
        width: 0.35,
        classes: 10,
        resolution: 64,
        stem: Stem::Imagenet,
        padding: Padding::Same,
        activation: Activation::Relu,
        epsilon: 1e-3,
        ..Config::imagenet()
    };
    let modern = json!({
        "batch": 32, "optimizer": "nesterov", "learning_rate": 0.05, "schedule": "cosine", "warmup": 0.5,
        "weight_decay": 3e-4, "decay_norms": false, "label_smoothing": 0.1, "crop_padding": 2, "sizes": [28, 32, 40], "cutout": 8,
    });
    let paper = json!({"batch": 32, "optimizer": "rmsprop", "learning_rate": 0.005, "crop_padding": 0});
    for (name, config, recipe) in [("cifar", cifar, modern), ("imagenet", imagenet, paper)] {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("pytorch-{name}"));
        fs::create_dir_all(&folder).unwrap();
        let file = |name: &str| folder.join(name);
        let train = shapes::dataset(1, 0, 640, cifar10::SIZE);
        let test = shapes::dataset(2, 0, 100, cifar10::SIZE);
        fs::write(file("data_batch_1.bin"), records(&train)).unwrap();
        fs::write(file("test_batch.bin"), records(&test)).unwrap();
        fs::write(file("recipe.json"), recipe.to_string()).unwrap();
        let mut before = Weights::random(config, 1);
        before.labels = train.names.clone();
        fs::write(file("before"), weights::save(&before, Precision::Full)).unwrap();

        let lines = torchrun(&python, "2", &folder, "4");
        let losses: Vec<f64> = lines.iter().filter_map(|line| line["loss"].as_f64()).collect();
        assert_eq!(losses.len(), 80, "{name}");
        // A network for photos learns nothing from drawings in so few steps; it only tests the round trip.
        let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
        let (first, last) = (mean(&losses[..10]), mean(&losses[70..]));
        assert!(name == "imagenet" || last < first - 0.05, "{name}: from {first} to {last}");

        let after = weights::load(&fs::read(file("after")).unwrap(), &PartialConfig::new()).unwrap();
        assert_eq!((&after.config, &after.labels), (&before.config, &before.labels), "{name}");
        let mut classifier = Classifier::new(&after).unwrap();
        let found = evaluate(&mut classifier, test.images.view(), test.labels.view()).unwrap();
        let theirs = &lines.last().unwrap()["held_out"];
        let loss = theirs["loss"].as_f64().unwrap();
        assert_eq!(theirs["total"], 100, "{name}");
        // Resized pictures may differ by one rounding of their bytes.
        assert!((f64::from(found.loss) - loss).abs() < 2e-2 * loss, "{name}: {}, there {loss}", found.loss);
        let correct = theirs["correct"].as_f64().unwrap();
        assert!((found.correct as f64 - correct).abs() <= 2.0, "{name}: {}, there {correct}", found.correct);
    }
}

#[test]
fn steps_match_ours() {
    let Some(python) = python::with(MODULES) else { return };
    // No randomness, and a batch of all images, so that their order does not matter. Two processes normalise by the
    // statistics of their halves, which equal those of the whole if all images are the same.
    let different = shapes::dataset(1, 0, 40, cifar10::SIZE);
    let one = shapes::dataset(1, 0, 1, cifar10::SIZE);
    let (images, labels) = one.gather(&[0; 40]);
    let same = Dataset { images, labels, ..one };
    for (processes, data) in [("1", different), ("2", same)] {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("pytorch-steps-{processes}"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("data_batch_1.bin"), records(&data)).unwrap();
        fs::write(folder.join("test_batch.bin"), records(&data)).unwrap();
        let recipe = json!({
            "batch": 40, "learning_rate": 0.02, "schedule": "cosine", "warmup": 2, "decay_until": 5,
            "optimizer": "nesterov", "weight_decay": 0.01, "decay_norms": false, "label_smoothing": 0.1,
            "crop_padding": 0, "flip": false, "average": 0.7,
        });
        fs::write(folder.join("recipe.json"), recipe.to_string()).unwrap();
        let activation = Activation::Linear; // kinks would amplify rounding
        let before = Weights::random(Config { width: 0.35, epsilon: 0.1, activation, ..Config::cifar() }, 1);
        fs::write(folder.join("before"), weights::save(&before, Precision::Full)).unwrap();
        let lines = torchrun(&python, processes, &folder, "4");
        let theirs: Vec<f64> = lines.iter().filter_map(|line| line["loss"].as_f64()).collect();

        let recipe: Recipe = settings(recipe.as_object().unwrap()).unwrap();
        let mut trainer = Trainer::new(before, recipe, 40).unwrap();
        let ours: Vec<f64> = (0..4)
            .map(|_| f64::from(trainer.step(data.images.view(), data.labels.view()).unwrap().loss))
            .collect();
        assert_eq!(theirs.len(), 4);
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert!((ours - theirs).abs() < 1e-5 * theirs, "{processes}: {ours}; there {theirs}");
        }
        let after = weights::load(&fs::read(folder.join("after")).unwrap(), &PartialConfig::new()).unwrap();
        for (ours, theirs) in trainer.weights().values.iter().zip(&after.values) {
            assert!((ours - theirs).abs() < 1e-4, "averaged, {processes}: {ours}; there {theirs}");
        }
    }
}
