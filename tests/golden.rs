//! Logits, losses, gradients and running averages, compared with PyTorch's on small networks.
//!
//! `golden/make.py` computed the values in 64-bit floats and describes the files. The tolerances are about ten times
//! the deviation of PyTorch's own 32-bit floats (`deviation_of_float32` in the JSON files).

use mobilenetv2::arch::{Config, Weights, tensors};
use mobilenetv2::infer::Classifier;
use mobilenetv2::train::{Optimizer, Recipe, Schedule, Trainer};
use mobilenetv2::weights::{self, Container, PartialConfig};
use ndarray::{Array1, Array4, ArrayD};
use serde::Deserialize;
use wasm_bindgen_test::wasm_bindgen_test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);

#[derive(Deserialize)]
struct Expected {
    label_smoothing: f32,
    logits: Vec<Vec<f64>>,
    sgd: Training,
    nesterov: Training,
    rmsprop: Training,
}

/// Ten steps with one optimiser.
#[derive(Deserialize)]
struct Training {
    losses: Vec<f64>,
    logits: Vec<Vec<f64>>,
}

/// A batch of one-colour pictures through the network of the case `cifar`; see `golden/batch_norm.py`.
#[derive(Deserialize)]
struct OneColour {
    colours: Vec<[u8; 3]>,
    /// For each tensor's gradient: its length, and its products with random directions of +1 and -1.
    gradients: Vec<Vec<f64>>,
    deviation_of_float32: f64,
}

#[derive(Deserialize)]
struct BatchNorm {
    one_colour: OneColour,
}

struct Case {
    name: &'static str,
    weights: Weights,
    gradients: Weights,
    /// (N, R, R, 3), normalised.
    images: Array4<f32>,
    labels: Array1<u32>,
    expected: Expected,
}

/// The files of a case, compiled into the test so that it runs in a browser too.
macro_rules! files {
    ($name:literal) => {
        [
            include_bytes!(concat!("golden/", $name, ".safetensors")) as &[u8],
            include_bytes!(concat!("golden/", $name, ".gradients.safetensors")),
            include_bytes!(concat!("golden/", $name, ".batch.safetensors")),
            include_bytes!(concat!("golden/", $name, ".json")),
        ]
    };
}

impl Case {
    fn new(name: &'static str, [weights, gradients, batch, expected]: [&[u8]; 4]) -> Self {
        let load = |bytes| weights::load(bytes, &PartialConfig::new()).unwrap();
        let weights = load(weights);
        let batch = Container::parse(batch).unwrap();
        let Config { mean, std, .. } = weights.config;
        let bytes = batch.integers("images").unwrap();
        let normalise = |(i, byte): (usize, &i64)| (*byte as f32 / 255.0 - mean[i % 3]) / std[i % 3];
        let images = bytes.iter().enumerate().map(normalise).collect();
        let images = ArrayD::from_shape_vec(bytes.shape(), images).unwrap();
        Case {
            name,
            gradients: load(gradients),
            images: images.into_dimensionality().unwrap(),
            labels: batch.integers("labels").unwrap().into_iter().map(|label| label as u32).collect(),
            expected: serde_json::from_slice(expected).unwrap(),
            weights,
        }
    }

    fn all() -> [Case; 7] {
        [
            Case::new("imagenet", files!("imagenet")),
            Case::new("cifar", files!("cifar")),
            Case::new("same", files!("same")),
            Case::new("wider", files!("wider")),
            Case::new("expansions", files!("expansions")),
            Case::new("v1", files!("v1")),
            Case::new("plain", files!("plain")),
        ]
    }

    fn trainer(&self, optimizer: Optimizer) -> Trainer {
        let recipe = Recipe {
            batch: self.labels.len(),
            optimizer,
            learning_rate: if optimizer == Optimizer::RmsProp { 1e-4 } else { 5e-4 },
            schedule: Schedule::Constant,
            rms_epsilon: 0.1,
            label_smoothing: self.expected.label_smoothing,
            ..Recipe::default()
        };
        Trainer::new(self.weights.clone(), recipe, self.labels.len()).unwrap()
    }

    fn logits(&self, weights: &Weights) -> Vec<f32> {
        let logits = Classifier::new(weights).unwrap().forward(self.images.view()).unwrap();
        logits.into_iter().collect()
    }

    /// Compares by the largest difference, relative to the largest expected magnitude or to `least`.
    fn check(&self, what: &str, found: &[f32], expected: &[f64], least: f64, tolerance: f64) {
        let name = self.name;
        assert_eq!(found.len(), expected.len(), "{name}: {what}: lengths");
        let scale = expected.iter().fold(least, |scale, value| scale.max(value.abs()));
        let differences = found.iter().zip(expected).map(|(f, e)| (f64::from(*f) - e).abs());
        let (index, worst) = differences.enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
        let relative = worst / scale;
        println!("{name}: {what}: off by {relative:.1e}");
        assert!(
            relative <= tolerance,
            "{name}: {what}: {} at index {index}; expected {}: off by {worst:.2e}, {relative:.2e} of the largest; \
             allowed {tolerance:.0e}",
            found[index],
            expected[index],
        );
    }
}

fn doubles(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}

