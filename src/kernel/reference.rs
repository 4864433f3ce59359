//! The naive oracle: each operation by its definition, in `f64`. It stays naive forever.

/// (M, K) · (K, N) → (M, N), all row-major.
pub fn matmul(a: &[f32], b: &[f32], (m, k, n): (usize, usize, usize)) -> Vec<f64> {
    let mut y = vec![0.0; m * n];
    for i in 0..m {
        for j in 0..n {
            for l in 0..k {
                y[i * n + j] += f64::from(a[i * k + l]) * f64::from(b[l * n + j]);
            }
        }
    }
    y
}

/// Depthwise 3×3 convolution of one channel, with `before` zeros before the plane and enough after it.
pub fn depthwise(x: &[f32], size: usize, weights: &[f32; 9], stride: usize, before: usize) -> Vec<f64> {
    let out = size.div_ceil(stride);
    let mut y = vec![0.0; out * out];
    for oy in 0..out {
        for ox in 0..out {
            for ky in 0..3 {
                for kx in 0..3 {
                    let (iy, ix) = (oy * stride + ky, ox * stride + kx);
                    if (before..size + before).contains(&iy) && (before..size + before).contains(&ix) {
                        let x = f64::from(x[(iy - before) * size + ix - before]);
                        y[oy * out + ox] += x * f64::from(weights[ky * 3 + kx]);
                    }
                }
            }
        }
    }
    y
}

/// (M, C) row-major → (C / L, M, L).
pub fn block(x: &[f32], channels: usize, lanes: usize) -> Vec<f32> {
    let pixels = x.len() / channels;
    let padded = channels.next_multiple_of(lanes);
    let mut blocked = vec![0.0; pixels * padded];
    for pixel in 0..pixels {
        for channel in 0..channels {
            blocked[(channel / lanes * pixels + pixel) * lanes + channel % lanes] =
                x[pixel * channels + channel];
        }
    }
    blocked
}

/// Reproducible pseudo-random numbers between -1 and 1.
pub fn numbers(seed: u64, count: usize) -> Vec<f32> {
    let mut rng = fastrand::Rng::with_seed(seed);
    (0..count).map(|_| rng.f32() * 2.0 - 1.0).collect()
}
