//! The classifier: a matrix product with bias from the pooled features to one logit per class.

use super::pointwise::multiply;
use crate::kernel::matmul::accumulate;
use crate::kernel::{Isa, SimdBase, padded};

/// `logits = x · w + bias`.
///
/// `x` is (K / L, images, L), `packed` holds w (K, classes), `logits` is (images, classes); `y` has room for
/// (classes / L, images, L).
#[inline(always)]
pub fn forward<S: Isa>(
    simd: S,
    x: &[f32],
    packed: &[f32],
    bias: &[f32],
    images: usize,
    logits: &mut [f32],
    y: &mut [f32],
) {
    let lanes = S::Vector::LEN;
    let classes = bias.len();
    let columns = padded(classes);
    let y = &mut y[..columns * images];
    multiply(simd, packed, (x.len() / images, columns), x, 0..images, y, None);
    for (image, logits) in logits.chunks_exact_mut(classes).enumerate().take(images) {
        for (block, (logits, bias)) in logits.chunks_mut(lanes).zip(bias.chunks(lanes)).enumerate() {
            let values = &y[(block * images + image) * lanes..];
            for ((logit, value), bias) in logits.iter_mut().zip(values).zip(bias) {
                *logit = *value + *bias;
            }
        }
    }
}

/// `dx = dlogits · wᵀ`, `dw = xᵀ · dlogits`, `dbias = Σ dlogits`; forward was `logits = x · w + bias`.
///
/// `packed` holds wᵀ (classes, K); `dw` is (K, classes); `dy` has room for (classes / L, images, L).
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
    multiply(simd, packed, (columns, depth), dy, 0..images, dx, None);
}
