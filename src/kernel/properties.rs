//! Property tests: kernels at random sizes, on every instruction set of this machine, against the naive oracle.

use ndarray::{Array2, Axis, s, stack};
use proptest::prelude::*;

use super::depthwise::{self, Geometry, add_taps, convolve, convolve_back, pad, taps};
use super::elementwise::store;
use super::matmul::{self, matmul, pack, packed_len, panels};
use super::{SimdBase, dispatch, lanes, levels, padded, reference};

/// Up to two tiles of the tallest kind, with every remainder.
const ROWS: std::ops::Range<usize> = 1..27;
/// Up to two panels of two blocks, with every remainder.
const CHANNELS: std::ops::Range<usize> = 1..41;

fn assert_close(what: &str, found: impl IntoIterator<Item = f32>, expected: &Array2<f64>) {
    let found: Vec<f32> = found.into_iter().collect();
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((f64::from(*found) - expected).abs() < 2e-5, "{what} at {i}: {found}, {expected}");
    }
}

/// One plane per lane: (S, S) each → (S, S, L).
fn interleave(planes: &[Array2<f32>]) -> Vec<f32> {
    let views: Vec<_> = planes.iter().map(|plane| plane.view()).collect();
    stack(Axis(2), &views).unwrap().iter().copied().collect()
}

fn geometry() -> impl Strategy<Value = Geometry> {
    (1..20usize, prop_oneof![Just((1, 0)), Just((2, 0)), Just((2, 1))])
        // SAME pads only after the input at an even size
        .prop_map(|(size, (stride, offset))| Geometry { size: size + offset * (size % 2), stride, offset })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn product(m in ROWS, k in CHANNELS, n in CHANNELS, transposed: bool, seed: u64) {
        let (a, w) = (reference::matrix(seed, (m, k)), reference::matrix(!seed, (k, n)));
        let expected = reference::matmul(a.view(), w.view());
        let source: Vec<f32> = if transposed { w.t().iter().copied().collect() } else { w.iter().copied().collect() };
        let (depth, columns) = (padded(k), padded(n));
        for level in levels() {
            let lanes = lanes(level);
            // the padding of the inputs must not matter: the weights have zeros there
            let mut rows = Array2::ones((m, depth));
            rows.slice_mut(s![.., ..k]).assign(&a);
            let blocked = reference::block(rows.view(), lanes);
            let mut packed = vec![f32::NAN; packed_len(k, n)];
            let mut y = vec![f32::NAN; m * columns];
            dispatch!(level, simd => {
                pack(simd, &source, (k, n), transposed, &mut packed);
                for (first, panel) in panels(simd, &packed, depth, columns) {
                    matmul(simd, &blocked, m, panel, |column, row, tile| {
                        for (r, value) in tile.iter().enumerate() {
                            let start = (row + r) * columns + (first + column) * lanes;
                            value.store_slice(&mut y[start..start + lanes]);
                        }
                    });
                }
            });
            let found = y.chunks(columns).flat_map(|row| row[..n].iter().copied());
            assert_close(&format!("{level:?}"), found, &expected);
        }
    }

    #[test]
    fn gradient_of_a_product(m in ROWS, k in CHANNELS, n in CHANNELS, seed: u64) {
        let (a, dy) = (reference::matrix(seed, (m, k)), reference::matrix(!seed, (m, n)));
        let once = reference::matmul(a.t(), dy.view());
        let twice = 2.0 * &once;
        for level in levels() {
            let lanes = lanes(level);
            let (a, dy) = (reference::block(a.view(), lanes), reference::block(dy.view(), lanes));
            let mut dw = vec![f32::NAN; k * n];
            for (first, expected) in [(true, &once), (false, &twice)] {
                dispatch!(level, simd => matmul::accumulate(simd, &a, &dy, m, (k, n), first, &mut dw));
                assert_close(&format!("{level:?}, first: {first}"), dw.iter().copied(), expected);
            }
        }
    }

    #[test]
    fn depthwise_convolution_and_its_gradients(geometry in geometry(), seed: u64) {
        let Geometry { size, stride, offset } = geometry;
        let out = geometry.size_out();
        for level in levels() {
            let lanes = lanes(level);
            let planes = |kind: u64, size| -> Vec<_> {
                let seed = seed.wrapping_add(1000 * kind);
                (0..lanes).map(|lane| reference::matrix(seed.wrapping_add(lane as u64), (size, size))).collect()
            };
            let (x, dy) = (planes(1, size), planes(2, out));
            let weights = reference::numbers(seed.wrapping_add(3000), 9 * lanes);
            let mut y = vec![f32::NAN; out * out * lanes];
            let mut dx = vec![f32::NAN; size * size * lanes];
            let mut dw = vec![0.0; 9 * lanes];
            dispatch!(level, simd => {
                let taps = taps(simd, &weights, lanes, 0);
                let mut padded_plane = vec![0.0; geometry.padded_pixels() * lanes];
                let mut gradient = padded_plane.clone();
                let plane = interleave(&x);
                pad(simd, size, &mut padded_plane, |row, out| out.copy_from_slice(&plane[row]));
                let plane = interleave(&dy);
                pad(simd, out, &mut gradient, |row, out| out.copy_from_slice(&plane[row]));
                convolve(simd, geometry, &padded_plane, geometry.whole(), &taps, |pixel, values| {
                    store(simd, values, &mut y[pixel * lanes..]);
                });
                convolve_back(simd, geometry, &gradient, &taps, |pixel, values| {
                    store(simd, values, &mut dx[pixel * lanes..]);
                });
                let mut sums = [SimdBase::splat(simd, 0.0); 9];
                depthwise::accumulate(simd, geometry, &padded_plane, &gradient, &mut sums);
                add_taps(simd, &sums, lanes, 0, &mut dw);
            });
            for lane in 0..lanes {
                let own = |values: &[f32]| values.iter().skip(lane).step_by(lanes).copied().collect::<Vec<_>>();
                let taps = Array2::from_shape_vec((3, 3), own(&weights)).unwrap();
                let expected = reference::depthwise(x[lane].view(), taps.view(), stride, 1 - offset);
                let what = format!("{level:?}, lane {lane}");
                assert_close(&what, own(&y), &expected);
                // Σ dy · y is linear in x and in the taps, so it equals the product of either with its gradient.
                let total = (expected * dy[lane].mapv(f64::from)).sum();
                let dot = |a: &[f32], b: &Array2<f32>| -> f64 {
                    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
                };
                for (what, found) in [("dx", dot(&own(&dx), &x[lane])), ("dw", dot(&own(&dw), &taps))] {
                    assert!((found - total).abs() < 1e-4, "{level:?}, lane {lane}: {what} · = {found}, {total}");
                }
            }
        }
    }
}
