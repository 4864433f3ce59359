//! The 3×3 convolution of the image: [`im2col_image`] turns each pixel's 27 inputs into a row for the matrix product.

use super::Gradient;
use super::pointwise::{pack_gradient_rows, product};
use crate::arch::STEM_INPUTS;
use crate::kernel::depthwise::Geometry;
use crate::kernel::im2col::im2col_image;
use crate::kernel::matmul::accumulate;
use crate::kernel::sums::Sums;
use crate::kernel::{Isa, padded};
use crate::train::workspace::pixels_at_once;

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
    let mut fill = |first, count, rows: &mut [f32]| im2col_image(simd, geometry, image, first, count, rows);
    product(simd, packed, (padded(STEM_INPUTS), n), y, rows, sums, &mut fill);
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
        im2col_image(simd, geometry, image, first, count, x);
        pack_gradient_rows(simd, gradient, pixels, first, count, dy);
        accumulate(simd, x, dy, count, (STEM_INPUTS, n), first == 0, dw);
    }
}
