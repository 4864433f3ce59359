//! Per-channel sums over pixels, from which batch norm computes its statistics and its gradient.
//!
//! They are taken in `f32` over at most [`PIXELS`] pixels and added up in `f64`, so that they stay precise at any batch
//! size.

use super::{Isa, SimdBase, SimdFloat, vectorize};

/// Pixels summed in `f32`: at most as many as a product works on at once.
pub const PIXELS: usize = 384;

/// Independent partial sums, so that no addition waits for the one before.
const WAYS: usize = 4;

/// Per-channel sums of two quantities over pixels.
pub struct Sums {
    /// Σ of the first quantity, (C).
    pub first: Vec<f64>,
    /// Σ of the second, (C).
    pub second: Vec<f64>,
}

impl Sums {
    /// Room for `channels`.
    pub fn new(channels: usize) -> Self {
        Sums { first: vec![0.0; channels], second: vec![0.0; channels] }
    }

    /// Returns both sums of a channel and clears them.
    pub fn take(&mut self, channel: usize) -> (f64, f64) {
        (std::mem::take(&mut self.first[channel]), std::mem::take(&mut self.second[channel]))
    }

    /// Adds `other`'s sums of the first `channels` channels and clears them there.
    pub fn absorb(&mut self, other: &mut Sums, channels: usize) {
        for channel in 0..channels {
            let (first, second) = other.take(channel);
            self.first[channel] += first;
            self.second[channel] += second;
        }
    }

    /// Clears the first `channels` channels.
    pub fn clear(&mut self, channels: usize) {
        self.first[..channels].fill(0.0);
        self.second[..channels].fill(0.0);
    }

    /// Adds the sums of one block of channels.
    #[inline(always)]
    pub fn add<S: Isa>(&mut self, _: S, block: usize, first: S::Vector, second: S::Vector) {
        let lanes = S::Vector::LEN;
        for (sums, values) in [(&mut self.first, first), (&mut self.second, second)] {
            for (sum, value) in sums[block * lanes..(block + 1) * lanes].iter_mut().zip(values.as_slice()) {
                *sum += f64::from(*value);
            }
        }
    }

    /// Adds Σ y and Σ y² of one block of channels; `y` is (pixels, L), with any number of pixels.
    ///
    /// A variance is the difference of two sums. Where the mean is large relative to the standard deviation, the sums
    /// nearly agree and `f32` has no digits left for their difference: at a ratio of a hundred, four of seven are lost.
    /// So values are summed about a centre near their mean, and only in `f64` about zero, which loses less than
    /// rounding `y` to `f32` did, whatever the mean. The centre is the mean of a sample spread over the values at hand,
    /// since no other holds for any data: a running mean is zero at first and stale when the data change, a single
    /// value may be a border's, and the true mean is not known while the values are computed. It need not be exact: off
    /// by one standard deviation, it doubles the sums' rounding error.
    ///
    /// The values were just written and are read again from the first or second cache.
    #[inline(never)]
    pub fn add_moments<S: Isa>(&mut self, simd: S, block: usize, y: &[f32]) {
        vectorize!(simd, {
            let lanes = S::Vector::LEN;
            let channels = block * lanes..(block + 1) * lanes;
            let (first, second) = (&mut self.first[channels.clone()], &mut self.second[channels]);
            for y in y.chunks(PIXELS * lanes) {
                let centre = typical(simd, y);
                let (total, square) = moments(simd, y, centre);
                let pixels = (y.len() / lanes) as f64;
                for lane in 0..lanes {
                    let centre = f64::from(centre.as_slice()[lane]);
                    let total = f64::from(total.as_slice()[lane]);
                    let square = f64::from(square.as_slice()[lane]);
                    first[lane] += total + pixels * centre;
                    second[lane] += square + centre * (2.0 * total + pixels * centre);
                }
            }
        })
    }
}

/// The mean of about eight pixels or more at even distances, or of all if there are few. The distance is odd, so that
/// in images with an even row length the samples do not all fall in one column.
#[inline(always)]
fn typical<S: Isa>(simd: S, y: &[f32]) -> S::Vector {
    let lanes = S::Vector::LEN;
    let pixels = y.len() / lanes;
    let distance = (pixels / 8) | 1;
    let mut sum = S::Vector::splat(simd, 0.0);
    for y in y.chunks_exact(lanes).step_by(distance) {
        sum += S::Vector::from_slice(simd, y);
    }
    sum * (1.0 / pixels.div_ceil(distance) as f32)
}

