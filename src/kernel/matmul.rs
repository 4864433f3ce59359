//! The matrix product: every 1×1 convolution, the stem and plain 3×3 convolutions after im2col, the classifier, and
//! their gradients.
//!
//! [`matmul`] multiplies a block of rows (pixels) with packed weights and hands each finished tile to a closure,
//! which adds bias and activation, sums statistics or masks a gradient while the values are in registers.
//! [`accumulate`] is the gradient of the weights. Both read blocks of rows in the channel-blocked layout of the
//! parent module, packed by [`super::elementwise`].

use fearless_simd::{SimdCombine, SimdSplit};

use super::{Isa, MAX_LANES, SimdBase, SimdFloat, optimisation_barrier, vectorize};

/// Rows of a tile. Six rows by two vectors keep twelve sums in registers, beside two vectors of weights and one of
/// inputs; every register file has at least sixteen. Without fused multiply-add the product needs a register of its own
/// (`benches/kernels.rs`, `matmul`).
const ROWS: usize =
    if cfg!(all(target_arch = "wasm32", not(target_feature = "relaxed-simd"))) { 5 } else { 6 };

/// Rows of a tile where a pair of blocks fits one of thirty-two registers: again twelve sums, each of a pair.
const WIDE_ROWS: usize = 12;

/// Length of packed weights with `k` inputs and `n` outputs, in floats.
pub fn packed_len(k: usize, n: usize) -> usize {
    super::padded(k) * super::padded(n)
}

/// Packs a (k, n) matrix for [`matmul`]; `source` is (k, n) or, if `transposed`, (n, k).
///
/// Columns are grouped in pairs of vectors, (n / 2L, k, 2L); k and n are zero-padded to whole blocks.
#[inline(never)]
pub fn pack<S: Isa>(simd: S, source: &[f32], (k, n): (usize, usize), transposed: bool, packed: &mut [f32]) {
    vectorize!(simd, {
        let lanes = S::Vector::LEN;
        let depth = super::padded(k);
        let columns = super::padded(n);
        for (pair, panel) in packed[..depth * columns].chunks_mut(depth * 2 * lanes).enumerate() {
            let width = panel.len() / depth;
            let first = pair * 2 * lanes;
            let filled = width.min(n.saturating_sub(first));
            if filled < width || k < depth {
                panel.fill(0.0);
            }
            if transposed {
                for (j, column) in source.chunks_exact(k).skip(first).take(filled).enumerate() {
                    for (row, value) in panel.chunks_exact_mut(width).zip(column) {
                        row[j] = *value;
                    }
                }
            } else {
                for (row, source) in panel.chunks_exact_mut(width).zip(source.chunks_exact(n)) {
                    row[..filled].copy_from_slice(&source[first..first + filled]);
                }
            }
        }
    })
}

/// The panels of packed weights with `depth` inputs and `columns` outputs (multiples of L), each with the index of its
/// first block of output channels.
#[inline(always)]
pub fn panels<S: Isa>(
    _: S,
    packed: &[f32],
    depth: usize,
    columns: usize,
) -> impl Iterator<Item = (usize, &[f32])> {
    let panel = depth * 2 * S::Vector::LEN;
    packed[..depth * columns].chunks(panel).enumerate().map(|(pair, panel)| (2 * pair, panel))
}

/// The one of [`panels`] that holds output blocks `block`, an even number, and `block + 1`.
#[inline(always)]
pub fn panel<S: Isa>(_: S, packed: &[f32], depth: usize, columns: usize, block: usize) -> &[f32] {
    let lanes = S::Vector::LEN;
    &packed[depth * block * lanes..depth * columns.min((block + 2) * lanes)]
}

