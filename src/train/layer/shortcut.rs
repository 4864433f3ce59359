//! An output that training writes: batch norm and activation, plus what a shortcut adds, if one ends here
//! ([`written`](crate::train::gradients::written)).

use super::{BlockWriter, GradientWriter, LazyInput};
use crate::kernel::elementwise::{Affine, apply, clamp, constants};
use crate::kernel::sums::PIXELS;
use crate::kernel::{Isa, SimdBase, SimdFloat};

/// `out = norm(y) + shortcut`; all (C / L, pixels, L).
#[inline(always)]
pub fn forward<S: Isa>(
    simd: S,
    y: &[f32],
    affine: Affine,
    shortcut: Option<LazyInput>,
    pixels: usize,
    out: &mut [f32],
) {
    let lanes = S::Vector::LEN;
    for (block, (y, out)) in
        y.chunks_exact(pixels * lanes).zip(out.chunks_exact_mut(pixels * lanes)).enumerate()
    {
        apply(simd, y, block, affine, out);
        let Some(LazyInput { x, affine }) = shortcut else { continue };
        let x = &x[block * pixels * lanes..(block + 1) * pixels * lanes];
        let [scale, shift, low, high] = constants(simd, affine, block);
        for (x, out) in x.chunks_exact(lanes).zip(out.chunks_exact_mut(lanes)) {
            let x = clamp(simd, S::Vector::from_slice(simd, x).mul_add(scale, shift), low, high);
            (x + S::Vector::from_slice(simd, out)).store_slice(out);
        }
    }
}

/// `dz = dout`, masked by the projection's activation, into `writer`; forward was `out = norm(y) + shortcut`. The
/// shortcut's gradient is `dout` itself, which the layer that writes the gradient of the block's input adds to it.
#[inline(always)]
pub fn backward<S: Isa>(
    simd: S,
    y: &[f32],
    affine: Affine,
    dout: &[f32],
    pixels: usize,
    writer: GradientWriter,
) {
    let lanes = S::Vector::LEN;
    let planes = y.chunks_exact(pixels * lanes).zip(writer.dz.chunks_exact_mut(pixels * lanes));
    for (block, ((y, dz), dout)) in planes.zip(dout.chunks_exact(pixels * lanes)).enumerate() {
        let pieces = y.chunks(PIXELS * lanes).zip(dz.chunks_mut(PIXELS * lanes));
        for ((y, dz), dout) in pieces.zip(dout.chunks(PIXELS * lanes)) {
            let mut block_writer = BlockWriter::new(simd, affine, writer.mean, block);
            for ((y, dz), dout) in
                y.chunks_exact(lanes).zip(dz.chunks_exact_mut(lanes)).zip(dout.chunks_exact(lanes))
            {
                block_writer.receive(simd, S::Vector::from_slice(simd, dout), y).store_slice(dz);
            }
            block_writer.finish(simd, block, writer.sums);
        }
    }
}