/// Σ (y - centre) and Σ (y - centre)².
#[inline(always)]
fn moments<S: Isa>(simd: S, y: &[f32], centre: S::Vector) -> (S::Vector, S::Vector) {
    let lanes = S::Vector::LEN;
    let mut total = [S::Vector::splat(simd, 0.0); WAYS];
    let mut square = total;
    let mut groups = y.chunks_exact(WAYS * lanes);
    for y in groups.by_ref() {
        for i in 0..WAYS {
            let off = S::Vector::from_slice(simd, &y[i * lanes..(i + 1) * lanes]) - centre;
            total[i] += off;
            square[i] = off.mul_add(off, square[i]);
        }
    }
    for y in groups.remainder().chunks_exact(lanes) {
        let off = S::Vector::from_slice(simd, y) - centre;
        total[0] += off;
        square[0] = off.mul_add(off, square[0]);
    }
    let total = (total[0] + total[1]) + (total[2] + total[3]);
    let square = (square[0] + square[1]) + (square[2] + square[3]);
    (total, square)
}

#[cfg(test)]
mod tests {
    use ndarray::ArrayView2;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;
    use crate::kernel::{MAX_LANES, dispatch, levels, reference};

    /// The largest relative error of a channel's variance; `values` is (pixels, 8).
    fn off(values: &[f32]) -> f64 {
        let pixels = values.len() / MAX_LANES;
        let rows = ArrayView2::from_shape((pixels, MAX_LANES), values).unwrap();
        let mut worst = 0.0f64;
        for level in levels() {
            let lanes = crate::kernel::lanes(level);
            let blocked = reference::block(rows, lanes);
            let mut sums = Sums::new(MAX_LANES);
            for (block, y) in blocked.chunks_exact(pixels * lanes).enumerate() {
                dispatch!(level, simd => sums.add_moments(simd, block, y));
            }
            for c in 0..MAX_LANES {
                let channel = || values.iter().skip(c).step_by(MAX_LANES).copied().map(f64::from);
                let mean = channel().sum::<f64>() / pixels as f64;
                let expected = channel().map(|y| (y - mean).powi(2)).sum::<f64>() / pixels as f64;
                let found = sums.second[c] / pixels as f64 - (sums.first[c] / pixels as f64).powi(2);
                let mean_off = (sums.first[c] / pixels as f64 - mean).abs();
                assert!(
                    mean_off <= 1e-6 * expected.sqrt(),
                    "{level:?}, {pixels} pixels: mean {mean_off:.1e}"
                );
                worst = worst.max((found - expected).abs() / expected);
            }
        }
        worst
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn variance_is_precise_whatever_the_mean() {
        for pixels in [7, 8, 15, 16, 100, 383, 384, 385, 1000, 5000] {
            for mean in [0.0, 1.0, 10.0, 100.0, 1000.0, 10_000.0] {
                let noise = reference::numbers(pixels as u64, pixels * MAX_LANES);
                let values: Vec<f32> = noise.iter().map(|value| mean + value).collect();
                let off = off(&values);
                assert!(off < 1e-6, "{pixels} pixels about {mean}: {off:.1e}");
            }
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn variance_is_precise_with_outliers() {
        // A corner, a border of 32² planes, one odd image, the last pixel alone.
        type Chosen = fn(usize) -> bool;
        let unlike: [(&str, Chosen); 4] = [
            ("a corner", |pixel| pixel.is_multiple_of(1024)),
            ("a border", |pixel| pixel.is_multiple_of(32) || pixel % 1024 < 32),
            ("an image", |pixel| pixel / 1024 == 1),
            ("the last", |pixel| pixel == 4095),
        ];
        for (what, unlike) in unlike {
            for (rest, other) in [(100.0, 0.0), (0.0, 100.0), (1000.0, 1001.0)] {
                let mut values = reference::numbers(5, 4096 * MAX_LANES);
                for (index, value) in values.iter_mut().enumerate() {
                    *value = 0.01 * *value + if unlike(index / MAX_LANES) { other } else { rest };
                }
                let off = off(&values);
                assert!(off < 3e-6, "{what}, {rest} and {other}: {off:.1e}");
            }
        }
    }
}
