//! Every kernel at the network's shapes, on one thread. "elem/s" counts operations per second, with two per
//! multiply-add, so that Gelem/s reads as GFLOP/s; passes that only move memory count bytes read and written.
//!
//! `cargo bench --bench kernels -- matmul` runs one group.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fearless_simd::SimdBase;
use mobilenetv2::kernel::depthwise::{self, Geometry};
use mobilenetv2::kernel::elementwise::{Affine, NormGradient, apply, apply_gradient, store};
use mobilenetv2::kernel::{best_level, dispatch, lanes, matmul};
use mobilenetv2::train::workspace::pixels_at_once;

/// Inputs and outputs of 1×1 convolutions at width 1, from the first block to the last convolution.
const CHANNELS: [(usize, usize); 9] =
    [(16, 96), (24, 144), (144, 24), (32, 192), (192, 64), (384, 64), (96, 576), (960, 160), (320, 1280)];

/// Sizes and strides of depthwise convolutions: those of 32² and of 224² images.
const PLANES: [(usize, usize); 6] = [(56, 1), (56, 2), (32, 1), (32, 2), (14, 1), (14, 2)];

fn numbers(count: usize) -> Vec<f32> {
    let mut rng = fastrand::Rng::with_seed(1);
    (0..count).map(|_| rng.f32() * 2.0 - 1.0).collect()
}

