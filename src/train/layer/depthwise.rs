//! The depthwise 3×3 convolution, image by image and block of channels by block of channels.

use super::{BlockSink, Gradient, Sink, Source, add_shortcut};
use crate::kernel::depthwise::{Geometry, accumulate, add_taps, convolve, convolve_back, frame, taps};
use crate::kernel::elementwise::{apply, apply_gradient, store};
use crate::kernel::sums::{PIXELS, Sums};
use crate::kernel::{Isa, SimdBase};

/// `y = w ∗ x`; adds Σ y and Σ y² to `sums`.
///
/// `weights` is (3, 3, C), `y` (C / L, images · size_out², L); `framed` has room for a framed plane.
#[inline(always)]
pub fn forward<S: Isa>(
    simd: S,
    geometry: Geometry,
    source: Source,
    weights: &[f32],
    y: &mut [f32],
    framed: &mut [f32],
    sums: &mut Sums,
) {
    let lanes = S::Vector::LEN;
    let channels = weights.len() / 9;
    let (input, output) = plane_lengths(simd, geometry);
    let images = y.len() * lanes / (output * channels);
    framed[..geometry.framed_pixels() * lanes].fill(0.0);
    // Planes whose moments are taken together: several where they are small, but never more than a cache holds.
    let together = (PIXELS * lanes / output).max(1);
    let blocks = source.x.chunks_exact(images * input).zip(y.chunks_exact_mut(images * output));
    for (block, (x, y)) in blocks.enumerate() {
        let taps = taps(simd, weights, channels, block);
        for (x, y) in x.chunks(together * input).zip(y.chunks_mut(together * output)) {
            for (x, y) in x.chunks_exact(input).zip(y.chunks_exact_mut(output)) {
                frame_source(simd, geometry, source, x, block, framed);
                convolve(
                    simd,
                    geometry,
                    framed,
                    geometry.whole(),
                    &taps,
                    #[inline(always)]
                    |pixel, values| {
                        store(simd, values, &mut y[pixel * lanes..(pixel + values.len()) * lanes])
                    },
                );
            }
            sums.add_moments(simd, block, y);
        }
    }
}

/// `dx = turned(w) ∗ dy` into `sink`, `dw = x ∗ dy`; forward was `y = w ∗ x`.
///
/// `dw` is (3, 3, C); each of `frames` has room for a framed plane.
#[inline(always)]
pub fn backward<S: Isa>(
    simd: S,
    geometry: Geometry,
    source: Source,
    gradient: Gradient,
    weights: &[f32],
    sink: Sink,
    dw: &mut [f32],
    frames: [&mut [f32]; 2],
) {
    let lanes = S::Vector::LEN;
    let channels = weights.len() / 9;
    let (input, output) = plane_lengths(simd, geometry);
    let images = gradient.y.len() * lanes / (output * channels);
    let [x_frame, dy_frame] = frames;
    let Sink { dz, add, mean, sums } = sink;
    for frame in [&mut *x_frame, &mut *dy_frame] {
        frame[..geometry.framed_pixels() * lanes].fill(0.0);
    }
    dw.fill(0.0);
    for (index, dz) in dz.chunks_exact_mut(input).enumerate().take(channels / lanes * images) {
        let block = index / images;
        let x = &source.x[index * input..(index + 1) * input];
        let add = add.map(|add| &add[index * input..(index + 1) * input]);
        frame_source(simd, geometry, source, x, block, x_frame);
        let span = index * output..(index + 1) * output;
        let (dy, y) = (&gradient.dz[span.clone()], &gradient.y[span]);
        frame(
            simd,
            geometry.size_out(),
            dy_frame,
            #[inline(always)]
            |row, out| apply_gradient(simd, &dy[row.clone()], &y[row], block, gradient.norm, out),
        );

        let mut taps_gradient = [S::Vector::splat(simd, 0.0); 9];
        accumulate(simd, geometry, x_frame, dy_frame, &mut taps_gradient);
        add_taps(simd, &taps_gradient, channels, block, dw);

        let taps = taps(simd, weights, channels, block);
        match source.affine {
            Some(affine) => {
                let mut block_sink = BlockSink::new(simd, affine, mean, block);
                convolve_back(
                    simd,
                    geometry,
                    dy_frame,
                    &taps,
                    #[inline(always)]
                    |pixel, values| {
                        let span = pixel * lanes..(pixel + values.len()) * lanes;
                        add_shortcut(simd, values, add.map(|add| &add[span.clone()]));
                        block_sink.write(simd, values, &x[span.clone()], &mut dz[span]);
                    },
                );
                block_sink.finish(simd, block, sums);
            }
            None => convolve_back(
                simd,
                geometry,
                dy_frame,
                &taps,
                #[inline(always)]
                |pixel, values| {
                    let span = pixel * lanes..(pixel + values.len()) * lanes;
                    add_shortcut(simd, values, add.map(|add| &add[span.clone()]));
                    store(simd, values, &mut dz[span]);
                },
            ),
        }
    }
}

/// Floats of a plane of L channels of the input and of the output.
#[inline(always)]
fn plane_lengths<S: Isa>(_: S, geometry: Geometry) -> (usize, usize) {
    let length = |size: usize| size * size * S::Vector::LEN;
    (length(geometry.size), length(geometry.size_out()))
}

/// A plane of the source, normalised and activated, in its frame.
#[inline(always)]
fn frame_source<S: Isa>(
    simd: S,
    geometry: Geometry,
    source: Source,
    plane: &[f32],
    block: usize,
    framed: &mut [f32],
) {
    match source.affine {
        Some(affine) => frame(
            simd,
            geometry.size,
            framed,
            #[inline(always)]
            |row, out| apply(simd, &plane[row], block, affine, out),
        ),
        None => frame(
            simd,
            geometry.size,
            framed,
            #[inline(always)]
            |row, out| out.copy_from_slice(&plane[row]),
        ),
    }
}
