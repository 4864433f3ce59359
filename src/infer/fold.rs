//! Batch norm folded into the convolution before it: `γ (w ∗ x - mean) / √(var + ε) + β` is a convolution with other
//! weights and a bias.

use fearless_simd::Level;

use crate::arch::{Kind, Layer, Role, Tensor, Weights, tensors};
use crate::kernel::{dispatch, matmul, padded};

/// A convolution, or the classifier, with batch norm folded in.
pub struct Folded {
    /// Index into [`crate::arch::Config::layers`].
    pub index: usize,
    /// Kind and shape.
    pub layer: Layer,
    /// Inputs of the matrix product, including a projected shortcut's.
    pub inputs: usize,
    /// Depthwise: (3, 3, C). All others: packed for the matrix product.
    pub weights: Vec<f32>,
    /// One value per output channel, padded to whole vectors.
    pub bias: Vec<f32>,
}

/// Folds every layer, in order.
///
/// With `join`, a projected shortcut becomes part of its block's projection: neither has an activation, so one product
/// over the inputs of both gives their sum.
pub fn fold(level: Level, weights: &Weights, layers: &[Layer], join: bool) -> Vec<Folded> {
    let tensors = tensors(layers);
    let mut folded: Vec<Folded> = Vec::new();
    for (index, layer) in layers.iter().enumerate() {
        let next = fold_layer(weights, layer, index, &tensors);
        match folded.last_mut() {
            Some(project) if join && layer.kind == Kind::Shortcut => project.add(next),
            _ => folded.push(next),
        }
    }
    folded.into_iter().map(|layer| layer.pack(level)).collect()
}

/// Folds one layer; its weights are still a matrix, (inputs, outputs).
fn fold_layer(weights: &Weights, layer: &Layer, index: usize, tensors: &[Tensor]) -> Folded {
    let channels = layer.c_out;
    let w = weights.tensor(tensors, index, Role::Weight).expect("every layer has weights");
    let (scale, mut bias) = weights.scale_and_shift(tensors, index, channels);
    bias.resize(padded(channels), 0.0);
    Folded {
        index,
        layer: *layer,
        inputs: layer.inputs(),
        weights: w
            .chunks_exact(channels)
            .flat_map(|row| row.iter().zip(&scale).map(|(w, scale)| w * scale))
            .collect(),
        bias,
    }
}

impl Folded {
    /// A layer whose weights all have this value, without a bias.
    pub fn uniform(level: Level, layer: Layer, weight: f32) -> Self {
        let (weights, bias) = (vec![weight; layer.weights()], vec![0.0; padded(layer.c_out)]);
        Folded { index: 0, layer, inputs: layer.inputs(), weights, bias }.pack(level)
    }

    /// Appends the inputs of a layer with the same outputs.
    fn add(&mut self, other: Folded) {
        self.inputs += other.inputs;
        self.weights.extend(other.weights);
        self.bias.iter_mut().zip(other.bias).for_each(|(bias, other)| *bias += other);
    }

    /// Packs the weights for the matrix product.
    fn pack(mut self, level: Level) -> Self {
        if self.layer.kind != Kind::Depthwise {
            let (inputs, channels) = (self.inputs, self.layer.c_out);
            let mut packed = vec![0.0; matmul::packed_len(inputs, channels)];
            dispatch!(level, simd => {
                matmul::pack(simd, &self.weights, (inputs, channels), false, &mut packed);
            });
            self.weights = packed;
        }
        self
    }
}
