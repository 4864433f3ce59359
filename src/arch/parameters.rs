//! The network's parameters: its tensors, their spans in the flat vectors, and their initial values.
//!
//! Trainable values lie in one flat vector (gradients and momentum have the same layout), batch norm's running averages
//! in another. Convolution weights are stored input-major with output channels last, so that a row of output channels
//! is contiguous: stem (3, 3, 3, C), depthwise (3, 3, C), plain (3, 3, C_in, C_out), pointwise and classifier
//! (C_in, C_out). PyTorch's order is output-major; `weights` transposes on the way in and out.

use std::ops::Range;

use super::{Config, Kind, Layer};
use crate::error::{Result, ensure_memory};

/// The role of a tensor in its layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The convolution's or the classifier's weights.
    Weight,
    /// The classifier's bias, (classes).
    Bias,
    /// Batch norm's scale γ, (C).
    Gamma,
    /// Batch norm's shift β, (C).
    Beta,
    /// Batch norm's running mean, (C).
    RunningMean,
    /// Batch norm's running variance (unbiased), (C).
    RunningVar,
}

impl Role {
    /// Whether the tensor is trained (and lies in [`Weights::values`]) or is a running average
    /// ([`Weights::statistics`]).
    pub fn trainable(self) -> bool {
        !matches!(self, Role::RunningMean | Role::RunningVar)
    }
}

/// One tensor: its layer, its role and its span.
#[derive(Clone, Debug)]
pub struct Tensor {
    /// Index into [`Config::layers`].
    pub layer: usize,
    /// Its role in the layer.
    pub role: Role,
    /// Its span in [`Weights::values`] or [`Weights::statistics`].
    pub span: Range<usize>,
}

/// Every tensor of the network, layer by layer.
pub fn tensors(layers: &[Layer]) -> Vec<Tensor> {
    let (mut values, mut statistics) = (0, 0);
    let mut tensors = Vec::new();
    for (index, layer) in layers.iter().enumerate() {
        let mut push = |role: Role, length| {
            let end = if role.trainable() { &mut values } else { &mut statistics };
            tensors.push(Tensor { layer: index, role, span: *end..*end + length });
            *end += length;
        };
        push(Role::Weight, layer.weights());
        if layer.kind == Kind::Classifier {
            push(Role::Bias, layer.c_out);
        } else {
            for role in [Role::Gamma, Role::Beta, Role::RunningMean, Role::RunningVar] {
                push(role, layer.c_out);
            }
        }
    }
    tensors
}

/// A network's configuration and parameters: the content of a weights file.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// The network that they belong to.
    pub config: Config,
    /// Class names, one per class; empty if unknown.
    pub labels: Vec<String>,
    /// All trainable values, laid out by [`tensors`].
    pub values: Vec<f32>,
    /// All running averages, laid out by [`tensors`].
    pub statistics: Vec<f32>,
}

/// Minimum number of copies of the weights of a network in use: the weights themselves, packed for a product, and in a
/// file.
const COPIES: u64 = 3;

impl Weights {
    /// [`Weights::random`] for a configuration from a user: checks its ranges and the available memory first.
    ///
    /// # Errors
    /// [`Error::Argument`](crate::error::Error::Argument) if a knob is out of range,
    /// [`Error::Memory`](crate::error::Error::Memory) if there is not enough to use the weights.
    pub fn untrained(config: Config, seed: u64) -> Result<Self> {
        config.validate()?;
        let numbers: u64 = config.layers().iter().map(|layer| layer.weights() as u64).sum();
        let Config { width, classes, .. } = config;
        ensure_memory(COPIES * numbers * size_of::<f32>() as u64, "width or number of classes", || {
            format!("a network of width {width} with {classes} classes")
        })?;
        Ok(Self::random(config, seed))
    }

