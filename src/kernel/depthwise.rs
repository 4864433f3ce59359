//! The depthwise 3×3 convolution of one image's plane of L channels, and its gradients.
//!
//! A plane is copied into a frame of zeros first (with batch norm and activation applied on the way), so that no
//! tap needs a test for the border; planes of one block of channels are small enough to stay in the first caches.
//! Backward frames the gradient of the output in the same way.

use std::ops::Range;

use super::{Simd, SimdBase, SimdFloat, hidden};

/// The geometry of a 3×3 convolution with a frame of one zero on each side of a square plane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Geometry {
    /// Height and width of the input.
    pub size: usize,
    /// 1 or 2.
    pub stride: usize,
    /// Where the first tap of the first output lies in the frame: 0 if the convolution pads before, else 1.
    pub offset: usize,
}

impl Geometry {
    /// Height and width of the output.
    pub fn size_out(self) -> usize {
        self.size.div_ceil(self.stride)
    }

    /// Height and width of the frame.
    pub fn framed(self) -> usize {
        self.size + 2
    }

    /// Pixels of the frame.
    pub fn framed_pixels(self) -> usize {
        self.framed() * self.framed()
    }

    /// Rows to skip and to compute when a whole plane is convolved.
    pub fn whole(self) -> (usize, usize) {
        (self.offset, self.size_out())
    }
}

/// Has `fill` write each row of a plane, given its span in the plane (size², L), to its place in the frame
/// (framed², L); zeroes the border.
#[inline(always)]
pub fn frame<S: Simd>(_: S, size: usize, framed: &mut [f32], mut fill: impl FnMut(Range<usize>, &mut [f32])) {
    let lanes = S::f32s::LEN;
    let width = (size + 2) * lanes;
    let row = size * lanes;
    framed[..width].fill(0.0);
    for (y, framed) in framed[width..].chunks_exact_mut(width).enumerate().take(size) {
        framed[..lanes].fill(0.0);
        fill(y * row..(y + 1) * row, &mut framed[lanes..width - lanes]);
        framed[width - lanes..].fill(0.0);
    }
    framed[(size + 1) * width..(size + 2) * width].fill(0.0);
}

/// The nine taps of one block of channels from weights (3, 3, C).
#[inline(always)]
pub fn taps<S: Simd>(simd: S, weights: &[f32], channels: usize, block: usize) -> [S::f32s; 9] {
    let mut taps = [S::f32s::splat(simd, 0.0); 9];
    for (tap, row) in taps.iter_mut().zip(weights.chunks_exact(channels)) {
        *tap = super::elementwise::channel(simd, row, block);
    }
    taps
}

/// Convolves a framed plane, or a band of its rows, and passes each output, in order, to `finish(pixel, value)`.
///
/// `framed` starts at a row of the frame, from which `top` more are skipped; `rows` rows of outputs follow.
#[inline(always)]
pub fn convolve<S: Simd>(
    simd: S,
    geometry: Geometry,
    framed: &[f32],
    (top, rows): (usize, usize),
    taps: &[S::f32s; 9],
    finish: impl FnMut(usize, S::f32s),
) {
    match geometry.stride {
        1 => convolve_rows::<S, 1>(simd, geometry, framed, (top, rows), taps, finish),
        _ => convolve_rows::<S, 2>(simd, geometry, framed, (top, rows), taps, finish),
    }
}

/// [`convolve`] at one stride. Neighbouring outputs are computed together: they share some of their inputs, and one's sum
/// need not wait for the other's.
#[inline(always)]
fn convolve_rows<S: Simd, const STRIDE: usize>(
    simd: S,
    geometry: Geometry,
    framed: &[f32],
    (top, rows): (usize, usize),
    taps: &[S::f32s; 9],
    mut finish: impl FnMut(usize, S::f32s),
) {
    let lanes = S::f32s::LEN;
    let (width, out) = (geometry.framed() * lanes, geometry.size_out());
    for y in 0..rows {
        let top = (y * STRIDE + top) * width + geometry.offset * lanes;
        // Rows are cut so that the last output's last tap is their end: no tap is out of bounds.
        let length = ((out - 1) * STRIDE + 3) * lanes;
        let rows = [0, 1, 2].map(|row| &framed[top + row * width..][..length]);
        let mut x = 0;
        while x < out {
            let rows = rows.map(|row| &row[x * STRIDE * lanes..]);
            let pixel = y * out + x;
            x += match out - x {
                // natively two are faster (`benches/kernels.rs`, `depthwise`)
                4.. if cfg!(target_arch = "wasm32") => {
                    outputs::<S, STRIDE, 4>(simd, rows, taps, pixel, &mut finish)
                }
                2.. => outputs::<S, STRIDE, 2>(simd, rows, taps, pixel, &mut finish),
                _ => outputs::<S, STRIDE, 1>(simd, rows, taps, pixel, &mut finish),
            };
        }
    }
}

