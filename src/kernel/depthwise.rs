//! The depthwise 3×3 convolution of one image's plane of L channels, and its gradients.
//!
//! A plane is first copied into a padded plane with a border of zeros, with batch norm and activation applied on the
//! way, so that no tap needs a border test. The planes of one block of channels are small enough for the nearest
//! caches. Backward pads the output's gradient in the same way.

use std::ops::Range;

use super::{Isa, SimdBase, SimdFloat, optimisation_barrier};
use crate::arch::{Config, Layer};

/// The geometry of a 3×3 convolution of a square plane padded by one zero on each side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Geometry {
    /// Height and width of the input.
    pub size: usize,
    /// 1 or 2.
    pub stride: usize,
    /// Where the first tap of the first output lies in the padded plane: 0 if the convolution pads before, else 1.
    pub offset: usize,
}

impl Geometry {
    /// The geometry of `layer` in the network of `config`.
    pub fn of(config: &Config, layer: &Layer) -> Geometry {
        Geometry { size: layer.size_in, stride: layer.stride, offset: 1 - config.padding_before(layer) }
    }

    /// Height and width of the output.
    pub fn size_out(self) -> usize {
        self.size.div_ceil(self.stride)
    }

    /// Height and width of the padded plane.
    pub fn padded_size(self) -> usize {
        self.size + 2
    }

    /// Pixels of the padded plane.
    pub fn padded_pixels(self) -> usize {
        self.padded_size() * self.padded_size()
    }

    /// Rows to skip and rows to compute when a whole plane is convolved.
    pub fn whole(self) -> (usize, usize) {
        (self.offset, self.size_out())
    }
}

/// Calls `fill` for each row of a plane with its span in the plane (size², L) and its place in the padded plane ((size
/// + 2)², L), whose border must be zero and stays so.
#[inline(always)]
pub fn pad<S: Isa>(
    _: S,
    size: usize,
    padded_plane: &mut [f32],
    mut fill: impl FnMut(Range<usize>, &mut [f32]),
) {
    let lanes = S::Vector::LEN;
    let width = (size + 2) * lanes;
    let row = size * lanes;
    for (y, padded_plane) in padded_plane[width..].chunks_exact_mut(width).enumerate().take(size) {
        fill(y * row..(y + 1) * row, &mut padded_plane[lanes..width - lanes]);
    }
}

/// The nine taps of one block of channels from weights (3, 3, C).
#[inline(always)]
pub fn taps<S: Isa>(simd: S, weights: &[f32], channels: usize, block: usize) -> [S::Vector; 9] {
    let mut taps = [S::Vector::splat(simd, 0.0); 9];
    for (tap, row) in taps.iter_mut().zip(weights.chunks_exact(channels)) {
        *tap = super::elementwise::channel(simd, row, block);
    }
    taps
}

/// Convolves a padded plane, or some of its rows. `finish(pixel, values)` receives the outputs in order, a few
/// neighbours at a time, with the index of the first.
///
/// `padded_plane` starts at some row of the padded plane; `top` rows are skipped and `rows` rows of outputs computed.
#[inline(always)]
pub fn convolve<S: Isa>(
    simd: S,
    geometry: Geometry,
    padded_plane: &[f32],
    (top, rows): (usize, usize),
    taps: &[S::Vector; 9],
    finish: impl FnMut(usize, &mut [S::Vector]),
) {
    match geometry.stride {
        1 => convolve_rows::<S, 1>(simd, geometry, padded_plane, (top, rows), taps, finish),
        _ => convolve_rows::<S, 2>(simd, geometry, padded_plane, (top, rows), taps, finish),
    }
}

