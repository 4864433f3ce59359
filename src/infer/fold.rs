//! Batch norm folded into the convolution before it: `γ (w ∗ x - mean) / √(var + ε) + β` is a convolution with
//! other weights and a bias.

use fearless_simd::Level;

use crate::config::{Kind, Layer, STEM_INPUTS};
use crate::kernel::{dispatch, matmul, padded};
use crate::parameters::{Role, Tensor, Weights, tensors};

/// A convolution, or the classifier, as inference runs it.
pub struct Folded {
    /// Index into [`crate::Config::layers`].
    pub index: usize,
    /// Kind and shape.
    pub layer: Layer,
    /// Depthwise: (3, 3, C). All others: packed for the matrix product.
    pub weights: Vec<f32>,
    /// One an output channel, padded to whole vectors.
    pub bias: Vec<f32>,
}

/// Folds every layer, in their order.
pub fn fold(level: Level, weights: &Weights, layers: &[Layer]) -> Vec<Folded> {
    let tensors = tensors(layers);
    layers
        .iter()
        .enumerate()
        .map(|(index, layer)| fold_layer(level, weights, layer, index, &tensors))
        .collect()
}

fn fold_layer(level: Level, weights: &Weights, layer: &Layer, index: usize, tensors: &[Tensor]) -> Folded {
    let find = |role: Role| {
        let tensor = tensors.iter().find(|tensor| tensor.layer == index && tensor.role == role)?;
        let values = if role.trainable() { &weights.values } else { &weights.statistics };
        Some(&values[tensor.span.clone()])
    };
    let channels = layer.c_out;
    let w = find(Role::Weight).expect("every layer has weights");
    let (scale, mut bias): (Vec<f32>, Vec<f32>) =
        match (find(Role::Gamma), find(Role::Beta), find(Role::RunningMean), find(Role::RunningVar)) {
            (Some(gamma), Some(beta), Some(mean), Some(var)) => (0..channels)
                .map(|c| {
                    let deviation = (f64::from(var[c]) + f64::from(weights.config.epsilon)).sqrt();
                    let scale = f64::from(gamma[c]) / deviation;
                    (scale as f32, (f64::from(beta[c]) - f64::from(mean[c]) * scale) as f32)
                })
                .unzip(),
            _ => (vec![1.0; channels], find(Role::Bias).expect("the classifier has a bias").to_vec()),
        };
    bias.resize(padded(channels), 0.0);
    let scaled: Vec<f32> =
        w.chunks_exact(channels).flat_map(|row| row.iter().zip(&scale).map(|(w, scale)| w * scale)).collect();
    let inputs = match layer.kind {
        Kind::Depthwise => return Folded { index, layer: *layer, weights: scaled, bias },
        Kind::Stem => STEM_INPUTS,
        _ => layer.c_in,
    };
    let mut packed = vec![0.0; matmul::packed_len(inputs, channels)];
    dispatch!(level, simd => matmul::pack(simd, &scaled, (inputs, channels), (channels, 1), &mut packed));
    Folded { index, layer: *layer, weights: packed, bias }
}
