//! A training that was saved and loaded goes on bit for bit.

use mobilenetv2::config::FEATURES;
use mobilenetv2::train::{Optimizer, Recipe, Step, Trainer};
use mobilenetv2::weights::{self, PartialConfig, Precision};
use mobilenetv2::{Config, Weights, checkpoint};

fn trainer(optimizer: Optimizer, freeze: usize, average: f32) -> Trainer {
    // Everything random is on: dropout, crop, flip, sizes, cut-out.
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

/// Steps on batches that differ from one to the next.
fn steps(trainer: &mut Trainer, count: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    for _ in 0..count {
        let mut rng = fastrand::Rng::with_seed(trainer.state().step);
        let images: Vec<u8> = std::iter::repeat_with(|| rng.u8(..)).take(6 * 20 * 20 * 3).collect();
        let labels: Vec<u32> = std::iter::repeat_with(|| rng.u32(..4)).take(6).collect();
        steps.push(trainer.step(&images, &labels).unwrap());
    }
    steps
}

#[test]
fn goes_on_bit_for_bit() {
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
fn what_is_no_checkpoint_is_named() {
    let error = |bytes: &[u8]| checkpoint::load(bytes).err().unwrap().to_string();
    let trainer = trainer(Optimizer::Sgd, 0, 0.0);
    let bytes = weights::save(trainer.weights(), Precision::Full);
    assert_eq!(error(&bytes), "this is no checkpoint of a training: its metadata have no recipe");
    assert!(error(b"").contains("empty"));
    let bytes = checkpoint::save(&trainer).unwrap();
    assert!(error(&bytes[..bytes.len() - 4]).contains("truncated"));
}
