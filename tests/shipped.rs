//! The shipped CIFAR-10 weights classify every test image as the manifest says: the first 1,000, or all 10,000 if the
//! environment variable ALL_IMAGES is set. `tests/browser/shipped.test.js` tests the same in a browser.
#![cfg(feature = "cli")]

mod data;

use std::fs;
use std::path::Path;

use mobilenetv2::arch::Config;
use mobilenetv2::data::load_test;
use mobilenetv2::evaluate::evaluate;
use mobilenetv2::infer::Classifier;
use mobilenetv2::weights::{self, PartialConfig};
use ndarray::s;
use serde_json::Value;

const FEW: usize = 1000;

#[test]
fn shipped_weights_reach_the_manifests_accuracy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let Some(folder) = data::shared("cifar-10") else { return };
    let all = std::env::var_os("ALL_IMAGES").is_some();
    let test = load_test(&folder, &Config::cifar()).unwrap();
    let count = if all { test.len() } else { FEW };

    let manifest = fs::read(root.join("www/weights/manifest.json")).unwrap();
    let entries: Vec<Value> = serde_json::from_slice(&manifest).unwrap();
    let ours: Vec<&Value> = entries.iter().filter(|entry| entry["training"].is_object()).collect();
    assert!(!ours.is_empty());
    for entry in ours {
        let id = entry["id"].as_str().unwrap();
        let stored = fs::read_to_string(root.join(format!("tests/golden/shipped/{id}.txt"))).unwrap();
        let expected: Vec<u32> = stored.lines().map(|class| class.parse().unwrap()).collect();
        let right = expected.iter().zip(&test.labels).filter(|(class, label)| class == label).count();
        let resolution = entry["resolution"].to_string();
        assert_eq!(right as f64 / test.len() as f64, entry["accuracy"][&resolution], "{id}");

        let file = fs::read(root.join("www/weights").join(entry["file"].as_str().unwrap())).unwrap();
        let mut classifier = Classifier::new(&weights::load(&file, &PartialConfig::new()).unwrap()).unwrap();
        let images = test.images.slice(s![..count, .., .., ..]);
        let found = evaluate(&mut classifier, images, test.labels.slice(s![..count])).unwrap();
        let differing: Vec<usize> = (0..count).filter(|i| found.predictions[*i] != expected[*i]).collect();
        assert!(differing.is_empty(), "{id}: different classes for the images {differing:?}");
    }
}
