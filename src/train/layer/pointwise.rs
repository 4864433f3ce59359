//! The 1×1 convolution, a matrix product over pixels: expand, project and the last convolution. The product is that of the 3×3
//! convolutions, too.

use std::ops::Range;

use super::{BlockWriter, Gradient, GradientWriter, LazyInput, add_shortcut};
use crate::kernel::elementwise::{apply_gradient, pack_rows, store};
use crate::kernel::matmul::{accumulate, matmul, panels};
use crate::kernel::sums::Sums;
use crate::kernel::{Isa, SimdBase, vectorize};
use crate::train::workspace::pixels_at_once;

/// `y = x · w`; adds Σ y and Σ y² to `sums`.
///
/// `packed` holds w (k, n); `y` is (n / L, pixels, L); `rows` has room for (k / L, [`pixels_at_once`], L).
#[inline(always)]
pub fn forward<S: Isa>(
    simd: S,
    input: LazyInput,
    packed: &[f32],
    (k, n): (usize, usize),
    y: &mut [f32],
    rows: &mut [f32],
    sums: &mut Sums,
) {
    let pixels = y.len() / n;
    let mut fill = |first, count, rows: &mut [f32]| {
        pack_rows(simd, input.x, pixels, first, count, input.affine, rows);
    };
    product(simd, packed, (k, n), y, rows, sums, &mut fill);
}

/// The product of packed weights with rows of k inputs, which `fill(first, count, rows)` provides.
pub(super) fn product<S: Isa>(
    simd: S,
    packed: &[f32],
    (k, n): (usize, usize),
    y: &mut [f32],
    rows: &mut [f32],
    sums: &mut Sums,
    fill: &mut dyn FnMut(usize, usize, &mut [f32]),
) {
    let pixels = y.len() / n;
    let step = pixels_at_once(k, n);
    for first in (0..pixels).step_by(step) {
        let count = step.min(pixels - first);
        let rows = &mut rows[..k * count];
        fill(first, count, rows);
        multiply(simd, packed, (k, n), rows, first..first + count, y, Some(sums));
    }
}

/// The product of packed weights with `rows`, (k / L, pixels, L): writes those pixels of `y`, (n / L, all pixels, L), and adds
/// their moments to `sums`. Not inlined, so that all layers share one copy.
#[inline(never)]
pub(super) fn multiply<S: Isa>(
    simd: S,
    packed: &[f32],
    (k, n): (usize, usize),
    rows: &[f32],
    Range { start: first, end }: Range<usize>,
    y: &mut [f32],
    mut sums: Option<&mut Sums>,
) {
    vectorize!(simd, {
        let lanes = S::Vector::LEN;
        let (pixels, count) = (y.len() / n, end - first);
        for (block, panel) in panels(simd, packed, k, n) {
            matmul(
                simd,
                rows,
                count,
                panel,
                #[inline(always)]
                |column, row, tile| {
                    let start = ((block + column) * pixels + first + row) * lanes;
                    store(simd, tile, &mut y[start..start + tile.len() * lanes]);
                },
            );
            let Some(sums) = &mut sums else { continue };
            for block in block..(block + 2).min(n / lanes) {
                let start = (block * pixels + first) * lanes;
                sums.add_moments(simd, block, &y[start..start + count * lanes]);
            }
        }
    })
}

/// `dx = dy · wᵀ` into `writer`, `dw = xᵀ · dy`; forward was `y = x · w`.
///
/// `packed` holds wᵀ (n, k); `dw` is (k, n); `rows` has room for (k / L, [`pixels_at_once`], L) and (n / L,
/// [`pixels_at_once`], L). Without `dw`, there must not be more pixels than that, and x and dy stay in `rows`.
#[inline(always)]
pub fn backward<S: Isa>(
    simd: S,
    input: LazyInput,
    gradient: Gradient,
    packed: &[f32],
    (k, n): (usize, usize),
    mut writer: GradientWriter,
    mut dw: Option<&mut [f32]>,
    rows: [&mut [f32]; 2],
) {
    let pixels = gradient.y.len() / n;
    let [x_rows, dy_rows] = rows;
    let step = pixels_at_once(k, n);
    for first in (0..pixels).step_by(step) {
        let count = step.min(pixels - first);
        let x = &mut x_rows[..k * count];
        let dy = &mut dy_rows[..n * count];
        pack_rows(simd, input.x, pixels, first, count, input.affine, x);
        pack_gradient_rows(simd, gradient, pixels, first, count, dy);
        if let Some(dw) = &mut dw {
            accumulate(simd, x, dy, count, (k, n), first == 0, dw);
        }
        for (block, panel) in panels(simd, packed, n, k) {
            write(simd, input, &mut writer, pixels, first, count, dy, block, panel);
        }
    }
}

/// `dx` of one panel for the pixels `first..first + count`.
#[inline(always)]
fn write<S: Isa>(
    simd: S,
    input: LazyInput,
    writer: &mut GradientWriter,
    pixels: usize,
    first: usize,
    count: usize,
    dy: &[f32],
    block: usize,
    panel: &[f32],
) {
    let lanes = S::Vector::LEN;
    let GradientWriter { dz, add, mean, sums } = writer;
    let Some(affine) = input.affine.filter(|_| !mean.is_empty()) else {
        return matmul(
            simd,
            dy,
            count,
            panel,
            #[inline(always)]
            |column, row, tile| {
                let start = ((block + column) * pixels + first + row) * lanes;
                let span = start..start + tile.len() * lanes;
                add_shortcut(simd, tile, add.map(|add| &add[span.clone()]));
                store(simd, tile, &mut dz[span]);
            },
        );
    };
    let width = 2.min(mean.len() / lanes - block);
    // If the panel has only one block, the second writer is unused.
    let mut blocks = [
        BlockWriter::new(simd, affine, mean, block),
        BlockWriter::new(simd, affine, mean, block + width - 1),
    ];
    matmul(
        simd,
        dy,
        count,
        panel,
        #[inline(always)]
        |column, row, tile| {
            let start = ((block + column) * pixels + first + row) * lanes;
            let span = start..start + tile.len() * lanes;
            add_shortcut(simd, tile, add.map(|add| &add[span.clone()]));
            blocks[column].write(simd, tile, &input.x[span.clone()], &mut dz[span]);
        },
    );
    for (column, writer) in blocks.into_iter().enumerate().take(width) {
        writer.finish(simd, block + column, sums);
    }
}

/// Packs `dy` of the pixels `first..first + count` into (N / L, count, L).
#[inline(never)]
pub(super) fn pack_gradient_rows<S: Isa>(
    simd: S,
    gradient: Gradient,
    pixels: usize,
    first: usize,
    count: usize,
    out: &mut [f32],
) {
    vectorize!(simd, {
        let lanes = S::Vector::LEN;
        for (block, out) in out.chunks_exact_mut(count * lanes).enumerate() {
            let span = (block * pixels + first) * lanes..(block * pixels + first + count) * lanes;
            apply_gradient(simd, &gradient.dz[span.clone()], &gradient.y[span], block, gradient.norm, out);
        }
    })
}
