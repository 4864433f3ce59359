//! What is done to a band of a block, one step after the other: gather, expand and convolve, project.

use std::ops::Range;

use super::{Band, FusedBlock, Input, Place};
use crate::arch::STEM_INPUTS;
use crate::infer::fold::Folded;
use crate::kernel::depthwise::{convolve, taps};
use crate::kernel::elementwise::{channel, clamp, store};
use crate::kernel::im2col::im2col;
use crate::kernel::matmul::{matmul, panel};
use crate::kernel::{Isa, SimdBase, padded, vectorize};
use crate::profile::{Operation, Profile};

impl FusedBlock {
    /// Gathers what a band's fresh rows are expanded from.
    #[inline(never)]
    pub(super) fn gather_inputs<S: Isa>(
        &self,
        simd: S,
        input: Input,
        band: &Band,
        patches: &mut [f32],
        inputs: &mut [f32],
        profile: &mut Profile,
    ) {
        let Some(widening) = self.widening() else { return };
        let rows = band.fresh_rows();
        let size = self.geometry.size;
        let inputs = &mut inputs[..padded(widening.inputs) * rows.len() * size];
        match input {
            Input::Image(image) if self.expand.is_none() => {
                im2col(simd, self.stem_geometry, image, rows.start * size, rows.len() * size, inputs);
            }
            _ => self.gather(simd, input, rows, patches, inputs),
        }
        profile.lap(widening.index, Operation::Gather);
    }

    /// Gathers what a projected shortcut reads.
    #[inline(always)]
    pub(super) fn gather_projected<S: Isa>(
        &self,
        simd: S,
        input: Input,
        band: &Band,
        patches: &mut [f32],
        shortcut: &mut [f32],
        profile: &mut Profile,
    ) {
        if self.projected() > 0 {
            self.gather(simd, input, band.rows.clone(), patches, shortcut);
            profile.lap(self.project.index, Operation::Gather);
        }
    }

    /// Computes the stem's output of a band for [`Self::add_input`], where that is the input to add.
    #[inline(always)]
    pub(super) fn gather_stem<S: Isa>(
        &self,
        simd: S,
        input: Input,
        band: &Band,
        patches: &mut [f32],
        out: &mut [f32],
    ) {
        if self.shortcut && matches!(input, Input::Image(_)) {
            let floats = self.channels_out() * band.rows.len() * self.size_out();
            self.gather(simd, input, band.rows.clone(), patches, &mut out[..floats]);
        }
    }

    /// Expands these blocks of channels into the frame, two at a time, and convolves them into `out`, (blocks, pixels, L).
    #[inline(never)]
    pub(super) fn widen_and_convolve<S: Isa>(
        &self,
        simd: S,
        input: Input,
        blocks: Range<usize>,
        band: &Band,
        inputs: &[f32],
        frame: &mut [f32],
        kept: &mut [f32],
        out: &mut [f32],
        profile: &mut Profile,
    ) {
        vectorize!(simd, {
            let lanes = S::Vector::LEN;
            let size = self.geometry.size;
            let width = self.geometry.framed() * lanes;
            let plane = self.framed_rows() * width;
            let out_plane = band.rows.len() * self.size_out() * lanes;
            let kept_plane = (3 - self.geometry.stride) * width;
            for plane in frame[..2 * plane].chunks_exact_mut(plane) {
                for row in (band.top..band.bottom).filter(|row| !(1..=size).contains(row)) {
                    plane[(row - band.top) * width..(row - band.top + 1) * width].fill(0.0);
                }
            }
            let first_row = band.fresh.start - band.top;
            for (pair, out) in blocks.step_by(2).zip(out.chunks_mut(2 * out_plane)) {
                let columns = out.len() / out_plane;
                if band.kept > 0 {
                    for (column, plane) in frame.chunks_exact_mut(plane).take(columns).enumerate() {
                        let kept = &kept[(pair + column) * kept_plane..(pair + column + 1) * kept_plane];
                        plane[..kept_plane].copy_from_slice(kept);
                    }
                }
                match (self.widening(), input) {
                    (Some(widening), _) => {
                        let places = &self.places[first_row * size..];
                        expand(simd, widening, inputs, band.fresh.len() * size, pair, places, frame, plane);
                        profile.lap(widening.index, Operation::Forward);
                    }
                    (None, Input::Map(map)) => {
                        for (column, plane) in frame.chunks_exact_mut(plane).take(columns).enumerate() {
                            let framed = plane.chunks_exact_mut(width).skip(first_row);
                            for (row, framed) in band.fresh_rows().zip(framed) {
                                let row = map.rows(simd, pair + column, row..row + 1);
                                framed[lanes..width - lanes].copy_from_slice(row);
                            }
                        }
                        profile.lap(self.depthwise.index, Operation::Gather);
                    }
                    (None, Input::Image(_)) => unreachable!("the first block has the stem"),
                }
                for (column, (plane, out)) in
                    frame.chunks_exact(plane).zip(out.chunks_exact_mut(out_plane)).enumerate()
                {
                    self.convolve(simd, pair + column, plane, band.rows.len(), out);
                    if let Some(kept) = kept.chunks_exact_mut(kept_plane).nth(pair + column) {
                        let next = self.band * self.geometry.stride * width;
                        kept.copy_from_slice(&plane[next..next + kept_plane]);
                    }
                }
                profile.lap(self.depthwise.index, Operation::Forward);
            }
        })
    }

