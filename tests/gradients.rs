//! Gradients against central differences on small networks: in every tensor along a random direction, and in all of
//! them along the gradient itself.

use mobilenetv2::arch::{
    Activation, Architecture, Config, FEATURES, Padding, Role, Shortcut, Stem, Weights, tensors,
};
use mobilenetv2::train::{Recipe, Trainer};
use ndarray::{Array1, Array4};
use rayon::prelude::*;

const IMAGES: usize = 6;

struct Case {
    trainer: Trainer,
    weights: Weights,
    images: Array4<f32>,
    labels: Array1<u32>,
}

impl Case {
    fn new(config: Config, seed: u64) -> Self {
        Case::frozen(config, seed, 0)
    }

    /// A network whose first `freeze` modules are frozen.
    fn frozen(config: Config, seed: u64, freeze: usize) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut weights = Weights::random(config.clone(), seed);
        let layers = config.layers();
        // Away from γ = 1 and β = 0, and with logits large enough to matter.
        for tensor in tensors(&layers).into_iter().filter(|tensor| tensor.role.trainable()) {
            for value in &mut weights.values[tensor.span] {
                match tensor.role {
                    Role::Gamma => *value = 0.5 + rng.f32(),
                    Role::Beta | Role::Bias => *value = rng.f32() - 0.5,
                    _ if tensor.layer + 1 == layers.len() => *value *= 3.0,
                    _ => {}
                }
            }
        }
        let shape = (IMAGES, config.resolution, config.resolution, 3);
        // At rate 0 a step leaves the weights alone and only computes loss and gradients.
        let recipe = Recipe { batch: IMAGES, learning_rate: 0.0, label_smoothing: 0.1, ..Recipe::default() };
        let images = Array4::from_shape_simple_fn(shape, || rng.f32() * 2.0 - 1.0);
        let labels = Array1::from_shape_simple_fn(IMAGES, || rng.u32(..config.classes as u32));
        if freeze > 0 {
            // Running averages that match the weights, as in a trained network.
            let mut trainer = Trainer::new(weights, recipe.clone(), 1).unwrap();
            for _ in 0..40 {
                trainer.step_tensor(images.view(), labels.view()).unwrap();
            }
            weights = trainer.weights().clone();
        }
        let trainer = Trainer::new(weights.clone(), Recipe { freeze, ..recipe }, 1).unwrap();
        Case { trainer, weights, images, labels }
    }

    fn loss(&mut self, values: Vec<f32>) -> f64 {
        let state = self.trainer.state().clone();
        self.trainer.restore(Weights { values, ..self.weights.clone() }, state).unwrap();
        self.trainer.step_tensor(self.images.view(), self.labels.view()).unwrap().loss.into()
    }

    /// The derivative of the loss along `direction`, from four points: exact up to the fourth order.
    fn slope(&mut self, direction: &[(usize, f32)], step: f32) -> f64 {
        let mut moved = |steps: f32| {
            let mut values = self.weights.values.clone();
            direction.iter().for_each(|(index, amount)| values[*index] += steps * step * amount);
            self.loss(values)
        };
        (8.0 * (moved(1.0) - moved(-1.0)) - (moved(2.0) - moved(-2.0))) / f64::from(12.0 * step)
    }
}

/// Small networks of every form: both stems, hence both strides at odd and even sizes, both paddings, with and without
/// expansion, every kind of shortcut, and every architecture.
fn configs(activation: Activation) -> [Config; 10] {
    // A large ε keeps channels that an activation silenced from being divided by nearly nothing.
    let small = Config { width: 0.1, classes: 5, epsilon: 0.1, activation, ..Config::cifar() };
    let projected = Config { expansion: 2, width: 0.35, shortcut: Shortcut::Projected, ..small.clone() };
    let expansions = Config { shortcut: Shortcut::Expansions, expansion: 3, ..small.clone() };
    let [v1, plain] = [Architecture::MobilenetV1, Architecture::Plain]
        .map(|architecture| Config { architecture, ..small.clone() });
    [
        Config { resolution: 15, ..small.clone() },
        Config { resolution: 25, stem: Stem::Imagenet, padding: Padding::Same, ..small.clone() },
        Config { resolution: 24, stem: Stem::Imagenet, padding: Padding::Same, ..small.clone() },
        Config { resolution: 9, expansion: 1, width: 0.35, shortcut: Shortcut::None, ..small.clone() },
        Config { resolution: 10, ..projected.clone() },
        Config { resolution: 13, expand_first: true, ..projected },
        Config { resolution: 14, ..expansions },
        Config { resolution: 17, ..v1 },
        Config { resolution: 15, ..plain.clone() },
        Config { resolution: 36, stem: Stem::Imagenet, padding: Padding::Same, ..plain },
    ]
}

