//! The average over all pixels of an image.

use super::{BlockWriter, GradientWriter, LazyInput};
use crate::kernel::elementwise::{Affine, channel, clamp};
use crate::kernel::{Isa, SimdBase, SimdFloat};

/// `features[image] = mean of x over the image's pixels`; (C / L, images, L).
#[inline(always)]
pub fn forward<S: Isa>(
    simd: S,
    x: &[f32],
    affine: Affine,
    pixels: usize,
    images: usize,
    features: &mut [f32],
) {
    let lanes = S::Vector::LEN;
    let low = S::Vector::splat(simd, affine.range.0);
    let high = S::Vector::splat(simd, affine.range.1);
    for (index, (x, feature)) in
        x.chunks_exact(pixels * lanes).zip(features.chunks_exact_mut(lanes)).enumerate()
    {
        let scale = channel(simd, affine.scale, index / images);
        let shift = channel(simd, affine.shift, index / images);
        let mut sum = S::Vector::splat(simd, 0.0);
        for x in x.chunks_exact(lanes) {
            sum += clamp(simd, S::Vector::from_slice(simd, x).mul_add(scale, shift), low, high);
        }
        (sum * (1.0 / pixels as f32)).store_slice(feature);
    }
}

/// `dx = dfeatures / pixels` into `writer`; forward was `features = mean of x`.
#[inline(always)]
pub fn backward<S: Isa>(
    simd: S,
    input: LazyInput,
    affine: Affine,
    dfeatures: &[f32],
    pixels: usize,
    images: usize,
    writer: GradientWriter,
) {
    let lanes = S::Vector::LEN;
    let planes = input.x.chunks_exact(pixels * lanes).zip(writer.dz.chunks_exact_mut(pixels * lanes));
    for (index, ((x, dz), feature)) in planes.zip(dfeatures.chunks_exact(lanes)).enumerate() {
        let block = index / images;
        let gradient = S::Vector::from_slice(simd, feature) * (1.0 / pixels as f32);
        let mut block_writer = BlockWriter::new(simd, affine, writer.mean, block);
        for (x, dz) in x.chunks_exact(lanes).zip(dz.chunks_exact_mut(lanes)) {
            block_writer.receive(simd, gradient, x).store_slice(dz);
        }
        block_writer.finish(simd, block, writer.sums);
    }
}
