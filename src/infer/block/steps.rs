//! The steps for one row tile of a block: pack rows, expand and convolve, project.

use std::ops::Range;

use super::{FusedBlock, Input, Place, RowTile};
use crate::arch::STEM_INPUTS;
use crate::infer::fold::Folded;
use crate::kernel::depthwise::{Geometry, convolve, taps};
use crate::kernel::elementwise::{channel, clamp, store};
use crate::kernel::im2col::im2col_image;
use crate::kernel::matmul::{matmul, panel};
use crate::kernel::{Isa, SimdBase, padded, vectorize};
use crate::profile::{Operation, Profile};

impl FusedBlock {
    /// Packs the inputs from which a row tile's new rows are expanded.
    #[inline(never)]
    pub(super) fn pack_inputs<S: Isa>(
        &self,
        simd: S,
        input: Input,
        row_tile: &RowTile,
        patches: &mut [f32],
        inputs: &mut [f32],
        profile: &mut Profile,
    ) {
        let Some(widening) = self.widening() else { return };
        let rows = row_tile.new_image_rows();
        let size = self.geometry.size;
        let inputs = &mut inputs[..padded(widening.inputs) * rows.len() * size];
        match input {
            Input::Image(image) if self.expand.is_none() => {
                im2col_image(simd, self.stem_geometry, image, rows.start * size, rows.len() * size, inputs);
            }
            _ => self.pack_rows(simd, input, rows, patches, inputs),
        }
        profile.lap(widening.index, Operation::PackRows);
    }

    /// Packs the inputs of a projected shortcut.
    #[inline(always)]
    pub(super) fn pack_projected<S: Isa>(
        &self,
        simd: S,
        input: Input,
        row_tile: &RowTile,
        patches: &mut [f32],
        shortcut: &mut [f32],
        profile: &mut Profile,
    ) {
        if self.projected() > 0 {
            self.pack_rows(simd, input, row_tile.rows.clone(), patches, shortcut);
            profile.lap(self.project.index, Operation::PackRows);
        }
    }

    /// Computes the stem's output for a row tile, if [`Self::add_input`] has to add it.
    #[inline(always)]
    pub(super) fn stem_output<S: Isa>(
        &self,
        simd: S,
        input: Input,
        row_tile: &RowTile,
        patches: &mut [f32],
        out: &mut [f32],
    ) {
        if self.shortcut && matches!(input, Input::Image(_)) {
            let floats = self.channels_out() * row_tile.rows.len() * self.size_out();
            self.pack_rows(simd, input, row_tile.rows.clone(), patches, &mut out[..floats]);
        }
    }

    /// Expands these blocks of channels into padded planes, two at a time, and convolves them into `out`, (blocks, pixels,
    /// L).
    #[inline(never)]
    pub(super) fn widen_and_convolve<S: Isa>(
        &self,
        simd: S,
        input: Input,
        blocks: Range<usize>,
        row_tile: &RowTile,
        inputs: &[f32],
        padded_planes: &mut [f32],
        halo: &mut [f32],
        out: &mut [f32],
        profile: &mut Profile,
    ) {
        vectorize!(simd, {
            let lanes = S::Vector::LEN;
            let size = self.geometry.size;
            let width = self.geometry.padded_size() * lanes;
            let plane = self.padded_rows() * width;
            let out_plane = row_tile.rows.len() * self.size_out() * lanes;
            let halo_plane = (3 - self.geometry.stride) * width;
            for plane in padded_planes[..2 * plane].chunks_exact_mut(plane) {
                for row in (row_tile.top..row_tile.bottom).filter(|row| !(1..=size).contains(row)) {
                    plane[(row - row_tile.top) * width..(row - row_tile.top + 1) * width].fill(0.0);
                }
            }
            let first_row = row_tile.new_rows.start - row_tile.top;
            for (pair, out) in blocks.step_by(2).zip(out.chunks_mut(2 * out_plane)) {
                let columns = out.len() / out_plane;
                if row_tile.halo > 0 {
                    for (column, plane) in padded_planes.chunks_exact_mut(plane).take(columns).enumerate() {
                        let halo = &halo[(pair + column) * halo_plane..(pair + column + 1) * halo_plane];
                        plane[..halo_plane].copy_from_slice(halo);
                    }
                }
                match (self.widening(), input) {
                    (Some(widening), _) => {
                        let places = &self.places[first_row * size..];
                        expand(
                            simd,
                            widening,
                            inputs,
                            row_tile.new_rows.len() * size,
                            pair,
                            places,
                            padded_planes,
                            plane,
                        );
                        profile.lap(widening.index, Operation::Forward);
                    }
                    (None, Input::Map(map)) => {
                        for (column, plane) in padded_planes.chunks_exact_mut(plane).take(columns).enumerate()
                        {
                            let padded_rows = plane.chunks_exact_mut(width).skip(first_row);
                            for (row, padded_row) in row_tile.new_image_rows().zip(padded_rows) {
                                let row = map.rows(simd, pair + column, row..row + 1);
                                padded_row[lanes..width - lanes].copy_from_slice(row);
                            }
                        }
                        profile.lap(self.depthwise.index, Operation::PackRows);
                    }
                    (None, Input::Image(_)) => unreachable!("the first block has the stem"),
                }
                for (column, (plane, out)) in
                    padded_planes.chunks_exact(plane).zip(out.chunks_exact_mut(out_plane)).enumerate()
                {
                    let rows = row_tile.rows.len();
                    convolve_plane(simd, &self.depthwise, self.geometry, pair + column, plane, rows, out);
                    if let Some(halo) = halo.chunks_exact_mut(halo_plane).nth(pair + column) {
                        let next = self.tile_rows * self.geometry.stride * width;
                        halo.copy_from_slice(&plane[next..next + halo_plane]);
                    }
                }
                profile.lap(self.depthwise.index, Operation::Forward);
            }
        })
    }

