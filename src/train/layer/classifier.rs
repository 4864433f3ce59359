//! The classifier: a matrix product with bias from the pooled features to one logit per class.

use crate::kernel::elementwise::store;
use crate::kernel::matmul::{accumulate, matmul, panels};
use crate::kernel::{Isa, SimdBase, padded};

/// `logits = x · w + bias`.
///
/// `x` is (K / L, images, L), `packed` holds w (K, classes), `logits` is (images, classes).
#[inline(always)]
pub fn forward<S: Isa>(simd: S, x: &[f32], packed: &[f32], bias: &[f32], images: usize, logits: &mut [f32]) {
    let lanes = S::Vector::LEN;
    let classes = bias.len();
    let depth = x.len() / images;
    for (block, panel) in panels(simd, packed, depth, padded(classes)) {
        matmul(
            simd,
            x,
            images,
            panel,
            #[inline(always)]
            |column, row, tile| {
                let first = classes.min((block + column) * lanes);
                let last = classes.min(first + lanes);
                for (i, value) in tile.iter().enumerate() {
                    let logits = &mut logits[(row + i) * classes..(row + i + 1) * classes];
                    for ((logit, value), bias) in
                        logits[first..last].iter_mut().zip(value.as_slice()).zip(&bias[first..])
                    {
                        *logit = *value + *bias;
                    }
                }
            },
        );
    }
}

/// `dx = dlogits · wᵀ`, `dw = xᵀ · dlogits`, `dbias = Σ dlogits`; forward was `logits = x · w + bias`.
///
/// `packed` holds wᵀ (classes, K); `dw` is (K, classes); `rows` has room for (classes / L, images, L).
#[inline(always)]
pub fn backward<S: Isa>(
    simd: S,
    x: &[f32],
    packed: &[f32],
    dlogits: &[f32],
    images: usize,
    dx: &mut [f32],
    dw: &mut [f32],
    dbias: &mut [f32],
    dy: &mut [f32],
) {
    let lanes = S::Vector::LEN;
    let classes = dbias.len();
    let depth = x.len() / images;
    let columns = padded(classes);
    let dy = &mut dy[..columns * images];
    dy.fill(0.0);
    dbias.fill(0.0);
    for (image, dlogits) in dlogits.chunks_exact(classes).enumerate() {
        for (block, values) in dlogits.chunks(lanes).enumerate() {
            let start = (block * images + image) * lanes;
            dy[start..start + values.len()].copy_from_slice(values);
        }
        for (sum, value) in dbias.iter_mut().zip(dlogits) {
            *sum += value;
        }
    }
    accumulate(simd, x, dy, images, (depth, classes), true, dw);
    for (block, panel) in panels(simd, packed, columns, depth) {
        matmul(
            simd,
            dy,
            images,
            panel,
            #[inline(always)]
            |column, row, tile| {
                let start = ((block + column) * images + row) * lanes;
                store(simd, tile, &mut dx[start..start + tile.len() * lanes]);
            },
        );
    }
}
