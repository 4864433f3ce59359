//! Passes over whole tensors: packing rows with batch norm and activation applied on the way, and batch norm's
//! gradient.

use super::{Isa, Select, SimdBase, SimdFloat, vectorize};
use crate::arch::Activation;

/// Batch norm and activation as they are applied: a scale, a shift and a clamp per channel.
#[derive(Clone, Copy)]
pub struct Affine<'a> {
    /// Scale, (C).
    pub scale: &'a [f32],
    /// Shift, (C).
    pub shift: &'a [f32],
    /// Lower and upper bound of the clamp.
    pub range: (f32, f32),
}

/// Copies pixels `first..first + rows` of `x` (C / L, M, L) to `out` (C / L, rows, L), through `affine` if given.
#[inline(never)]
pub fn pack_rows<S: Isa>(
    simd: S,
    x: &[f32],
    pixels: usize,
    first: usize,
    rows: usize,
    affine: Option<Affine>,
    out: &mut [f32],
) {
    vectorize!(simd, {
        let lanes = S::Vector::LEN;
        let planes = x.chunks_exact(pixels * lanes).zip(out.chunks_exact_mut(rows * lanes));
        for (block, (plane, out)) in planes.enumerate() {
            let plane = &plane[first * lanes..(first + rows) * lanes];
            match affine {
                Some(affine) => apply(simd, plane, block, affine, out),
                None => out.copy_from_slice(plane),
            }
        }
    })
}

/// `out = clamp(scale · x + shift)` for one block of channels; `x` and `out` are (pixels, L).
#[inline(always)]
pub fn apply<S: Isa>(simd: S, x: &[f32], block: usize, affine: Affine, out: &mut [f32]) {
    let lanes = S::Vector::LEN;
    let [scale, shift, low, high] = constants(simd, Some(affine), block);
    for (x, out) in x.chunks_exact(lanes).zip(out.chunks_exact_mut(lanes)) {
        clamp(simd, S::Vector::from_slice(simd, x).mul_add(scale, shift), low, high).store_slice(out);
    }
}

/// Clamps `x` to `low`..`high`. NaN stays NaN, so that a diverging training shows. The order of the operands matters:
/// x86's `min` and `max` return the second one if either is NaN.
#[inline(always)]
pub fn clamp<S: Isa>(_: S, x: S::Vector, low: S::Vector, high: S::Vector) -> S::Vector {
    let within = high.min(low.max(x));
    if S::DROPS_NAN { x.simd_eq(x).select(within, x) } else { within }
}

/// Batch norm's gradient as it is applied: `dy = a · dz + b · (y - mean) + c`, with one a, b, c and mean per channel.
///
/// Not `b · y + c`: where the mean is large relative to the standard deviation, two large terms would nearly cancel and
/// leave their rounding errors. The difference of two nearby values is exact.
#[derive(Clone, Copy)]
pub struct NormGradient<'a> {
    /// Factor of the normalised value's gradient, (C).
    pub a: &'a [f32],
    /// Factor of the convolution's output, (C).
    pub b: &'a [f32],
    /// Subtracted from the convolution's output first, (C).
    pub mean: &'a [f32],
    /// Constant term, (C).
    pub c: &'a [f32],
}

/// `out = a · dz + b · (y - mean) + c` for one block of channels; `dz`, `y` and `out` are (pixels, L).
#[inline(always)]
pub fn apply_gradient<S: Isa>(
    simd: S,
    dz: &[f32],
    y: &[f32],
    block: usize,
    norm: NormGradient,
    out: &mut [f32],
) {
    let lanes = S::Vector::LEN;
    let a = channel(simd, norm.a, block);
    let b = channel(simd, norm.b, block);
    let c = channel(simd, norm.c, block);
    let mean = channel(simd, norm.mean, block);
    for ((dz, y), out) in dz.chunks_exact(lanes).zip(y.chunks_exact(lanes)).zip(out.chunks_exact_mut(lanes)) {
        let dz = S::Vector::from_slice(simd, dz);
        let y = S::Vector::from_slice(simd, y);
        dz.mul_add(a, (y - mean).mul_add(b, c)).store_slice(out);
    }
}

/// One block's channels of `values`, (C).
#[inline(always)]
pub fn channel<S: Isa>(simd: S, values: &[f32], block: usize) -> S::Vector {
    S::Vector::from_slice(simd, &values[block * S::Vector::LEN..(block + 1) * S::Vector::LEN])
}

/// One block's scale, shift and bounds of the clamp; without an `affine` those that change nothing.
#[inline(always)]
pub fn constants<S: Isa>(simd: S, affine: Option<Affine>, block: usize) -> [S::Vector; 4] {
    let (scale, shift, (low, high)) = match affine {
        Some(Affine { scale, shift, range }) => {
            (channel(simd, scale, block), channel(simd, shift, block), range)
        }
        None => (S::Vector::splat(simd, 1.0), S::Vector::splat(simd, 0.0), Activation::Linear.range()),
    };
    [scale, shift, S::Vector::splat(simd, low), S::Vector::splat(simd, high)]
}

/// Writes the vectors of neighbouring pixels to `out`.
#[inline(always)]
pub fn store<S: Isa>(_: S, values: &[S::Vector], out: &mut [f32]) {
    for (value, out) in values.iter().zip(out.chunks_exact_mut(S::Vector::LEN)) {
        value.store_slice(out);
    }
}

/// `gradient` where `low < value < high`, else 0: the derivative of a clamp.
#[inline(always)]
pub fn mask<S: Isa>(simd: S, gradient: S::Vector, value: S::Vector, (low, high): (f32, f32)) -> S::Vector {
    let inside = value.simd_gt(S::Vector::splat(simd, low)) & value.simd_lt(S::Vector::splat(simd, high));
    inside.select(gradient, S::Vector::splat(simd, 0.0))
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;
    use crate::kernel::{dispatch, levels};

    #[wasm_bindgen_test(unsupported = test)]
    fn clamp_keeps_nan() {
        for level in levels() {
            let clamped = dispatch!(level, simd => [f32::NAN, -1.0, 2.0, 7.0].map(|x| relu6(simd, x)));
            assert!(clamped[0].is_nan(), "{level:?}");
            assert_eq!(clamped[1..], [0.0, 2.0, 6.0], "{level:?}");
        }
    }

    #[inline(always)]
    fn relu6<S: Isa>(simd: S, x: f32) -> f32 {
        let [x, low, high] = [x, 0.0, 6.0].map(|value| S::Vector::splat(simd, value));
        clamp(simd, x, low, high).as_slice()[0]
    }
}