/// N neighbouring outputs, of which `pixel` is the first, from where their rows of inputs start on. Returns N.
#[inline(always)]
fn outputs<S: Simd, const STRIDE: usize, const N: usize>(
    simd: S,
    [above, centre, below]: [&[f32]; 3],
    taps: &[S::f32s; 9],
    pixel: usize,
    finish: &mut impl FnMut(usize, S::f32s),
) -> usize {
    let last = hidden((N - 1) * STRIDE + 2);
    let mut sums = [S::f32s::splat(simd, 0.0); N];
    // Not a loop: compiled for the browser it would stay one, which reads from memory where each row and its taps lie.
    add_row::<S, STRIDE, N>(simd, above, &taps[..3], last, &mut sums);
    add_row::<S, STRIDE, N>(simd, centre, &taps[3..6], last, &mut sums);
    add_row::<S, STRIDE, N>(simd, below, &taps[6..], last, &mut sums);
    for (output, sum) in sums.iter().enumerate() {
        finish(pixel + output, *sum);
    }
    N
}

/// Adds what one row of inputs, of which `last` is the last column, contributes to neighbouring outputs.
#[inline(always)]
fn add_row<S: Simd, const STRIDE: usize, const N: usize>(
    simd: S,
    row: &[f32],
    taps: &[S::f32s],
    last: usize,
    sums: &mut [S::f32s; N],
) {
    let lanes = S::f32s::LEN;
    let row = &row[..((N - 1) * STRIDE + 3) * lanes];
    for (column, x) in row.chunks_exact(lanes).enumerate() {
        let x = S::f32s::from_slice(simd, x);
        for (output, sum) in sums.iter_mut().enumerate() {
            if let Some(tap) = column.checked_sub(output * STRIDE).and_then(|tap| taps.get(tap)) {
                *sum = x.mul_add(*tap, *sum);
            }
        }
        if column == last {
            break;
        }
    }
}

/// The gradient of the input: passes each pixel's, in some order, to `finish(pixel, value)`. `dy` is framed.
///
/// At stride 1 it is a convolution with the filter turned around.
#[inline(always)]
pub fn convolve_back<S: Simd>(
    simd: S,
    geometry: Geometry,
    dy: &[f32],
    taps: &[S::f32s; 9],
    finish: impl FnMut(usize, S::f32s),
) {
    if geometry.stride == 2 {
        return spread_back(simd, geometry, dy, taps, finish);
    }
    let mut turned = *taps;
    turned.reverse();
    convolve_rows::<S, 1>(simd, geometry, dy, geometry.whole(), &turned, finish);
}

