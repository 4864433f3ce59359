//! One operation per file, forward and backward side by side.
//!
//! A convolution writes its output `y` once and sums batch norm's statistics on the way. The normalised, activated
//! value is never written: its readers see `y` through a [`LazyInput`]. Backward mirrors this. A [`GradientWriter`]
//! writes the gradient `dz` of a normalised value once, masks it by the activation and sums what batch norm's gradient
//! needs. The gradient `dy` of a convolution's output is never written: a [`Gradient`] is read as `a · dz + b · (y -
//! mean) + c`.
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
pub mod convolution;
pub mod depthwise;
pub mod pointwise;
pub mod pool;
pub mod shortcut;
pub mod stem;

/// A layer's input: a tensor with the batch norm and activation that are still to be applied to it.
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

/// Where a layer writes the gradient of its [`LazyInput`].
pub struct GradientWriter<'a> {
    /// Receives the gradient of `LazyInput::x`, (C / L, M, L): of its normalised value before the activation if a batch
    /// norm is pending and `mean` is given, else of its final value.
    pub dz: &'a mut [f32],
    /// Another gradient of the same value to add, from a shortcut.
    pub add: Option<&'a [f32]>,
    /// Batch means of the pending batch norm, (C).
    pub mean: &'a [f32],
    /// Σ dz and Σ dz · (x - mean) per channel, for the pending batch norm.
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

    /// Masks `gradient` by the activation at `y`, adds it to the sums and returns it.
    #[inline(always)]
    fn receive(&mut self, simd: S, gradient: S::Vector, y: &[f32]) -> S::Vector {
        let y = S::Vector::from_slice(simd, y);
        let dz = mask(simd, gradient, y.mul_add(self.scale, self.shift), self.range);
        self.total += dz;
        self.moment = dz.mul_add(y - self.mean, self.moment);
        dz
    }

    /// Writes the gradients of neighbouring pixels, masked by [`Self::receive`], to `dz`.
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

/// Adds the shortcut's gradients of the same pixels, if any.
#[inline(always)]
fn add_shortcut<S: Isa>(simd: S, gradients: &mut [S::Vector], add: Option<&[f32]>) {
    if let Some(add) = add {
        for (gradient, add) in gradients.iter_mut().zip(add.chunks_exact(S::Vector::LEN)) {
            *gradient += S::Vector::from_slice(simd, add);
        }
    }
}