/// The product of all weights with as many pixels as training takes at once, and the gradient of these weights.
fn products(criterion: &mut Criterion) {
    let level = best_level();
    let lanes = lanes(level);
    let mut group = criterion.benchmark_group("matmul");
    for (k, n) in CHANNELS {
        let rows = pixels_at_once(k, n);
        let (x, w) = (numbers(rows * k), numbers(k * n));
        let (mut packed, mut y) = (vec![0.0; matmul::packed_len(k, n)], vec![0.0; rows * n]);
        dispatch!(level, simd => matmul::pack(simd, &w, (k, n), false, &mut packed));
        group.throughput(Throughput::Elements((2 * rows * k * n) as u64));
        group.bench_function(format!("{rows}x{k}x{n}"), |bencher| {
            bencher.iter(|| {
                dispatch!(level, simd => {
                    for (block, panel) in matmul::panels(simd, &packed, k, n) {
                        matmul::matmul(
                            simd,
                            black_box(&x),
                            rows,
                            panel,
                            #[inline(always)]
                            |column, row, tile| {
                                let start = ((block + column) * rows + row) * lanes;
                                for (value, y) in tile.iter().zip(y[start..].chunks_exact_mut(lanes)) {
                                    value.store_slice(y);
                                }
                            },
                        );
                    }
                });
            });
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("accumulate");
    for (k, n) in CHANNELS {
        let rows = pixels_at_once(k, n);
        let (x, dy, mut dw) = (numbers(rows * k), numbers(rows * n), vec![0.0; k * n]);
        group.throughput(Throughput::Elements((2 * rows * k * n) as u64));
        group.bench_function(format!("{rows}x{k}x{n}"), |bencher| {
            bencher.iter(|| {
                dispatch!(level, simd => {
                    matmul::accumulate(simd, black_box(&x), &dy, rows, (k, n), true, &mut dw);
                });
            });
        });
    }
    group.finish();
}

/// One plane of L channels: its padding, the convolution, and the gradients of input and filter.
fn depthwise(criterion: &mut Criterion) {
    let level = best_level();
    let lanes = lanes(level);
    let mut group = criterion.benchmark_group("depthwise");
    for (size, stride) in PLANES {
        let geometry = Geometry { size, stride, offset: 0 };
        let out = geometry.size_out();
        let (x, dy, w) = (numbers(size * size * lanes), numbers(out * out * lanes), numbers(9 * lanes));
        let mut x_padded = vec![0.0; geometry.padded_pixels() * lanes];
        let mut dy_padded = vec![0.0; (out + 2) * (out + 2) * lanes];
        dispatch!(level, simd => {
            depthwise::pad(simd, out, &mut dy_padded, |row, out| out.copy_from_slice(&dy[row]));
        });
        let mut y = vec![0.0; out * out * lanes];
        let name = |kernel| format!("{kernel} {size}x{size} stride {stride}");

        group.throughput(Throughput::Bytes(((size * size + geometry.padded_pixels()) * lanes * 4) as u64));
        group.bench_function(name("pad"), |bencher| {
            bencher.iter(|| {
                dispatch!(level, simd => depthwise::pad(
                    simd,
                    size,
                    &mut x_padded,
                    #[inline(always)]
                    |row, out| out.copy_from_slice(&black_box(&x)[row]),
                ));
            });
        });
        group.throughput(Throughput::Elements((2 * 9 * out * out * lanes) as u64));
        group.bench_function(name("convolve"), |bencher| {
            bencher.iter(|| {
                dispatch!(level, simd => {
                    let taps = depthwise::taps(simd, black_box(&w), lanes, 0);
                    depthwise::convolve(
                        simd,
                        geometry,
                        &x_padded,
                        geometry.whole(),
                        &taps,
                        #[inline(always)]
                        |pixel, values| store(simd, values, &mut y[pixel * lanes..]),
                    );
                });
            });
        });
        let mut dx = vec![0.0; size * size * lanes];
        group.bench_function(name("convolve_back"), |bencher| {
            bencher.iter(|| {
                dispatch!(level, simd => {
                    let taps = depthwise::taps(simd, black_box(&w), lanes, 0);
                    depthwise::convolve_back(
                        simd,
                        geometry,
                        &dy_padded,
                        &taps,
                        #[inline(always)]
                        |pixel, values| store(simd, values, &mut dx[pixel * lanes..]),
                    );
                });
            });
        });
        group.bench_function(name("accumulate"), |bencher| {
            let mut dw = vec![0.0; 9 * lanes];
            bencher.iter(|| {
                dispatch!(level, simd => {
                    let mut sums = [SimdBase::splat(simd, 0.0); 9];
                    depthwise::accumulate(simd, geometry, black_box(&x_padded), &dy_padded, &mut sums);
                    depthwise::add_taps(simd, &sums, lanes, 0, &mut dw);
                });
            });
        });
    }
    group.finish();
}

/// Passes over a plane that stays in the first cache, and over one that comes from memory.
fn elementwise(criterion: &mut Criterion) {
    let level = best_level();
    let lanes = lanes(level);
    let factors = numbers(3 * lanes);
    let [a, b, c] = [0, 1, 2].map(|index| &factors[index * lanes..(index + 1) * lanes]);
    let mut group = criterion.benchmark_group("elementwise");
    for (place, pixels) in [("cached", 16 * 16), ("memory", 1 << 20)] {
        let (x, y, mut out) = (numbers(pixels * lanes), numbers(pixels * lanes), vec![0.0; pixels * lanes]);
        let affine = Affine { scale: a, shift: b, range: (0.0, 6.0) };
        group.throughput(Throughput::Bytes((2 * pixels * lanes * 4) as u64));
        group.bench_function(format!("apply {place}"), |bencher| {
            bencher.iter(|| dispatch!(level, simd => apply(simd, black_box(&x), 0, affine, &mut out)));
        });
        let norm = NormGradient { a, b, mean: c, c };
        group.throughput(Throughput::Bytes((3 * pixels * lanes * 4) as u64));
        group.bench_function(format!("apply_gradient {place}"), |bencher| {
            bencher.iter(|| {
                dispatch!(level, simd => apply_gradient(simd, black_box(&x), &y, 0, norm, &mut out));
            });
        });
    }
    group.finish();
}

criterion_group!(benches, products, depthwise, elementwise);
criterion_main!(benches);
