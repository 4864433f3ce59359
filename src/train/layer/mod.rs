//! One operation a file, forward and backward side by side.
//!
//! A convolution writes its output `y` once and sums batch norm's statistics on the way. Nobody writes the
//! normalised, activated value: whoever needs it reads `y` through a [`LazyInput`]. Backward mirrors this. The
//! gradient `dz` of a normalised value is written once, by a [`GradientWriter`], which masks it by the activation and sums
//! what batch norm's gradient needs; the gradient `dy` of a convolution's output is never written: it is read as
//! `a · dz + b · (y - mean) + c` through a [`Gradient`].
//!
//! All tensors here are channel-blocked, (C / L, M, L); see [`crate::kernel`].

use crate::kernel::elementwise::{Affine, NormGradient, channel, mask};
use crate::kernel::sums::Sums;
use crate::kernel::{Isa, SimdBase, SimdFloat};

pub mod batch_norm;
pub mod classifier;
#[cfg(test)]
mod conditioning;
pub mod conv_bn_act;
pub mod depthwise;
pub mod pointwise;
pub mod pool;
pub mod shortcut;
pub mod stem;

/// What a layer reads: a tensor, through batch norm and activation where they are still to be applied.
#[derive(Clone, Copy)]
pub struct LazyInput<'a> {
    /// (C / L, M, L)
    pub x: &'a [f32],
    /// Batch norm and activation of the layer that wrote `x`; none if `x` is final.
    pub affine: Option<Affine<'a>>,
}

/// The gradient of a convolution's output, from the gradient of its normalised value.
#[derive(Clone, Copy)]
pub struct Gradient<'a> {
    /// Gradient of the normalised value, (C / L, M, L).
    pub dz: &'a [f32],
    /// The convolution's output, (C / L, M, L).
    pub y: &'a [f32],
    /// How the two combine.
    pub norm: NormGradient<'a>,
}

/// Where a layer writes the gradient of what it read from its [`LazyInput`].
pub struct GradientWriter<'a> {
    /// Receives the gradient of `LazyInput::x`'s final value or, if that has a pending batch norm and `mean` is given, of
    /// its normalised value before the activation; (C / L, M, L).
    pub dz: &'a mut [f32],
    /// A further gradient of the same value, from a shortcut.
    pub add: Option<&'a [f32]>,
    /// Batch means of the pending batch norm, (C).
    pub mean: &'a [f32],
    /// Σ dz and Σ dz · (x - mean), a channel, of the pending batch norm.
    pub sums: &'a mut Sums,
}

/// A [`GradientWriter`] for one block of channels.
pub(crate) struct BlockWriter<S: Isa> {
    scale: S::Vector,
    shift: S::Vector,
    mean: S::Vector,
    range: (f32, f32),
    total: S::Vector,
    moment: S::Vector,
}

impl<S: Isa> BlockWriter<S> {
    #[inline(always)]
    fn new(simd: S, affine: Affine, mean: &[f32], block: usize) -> Self {
        BlockWriter {
            scale: channel(simd, affine.scale, block),
            shift: channel(simd, affine.shift, block),
            mean: channel(simd, mean, block),
            range: affine.range,
            total: S::Vector::splat(simd, 0.0),
            moment: S::Vector::splat(simd, 0.0),
        }
    }

    /// Masks `gradient` by the activation at `y`, counts it and returns it.
    #[inline(always)]
    fn receive(&mut self, simd: S, gradient: S::Vector, y: &[f32]) -> S::Vector {
        let y = S::Vector::from_slice(simd, y);
        let dz = mask(simd, gradient, y.mul_add(self.scale, self.shift), self.range);
        self.total += dz;
        self.moment = dz.mul_add(y - self.mean, self.moment);
        dz
    }

    /// Writes the gradients of neighbouring pixels to `dz`, as [`Self::receive`] returns them.
    #[inline(always)]
    fn write(&mut self, simd: S, gradients: &[S::Vector], y: &[f32], dz: &mut [f32]) {
        let lanes = S::Vector::LEN;
        for (i, gradient) in gradients.iter().enumerate() {
            let pixel = i * lanes..(i + 1) * lanes;
            self.receive(simd, *gradient, &y[pixel.clone()]).store_slice(&mut dz[pixel]);
        }
    }

    #[inline(always)]
    fn finish(self, simd: S, block: usize, sums: &mut Sums) {
        sums.add(simd, block, self.total, self.moment);
    }
}

/// Adds the shortcut's gradients of the same pixels, if there is one.
#[inline(always)]
fn add_shortcut<S: Isa>(simd: S, gradients: &mut [S::Vector], add: Option<&[f32]>) {
    if let Some(add) = add {
        for (gradient, add) in gradients.iter_mut().zip(add.chunks_exact(S::Vector::LEN)) {
            *gradient += S::Vector::from_slice(simd, add);
        }
    }
}