    /// Gathers rows of the block's input into (K / L, pixels, L); the first block's is the stem's output.
    #[inline(never)]
    fn gather<S: Isa>(
        &self,
        simd: S,
        input: Input,
        rows: Range<usize>,
        patches: &mut [f32],
        out: &mut [f32],
    ) {
        match input {
            Input::Map(map) => map.gather(simd, rows, out),
            Input::Image(image) => {
                let stem = self.stem.as_ref().expect("the block that reads the image has the stem");
                let pixels = rows.len() * self.geometry.size;
                let patches = &mut patches[..padded(STEM_INPUTS) * pixels];
                im2col(simd, self.stem_geometry, image, rows.start * self.geometry.size, pixels, patches);
                let blocks = 0..stem.layer.c_out / S::Vector::LEN;
                product(simd, stem, patches, pixels, blocks, out, Place { plane: pixels, first: 0 });
            }
        }
    }

    /// Convolves `rows` rows of outputs of a block of channels from its frame into (pixels, L).
    #[inline(always)]
    fn convolve<S: Isa>(&self, simd: S, block: usize, framed: &[f32], rows: usize, out: &mut [f32]) {
        let lanes = S::Vector::LEN;
        let Folded { layer, weights, bias, .. } = &self.depthwise;
        let range = layer.activation.range();
        let taps = taps(simd, weights, layer.c_out, block);
        let bias = channel(simd, bias, block);
        convolve(
            simd,
            self.geometry,
            framed,
            (0, rows),
            &taps,
            #[inline(always)]
            |pixel, values| {
                activate(simd, values, bias, range);
                store(simd, values, &mut out[pixel * lanes..(pixel + values.len()) * lanes]);
            },
        );
    }

    /// Projects a band to these blocks of output channels and adds the block's input.
    #[inline(always)]
    pub(super) fn project<S: Isa>(
        &self,
        simd: S,
        input: Input,
        depthwise: &[f32],
        band: &Band,
        blocks: Range<usize>,
        stem: &[f32],
        out: &mut [f32],
        place: Place,
        profile: &mut Profile,
    ) {
        let pixels = band.rows.len() * self.size_out();
        product(simd, &self.project, depthwise, pixels, blocks.clone(), out, place);
        profile.lap(self.project.index, Operation::Forward);
        if self.shortcut {
            self.add_input(simd, input, band, blocks, stem, out, place);
            profile.lap(self.project.index, Operation::Shortcut);
        }
    }

