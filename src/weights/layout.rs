//! PyTorch's tensor shapes, and conversion between its order of values and ours.

use crate::arch::{Kind, Layer, Role};

/// Shape of a tensor in PyTorch.
pub fn shape(layer: &Layer, role: Role) -> Vec<usize> {
    let side = layer.kernel();
    match (role, layer.kind) {
        (Role::Weight, Kind::Classifier) => vec![layer.c_out, layer.c_in],
        (Role::Weight, _) => vec![layer.c_out, layer.inputs() / (side * side), side, side],
        _ => vec![layer.c_out],
    }
}

/// From PyTorch's order (outputs, inputs, kernel) to ours (kernel, inputs, outputs).
pub fn from_torch(shape: &[usize], values: &[f32]) -> Vec<f32> {
    let [outputs, inputs, kernel] = dimensions(shape);
    transpose(values, [kernel, inputs, outputs], |[k, i, o]| (o * inputs + i) * kernel + k)
}

/// From our order (kernel, inputs, outputs) to PyTorch's (outputs, inputs, kernel).
pub fn to_torch(shape: &[usize], values: &[f32]) -> Vec<f32> {
    let [outputs, inputs, kernel] = dimensions(shape);
    transpose(values, [outputs, inputs, kernel], |[o, i, k]| (k * inputs + i) * outputs + o)
}

/// PyTorch's shape as outputs, inputs and kernel positions; a vector has outputs only.
fn dimensions(shape: &[usize]) -> [usize; 3] {
    [shape[0], shape.get(1).copied().unwrap_or(1), shape.iter().skip(2).product()]
}

/// Builds an array of the given shape; `source` maps each place to the index of its value.
fn transpose(values: &[f32], shape: [usize; 3], source: impl Fn([usize; 3]) -> usize) -> Vec<f32> {
    let mut result = Vec::with_capacity(values.len());
    for a in 0..shape[0] {
        for b in 0..shape[1] {
            result.extend((0..shape[2]).map(|c| values[source([a, b, c])]));
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_major_and_back() {
        // numpy.arange(12).reshape(3, 2, 2, 1).transpose(2, 3, 1, 0).flatten()
        let torch: Vec<f32> = (0..12u8).map(f32::from).collect();
        let ours = from_torch(&[3, 2, 2, 1], &torch);
        assert_eq!(ours, [0., 4., 8., 2., 6., 10., 1., 5., 9., 3., 7., 11.]);
        assert_eq!(to_torch(&[3, 2, 2, 1], &ours), torch);
    }
}