/// [`convolve_back`] at stride 2, where outputs reach a pixel by four, two or one of their taps, as its row and column are
/// odd or even. So pixels are computed by fours: the centre of an output's filter, and what lies between it and the next.
#[inline(always)]
fn spread_back<S: Simd>(
    simd: S,
    geometry: Geometry,
    dy: &[f32],
    taps: &[S::f32s; 9],
    mut finish: impl FnMut(usize, S::f32s),
) {
    let lanes = S::f32s::LEN;
    let (size, out) = (geometry.size, geometry.size_out());
    let width = (out + 2) * lanes;
    let mut put = |y: usize, x: usize, value| {
        // What lies before the input has wrapped around.
        if y < size && x < size {
            finish(y * size + x, value);
        }
    };
    for row in 0..=out {
        let rows = [row, row + 1].map(|row| &dy[row * width..(row + 1) * width]);
        let y = (2 * row + geometry.offset).wrapping_sub(2);
        for column in 0..=out {
            let at = |row: usize, column: usize| {
                S::f32s::from_slice(simd, &rows[row][column * lanes..(column + 1) * lanes])
            };
            let (here, right) = (at(0, column), at(0, column + 1));
            let (below, across) = (at(1, column), at(1, column + 1));
            let x = (2 * column + geometry.offset).wrapping_sub(2);
            let (next_y, next_x) = (y.wrapping_add(1), x.wrapping_add(1));
            put(y, x, here * taps[4]);
            put(y, next_x, here.mul_add(taps[5], right * taps[3]));
            put(next_y, x, here.mul_add(taps[7], below * taps[1]));
            let rows = (here.mul_add(taps[8], right * taps[6]), below.mul_add(taps[2], across * taps[0]));
            put(next_y, next_x, rows.0 + rows.1);
        }
    }
}

/// The gradient of the nine taps: adds Σ x · dy over all outputs. Both are framed.
#[inline(always)]
pub fn accumulate<S: Simd>(simd: S, geometry: Geometry, x: &[f32], dy: &[f32], sums: &mut [S::f32s; 9]) {
    match geometry.stride {
        1 => accumulate_rows::<S, 1, 4>(simd, geometry, x, dy, sums),
        _ => accumulate_rows::<S, 2, 5>(simd, geometry, x, dy, sums),
    }
}

/// [`accumulate`] at one stride, over pairs of outputs that share some of their `COLUMNS` of inputs.
#[inline(always)]
fn accumulate_rows<S: Simd, const STRIDE: usize, const COLUMNS: usize>(
    simd: S,
    geometry: Geometry,
    x: &[f32],
    dy: &[f32],
    sums: &mut [S::f32s; 9],
) {
    let lanes = S::f32s::LEN;
    let (width, out) = (geometry.framed() * lanes, geometry.size_out());
    let mut totals = *sums;
    for y in 0..out {
        let top = (y * STRIDE + geometry.offset) * width + geometry.offset * lanes;
        let length = ((out - 1) * STRIDE + 3) * lanes;
        let rows = [0, 1, 2].map(|row| &x[top + row * width..][..length]);
        let dy = &dy[((y + 1) * (out + 2) + 1) * lanes..][..out * lanes];
        for x in (0..out - out % 2).step_by(2) {
            let left = x * STRIDE * lanes;
            let pair = &dy[x * lanes..(x + 2) * lanes];
            let dy = [0, 1].map(|at| S::f32s::from_slice(simd, &pair[at * lanes..(at + 1) * lanes]));
            for (row, totals) in rows.iter().zip(totals.chunks_exact_mut(3)) {
                let row = &row[left..left + COLUMNS * lanes];
                for (column, x) in row.chunks_exact(lanes).enumerate() {
                    let x = S::f32s::from_slice(simd, x);
                    for (output, dy) in dy.iter().enumerate() {
                        let tap = column.checked_sub(output * STRIDE).and_then(|tap| totals.get_mut(tap));
                        if let Some(total) = tap {
                            *total = x.mul_add(*dy, *total);
                        }
                    }
                }
            }
        }
        if out % 2 == 1 {
            let left = (out - 1) * STRIDE * lanes;
            let dy = S::f32s::from_slice(simd, &dy[(out - 1) * lanes..]);
            for (row, totals) in rows.iter().zip(totals.chunks_exact_mut(3)) {
                for (x, total) in row[left..].chunks_exact(lanes).zip(totals) {
                    *total = S::f32s::from_slice(simd, x).mul_add(dy, *total);
                }
            }
        }
    }
    *sums = totals;
}