    /// Untrained weights, drawn as in torchvision: convolutions from a normal distribution of variance 2 / fan-out
    /// (Kaiming), the classifier from one of standard deviation 0.01; γ and running variance are 1, the rest 0.
    ///
    /// Each layer has a generator of its own, by its module and kind. Networks that differ in some layers begin with the
    /// same weights in all others, so that a comparison compares no more than what differs.
    pub fn random(config: Config, seed: u64) -> Self {
        let layers = config.layers();
        let tensors = tensors(&layers);
        let first = fastrand::Rng::with_seed(seed).u64(..);
        let length = |trainable| {
            tensors.iter().filter(|t| t.role.trainable() == trainable).map(|t| t.span.len()).sum()
        };
        let mut values = vec![0.0; length(true)];
        let mut statistics = vec![0.0; length(false)];
        for Tensor { layer, role, span } in tensors {
            match role {
                Role::Weight => {
                    let layer = layers[layer];
                    let deviation = match layer.kind {
                        Kind::Classifier => 0.01,
                        // A depthwise filter feeds one output channel; PyTorch's fan-out still counts all of
                        // the tensor's first axis, here C.
                        Kind::Stem | Kind::Depthwise | Kind::Convolution => {
                            (2.0 / (9 * layer.c_out) as f32).sqrt()
                        }
                        _ => (2.0 / layer.c_out as f32).sqrt(),
                    };
                    let place = (layer.module() << 8 | layer.kind as usize) as u64;
                    let mut rng = fastrand::Rng::with_seed(first.wrapping_add(place));
                    values[span].fill_with(|| deviation * normal(&mut rng));
                }
                Role::Gamma => values[span].fill(1.0),
                Role::RunningVar => statistics[span].fill(1.0),
                Role::Bias | Role::Beta | Role::RunningMean => {}
            }
        }
        Weights { config, labels: Vec::new(), values, statistics }
    }

    /// Adapts the network to classes of these names. It stays unchanged if it has these names, or no names and as many
    /// classes; otherwise it gets a new, untrained classifier drawn from `seed`.
    ///
    /// # Errors
    /// As [`Weights::untrained`].
    pub fn for_classes(self, names: &[String], seed: u64) -> Result<Self> {
        let labels = names.to_vec();
        if self.labels == names || self.labels.is_empty() && self.config.classes == names.len() {
            return Ok(Weights { labels, ..self });
        }
        let fresh = Weights::untrained(Config { classes: names.len(), ..self.config }, seed)?;
        let layers = fresh.config.layers();
        let kept: usize = tensors(&layers[..layers.len() - 1])
            .iter()
            .filter(|t| t.role.trainable())
            .map(|t| t.span.len())
            .sum();
        let values = [&self.values[..kept], &fresh.values[kept..]].concat();
        Ok(Weights { labels, values, statistics: self.statistics, ..fresh })
    }

    /// The values of one tensor of layer `layer`, if the layer has it.
    pub fn tensor(&self, tensors: &[Tensor], layer: usize, role: Role) -> Option<&[f32]> {
        let tensor = tensors.iter().find(|tensor| tensor.layer == layer && tensor.role == role)?;
        let values = if role.trainable() { &self.values } else { &self.statistics };
        Some(&values[tensor.span.clone()])
    }

    /// Batch norm of layer `layer` by its running averages, as a scale and a shift for each of its `channels` outputs:
    /// γ / √(var + ε) and β - mean · γ / √(var + ε). The classifier's scale is 1 and its shift the bias.
    pub fn scale_and_shift(&self, tensors: &[Tensor], layer: usize, channels: usize) -> (Vec<f32>, Vec<f32>) {
        let find = |role| self.tensor(tensors, layer, role);
        match (find(Role::Gamma), find(Role::Beta), find(Role::RunningMean), find(Role::RunningVar)) {
            (Some(gamma), Some(beta), Some(mean), Some(var)) => (0..channels)
                .map(|c| folded_norm((gamma[c], beta[c]), (mean[c], var[c]), self.config.epsilon))
                .unzip(),
            _ => (vec![1.0; channels], find(Role::Bias).expect("the classifier has a bias").to_vec()),
        }
    }