#[wasm_bindgen_test(unsupported = test)]
fn logits() {
    for case in Case::all() {
        let found = case.logits(&case.weights);
        case.check("logits", &found, &case.expected.logits.concat(), 0.0, 1e-5);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn gradients_and_running_averages() {
    for case in Case::all() {
        let mut trainer = case.trainer(Optimizer::Sgd);
        let step = trainer.step_tensor(case.images.view(), case.labels.view()).unwrap();
        case.check("loss", &[step.loss], &case.expected.sgd.losses[..1], 0.0, 1e-5);

        // As in make.py: some gradients are zero except for rounding, so the largest of all is the yardstick.
        let gradients = &case.gradients.values;
        let least = 1e-2 * gradients.iter().fold(0f64, |largest, g| largest.max(f64::from(g.abs())));
        let layers = case.weights.config.layers();
        for tensor in tensors(&layers) {
            let kind = layers[tensor.layer].kind;
            let what = format!("layer {} ({kind:?}) {:?}", tensor.layer, tensor.role);
            let span = tensor.span;
            if tensor.role.trainable() {
                let found = &trainer.gradients()[span.clone()];
                case.check(&what, found, &doubles(&gradients[span]), least, 1e-4);
            } else {
                let found = &trainer.weights().statistics[span.clone()];
                case.check(&what, found, &doubles(&case.gradients.statistics[span]), 0.0, 1e-5);
            }
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn ten_losses() {
    for case in Case::all() {
        let Expected { sgd, nesterov, rmsprop, .. } = &case.expected;
        for (optimizer, training) in
            [(Optimizer::Sgd, sgd), (Optimizer::Nesterov, nesterov), (Optimizer::RmsProp, rmsprop)]
        {
            let mut trainer = case.trainer(optimizer);
            let losses: Vec<f32> = (0..training.losses.len())
                .map(|_| trainer.step_tensor(case.images.view(), case.labels.view()).unwrap().loss)
                .collect();
            case.check(&format!("losses of {optimizer:?}"), &losses, &training.losses, 0.0, 1e-3);
            let logits = case.logits(trainer.weights());
            let what = format!("logits after {optimizer:?}");
            case.check(&what, &logits, &training.logits.concat(), 0.0, 3e-3);
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn gradients_of_one_colour_pictures() {
    let case = Case::new("cifar", files!("cifar"));
    let json = include_bytes!("golden/batch_norm.json");
    let OneColour { colours, gradients, deviation_of_float32 } =
        serde_json::from_slice::<BatchNorm>(json).unwrap().one_colour;
    let Config { resolution, mean, std, .. } = case.weights.config;
    let normalise = |(i, byte): (usize, u8)| (f32::from(byte) / 255.0 - mean[i]) / std[i];
    let pixel = |colour: &[u8; 3]| colour.iter().copied().enumerate().map(normalise).collect::<Vec<_>>();
    let images: Vec<f32> =
        colours.iter().flat_map(|colour| pixel(colour).repeat(resolution * resolution)).collect();
    let images = Array4::from_shape_vec((colours.len(), resolution, resolution, 3), images).unwrap();
    let labels: Array1<u32> = (0..colours.len() as u32).collect();
    let recipe = Recipe { batch: colours.len(), label_smoothing: 0.0, ..Recipe::default() };
    let mut weights = case.weights.clone();
    let layers = weights.config.layers();
    let (stem, taps) = (&mut weights.values[..layers[0].weights()], 9);
    let of_a_tap = stem.len() / taps;
    for (_, weights) in stem.chunks_exact_mut(of_a_tap).enumerate().filter(|(tap, _)| *tap != taps / 2) {
        weights.iter_mut().for_each(|weight| *weight /= 64.0);
    }
    let mut trainer = Trainer::new(weights, recipe, colours.len()).unwrap();
    trainer.step_tensor(images.view(), labels.view()).unwrap();

    let learnt = tensors(&layers).into_iter().filter(|tensor| tensor.role.trainable());
    for (tensor, expected) in learnt.zip(&gradients) {
        let found = &trainer.gradients()[tensor.span.clone()];
        let (length, along) = expected.split_first().unwrap();
        let differences = along.iter().enumerate().map(|(i, expected)| {
            let terms =
                found.iter().zip(noise(10 + i as u64)).map(|(f, n)| f64::from(*f) * f64::from(n.signum()));
            terms.sum::<f64>() - expected
        });
        // The mean square over random directions of +1 and -1 is the squared distance.
        let distance = (differences.map(|d| d * d).sum::<f64>() / along.len() as f64).sqrt() / length;
        let what = format!("layer {} ({:?}) {:?}", tensor.layer, layers[tensor.layer].kind, tensor.role);
        println!("{what}: off by {distance:.1e}");
        let allowed = 10.0 * deviation_of_float32;
        assert!(distance <= allowed, "{what}: off by {distance:.1e}; allowed {allowed:.1e}");
    }
}

/// Numbers from -1 to 1, drawn as in batch_norm.py.
fn noise(seed: u64) -> impl Iterator<Item = f32> {
    (0u64..).map(move |index| {
        let z = index.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(seed << 32);
        let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 40) as f32 / (1 << 23) as f32 - 1.0
    })
}