#[test]
fn of_every_tensor() {
    // Without activations the network is smooth, so that differences approximate derivatives well.
    configs(Activation::Linear)
        .into_par_iter()
        .enumerate()
        .for_each(|(seed, config)| of_every_tensor_that_learns(config, seed as u64, 0));
}

#[test]
fn of_modules_behind_frozen_ones() {
    let [whole, strided, _, _, _, _, expansions, v1, plain, _] = configs(Activation::Linear);
    for freeze in [1, 9, FEATURES - 1, FEATURES] {
        of_every_tensor_that_learns(whole.clone(), 7, freeze);
    }
    of_every_tensor_that_learns(strided, 8, 3);
    // A MobileNetV1 has fewer modules: the last of these leaves it the classifier alone.
    for (config, freeze) in [(expansions, 5), (plain, 4), (v1.clone(), 6), (v1, FEATURES - 2)] {
        of_every_tensor_that_learns(config, 9, freeze);
    }
}

fn of_every_tensor_that_learns(config: Config, seed: u64, freeze: usize) {
    let mut case = Case::frozen(config.clone(), seed, freeze);
    case.loss(case.weights.values.clone());
    let gradients = case.trainer.gradients().to_vec();
    let layers = config.layers();
    let mut rng = fastrand::Rng::with_seed(seed);
    for tensor in tensors(&config.layers()).into_iter().filter(|tensor| tensor.role.trainable()) {
        if layers[tensor.layer].module() < freeze {
            let none = gradients[tensor.span.clone()].iter().all(|gradient| *gradient == 0.0);
            assert!(none, "{freeze} {tensor:?}: frozen tensors must have no gradient");
            continue;
        }
        // All of the tensor at once, each value by a different amount, so that none is missed.
        let mut direction: Vec<_> = tensor.span.clone().map(|index| (index, rng.f32() - 0.5)).collect();
        let length = direction.iter().map(|(_, amount)| amount * amount).sum::<f32>().sqrt();
        direction.iter_mut().for_each(|(_, amount)| *amount /= length);
        let along = |(index, amount): &(usize, f32)| f64::from(gradients[*index]) * f64::from(*amount);
        let found: f64 = direction.iter().map(along).sum();
        // A step that moves the loss by about 0.01: a larger one meets more kinks, a smaller one drowns in rounding.
        let step = (0.01 / found.abs()).clamp(1e-3, 0.03);
        let numeric = case.slope(&direction, step as f32);
        let tolerance = 1e-6 / step + 0.01 * numeric.abs();
        assert!(
            (found - numeric).abs() < tolerance,
            "{config:?}, freeze {freeze}, {tensor:?}: {found}, {numeric}"
        );
    }
}

#[test]
fn along_themselves_with_activations() {
    // A clamp has kinks, which average out when all values move at once.
    for activation in [Activation::Relu6, Activation::Relu] {
        for (seed, config) in configs(activation).into_iter().enumerate() {
            for bottleneck in [Activation::Linear, activation] {
                let config = Config { bottleneck, ..config.clone() };
                if config.validate().is_err() {
                    continue; // a projected shortcut with a bottleneck that is not linear
                }
                let mut case = Case::new(config.clone(), 20 + seed as u64);
                case.loss(case.weights.values.clone());
                let direction: Vec<_> = case.trainer.gradients().iter().copied().enumerate().collect();
                let square: f64 = direction.iter().map(|(_, g)| f64::from(*g) * f64::from(*g)).sum();
                let numeric = case.slope(&direction, 2e-4 / square as f32);
                assert!((square - numeric).abs() < 0.06 * square, "{config:?}: {square}, {numeric}");
            }
        }
    }
}