    /// Adds the block's input to these blocks of a band's output.
    #[inline(never)]
    fn add_input<S: Isa>(
        &self,
        simd: S,
        input: Input,
        band: &Band,
        blocks: Range<usize>,
        stem: &[f32],
        out: &mut [f32],
        Place { plane, first }: Place,
    ) {
        vectorize!(simd, {
            let width = self.size_out() * S::Vector::LEN;
            for (block, out) in blocks.zip(out.chunks_exact_mut(plane * S::Vector::LEN)) {
                let out = out[first * S::Vector::LEN..].chunks_exact_mut(width);
                for (row, (y, out)) in band.rows.clone().zip(out).enumerate() {
                    let x = match input {
                        Input::Map(map) => map.rows(simd, block, y..y + 1),
                        Input::Image(_) => &stem[(block * band.rows.len() + row) * width..][..width],
                    };
                    let pixels = x.chunks_exact(S::Vector::LEN).zip(out.chunks_exact_mut(S::Vector::LEN));
                    for (x, out) in pixels {
                        (S::Vector::from_slice(simd, x) + S::Vector::from_slice(simd, out)).store_slice(out);
                    }
                }
            }
        })
    }
}

/// A 1×1 convolution with its activation of two blocks of output channels, the first of which is `block`: `x` is
/// (K / L, pixels, L), and pixel p of an output goes to `places[p]` of its frame of `plane` floats.
#[inline(never)]
fn expand<S: Isa>(
    simd: S,
    folded: &Folded,
    x: &[f32],
    pixels: usize,
    block: usize,
    places: &[usize],
    frame: &mut [f32],
    plane: usize,
) {
    vectorize!(simd, {
        let lanes = S::Vector::LEN;
        two_blocks(
            simd,
            folded,
            x,
            pixels,
            block,
            #[inline(always)]
            |column, row, tile| {
                let plane = &mut frame[column * plane..(column + 1) * plane];
                for (value, place) in tile.iter().zip(&places[row..row + tile.len()]) {
                    value.store_slice(&mut plane[*place..*place + lanes]);
                }
            },
        );
    })
}

/// A 1×1 convolution with its activation of these blocks of output channels: `x` is (K / L, pixels, L), `out` is
/// (blocks, plane, L).
#[inline(never)]
fn product<S: Isa>(
    simd: S,
    folded: &Folded,
    x: &[f32],
    pixels: usize,
    blocks: Range<usize>,
    out: &mut [f32],
    Place { plane, first }: Place,
) {
    vectorize!(simd, {
        let lanes = S::Vector::LEN;
        for block in blocks.clone().step_by(2) {
            two_blocks(
                simd,
                folded,
                x,
                pixels,
                block,
                #[inline(always)]
                |column, row, tile| {
                    let start = (block - blocks.start + column) * plane + first + row;
                    store(simd, tile, &mut out[start * lanes..(start + tile.len()) * lanes]);
                },
            );
        }
    })
}

/// A 1×1 convolution with its activation of two blocks of output channels, the first of which is `block`: `put` takes the
/// column of a block, 0 or 1, and its outputs at some pixels with the number of the first.
#[inline(always)]
fn two_blocks<S: Isa>(
    simd: S,
    folded: &Folded,
    x: &[f32],
    pixels: usize,
    block: usize,
    mut put: impl FnMut(usize, usize, &mut [S::Vector]),
) {
    let range = folded.layer.activation.range();
    let depth = padded(folded.inputs);
    matmul(
        simd,
        &x[..depth * pixels],
        pixels,
        panel(simd, &folded.weights, depth, folded.layer.c_out, block),
        #[inline(always)]
        |column, row, tile| {
            let bias = channel(simd, &folded.bias, block + column);
            activate(simd, tile, bias, range);
            put(column, row, tile);
        },
    );
}

/// Adds the bias to outputs of one block of channels and clamps them to the activation's range.
#[inline(always)]
fn activate<S: Isa>(simd: S, values: &mut [S::Vector], bias: S::Vector, (low, high): (f32, f32)) {
    let (low, high) = (S::Vector::splat(simd, low), S::Vector::splat(simd, high));
    for value in values {
        *value = clamp(simd, *value + bias, low, high);
    }
}
