//! The average over all pixels of an image.

use super::{BlockSink, Sink, Source};
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

/// `dx = dfeatures / pixels` into `sink`; forward was `features = mean of x`.
#[inline(always)]
pub fn backward<S: Isa>(
    simd: S,
    source: Source,
    affine: Affine,
    dfeatures: &[f32],
    pixels: usize,
    images: usize,
    sink: Sink,
) {
    let lanes = S::Vector::LEN;
    let planes = source.x.chunks_exact(pixels * lanes).zip(sink.dz.chunks_exact_mut(pixels * lanes));
    for (index, ((x, dz), feature)) in planes.zip(dfeatures.chunks_exact(lanes)).enumerate() {
        let block = index / images;
        let gradient = S::Vector::from_slice(simd, feature) * (1.0 / pixels as f32);
        let mut block_sink = BlockSink::new(simd, affine, sink.mean, block);
        for (x, dz) in x.chunks_exact(lanes).zip(dz.chunks_exact_mut(lanes)) {
            block_sink.receive(simd, gradient, x).store_slice(dz);
        }
        block_sink.finish(simd, block, sink.sums);
    }
}
