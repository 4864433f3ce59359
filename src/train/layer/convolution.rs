//! The plain 3×3 convolution over all channels: [`im2col`] turns each pixel's 9 C inputs into a row for the matrix product.

use super::pointwise::{multiply, pack_gradient_rows, product};
use super::{Gradient, LazyInput};
use crate::kernel::Isa;
use crate::kernel::depthwise::Geometry;
use crate::kernel::im2col::{col2im, im2col};
use crate::kernel::matmul::{accumulate, panels};
use crate::kernel::sums::Sums;
use crate::train::workspace::pixels_at_once;

/// `y = w ∗ x`; adds Σ y and Σ y² to `sums`.
///
/// `packed` holds w (k, n), k nine times the channels of x; `y` is (n / L, images · size_out², L); `rows` has room for
/// (k / L, [`pixels_at_once`], L).
#[inline(always)]
pub fn forward<S: Isa>(
    simd: S,
    geometry: Geometry,
    input: LazyInput,
    packed: &[f32],
    (k, n): (usize, usize),
    y: &mut [f32],
    rows: &mut [f32],
    sums: &mut Sums,
) {
    let mut fill = |first: usize, count: usize, rows: &mut [f32]| {
        im2col(simd, geometry, input.x, k / 9, input.affine, 0, first..first + count, rows);
    };
    product(simd, packed, (k, n), y, rows, sums, &mut fill);
}

/// `dx = turned(w) ∗ dy + add`, `dw = x ∗ dy`; forward was `y = w ∗ x`. `dx` is the gradient of the input's final value.
///
/// `packed` holds wᵀ (n, k); `dw` is (k, n); `rows` has room for (k / L, [`pixels_at_once`], L) and
/// (n / L, [`pixels_at_once`], L), `patch` for two blocks of as many pixels. Without `dw`, where there are no more pixels than
/// those, the inputs' rows and dy stay in `rows`.
#[inline(always)]
pub fn backward<S: Isa>(
    simd: S,
    geometry: Geometry,
    input: LazyInput,
    gradient: Gradient,
    packed: &[f32],
    (k, n): (usize, usize),
    dx: &mut [f32],
    add: Option<&[f32]>,
    mut dw: Option<&mut [f32]>,
    rows: [&mut [f32]; 2],
    patch: &mut [f32],
) {
    let channels = k / 9;
    let pixels = gradient.y.len() / n;
    let [x_rows, dy_rows] = rows;
    match add {
        Some(add) => dx.copy_from_slice(add),
        None => dx.fill(0.0),
    }
    let step = pixels_at_once(k, n);
    for first in (0..pixels).step_by(step) {
        let count = step.min(pixels - first);
        let here = first..first + count;
        let x = &mut x_rows[..k * count];
        let dy = &mut dy_rows[..n * count];
        im2col(simd, geometry, input.x, channels, input.affine, 0, here.clone(), x);
        pack_gradient_rows(simd, gradient, pixels, first, count, dy);
        if let Some(dw) = &mut dw {
            accumulate(simd, x, dy, count, (k, n), first == 0, dw);
        }
        // Two blocks of the rows' gradients at a time: all of them would take as much room again as the rows.
        for (block, panel) in panels(simd, packed, n, k) {
            let width = panel.len() / n;
            let patch = &mut patch[..width * count];
            multiply(simd, panel, (n, width), dy, 0..count, patch, None);
            col2im(simd, geometry, patch, channels, block, here.clone(), dx);
        }
    }
}
