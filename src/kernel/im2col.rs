//! The stem's convolution as a matrix product: im2col turns the 27 inputs of each output pixel into a row.

use super::depthwise::Geometry;
use super::{Isa, SimdBase, padded, vectorize};
use crate::arch::STEM_INPUTS;

/// Writes the inputs of output pixels `first..first + count`, counted over all images, to (32 / L, count, L).
#[inline(never)]
pub fn im2col<S: Isa>(
    simd: S,
    geometry: Geometry,
    images: &[f32],
    first: usize,
    count: usize,
    rows: &mut [f32],
) {
    vectorize!(simd, {
        let lanes = S::Vector::LEN;
        let Geometry { size, stride, offset } = geometry;
        let out = geometry.size_out();
        for row in 0..count {
            let pixel = first + row;
            let (image, y, x) = (pixel / (out * out), pixel / out % out, pixel % out);
            let image = &images[image * size * size * 3..(image + 1) * size * size * 3];
            // Coordinates in the padded plane, whose first row and column are zeros.
            let (top, left) = (y * stride + offset, x * stride + offset);
            let mut patch = [0.0; padded(STEM_INPUTS)];
            for (padded_row, patch) in (top..top + 3).zip(patch.chunks_exact_mut(9)) {
                if !(1..=size).contains(&padded_row) {
                    continue;
                }
                let from = left.max(1);
                let to = (left + 3).min(size + 1);
                let start = ((padded_row - 1) * size + from - 1) * 3;
                if to - from == 3 {
                    // the common case; the constant length saves a call
                    patch.copy_from_slice(&image[start..start + 9]);
                } else {
                    patch[(from - left) * 3..(to - left) * 3]
                        .copy_from_slice(&image[start..start + (to - from) * 3]);
                }
            }
            for (block, values) in patch.chunks_exact(lanes).enumerate() {
                let start = (block * count + row) * lanes;
                rows[start..start + lanes].copy_from_slice(values);
            }
        }
    })
}
