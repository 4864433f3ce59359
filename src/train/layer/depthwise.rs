//! The depthwise 3×3 convolution, one image and one block of channels at a time.

use super::{BlockWriter, Gradient, GradientWriter, LazyInput, add_shortcut};
use crate::kernel::depthwise::{Geometry, accumulate, add_taps, convolve, convolve_back, pad, taps};
use crate::kernel::elementwise::{apply, apply_gradient, store};
use crate::kernel::sums::{PIXELS, Sums};
use crate::kernel::{Isa, SimdBase};

/// `y = w ∗ x`; adds Σ y and Σ y² to `sums`.
///
/// `weights` is (3, 3, C), `y` (C / L, images · size_out², L); `padded_plane` has room for a padded plane.
#[inline(always)]
pub fn forward<S: Isa>(
    simd: S,
    geometry: Geometry,
    input: LazyInput,
    weights: &[f32],
    y: &mut [f32],
    padded_plane: &mut [f32],
    sums: &mut Sums,
) {
    let lanes = S::Vector::LEN;
    let channels = weights.len() / 9;
    let (floats_in, floats_out) = plane_lengths(simd, geometry);
    let images = y.len() * lanes / (floats_out * channels);
    padded_plane[..geometry.padded_pixels() * lanes].fill(0.0);
    // Planes whose moments are taken together: several if they are small, but never more than a cache holds.
    let together = (PIXELS * lanes / floats_out).max(1);
    let blocks = input.x.chunks_exact(images * floats_in).zip(y.chunks_exact_mut(images * floats_out));
    for (block, (x, y)) in blocks.enumerate() {
        let taps = taps(simd, weights, channels, block);
        for (x, y) in x.chunks(together * floats_in).zip(y.chunks_mut(together * floats_out)) {
            for (x, y) in x.chunks_exact(floats_in).zip(y.chunks_exact_mut(floats_out)) {
                pad_input(simd, geometry, input, x, block, padded_plane);
                convolve(
                    simd,
                    geometry,
                    padded_plane,
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

/// `dx = rotated(w) ∗ dy` into `writer`, `dw = x ∗ dy`; forward was `y = w ∗ x`.
///
/// `dw` is (3, 3, C); each of `padded_planes` has room for a padded plane.
#[inline(always)]
pub fn backward<S: Isa>(
    simd: S,
    geometry: Geometry,
    input: LazyInput,
    gradient: Gradient,
    weights: &[f32],
    writer: GradientWriter,
    dw: &mut [f32],
    padded_planes: [&mut [f32]; 2],
) {
    let lanes = S::Vector::LEN;
    let channels = weights.len() / 9;
    let (floats_in, floats_out) = plane_lengths(simd, geometry);
    let images = gradient.y.len() * lanes / (floats_out * channels);
    let [x_padded, dy_padded] = padded_planes;
    let GradientWriter { dz, add, mean, sums } = writer;
    for padded_plane in [&mut *x_padded, &mut *dy_padded] {
        padded_plane[..geometry.padded_pixels() * lanes].fill(0.0);
    }
    dw.fill(0.0);
    for (index, dz) in dz.chunks_exact_mut(floats_in).enumerate().take(channels / lanes * images) {
        let block = index / images;
        let x = &input.x[index * floats_in..(index + 1) * floats_in];
        let add = add.map(|add| &add[index * floats_in..(index + 1) * floats_in]);
        pad_input(simd, geometry, input, x, block, x_padded);
        let span = index * floats_out..(index + 1) * floats_out;
        let (dy, y) = (&gradient.dz[span.clone()], &gradient.y[span]);
        pad(
            simd,
            geometry.size_out(),
            dy_padded,
            #[inline(always)]
            |row, out| apply_gradient(simd, &dy[row.clone()], &y[row], block, gradient.norm, out),
        );

        let mut taps_gradient = [S::Vector::splat(simd, 0.0); 9];
        accumulate(simd, geometry, x_padded, dy_padded, &mut taps_gradient);
        add_taps(simd, &taps_gradient, channels, block, dw);

        let taps = taps(simd, weights, channels, block);
        match input.affine {
            Some(affine) => {
                let mut block_writer = BlockWriter::new(simd, affine, mean, block);
                convolve_back(
                    simd,
                    geometry,
                    dy_padded,
                    &taps,
                    #[inline(always)]
                    |pixel, values| {
                        let span = pixel * lanes..(pixel + values.len()) * lanes;
                        add_shortcut(simd, values, add.map(|add| &add[span.clone()]));
                        block_writer.write(simd, values, &x[span.clone()], &mut dz[span]);
                    },
                );
                block_writer.finish(simd, block, sums);
            }
            None => convolve_back(
                simd,
                geometry,
                dy_padded,
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

/// Floats of an input plane and of an output plane of L channels.
#[inline(always)]
fn plane_lengths<S: Isa>(_: S, geometry: Geometry) -> (usize, usize) {
    let length = |size: usize| size * size * S::Vector::LEN;
    (length(geometry.size), length(geometry.size_out()))
}

/// Copies a plane of the input, normalised and activated, into its padded plane.
#[inline(always)]
fn pad_input<S: Isa>(
    simd: S,
    geometry: Geometry,
    input: LazyInput,
    plane: &[f32],
    block: usize,
    padded_plane: &mut [f32],
) {
    match input.affine {
        Some(affine) => pad(
            simd,
            geometry.size,
            padded_plane,
            #[inline(always)]
            |row, out| apply(simd, &plane[row], block, affine, out),
        ),
        None => pad(
            simd,
            geometry.size,
            padded_plane,
            #[inline(always)]
            |row, out| out.copy_from_slice(&plane[row]),
        ),
    }
}