    /// The name of a class, or its number if there are no names.
    pub fn label(&self, class: usize) -> String {
        self.labels.get(class).cloned().unwrap_or_else(|| format!("class {class}"))
    }
}

/// One channel's batch norm by its running averages, as a scale and a shift.
pub fn folded_norm((gamma, beta): (f32, f32), (mean, var): (f32, f32), epsilon: f32) -> (f32, f32) {
    let scale = f64::from(gamma) / (f64::from(var) + f64::from(epsilon)).sqrt();
    (scale as f32, (f64::from(beta) - f64::from(mean) * scale) as f32)
}

/// A sample of the standard normal distribution (Box–Muller), the same to the bit on every platform.
pub(crate) fn normal(rng: &mut fastrand::Rng) -> f32 {
    let radius = (-2.0 * libm::log(1.0 - rng.f64())).sqrt();
    (radius * libm::cos(std::f64::consts::TAU * rng.f64())) as f32
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::arch::Architecture;

    #[test]
    fn other_classes_get_a_new_classifier_and_nothing_else() {
        let names = |names: &[&str]| -> Vec<String> { names.iter().map(|name| (*name).into()).collect() };
        let config = Config { classes: 2, width: 0.1, ..Config::cifar() };
        let trained = Weights { labels: names(&["cat", "dog"]), ..Weights::random(config.clone(), 1) };
        assert_eq!(trained.clone().for_classes(&names(&["cat", "dog"]), 5).unwrap(), trained);

        let other = trained.clone().for_classes(&names(&["dog", "cat", "owl"]), 5).unwrap();
        assert_eq!((other.config.classes, &other.labels), (3, &names(&["dog", "cat", "owl"])));
        assert_eq!(other.statistics, trained.statistics);
        let body = trained.values.len() - 1281 * 2;
        assert_eq!(other.values[..body], trained.values[..body]);
        assert_eq!(other.values.len() - body, 1281 * 3);
        assert!(other.values[body..body + 1280 * 3].iter().all(|weight| *weight != 0.0));

        let unnamed = Weights { labels: Vec::new(), ..trained.clone() };
        assert_eq!(unnamed.for_classes(&names(&["owl", "hen"]), 5).unwrap().values, trained.values);
    }

    /// The initial weights of each layer, by its place and shape.
    fn initial(config: Config) -> BTreeMap<[usize; 4], Vec<f32>> {
        let layers = config.layers();
        let (weights, tensors) = (Weights::random(config, 7), tensors(&layers));
        let all = layers.iter().enumerate().map(|(at, layer)| {
            let values = weights.tensor(&tensors, at, Role::Weight).expect("every layer has weights");
            ([layer.module(), layer.kind as usize, layer.c_in, layer.c_out], values.to_vec())
        });
        all.collect()
    }

    #[test]
    fn a_layer_begins_the_same_whatever_the_others_are() {
        let config = Config { width: 0.35, classes: 10, ..Config::cifar() };
        let whole = initial(config.clone());
        let starts: BTreeSet<u32> = whole.values().map(|values| values[0].to_bits()).collect();
        assert_eq!(starts.len(), whole.len(), "no two layers begin alike");

        let narrow = initial(Config { expansion: 3, ..config.clone() });
        let plain = initial(Config { architecture: Architecture::Plain, ..config });
        for (other, least) in [(narrow, 4), (plain, 1)] {
            let common: Vec<_> = other.keys().filter(|key| whole.contains_key(*key)).collect();
            assert!(common.len() >= least, "{common:?}");
            assert!(common.iter().all(|key| other[*key] == whole[*key]));
        }
    }

    #[test]
    fn counts_are_the_published_ones() {
        for (width, classes, parameters) in
            [(1.0, 1000, 3_504_872), (0.35, 10, 408_938), (1.4, 1000, 6_108_776)]
        {
            let weights = Weights::random(Config { width, classes, ..Config::imagenet() }, 0);
            assert_eq!(weights.values.len(), parameters, "width {width}, {classes} classes");
        }
    }
}
