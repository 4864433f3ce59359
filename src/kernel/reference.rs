//! The naive oracle: each operation by its definition, in `f64`. It stays naive forever.

use ndarray::{Array2, Array3, ArrayView2, ArrayView3, ArrayView4, Axis, s};

/// (M, K) · (K, N) → (M, N).
pub fn matmul(a: ArrayView2<f32>, b: ArrayView2<f32>) -> Array2<f64> {
    let product = |i, j, l| f64::from(a[[i, l]]) * f64::from(b[[l, j]]);
    Array2::from_shape_fn((a.nrows(), b.ncols()), |(i, j)| (0..a.ncols()).map(|l| product(i, j, l)).sum())
}

/// Depthwise 3×3 convolution of one channel, (S, S), by its taps, (3, 3), with `before` zeros before the plane and enough
/// after it.
pub fn depthwise(x: ArrayView2<f32>, taps: ArrayView2<f32>, stride: usize, before: usize) -> Array2<f64> {
    let size = x.nrows();
    let inside = before..size + before;
    let out = size.div_ceil(stride);
    Array2::from_shape_fn((out, out), |(oy, ox)| {
        let product = |((ky, kx), tap): ((usize, usize), &f32)| {
            let (iy, ix) = (oy * stride + ky, ox * stride + kx);
            let reads = inside.contains(&iy) && inside.contains(&ix);
            if reads { f64::from(x[[iy - before, ix - before]]) * f64::from(*tap) } else { 0.0 }
        };
        taps.indexed_iter().map(product).sum()
    })
}

/// 3×3 convolution over all channels of an image, (S, S, C), by weights, (3, 3, C, N), padded as in [`depthwise`].
pub fn convolution(x: ArrayView3<f32>, w: ArrayView4<f32>, stride: usize, before: usize) -> Array3<f64> {
    let (size, _, inputs) = x.dim();
    let out = size.div_ceil(stride);
    let mut y = Array3::zeros((out, out, w.len_of(Axis(3))));
    for (output, mut y) in y.axis_iter_mut(Axis(2)).enumerate() {
        for input in 0..inputs {
            let (plane, taps) = (x.index_axis(Axis(2), input), w.slice(s![.., .., input, output]));
            y += &depthwise(plane, taps, stride, before);
        }
    }
    y
}

/// (M, C) → (C / L, M, L), as kernels take it; channels are padded with zeros.
pub fn block(x: ArrayView2<f32>, lanes: usize) -> Vec<f32> {
    let (pixels, channels) = x.dim();
    let mut blocked = vec![0.0; pixels * channels.next_multiple_of(lanes)];
    for ((pixel, channel), value) in x.indexed_iter() {
        blocked[(channel / lanes * pixels + pixel) * lanes + channel % lanes] = *value;
    }
    blocked
}

/// A matrix of [`numbers`].
pub fn matrix(seed: u64, shape: (usize, usize)) -> Array2<f32> {
    Array2::from_shape_vec(shape, numbers(seed, shape.0 * shape.1)).expect("as many numbers")
}

/// Reproducible pseudo-random numbers between -1 and 1.
pub fn numbers(seed: u64, count: usize) -> Vec<f32> {
    let mut rng = fastrand::Rng::with_seed(seed);
    (0..count).map(|_| rng.f32() * 2.0 - 1.0).collect()
}
