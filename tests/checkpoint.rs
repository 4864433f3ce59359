//! A saved and loaded training continues bit for bit.

mod parts;

use mobilenetv2::arch::{Config, FEATURES, Weights};
use mobilenetv2::train::{Optimizer, Recipe, Step, Trainer, checkpoint};
use mobilenetv2::weights::{self, PartialConfig, Precision};
use ndarray::{Array1, Array4};
use parts::File;

fn trainer(optimizer: Optimizer, freeze: usize, average: f32) -> Trainer {
    // All randomness is on: dropout, crop, flip, sizes, cutout.
    let config = Config { width: 0.1, resolution: 16, classes: 4, dropout: 0.2, ..Config::cifar() };
    let recipe = Recipe {
        batch: 6,
        optimizer,
        warmup: 0.5,
        sizes: vec![16, 24],
        cutout: 4,
        freeze,
        average,
        ..Recipe::default()
    };
    let mut weights = Weights::random(config, 3);
    weights.labels = ["a", "b", "c", "d"].map(String::from).into();
    Trainer::new(weights, recipe, 30).unwrap()
}

/// Steps on different batches.
fn steps(trainer: &mut Trainer, count: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    for _ in 0..count {
        let mut rng = fastrand::Rng::with_seed(trainer.state().step);
        let images = Array4::from_shape_simple_fn((6, 20, 20, 3), || rng.u8(..));
        let labels = Array1::from_shape_simple_fn(6, || rng.u32(..4));
        steps.push(trainer.step(images.view(), labels.view()).unwrap());
    }
    steps
}

#[test]
fn continues_bit_for_bit() {
    let cases = [
        (Optimizer::Sgd, 0, 0.0),
        (Optimizer::Nesterov, 16, 0.9),
        (Optimizer::RmsProp, 0, 0.99),
        (Optimizer::Sgd, FEATURES, 0.0),
        (Optimizer::Sgd, FEATURES, 0.9),
    ];
    for (optimizer, freeze, average) in cases {
        let mut trainer = trainer(optimizer, freeze, average);
        steps(&mut trainer, 3);
        let mut resumed = checkpoint::load(&checkpoint::save(&trainer).unwrap()).unwrap();
        assert_eq!(resumed.state(), trainer.state());
        assert_eq!(steps(&mut resumed, 4), steps(&mut trainer, 4), "{optimizer:?}");
        assert_eq!(resumed.weights(), trainer.weights());
        assert_eq!(resumed.latest_weights(), trainer.latest_weights());
        assert_eq!(resumed.state(), trainer.state());
        assert_eq!(resumed.recipe(), trainer.recipe());
    }
}

#[test]
fn is_a_weights_file_too() {
    for average in [0.0, 0.9] {
        let mut trainer = trainer(Optimizer::RmsProp, 0, average);
        steps(&mut trainer, 1);
        let weights = weights::load(&checkpoint::save(&trainer).unwrap(), &PartialConfig::new()).unwrap();
        assert_eq!(&weights, trainer.weights());
        assert_eq!(&weights == trainer.latest_weights(), average == 0.0);
    }
}

#[test]
fn other_files_are_reported() {
    let error = |bytes: &[u8]| checkpoint::load(bytes).err().unwrap().to_string();
    let trainer = trainer(Optimizer::Sgd, 0, 0.0);
    let bytes = weights::save(trainer.weights(), Precision::Full);
    assert_eq!(error(&bytes), "not a training checkpoint: recipe is missing from the metadata");
    assert!(error(b"").contains("empty"));
    let bytes = checkpoint::save(&trainer).unwrap();
    assert!(error(&bytes[..bytes.len() - 4]).contains("truncated"));
}

#[test]
fn impossible_states_are_refused() {
    let mut trainer = trainer(Optimizer::RmsProp, 0, 0.9);
    steps(&mut trainer, 2);
    let whole = || File::parse(&checkpoint::save(&trainer).unwrap());
    let error = |file: File| checkpoint::load(&file.bytes()).err().unwrap().to_string();
    checkpoint::load(&whole().bytes()).unwrap();

    let with = |tensor: &str, index, value| {
        let mut file = whole();
        file.set(tensor, index, value);
        error(file)
    };
    assert_eq!(
        with("optimizer.square", 5, -1e-3),
        "tensor optimizer.square has the value -0.001; a variance is not negative"
    );
    assert!(
        with("optimizer.momentum", 3, f32::NAN).contains("optimizer.momentum has the value NaN at index 3")
    );
    assert!(
        with("optimizer.latest.values", 0, f32::INFINITY)
            .contains("latest.values has the value inf at index 0")
    );
    // the stem's statistics: 8 means, then 8 variances
    assert!(
        with("optimizer.latest.statistics", 8, -2.0)
            .contains("latest.statistics has the value -2; a variance")
    );
    assert!(
        with("features.0.1.running_var", 1, -2.0)
            .contains("features.0.1.running_var has the value -2; a variance")
    );

    let said = |key: &str, text: &str| {
        let mut file = whole();
        file.metadata.insert(key.into(), text.into());
        error(file)
    };
    let most = u64::MAX.to_string();
    assert!(
        said("step", &most)
            .starts_with("step in the metadata is 18446744073709551615; expected a number from 0 to")
    );
    assert!(said("images", &most).contains("expected a number from 0 to 12"), "two steps of six images");
    assert!(said("images_per_epoch", &most).contains("expected a number from 1 to 4294967295"));
    assert!(said("images_per_epoch", "0").contains("images_per_epoch in the metadata is 0"));
    assert!(said("rng", "-1").contains("rng in the metadata is -1"));
    assert_eq!(said("recipe", "{\"batch\": 0}"), "recipe in the metadata: batch must be 1 to 4096, not 0");
    assert!(
        said("recipe", "{\"learning_rate\": null}")
            .starts_with("recipe in the metadata: learning_rate: invalid type")
    );
}