/// Multiplies `rows` pixels with one panel of packed weights.
///
/// `a` is (K / L, rows, L). `finish(column, row, tile)` receives the results of pixels `row..`, one vector per pixel,
/// for the panel's first (`column` 0) or second (1) block of output channels, and may change them. `rows` may be 0.
#[inline(always)]
pub fn matmul<S: Isa>(
    simd: S,
    a: &[f32],
    rows: usize,
    panel: &[f32],
    mut finish: impl FnMut(usize, usize, &mut [S::Vector]),
) {
    if rows == 0 {
        return; // a row tile may hold nothing but padding
    }
    let lanes = S::Vector::LEN;
    // narrower vectors always give an even number of blocks
    let two = lanes < MAX_LANES || panel.len() * rows == a.len() * 2 * lanes;
    if two && S::WIDE {
        strip::<S, S::Pair, 1>(
            simd,
            a,
            rows,
            panel,
            #[inline(always)]
            |_, row, tile| {
                let mut blocks = [[S::Vector::splat(simd, 0.0); WIDE_ROWS]; 2];
                for (r, pair) in tile.iter().enumerate() {
                    (blocks[0][r], blocks[1][r]) = pair.split();
                }
                finish(0, row, &mut blocks[0][..tile.len()]);
                finish(1, row, &mut blocks[1][..tile.len()]);
            },
        );
    } else if two {
        strip::<S, S::Vector, 2>(simd, a, rows, panel, finish);
    } else {
        strip::<S, S::Vector, 1>(simd, a, rows, panel, finish);
    }
}

/// [`matmul`] with a panel that is C vectors V wide.
#[inline(always)]
fn strip<S: Isa, V: SimdFloat<S, Element = f32>, const C: usize>(
    simd: S,
    a: &[f32],
    rows: usize,
    panel: &[f32],
    mut finish: impl FnMut(usize, usize, &mut [V]),
) {
    let lanes = S::Vector::LEN;
    let blocks = a.chunks_exact(rows * lanes);
    let mut row = 0;
    while row < rows {
        row += match rows - row {
            WIDE_ROWS.. if S::WIDE => {
                tile::<S, V, WIDE_ROWS, C>(simd, blocks.clone(), panel, row, &mut finish)
            }
            // single rows take as long as four do
            left @ (8 | 9 | 12) if left % ROWS > 1 => {
                tile::<S, V, 4, C>(simd, blocks.clone(), panel, row, &mut finish)
            }
            ROWS.. => tile::<S, V, ROWS, C>(simd, blocks.clone(), panel, row, &mut finish),
            4.. => tile::<S, V, 4, C>(simd, blocks.clone(), panel, row, &mut finish),
            _ => tile::<S, V, 1, C>(simd, blocks.clone(), panel, row, &mut finish),
        };
    }
}

/// R rows by C vectors of the product, summed over all of K, block by block. Returns R.
#[inline(always)]
fn tile<'a, S: Isa, V: SimdFloat<S, Element = f32>, const R: usize, const C: usize>(
    simd: S,
    blocks: impl Iterator<Item = &'a [f32]>,
    mut panel: &[f32],
    row: usize,
    finish: &mut impl FnMut(usize, usize, &mut [V]),
) -> usize {
    let lanes = S::Vector::LEN;
    let mut sums = [[V::splat(simd, 0.0); R]; C];
    let steps = optimisation_barrier(4);
    for a in blocks {
        let a = &a[row * lanes..(row + R) * lanes];
        // One bounds check for all weights of the block: zipped chunks would be checked, and their offset computed, at
        // each read.
        let (b, rest) = panel.split_at(C * V::LEN * lanes);
        panel = rest;
        for i in (0..lanes).step_by(4) {
            multiply_add(simd, a, b, i, &mut sums);
            if steps == 1 {
                break;
            }
            multiply_add(simd, a, b, i + 1, &mut sums);
            if steps == 2 {
                break;
            }
            multiply_add(simd, a, b, i + 2, &mut sums);
            if steps == 3 {
                break;
            }
            multiply_add(simd, a, b, i + 3, &mut sums);
        }
    }
    finish(0, row, &mut sums[0]);
    if C > 1 {
        finish(1, row, &mut sums[1]);
    }
    R
}

/// Adds the contribution of input `i` of a block to each sum: its value in a row times its weights.
#[inline(always)]
fn multiply_add<S: Isa, V: SimdFloat<S, Element = f32>, const R: usize, const C: usize>(
    simd: S,
    a: &[f32],
    b: &[f32],
    i: usize,
    sums: &mut [[V; R]; C],
) {
    let mut weights = [V::splat(simd, 0.0); C];
    for (c, weight) in weights.iter_mut().enumerate() {
        *weight = V::from_slice(simd, &b[(i * C + c) * V::LEN..(i * C + c + 1) * V::LEN]);
    }
    for r in 0..R {
        let x = V::splat(simd, a[r * S::Vector::LEN + i]);
        for c in 0..C {
            sums[c][r] = x.mul_add(weights[c], sums[c][r]);
        }
    }
}