/// Adds the gradient of the taps of one block to weights' gradient (3, 3, C).
#[inline(always)]
pub fn add_taps<S: Simd>(_: S, sums: &[S::f32s; 9], channels: usize, block: usize, dw: &mut [f32]) {
    let lanes = S::f32s::LEN;
    for (sum, row) in sums.iter().zip(dw.chunks_exact_mut(channels)) {
        for (dw, value) in row[block * lanes..(block + 1) * lanes].iter_mut().zip(sum.as_slice()) {
            *dw += *value;
        }
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;
    use crate::kernel::{dispatch, lanes, levels, reference};

    /// Sizes, strides and offsets: odd and even, both paddings.
    const CASES: [(usize, usize, usize); 9] =
        [(1, 1, 0), (2, 1, 0), (7, 1, 0), (8, 1, 0), (1, 2, 0), (7, 2, 0), (8, 2, 0), (8, 2, 1), (2, 2, 1)];

    /// One plane a lane, each with its own numbers: (L, size²) → (size², L).
    fn interleave(planes: &[Vec<f32>]) -> Vec<f32> {
        (0..planes[0].len()).flat_map(|pixel| planes.iter().map(move |plane| plane[pixel])).collect()
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn forward_and_gradients_are_the_reference() {
        for level in levels() {
            let lanes = lanes(level);
            for (size, stride, offset) in CASES {
                let geometry = Geometry { size, stride, offset };
                let (inputs, outputs) = (size * size, geometry.size_out() * geometry.size_out());
                let x: Vec<_> = (0..lanes).map(|lane| reference::numbers(lane as u64, inputs)).collect();
                let dy: Vec<_> =
                    (0..lanes).map(|lane| reference::numbers(50 + lane as u64, outputs)).collect();
                let weights = reference::numbers(99, 9 * lanes);
                let mut y = vec![f32::NAN; outputs * lanes];
                let mut dx = vec![f32::NAN; inputs * lanes];
                let mut dw = vec![0.0; 9 * lanes];
                dispatch!(level, simd => {
                    let mut framed = vec![f32::NAN; geometry.framed_pixels() * lanes];
                    let mut gradient = framed.clone();
                    let taps = taps(simd, &weights, lanes, 0);
                    let plane = interleave(&x);
                    frame(simd, size, &mut framed, |row, out| out.copy_from_slice(&plane[row]));
                    convolve(simd, geometry, &framed, geometry.whole(), &taps, |pixel, value| {
                        value.store_slice(&mut y[pixel * lanes..(pixel + 1) * lanes]);
                    });
                    let plane = interleave(&dy);
                    frame(simd, geometry.size_out(), &mut gradient, |row, out| out.copy_from_slice(&plane[row]));
                    let mut sums = [SimdBase::splat(simd, 0.0); 9];
                    accumulate(simd, geometry, &framed, &gradient, &mut sums);
                    add_taps(simd, &sums, lanes, 0, &mut dw);
                    convolve_back(simd, geometry, &gradient, &taps, |pixel, value| {
                        value.store_slice(&mut dx[pixel * lanes..(pixel + 1) * lanes]);
                    });
                });
                for lane in 0..lanes {
                    let taps: [f32; 9] = std::array::from_fn(|tap| weights[tap * lanes + lane]);
                    let convolve =
                        |x: &[f32], taps: &[f32; 9]| reference::depthwise(x, size, taps, stride, 1 - offset);
                    let expected = convolve(&x[lane], &taps);
                    for (pixel, expected) in expected.iter().enumerate() {
                        let found = f64::from(y[pixel * lanes + lane]);
                        assert!((found - expected).abs() < 1e-5, "{level:?} {geometry:?} y[{pixel}]");
                    }
                    // The gradient of Σ dy · y by its definition: y is linear in x and in the taps.
                    let total =
                        |y: Vec<f64>| y.iter().zip(&dy[lane]).map(|(y, dy)| y * f64::from(*dy)).sum::<f64>();
                    for pixel in 0..inputs {
                        let mut unit = vec![0.0; inputs];
                        unit[pixel] = 1.0;
                        let (found, expected) =
                            (f64::from(dx[pixel * lanes + lane]), total(convolve(&unit, &taps)));
                        assert!((found - expected).abs() < 1e-5, "{level:?} {geometry:?} dx[{pixel}]");
                    }
                    for tap in 0..9 {
                        let mut unit = [0.0; 9];
                        unit[tap] = 1.0;
                        let (found, expected) =
                            (f64::from(dw[tap * lanes + lane]), total(convolve(&x[lane], &unit)));
                        assert!((found - expected).abs() < 2e-5, "{level:?} {geometry:?} dw[{tap}]");
                    }
                }
            }
        }
    }
}