/// [`convolve`] at one stride. Neighbouring outputs are computed together: they share inputs, and their sums do not
/// wait for each other.
#[inline(always)]
fn convolve_rows<S: Isa, const STRIDE: usize>(
    simd: S,
    geometry: Geometry,
    padded_plane: &[f32],
    (top, rows): (usize, usize),
    taps: &[S::Vector; 9],
    mut finish: impl FnMut(usize, &mut [S::Vector]),
) {
    let lanes = S::Vector::LEN;
    let out = geometry.size_out();
    for y in 0..rows {
        let [above, centre, below] =
            rows_of_taps::<S, STRIDE>(simd, geometry, padded_plane, y * STRIDE + top);
        let mut x = 0;
        while x < out {
            let left = x * STRIDE * lanes;
            let rows = [&above[left..], &centre[left..], &below[left..]];
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

/// The three rows of a padded plane, starting at row `top`, that a row of outputs reads. They run from the first
/// output's first tap to the last output's last tap, so that no tap is out of bounds.
#[inline(always)]
fn rows_of_taps<S: Isa, const STRIDE: usize>(
    _: S,
    geometry: Geometry,
    padded_plane: &[f32],
    top: usize,
) -> [&[f32]; 3] {
    let width = geometry.padded_size() * S::Vector::LEN;
    let length = ((geometry.size_out() - 1) * STRIDE + 3) * S::Vector::LEN;
    let top = top * width + geometry.offset * S::Vector::LEN;
    [
        &padded_plane[top..][..length],
        &padded_plane[top + width..][..length],
        &padded_plane[top + 2 * width..][..length],
    ]
}

/// Computes N neighbouring outputs, the first at `pixel`, from the start of their rows of inputs. Returns N.
#[inline(always)]
fn outputs<S: Isa, const STRIDE: usize, const N: usize>(
    simd: S,
    [above, centre, below]: [&[f32]; 3],
    taps: &[S::Vector; 9],
    pixel: usize,
    finish: &mut impl FnMut(usize, &mut [S::Vector]),
) -> usize {
    let last = optimisation_barrier((N - 1) * STRIDE + 2);
    let mut sums = [S::Vector::splat(simd, 0.0); N];
    // Not a loop: in the browser it would not be unrolled, and would load the position of each row and its taps from
    // memory.
    add_row::<S, STRIDE, N>(simd, above, &taps[..3], last, &mut sums);
    add_row::<S, STRIDE, N>(simd, centre, &taps[3..6], last, &mut sums);
    add_row::<S, STRIDE, N>(simd, below, &taps[6..], last, &mut sums);
    finish(pixel, &mut sums);
    N
}

/// Adds the contribution of one row of inputs, which ends at column `last`, to neighbouring outputs.
#[inline(always)]
fn add_row<S: Isa, const STRIDE: usize, const N: usize>(
    simd: S,
    row: &[f32],
    taps: &[S::Vector],
    last: usize,
    sums: &mut [S::Vector; N],
) {
    let lanes = S::Vector::LEN;
    let row = &row[..((N - 1) * STRIDE + 3) * lanes];
    for (column, x) in row.chunks_exact(lanes).enumerate() {
        let x = S::Vector::from_slice(simd, x);
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

/// The gradient of the input: passes each pixel's to `finish` as [`convolve`] does, in no particular order. `dy` is
/// padded.
///
/// At stride 1 it is a convolution with the filter rotated by 180°.
#[inline(always)]
pub fn convolve_back<S: Isa>(
    simd: S,
    geometry: Geometry,
    dy: &[f32],
    taps: &[S::Vector; 9],
    finish: impl FnMut(usize, &mut [S::Vector]),
) {
    if geometry.stride == 2 {
        return spread_back(simd, geometry, dy, taps, finish);
    }
    let mut turned = *taps;
    turned.reverse();
    convolve_rows::<S, 1>(simd, geometry, dy, geometry.whole(), &turned, finish);
}

/// [`convolve_back`] at stride 2, where a pixel receives four, two or one taps, depending on the parity of its row and
/// column. So pixels are computed in groups of four: the centre of an output's filter, and the pixels between it and
/// the next output's.
#[inline(always)]
fn spread_back<S: Isa>(
    simd: S,
    geometry: Geometry,
    dy: &[f32],
    taps: &[S::Vector; 9],
    mut finish: impl FnMut(usize, &mut [S::Vector]),
) {
    let lanes = S::Vector::LEN;
    let Geometry { size, offset, .. } = geometry;
    let out = geometry.size_out();
    let width = (out + 2) * lanes;
    // If the convolution pads before, the first output's filter is centred on the first pixel.
    let first = 1 - offset;
    for row in first..=out {
        let (above, below) = (&dy[row * width..][..width], &dy[(row + 1) * width..][..width]);
        let y = (2 * row + offset).wrapping_sub(2);
        for column in first..=out {
            let at = column * lanes;
            let (above, below) = (&above[at..at + 2 * lanes], &below[at..at + 2 * lanes]);
            let (here, right) =
                (S::Vector::from_slice(simd, &above[..lanes]), S::Vector::from_slice(simd, &above[lanes..]));
            let (under, across) =
                (S::Vector::from_slice(simd, &below[..lanes]), S::Vector::from_slice(simd, &below[lanes..]));
            let across = under.mul_add(taps[2], across * taps[0]);
            let x = (2 * column + offset).wrapping_sub(2);
            let pair = [here * taps[4], here.mul_add(taps[5], right * taps[3])];
            put_pair::<S>(size, (y, x), pair, &mut finish);
            let pair =
                [here.mul_add(taps[7], under * taps[1]), here.mul_add(taps[8], right * taps[6]) + across];
            put_pair::<S>(size, (y.wrapping_add(1), x), pair, &mut finish);
        }
    }
}

/// Passes on those of two neighbouring pixels that lie in the input; coordinates before it have wrapped around.
#[inline(always)]
fn put_pair<S: Isa>(
    size: usize,
    (y, x): (usize, usize),
    mut pair: [S::Vector; 2],
    finish: &mut impl FnMut(usize, &mut [S::Vector]),
) {
    if y >= size {
        return;
    }
    if x < size - 1 {
        return finish(y * size + x, &mut pair);
    }
    let (x, value) = if x < size { (x, pair[0]) } else { (x.wrapping_add(1), pair[1]) };
    if x < size {
        finish(y * size + x, &mut [value]);
    }
}

/// The gradient of the nine taps: adds Σ x · dy over all outputs. Both are padded.
#[inline(always)]
pub fn accumulate<S: Isa>(simd: S, geometry: Geometry, x: &[f32], dy: &[f32], sums: &mut [S::Vector; 9]) {
    match geometry.stride {
        1 => accumulate_rows::<S, 1>(simd, geometry, x, dy, sums),
        _ => accumulate_rows::<S, 2>(simd, geometry, x, dy, sums),
    }
}

/// [`accumulate`] at one stride, over pairs of outputs, which share inputs.
#[inline(always)]
fn accumulate_rows<S: Isa, const STRIDE: usize>(
    simd: S,
    geometry: Geometry,
    x: &[f32],
    dy: &[f32],
    sums: &mut [S::Vector; 9],
) {
    let lanes = S::Vector::LEN;
    let out = geometry.size_out();
    let mut totals = *sums;
    for y in 0..out {
        let rows = rows_of_taps::<S, STRIDE>(simd, geometry, x, y * STRIDE + geometry.offset);
        let dy = &dy[((y + 1) * (out + 2) + 1) * lanes..][..out * lanes];
        let mut x = 0;
        while x < out {
            x += match out - x {
                2.. => products::<S, STRIDE, 2>(simd, rows, dy, x, &mut totals),
                _ => products::<S, STRIDE, 1>(simd, rows, dy, x, &mut totals),
            };
        }
    }
    *sums = totals;
}

/// Adds the contribution of N neighbouring outputs, from `x` on, to each tap's gradient. Returns N.
#[inline(always)]
fn products<S: Isa, const STRIDE: usize, const N: usize>(
    simd: S,
    [above, centre, below]: [&[f32]; 3],
    dy: &[f32],
    x: usize,
    sums: &mut [S::Vector; 9],
) -> usize {
    let lanes = S::Vector::LEN;
    let mut gradients = [S::Vector::splat(simd, 0.0); N];
    for (gradient, dy) in gradients.iter_mut().zip(dy[x * lanes..(x + N) * lanes].chunks_exact(lanes)) {
        *gradient = S::Vector::from_slice(simd, dy);
    }
    let left = x * STRIDE * lanes;
    add_products::<S, STRIDE, N>(simd, &above[left..], &gradients, &mut sums[..3]);
    add_products::<S, STRIDE, N>(simd, &centre[left..], &gradients, &mut sums[3..6]);
    add_products::<S, STRIDE, N>(simd, &below[left..], &gradients, &mut sums[6..]);
    N
}

/// [`products`] for one row of inputs.
#[inline(always)]
fn add_products<S: Isa, const STRIDE: usize, const N: usize>(
    simd: S,
    row: &[f32],
    gradients: &[S::Vector; N],
    sums: &mut [S::Vector],
) {
    let lanes = S::Vector::LEN;
    let row = &row[..((N - 1) * STRIDE + 3) * lanes];
    for (column, x) in row.chunks_exact(lanes).enumerate() {
        let x = S::Vector::from_slice(simd, x);
        for (output, gradient) in gradients.iter().enumerate() {
            if let Some(sum) = column.checked_sub(output * STRIDE).and_then(|tap| sums.get_mut(tap)) {
                *sum = x.mul_add(*gradient, *sum);
            }
        }
    }
}

/// Adds one block's tap gradients to the gradient of the weights, (3, 3, C).
#[inline(always)]
pub fn add_taps<S: Isa>(_: S, sums: &[S::Vector; 9], channels: usize, block: usize, dw: &mut [f32]) {
    let lanes = S::Vector::LEN;
    for (sum, row) in sums.iter().zip(dw.chunks_exact_mut(channels)) {
        for (dw, value) in row[block * lanes..(block + 1) * lanes].iter_mut().zip(sum.as_slice()) {
            *dw += *value;
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, Axis, indices, stack};
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;
    use crate::kernel::elementwise::store;
    use crate::kernel::{dispatch, lanes, levels, reference};

    /// Sizes, strides and offsets: odd and even, both paddings.
    const CASES: [(usize, usize, usize); 9] =
        [(1, 1, 0), (2, 1, 0), (7, 1, 0), (8, 1, 0), (1, 2, 0), (7, 2, 0), (8, 2, 0), (8, 2, 1), (2, 2, 1)];

    /// One plane per lane, each with its own numbers: (L, size²) → (size², L).
    fn interleave(planes: &[Array2<f32>]) -> Vec<f32> {
        let views: Vec<_> = planes.iter().map(|plane| plane.view()).collect();
        stack(Axis(2), &views).unwrap().iter().copied().collect()
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn forward_and_gradients_match_the_reference() {
        for level in levels() {
            let lanes = lanes(level);
            for (size, stride, offset) in CASES {
                let geometry = Geometry { size, stride, offset };
                let (inputs, outputs) = (size * size, geometry.size_out() * geometry.size_out());
                let planes = |seed, size| -> Vec<_> {
                    (0..lanes).map(|lane| reference::matrix(seed + lane as u64, (size, size))).collect()
                };
                let (x, dy) = (planes(0, size), planes(50, geometry.size_out()));
                let weights = reference::numbers(99, 9 * lanes);
                let mut y = vec![f32::NAN; outputs * lanes];
                let mut dx = vec![f32::NAN; inputs * lanes];
                let mut dw = vec![0.0; 9 * lanes];
                dispatch!(level, simd => {
                    let mut padded_plane = vec![0.0; geometry.padded_pixels() * lanes];
                    let mut gradient = padded_plane.clone();
                    let taps = taps(simd, &weights, lanes, 0);
                    let plane = interleave(&x);
                    pad(simd, size, &mut padded_plane, |row, out| out.copy_from_slice(&plane[row]));
                    convolve(simd, geometry, &padded_plane, geometry.whole(), &taps, |pixel, values| {
                        store(simd, values, &mut y[pixel * lanes..]);
                    });
                    let plane = interleave(&dy);
                    pad(simd, geometry.size_out(), &mut gradient, |row, out| out.copy_from_slice(&plane[row]));
                    let mut sums = [SimdBase::splat(simd, 0.0); 9];
                    accumulate(simd, geometry, &padded_plane, &gradient, &mut sums);
                    add_taps(simd, &sums, lanes, 0, &mut dw);
                    convolve_back(simd, geometry, &gradient, &taps, |pixel, values| {
                        store(simd, values, &mut dx[pixel * lanes..]);
                    });
                });
                for lane in 0..lanes {
                    let taps = Array2::from_shape_fn((3, 3), |(y, x)| weights[(3 * y + x) * lanes + lane]);
                    let convolve = |x: &Array2<f32>, taps: &Array2<f32>| {
                        reference::depthwise(x.view(), taps.view(), stride, 1 - offset)
                    };
                    let expected = convolve(&x[lane], &taps);
                    for (pixel, expected) in expected.iter().enumerate() {
                        let found = f64::from(y[pixel * lanes + lane]);
                        assert!((found - expected).abs() < 1e-5, "{level:?} {geometry:?} y[{pixel}]");
                    }
                    // The gradient of Σ dy · y by definition: y is linear in x and in the taps.
                    let total = |y: Array2<f64>| (y * dy[lane].mapv(f64::from)).sum();
                    for (pixel, at) in indices((size, size)).into_iter().enumerate() {
                        let mut unit = Array2::zeros((size, size));
                        unit[at] = 1.0;
                        let (found, expected) =
                            (f64::from(dx[pixel * lanes + lane]), total(convolve(&unit, &taps)));
                        assert!((found - expected).abs() < 1e-5, "{level:?} {geometry:?} dx[{pixel}]");
                    }
                    for (tap, at) in indices((3, 3)).into_iter().enumerate() {
                        let mut unit = Array2::zeros((3, 3));
                        unit[at] = 1.0;
                        let (found, expected) =
                            (f64::from(dw[tap * lanes + lane]), total(convolve(&x[lane], &unit)));
                        assert!((found - expected).abs() < 2e-5, "{level:?} {geometry:?} dw[{tap}]");
                    }
                }
            }
        }
    }
}
