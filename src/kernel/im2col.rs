//! The 3×3 convolution over all channels as a matrix product: im2col turns the inputs of each output pixel into a row, col2im
//! adds the gradients of such rows up where the inputs were.
//!
//! The stem reads images, 27 inputs per pixel. Plain convolutions read channel-blocked tensors, 9 C inputs per pixel.

use std::ops::Range;

use super::depthwise::Geometry;
use super::elementwise::{Affine, clamp, constants};
use super::{Isa, SimdBase, SimdFloat, padded, vectorize};
use crate::arch::STEM_INPUTS;

/// Writes the inputs of output pixels `first..first + count`, counted over all images, (N, size, size, 3), to
/// (32 / L, count, L).
#[inline(never)]
pub fn im2col_image<S: Isa>(
    simd: S,
    geometry: Geometry,
    images: &[f32],
    first: usize,
    count: usize,
    rows: &mut [f32],
) {
    vectorize!(simd, {
        let lanes = S::Vector::LEN;
        let Geometry { size, stride, offset } = geometry;
        let out = geometry.size_out();
        for row in 0..count {
            let pixel = first + row;
            let (image, y, x) = (pixel / (out * out), pixel / out % out, pixel % out);
            let image = &images[image * size * size * 3..(image + 1) * size * size * 3];
            // Coordinates in the padded plane, whose first row and column are zeros.
            let (top, left) = (y * stride + offset, x * stride + offset);
            let mut patch = [0.0; padded(STEM_INPUTS)];
            for (padded_row, patch) in (top..top + 3).zip(patch.chunks_exact_mut(9)) {
                if !(1..=size).contains(&padded_row) {
                    continue;
                }
                let from = left.max(1);
                let to = (left + 3).min(size + 1);
                let start = ((padded_row - 1) * size + from - 1) * 3;
                if to - from == 3 {
                    // the common case; the constant length saves a call
                    patch.copy_from_slice(&image[start..start + 9]);
                } else {
                    patch[(from - left) * 3..(to - left) * 3]
                        .copy_from_slice(&image[start..start + (to - from) * 3]);
                }
            }
            for (block, values) in patch.chunks_exact(lanes).enumerate() {
                let start = (block * count + row) * lanes;
                rows[start..start + lanes].copy_from_slice(values);
            }
        }
    })
}

/// Writes the inputs of the output pixels `pixels`, counted over all images, to `rows`, (blocks, pixels, L). The 9 C / L blocks
/// of inputs lie tap after tap; `rows` gets those from `block` on, as many as it has room for. `x` is
/// (C / L, images · size², L) and passes through `affine` if there is one.
#[inline(never)]
pub fn im2col<S: Isa>(
    simd: S,
    geometry: Geometry,
    x: &[f32],
    channels: usize,
    affine: Option<Affine>,
    block: usize,
    pixels: Range<usize>,
    rows: &mut [f32],
) {
    vectorize!(simd, {
        let lanes = S::Vector::LEN;
        let blocks = channels / lanes;
        let plane = x.len() / blocks;
        for (index, rows) in rows.chunks_exact_mut(pixels.len() * lanes).enumerate() {
            let (tap, block) = ((block + index) / blocks, (block + index) % blocks);
            let x = &x[block * plane..(block + 1) * plane];
            let [scale, shift, low, high] = constants(simd, affine, block);
            let mut rows = rows.chunks_exact_mut(lanes);
            each_source(
                geometry,
                tap,
                pixels.clone(),
                #[inline(always)]
                |source| {
                    let Some(row) = rows.next() else { return };
                    let mut value = S::Vector::splat(simd, 0.0);
                    if let Some(pixel) = source {
                        let x = S::Vector::from_slice(simd, &x[pixel * lanes..(pixel + 1) * lanes]);
                        value = clamp(simd, x.mul_add(scale, shift), low, high);
                    }
                    value.store_slice(row);
                },
            );
        }
    })
}

/// Adds gradients of the rows that [`im2col`] writes to `dx`, (C / L, images · size², L).
#[inline(never)]
pub fn col2im<S: Isa>(
    simd: S,
    geometry: Geometry,
    rows: &[f32],
    channels: usize,
    block: usize,
    pixels: Range<usize>,
    dx: &mut [f32],
) {
    vectorize!(simd, {
        let lanes = S::Vector::LEN;
        let blocks = channels / lanes;
        let plane = dx.len() / blocks;
        for (index, rows) in rows.chunks_exact(pixels.len() * lanes).enumerate() {
            let (tap, block) = ((block + index) / blocks, (block + index) % blocks);
            let dx = &mut dx[block * plane..(block + 1) * plane];
            let mut rows = rows.chunks_exact(lanes);
            each_source(
                geometry,
                tap,
                pixels.clone(),
                #[inline(always)]
                |source| {
                    if let (Some(row), Some(pixel)) = (rows.next(), source) {
                        let place = &mut dx[pixel * lanes..(pixel + 1) * lanes];
                        (S::Vector::from_slice(simd, place) + S::Vector::from_slice(simd, row))
                            .store_slice(place);
                    }
                },
            );
        }
    })
}