/// The gradient of the weights: `dw += aᵀ · dy` over a block of rows; `dw = aᵀ · dy` if `first`.
///
/// `a` is (K / L, rows, L), `dy` (N / L, rows, L), `dw` (k, n) row-major with k ≤ K and n ≤ N.
#[inline(never)]
pub fn accumulate<S: Isa>(
    simd: S,
    a: &[f32],
    dy: &[f32],
    rows: usize,
    (k, n): (usize, usize),
    first: bool,
    dw: &mut [f32],
) {
    vectorize!(simd, {
        let lanes = S::Vector::LEN;
        let depth = a.len() / rows;
        let mut tile = [0.0; 16 * 2 * MAX_LANES];
        for (pair, dy) in dy.chunks(2 * rows * lanes).enumerate() {
            let dy = neighbours(dy, rows * lanes);
            let mut row = 0;
            while row < k {
                let offset = row % lanes;
                let a = neighbours(&a[(row - offset) * rows..], rows * lanes);
                // The offset is constant in each arm, so that an input's index in its block needs no check.
                let height = match (offset, depth - row) {
                    (_, 16..) if S::WIDE => outer::<S, 16, 0>(simd, a, dy, &mut tile),
                    (_, _) if S::WIDE => outer::<S, 8, 0>(simd, a, dy, &mut tile),
                    (0, 4 | 8) => outer::<S, 4, 0>(simd, a, dy, &mut tile),
                    (0, _) if ROWS < 6 => outer::<S, 4, 0>(simd, a, dy, &mut tile),
                    (0, _) => outer::<S, 6, 0>(simd, a, dy, &mut tile),
                    (2, _) => outer::<S, 6, 2>(simd, a, dy, &mut tile),
                    (4, 4) => outer::<S, 4, 4>(simd, a, dy, &mut tile),
                    (4, _) => outer::<S, 6, 4>(simd, a, dy, &mut tile),
                    _ => outer::<S, 6, 6>(simd, a, dy, &mut tile),
                };
                let tile = &tile[..height.min(k - row) * 2 * lanes];
                add_tile(simd, tile, n, pair * 2 * lanes, first, &mut dw[row * n..]);
                row += height;
            }
        }
    })
}

/// The first of `blocks`, `len` floats each, and the next. A lone block is returned twice: the second one's results lie
/// beyond the last row or column, and `add_tile` drops them.
#[inline(always)]
fn neighbours(blocks: &[f32], len: usize) -> [&[f32]; 2] {
    let (block, rest) = blocks.split_at(len);
    [block, if rest.is_empty() { block } else { &rest[..len] }]
}

/// R input channels, from `OFFSET` of the first block on, by two blocks of output channels, summed over all rows into
/// `tile`, (R, 2 L). Returns R.
///
/// Never inlined: in a browser, V8 keeps the twelve sums in registers only in a function of their own.
#[inline(never)]
fn outer<S: Isa, const R: usize, const OFFSET: usize>(
    simd: S,
    a: [&[f32]; 2],
    dy: [&[f32]; 2],
    tile: &mut [f32],
) -> usize {
    vectorize!(simd, {
        let lanes = S::Vector::LEN;
        let mut sums = [S::Pair::splat(simd, 0.0); R];
        let inputs = a[0].chunks_exact(lanes).zip(a[1].chunks_exact(lanes));
        let gradients = dy[0].chunks_exact(lanes).zip(dy[1].chunks_exact(lanes));
        for ((low, high), (left, right)) in inputs.zip(gradients) {
            let gradients = S::Vector::from_slice(simd, left).combine(S::Vector::from_slice(simd, right));
            for (r, sum) in sums.iter_mut().enumerate() {
                let i = OFFSET + r;
                let x = S::Pair::splat(simd, if i < lanes { low[i] } else { high[i - lanes] });
                *sum = x.mul_add(gradients, *sum);
            }
        }
        for (sum, tile) in sums.iter().zip(tile.chunks_exact_mut(2 * lanes)) {
            sum.store_slice(tile);
        }
        R
    })
}

