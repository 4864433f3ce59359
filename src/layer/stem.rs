//! The 3×3 convolution of the image: each pixel's 27 inputs are unfolded into a row for the matrix product.

use super::Gradient;
use super::pointwise::{gather_gradient, product};
use crate::config::STEM_INPUTS;
use crate::kernel::depthwise::Geometry;
use crate::kernel::matmul::accumulate;
use crate::kernel::sums::Sums;
use crate::kernel::{Isa, SimdBase, padded, vectorize};
use crate::workspace::pixels_at_once;

/// `y = w ∗ image`; adds Σ y and Σ y² to `sums`.
///
/// `image` is (N, size, size, 3), `packed` holds w (27, n), `y` is (n / L, N · size_out², L); `rows` has room for
/// (32 / L, [`pixels_at_once`], L).
#[inline(always)]
pub fn forward<S: Isa>(
    simd: S,
    geometry: Geometry,
    image: &[f32],
    packed: &[f32],
    n: usize,
    y: &mut [f32],
    rows: &mut [f32],
    sums: &mut Sums,
) {
    product(
        simd,
        packed,
        (padded(STEM_INPUTS), n),
        y,
        rows,
        sums,
        #[inline(always)]
        |first, count, rows| {
            unfold(simd, geometry, image, first, count, rows);
        },
    );
}

/// `dw = imageᵀ · dy`, (27, n); forward was `y = w ∗ image`. The image itself needs no gradient.
#[inline(always)]
pub fn backward<S: Isa>(
    simd: S,
    geometry: Geometry,
    image: &[f32],
    gradient: Gradient,
    n: usize,
    dw: &mut [f32],
    rows: [&mut [f32]; 2],
) {
    let pixels = gradient.y.len() / n;
    let [x_rows, dy_rows] = rows;
    let step = pixels_at_once(padded(STEM_INPUTS), n);
    for first in (0..pixels).step_by(step) {
        let count = step.min(pixels - first);
        let x = &mut x_rows[..padded(STEM_INPUTS) * count];
        let dy = &mut dy_rows[..n * count];
        unfold(simd, geometry, image, first, count, x);
        gather_gradient(simd, gradient, pixels, first, count, dy);
        accumulate(simd, x, dy, count, (STEM_INPUTS, n), first == 0, dw);
    }
}

/// Writes the inputs of output pixels `first..first + count`, counted over all images, to (32 / L, count, L).
#[inline(never)]
pub(crate) fn unfold<S: Isa>(
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
            // Rows and columns are counted in the frame, whose first row and column are zeros.
            let (top, left) = (y * stride + offset, x * stride + offset);
            let mut patch = [0.0; padded(STEM_INPUTS)];
            for (framed_row, patch) in (top..top + 3).zip(patch.chunks_exact_mut(9)) {
                if !(1..=size).contains(&framed_row) {
                    continue;
                }
                let from = left.max(1);
                let to = (left + 3).min(size + 1);
                let start = ((framed_row - 1) * size + from - 1) * 3;
                if to - from == 3 {
                    // most of them, and without a call, since the length is known
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