/// Calls `each` for the output pixels `pixels`, counted over all images, in order, with the input pixel that tap `tap` reads;
/// None where that is padding.
#[inline(always)]
fn each_source(geometry: Geometry, tap: usize, pixels: Range<usize>, mut each: impl FnMut(Option<usize>)) {
    let Geometry { size, stride, offset } = geometry;
    let out = geometry.size_out();
    let (down, right) = (tap / 3, tap % 3);
    let first = pixels.start;
    let (mut image, mut y, mut x) = (first / (out * out), first / out % out, first % out);
    for _ in pixels {
        // Rows and columns are counted in the padded plane, whose first row and column are zeros.
        let (row, column) = (y * stride + offset + down, x * stride + offset + right);
        let inside = (1..=size).contains(&row) && (1..=size).contains(&column);
        each(if inside { Some((image * size + row - 1) * size + column - 1) } else { None });
        x += 1;
        if x == out {
            (x, y) = (0, y + 1);
        }
        if y == out {
            (y, image) = (0, image + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;
    use crate::kernel::{dispatch, lanes, levels, reference};

    const IMAGES: usize = 2;
    const CHANNELS: usize = 16;

    fn geometries() -> impl Iterator<Item = Geometry> {
        let strides = [(1, 0), (2, 0), (2, 1)].into_iter();
        let all =
            strides.flat_map(|(stride, offset)| [1, 2, 5, 6].map(|size| Geometry { size, stride, offset }));
        // SAME pads only behind at an even size
        all.filter(|geometry| geometry.offset == 0 || geometry.size % 2 == 0)
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn rows_times_weights_are_the_convolution() {
        let outputs = 3;
        let w = reference::matrix(2, (9 * CHANNELS, outputs));
        let weights = w.to_shape((3, 3, CHANNELS, outputs)).unwrap();
        for (level, geometry) in levels().into_iter().flat_map(|level| geometries().map(move |g| (level, g)))
        {
            let Geometry { size, stride, offset } = geometry;
            let out = IMAGES * geometry.size_out().pow(2);
            let x = reference::matrix(1, (IMAGES * size * size, CHANNELS));
            let lanes = lanes(level);
            let blocked = reference::block(x.view(), lanes);
            // all but the first pixel, in two pieces of blocks
            let here = 1..out;
            let mut rows = vec![f32::NAN; 9 * CHANNELS * here.len()];
            let (head, tail) = rows.split_at_mut(5 * here.len() * lanes);
            for (block, rows) in [(0, head), (5, tail)] {
                let here = here.clone();
                dispatch!(level, simd => im2col(simd, geometry, &blocked, CHANNELS, None, block, here, rows));
            }
            let value = |(pixel, k)| rows[(k / lanes * here.len() + pixel) * lanes + k % lanes];
            let found =
                reference::matmul(Array2::from_shape_fn((here.len(), 9 * CHANNELS), value).view(), w.view());
            let images = x.to_shape((IMAGES, size, size, CHANNELS)).unwrap();
            let expected = images.outer_iter().flat_map(|image| {
                reference::convolution(image, weights.view(), stride, 1 - offset).into_iter()
            });
            for (found, expected) in found.iter().zip(expected.skip(outputs)) {
                assert!((found - expected).abs() < 1e-4, "{level:?}, {geometry:?}: {found}, {expected}");
            }
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn col2im_goes_the_way_back() {
        // ⟨im2col(x), rows⟩ = ⟨x, col2im(rows)⟩
        for (level, geometry) in levels().into_iter().flat_map(|level| geometries().map(move |g| (level, g)))
        {
            let (pixels, out) = (IMAGES * geometry.size.pow(2), IMAGES * geometry.size_out().pow(2));
            let x = reference::numbers(1, pixels * CHANNELS);
            let gradients = reference::numbers(2, 9 * CHANNELS * out);
            let mut rows = vec![f32::NAN; gradients.len()];
            let mut dx = vec![0.0; x.len()];
            let half = gradients.len() / 2 / (out * lanes(level));
            let (head, tail) = gradients.split_at(half * out * lanes(level));
            dispatch!(level, simd => {
                im2col(simd, geometry, &x, CHANNELS, None, 0, 0..out, &mut rows);
                col2im(simd, geometry, head, CHANNELS, 0, 0..out, &mut dx);
                col2im(simd, geometry, tail, CHANNELS, half, 0..out, &mut dx);
            });
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
            let (there, back) = (dot(&rows, &gradients), dot(&x, &dx));
            assert!((there - back).abs() < 1e-3, "{level:?}, {geometry:?}: {there}, {back}");
        }
    }
}