/// Adds a tile, (rows, 2 L), to `dw` from `column` on, skipping columns that are only padding.
#[inline(always)]
fn add_tile<S: Isa>(simd: S, tile: &[f32], n: usize, column: usize, first: bool, dw: &mut [f32]) {
    let lanes = S::Vector::LEN;
    for (row, values) in tile.chunks_exact(2 * lanes).enumerate() {
        let start = row * n + column;
        let target = &mut dw[start..(start + 2 * lanes).min((row + 1) * n)];
        if target.len() == 2 * lanes {
            for c in 0..2 {
                let value = S::Vector::from_slice(simd, &values[c * lanes..(c + 1) * lanes]);
                let target = &mut target[c * lanes..(c + 1) * lanes];
                let sum = if first { value } else { value + S::Vector::from_slice(simd, target) };
                sum.store_slice(target);
            }
            continue;
        }
        for (target, value) in target.iter_mut().zip(values) {
            *target = if first { 0.0 } else { *target } + value;
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, s};
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;
    use crate::kernel::{dispatch, lanes, levels, reference};

    /// Row counts that tiles split in every way, and sizes around each tile edge.
    const SIZES: [(usize, usize, usize); 14] = [
        (1, 8, 8),
        (3, 8, 16),
        (4, 16, 24),
        (5, 24, 8),
        (6, 8, 40),
        (7, 27, 16),
        (8, 32, 48),
        (49, 16, 40),
        (64, 72, 10),
        (9, 8, 1),
        (10, 8, 16),
        (11, 8, 24),
        (12, 16, 16),
        (23, 16, 24),
    ];

    #[wasm_bindgen_test(unsupported = test)]
    fn product_matches_the_reference() {
        for level in levels() {
            let no_rows = (0, 8, 16);
            for (m, k, n) in SIZES.into_iter().chain([no_rows]) {
                let (a, w) = (reference::matrix(1, (m, k)), reference::matrix(2, (k, n)));
                let expected = reference::matmul(a.view(), w.view());
                let lanes = lanes(level);
                let depth = super::super::padded(k);
                let mut padded = Array2::zeros((m, depth));
                padded.slice_mut(s![.., ..k]).assign(&a);
                let blocked = reference::block(padded.view(), lanes);
                let columns = super::super::padded(n);
                // Packing the matrix and packing its transpose must give the same panels.
                let transposed = w.t().as_standard_layout().into_owned();
                for (source, is_transposed) in [(&w, false), (&transposed, true)] {
                    let source = source.as_slice().unwrap();
                    let mut packed = vec![f32::NAN; packed_len(k, n)];
                    let mut y = vec![f32::NAN; m * columns];
                    dispatch!(level, simd => {
                        pack(simd, source, (k, n), is_transposed, &mut packed);
                        for (first, panel) in panels(simd, &packed, depth, columns) {
                            matmul(simd, &blocked, m, panel, |column, row, tile| {
                                for (r, value) in tile.iter().enumerate() {
                                    let start = (row + r) * columns + (first + column) * lanes;
                                    value.store_slice(&mut y[start..start + lanes]);
                                }
                            });
                        }
                    });
                    for ((i, j), expected) in expected.indexed_iter() {
                        let found = f64::from(y[i * columns + j]);
                        assert!(
                            (found - expected).abs() < 1e-5,
                            "{level:?} {m}×{k}×{n} at ({i}, {j}): {found}, {expected}"
                        );
                    }
                }
            }
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn gradient_of_the_weights_matches_the_reference() {
        for level in levels() {
            for (m, k, n) in SIZES {
                let (a, dy) = (reference::matrix(3, (m, k)), reference::matrix(4, (m, n)));
                let expected = reference::matmul(a.t(), dy.view());
                let lanes = lanes(level);
                let (a, dy) = (reference::block(a.view(), lanes), reference::block(dy.view(), lanes));
                let mut dw = vec![f32::NAN; k * n];
                dispatch!(level, simd => accumulate(simd, &a, &dy, m, (k, n), true, &mut dw));
                dispatch!(level, simd => accumulate(simd, &a, &dy, m, (k, n), false, &mut dw));
                for (found, expected) in dw.iter().zip(&expected) {
                    let expected = 2.0 * expected;
                    assert!(
                        (f64::from(*found) - expected).abs() < 2e-5,
                        "{level:?} {m}×{k}×{n}: {found}, {expected}"
                    );
                }
            }
        }
    }
}
