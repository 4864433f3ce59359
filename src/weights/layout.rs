//! PyTorch's tensor shapes, and conversion between its order of values and ours.

use crate::arch::{Kind, Layer, Role};

/// Shape of a tensor in PyTorch.
pub fn shape(layer: &Layer, role: Role) -> Vec<usize> {
    let Layer { kind, c_in, c_out, .. } = *layer;
    match (role, kind) {
        (Role::Weight, Kind::Stem) => vec![c_out, c_in, 3, 3],
        (Role::Weight, Kind::Depthwise) => vec![c_out, 1, 3, 3],
        (Role::Weight, Kind::Expand | Kind::Project | Kind::Shortcut | Kind::Last) => {
            vec![c_out, c_in, 1, 1]
        }
        (Role::Weight, Kind::Classifier) => vec![c_out, c_in],
        _ => vec![c_out],
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