    /// Packs rows of the block's input, (K / L, pixels, L); in the first block that is the stem's output.
    #[inline(never)]
    fn pack_rows<S: Isa>(
        &self,
        simd: S,
        input: Input,
        rows: Range<usize>,
        patches: &mut [f32],
        out: &mut [f32],
    ) {
        match input {
            Input::Map(map) => map.pack_rows(simd, rows, out),
            Input::Image(image) => {
                let stem = self.stem.as_ref().expect("the block that reads the image has the stem");
                let pixels = rows.len() * self.geometry.size;
                let patches = &mut patches[..padded(STEM_INPUTS) * pixels];
                im2col_image(
                    simd,
                    self.stem_geometry,
                    image,
                    rows.start * self.geometry.size,
                    pixels,
                    patches,
                );
                let blocks = 0..stem.layer.c_out / S::Vector::LEN;
                product(simd, stem, patches, pixels, blocks, out, Place { plane: pixels, first: 0 });
            }
        }
    }

    /// Projects a row tile to these blocks of output channels and adds the block's input.
    #[inline(always)]
    pub(super) fn project<S: Isa>(
        &self,
        simd: S,
        input: Input,
        depthwise: &[f32],
        row_tile: &RowTile,
        blocks: Range<usize>,
        stem: &[f32],
        out: &mut [f32],
        place: Place,
        profile: &mut Profile,
    ) {
        let pixels = row_tile.rows.len() * self.size_out();
        product(simd, &self.project, depthwise, pixels, blocks.clone(), out, place);
        profile.lap(self.project.index, Operation::Forward);
        if self.shortcut {
            self.add_input(simd, input, row_tile, blocks, stem, out, place);
            profile.lap(self.project.index, Operation::Shortcut);
        }
    }

    /// Adds the block's input to these blocks of a row tile's output.
    #[inline(never)]
    fn add_input<S: Isa>(
        &self,
        simd: S,
        input: Input,
        row_tile: &RowTile,
        blocks: Range<usize>,
        stem: &[f32],
        out: &mut [f32],
        Place { plane, first }: Place,
    ) {
        vectorize!(simd, {
            let width = self.size_out() * S::Vector::LEN;
            for (block, out) in blocks.zip(out.chunks_exact_mut(plane * S::Vector::LEN)) {
                let out = out[first * S::Vector::LEN..].chunks_exact_mut(width);
                for (row, (y, out)) in row_tile.rows.clone().zip(out).enumerate() {
                    let x = match input {
                        Input::Map(map) => map.rows(simd, block, y..y + 1),
                        Input::Image(_) => &stem[(block * row_tile.rows.len() + row) * width..][..width],
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

/// A 1×1 convolution with activation for the output blocks `block` and `block + 1`: `x` is (K / L, pixels, L), and
/// pixel p of an output goes to `places[p]` of its padded plane of `plane` floats.
#[inline(never)]
fn expand<S: Isa>(
    simd: S,
    folded: &Folded,
    x: &[f32],
    pixels: usize,
    block: usize,
    places: &[usize],
    padded_planes: &mut [f32],
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
                let plane = &mut padded_planes[column * plane..(column + 1) * plane];
                for (value, place) in tile.iter().zip(&places[row..row + tile.len()]) {
                    value.store_slice(&mut plane[*place..*place + lanes]);
                }
            },
        );
    })
}

/// Convolves one block of channels depthwise, with activation: from the padded plane, cut where the first output's filter
/// begins, into `rows` rows of outputs, (pixels, L).
#[inline(never)]
pub fn convolve_plane<S: Isa>(
    simd: S,
    folded: &Folded,
    geometry: Geometry,
    block: usize,
    padded_plane: &[f32],
    rows: usize,
    out: &mut [f32],
) {
    vectorize!(simd, {
        let lanes = S::Vector::LEN;
        let range = folded.layer.activation.range();
        let taps = taps(simd, &folded.weights, folded.layer.c_out, block);
        let bias = channel(simd, &folded.bias, block);
        convolve(
            simd,
            geometry,
            padded_plane,
            (0, rows),
            &taps,
            #[inline(always)]
            |pixel, values| {
                activate(simd, values, bias, range);
                store(simd, values, &mut out[pixel * lanes..(pixel + values.len()) * lanes]);
            },
        );
    })
}

/// A 1×1 convolution with activation for these output blocks: `x` is (K / L, pixels, L), `out` is (blocks, plane, L).
#[inline(never)]
pub fn product<S: Isa>(
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

/// A 1×1 convolution with activation for the output blocks `block` and `block + 1`. `put(column, row, values)` receives
/// the outputs of block 0 or 1 of them at the pixels from `row` on.
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

/// Adds the bias to one block's outputs and clamps them to the activation's range.
#[inline(always)]
fn activate<S: Isa>(simd: S, values: &mut [S::Vector], bias: S::Vector, (low, high): (f32, f32)) {
    let (low, high) = (S::Vector::splat(simd, low), S::Vector::splat(simd, high));
    for value in values {
        *value = clamp(simd, *value + bias, low, high);
    }
}
