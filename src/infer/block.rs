//! A whole block, expand → depthwise → project and its shortcut, as one operation over bands of rows.

use std::ops::Range;

use super::fold::Folded;
use super::map::Map;
use crate::config::{Config, Kind, Layer, STEM_INPUTS};
use crate::kernel::depthwise::{Geometry, convolve, taps};
use crate::kernel::elementwise::channel;
use crate::kernel::matmul::{matmul, panels};
use crate::kernel::{Simd, SimdBase, padded};
use crate::layer::stem::unfold;
use crate::profile::{Operation, Profile};
use crate::workspace::geometry;

/// Floats of an expanded band: half of a usual second-level cache, so that the weights fit beside it.
const BAND_FLOATS: usize = 64 * 1024;

/// What a block reads.
#[derive(Clone, Copy)]
pub enum Input<'a> {
    /// The image, (R, R, 3): the first block, which runs the stem too.
    Image(&'a [f32]),
    /// The block before's output.
    Map(&'a Map),
}

/// A block as inference runs it.
pub struct FusedBlock {
    /// 0 – 16.
    pub index: usize,
    /// Of the first block.
    stem: Option<Folded>,
    /// None where the expansion factor is 1: then the depthwise convolution reads the block's input or the stem.
    expand: Option<Folded>,
    depthwise: Folded,
    /// With the projected shortcut, where there is one.
    project: Folded,
    /// Whether the block's input is added to its output as it is.
    shortcut: bool,
    stem_geometry: Geometry,
    geometry: Geometry,
    /// Output rows of a band.
    band: usize,
}

/// A thread's buffers for one band of any block.
pub struct Scratch {
    /// Inputs of the rows to expand, (K / L, pixels, L).
    rows: Vec<f32>,
    /// Inputs of the stem, where its output is not what the frame holds, (32 / L, pixels, L).
    patches: Vec<f32>,
    /// Expanded rows in a frame of zeros, (C / L, rows, size + 2, L).
    expanded: Vec<f32>,
    /// After the depthwise convolution, and the input of a projected shortcut behind it, (C / L, pixels, L).
    depthwise: Vec<f32>,
    /// Where in a framed plane each expanded pixel goes.
    places: Vec<usize>,
    /// Stopwatch.
    pub profile: Profile,
}

impl FusedBlock {
    /// From its layers, and the stem if it is the first.
    pub fn new(index: usize, stem: Option<Folded>, parts: impl Iterator<Item = Folded>) -> Self {
        let (mut expand, mut depthwise, mut project) = (None, None, None);
        for part in parts {
            let place = match part.layer.kind {
                Kind::Expand => &mut expand,
                Kind::Depthwise => &mut depthwise,
                _ => &mut project,
            };
            *place = Some(part);
        }
        let (Some(depthwise), Some(project)) = (depthwise, project) else {
            unreachable!("every block has a depthwise convolution and a projection")
        };
        let nothing = Geometry { size: 0, stride: 1, offset: 0 };
        FusedBlock {
            index,
            stem,
            expand,
            depthwise,
            project,
            shortcut: false,
            stem_geometry: nothing,
            geometry: nothing,
            band: 0,
        }
    }

    /// Computes shapes for the configuration's resolution.
    pub fn lay_out(&mut self, config: &Config, layers: &[Layer]) {
        let own: Vec<Layer> =
            layers.iter().filter(|layer| layer.block == Some(self.index)).copied().collect();
        let depthwise = own.iter().find(|layer| layer.kind == Kind::Depthwise).expect("every block has one");
        self.shortcut = config.adds_input(&own);
        self.stem_geometry = geometry(config, &layers[0]);
        self.geometry = geometry(config, depthwise);
        let row = self.geometry.framed() * self.depthwise.layer.c_out;
        let rows = (BAND_FLOATS / row).saturating_sub(2) / self.geometry.stride;
        self.band = rows.clamp(1, self.geometry.size_out());
    }

    /// Output channels.
    pub fn channels_out(&self) -> usize {
        self.project.layer.c_out
    }

    /// Height and width of the output.
    pub fn size_out(&self) -> usize {
        self.geometry.size_out()
    }

    /// Floats of the output.
    pub fn floats_out(&self) -> usize {
        self.channels_out() * self.size_out() * self.size_out()
    }

    /// Framed rows that a full band covers.
    fn framed_rows(&self) -> usize {
        (self.band - 1) * self.geometry.stride + 3
    }

    /// What fills the frame: the expansion, else the stem.
    fn widening(&self) -> Option<&Folded> {
        self.expand.as_ref().or(self.stem.as_ref())
    }

    /// Inputs that a projected shortcut adds to those of the projection.
    fn projected(&self) -> usize {
        self.project.inputs - self.project.layer.c_in
    }

    /// Computes the output rows `rows` into `out`, (C / L, rows · size_out, L).
    #[inline(always)]
    pub fn run<S: Simd>(
        &self,
        simd: S,
        input: Input,
        rows: Range<usize>,
        out: &mut [f32],
        scratch: &mut Scratch,
    ) {
        let lanes = S::f32s::LEN;
        let Geometry { size, stride, offset } = self.geometry;
        let width = self.geometry.framed() * lanes;
        let plane = self.framed_rows() * width;
        let channels = self.depthwise.layer.c_out;
        let Scratch { rows: inputs, patches, expanded, depthwise, places, profile } = scratch;
        let expanded = &mut expanded[..channels / lanes * plane];
        // The columns left and right of the image stay zero in every band.
        expanded.fill(0.0);
        profile.start();

        for first in rows.clone().step_by(self.band) {
            let count = self.band.min(rows.end - first);
            // Rows are counted in the frame, whose row 0 is above the image. The last rows of the band before are
            // the first of this one.
            let top = first * stride + offset;
            let bottom = top + (count - 1) * stride + 3;
            let kept = if first == rows.start { 0 } else { 3 - stride };
            for plane in expanded.chunks_exact_mut(plane) {
                plane.copy_within(self.band * stride * width..self.band * stride * width + kept * width, 0);
                for row in (top + kept..bottom).filter(|row| !(1..=size).contains(row)) {
                    plane[(row - top) * width..(row - top + 1) * width].fill(0.0);
                }
            }
            let fresh = (top + kept).max(1)..bottom.min(size + 1);
            self.fill(simd, input, fresh, top, expanded, inputs, patches, places, profile);
            self.convolve(simd, expanded, count, depthwise);
            profile.lap(self.depthwise.index, Operation::Forward);
            if self.projected() > 0 {
                let (from, to) = (self.depthwise.layer.c_out, self.project.inputs);
                let pixels = count * self.size_out();
                let shortcut = &mut depthwise[from * pixels..to * pixels];
                self.gather(simd, input, first..first + count, patches, shortcut);
                profile.lap(self.project.index, Operation::Gather);
            }
            self.project(simd, input, depthwise, first..first + count, &rows, expanded, out, profile);
        }
    }

    /// Fills the framed rows `fresh` of a band, whose first row is `top`, with expanded pixels.
    #[inline(always)]
    fn fill<S: Simd>(
        &self,
        simd: S,
        input: Input,
        fresh: Range<usize>,
        top: usize,
        expanded: &mut [f32],
        rows: &mut [f32],
        patches: &mut [f32],
        places: &mut [usize],
        profile: &mut Profile,
    ) {
        let lanes = S::f32s::LEN;
        let (size, framed) = (self.geometry.size, self.geometry.framed());
        let plane = self.framed_rows() * framed * lanes;
        // Frame row f holds image row f - 1.
        let image_rows = fresh.start - 1..fresh.end - 1;
        let Some(widening) = self.widening() else {
            let Input::Map(map) = input else { unreachable!("the first block has the stem") };
            for (block, plane) in expanded.chunks_exact_mut(plane).enumerate() {
                for row in image_rows.clone() {
                    let start = ((row + 1 - top) * framed + 1) * lanes;
                    plane[start..start + size * lanes].copy_from_slice(map.rows(simd, block, row..row + 1));
                }
            }
            profile.lap(self.depthwise.index, Operation::Gather);
            return;
        };
        let pixels = image_rows.len() * size;
        let depth = padded(widening.inputs);
        let rows = &mut rows[..depth * pixels];
        match input {
            Input::Image(image) if self.expand.is_none() => {
                unfold(simd, self.stem_geometry, image, image_rows.start * size, pixels, rows);
            }
            _ => self.gather(simd, input, image_rows, patches, rows),
        }
        profile.lap(widening.index, Operation::Gather);
        let places = &mut places[..pixels];
        for (row, places) in places.chunks_exact_mut(size).enumerate() {
            for (x, place) in places.iter_mut().enumerate() {
                *place = ((fresh.start - top + row) * framed + 1 + x) * lanes;
            }
        }
        let (low, high) = widening.layer.activation.range();
        let (low, high) = (S::f32s::splat(simd, low), S::f32s::splat(simd, high));
        for (block, panel) in panels(simd, &widening.weights, depth, widening.layer.c_out) {
            matmul(
                simd,
                rows,
                pixels,
                panel,
                #[inline(always)]
                |column, row, tile| {
                    let bias = channel(simd, &widening.bias, block + column);
                    let plane = &mut expanded[(block + column) * plane..(block + column + 1) * plane];
                    for (value, place) in tile.iter().zip(&places[row..row + tile.len()]) {
                        (*value + bias).max(low).min(high).store_slice(&mut plane[*place..*place + lanes]);
                    }
                },
            );
        }
        profile.lap(widening.index, Operation::Forward);
    }

    /// Gathers rows of the block's input into (K / L, pixels, L); the first block's is the stem's output.
    ///
    /// Only on x86 does it take inlining for the instructions to be used; in a browser a copy at each call is download.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn gather<S: Simd>(
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
                unfold(simd, self.stem_geometry, image, rows.start * self.geometry.size, pixels, patches);
                product(simd, stem, patches, pixels, out, pixels, 0);
            }
        }
    }

    /// Convolves `count` rows of outputs from a band into (C / L, count · size_out, L).
    #[inline(always)]
    fn convolve<S: Simd>(&self, simd: S, expanded: &[f32], count: usize, out: &mut [f32]) {
        let lanes = S::f32s::LEN;
        let Folded { layer, weights, bias, .. } = &self.depthwise;
        let plane = self.framed_rows() * self.geometry.framed() * lanes;
        let pixels = count * self.size_out();
        let (low, high) = layer.activation.range();
        let (low, high) = (S::f32s::splat(simd, low), S::f32s::splat(simd, high));
        let planes = expanded.chunks_exact(plane).zip(out.chunks_exact_mut(pixels * lanes));
        for (block, (framed, out)) in planes.enumerate() {
            let taps = taps(simd, weights, layer.c_out, block);
            let bias = channel(simd, bias, block);
            convolve(
                simd,
                self.geometry,
                framed,
                (0, count),
                &taps,
                #[inline(always)]
                |pixel, value| {
                    (value + bias)
                        .max(low)
                        .min(high)
                        .store_slice(&mut out[pixel * lanes..(pixel + 1) * lanes]);
                },
            );
        }
    }

    /// Projects the rows `band` and adds the shortcut; `out` holds the rows `stripe`.
    #[inline(always)]
    fn project<S: Simd>(
        &self,
        simd: S,
        input: Input,
        depthwise: &[f32],
        band: Range<usize>,
        stripe: &Range<usize>,
        expanded: &[f32],
        out: &mut [f32],
        profile: &mut Profile,
    ) {
        let lanes = S::f32s::LEN;
        let layer = self.project.layer;
        let size = self.size_out();
        let pixels = band.len() * size;
        let first = (band.start - stripe.start) * size;
        product(simd, &self.project, depthwise, pixels, out, stripe.len() * size, first);
        profile.lap(self.project.index, Operation::Forward);
        if !self.shortcut {
            return;
        }
        for block in 0..layer.c_out / lanes {
            for y in band.clone() {
                let x = match input {
                    Input::Map(map) => map.rows(simd, block, y..y + 1),
                    // The stem's output exists only in the band, where it is the middle of the filter.
                    Input::Image(_) => {
                        let framed = self.geometry.framed();
                        let start = ((block * self.framed_rows() + y - band.start + 1) * framed + 1) * lanes;
                        &expanded[start..start + size * lanes]
                    }
                };
                let start = (block * stripe.len() + y - stripe.start) * size * lanes;
                let out = &mut out[start..start + size * lanes];
                for (x, out) in x.chunks_exact(lanes).zip(out.chunks_exact_mut(lanes)) {
                    (S::f32s::from_slice(simd, x) + S::f32s::from_slice(simd, out)).store_slice(out);
                }
            }
        }
        profile.lap(self.project.index, Operation::Shortcut);
    }
}

/// A 1×1 convolution with its activation: `x` is (K / L, pixels, L), `out` becomes the pixels from `first` on of (N / L,
/// plane, L). Not inlined in a browser, as [`FusedBlock::gather`].
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
fn product<S: Simd>(
    simd: S,
    folded: &Folded,
    x: &[f32],
    pixels: usize,
    out: &mut [f32],
    plane: usize,
    first: usize,
) {
    let lanes = S::f32s::LEN;
    let (low, high) = folded.layer.activation.range();
    let (low, high) = (S::f32s::splat(simd, low), S::f32s::splat(simd, high));
    let depth = padded(folded.inputs);
    let x = &x[..depth * pixels];
    for (block, panel) in panels(simd, &folded.weights, depth, folded.layer.c_out) {
        matmul(
            simd,
            x,
            pixels,
            panel,
            #[inline(always)]
            |column, row, tile| {
                let block = block + column;
                let bias = channel(simd, &folded.bias, block);
                let start = block * plane + first + row;
                let out = &mut out[start * lanes..(start + tile.len()) * lanes];
                for (value, out) in tile.iter().zip(out.chunks_exact_mut(lanes)) {
                    (*value + bias).max(low).min(high).store_slice(out);
                }
            },
        );
    }
}

impl Scratch {
    /// Buffers that serve every one of `blocks`.
    pub fn for_blocks(blocks: &[FusedBlock]) -> Self {
        let most = |floats: &dyn Fn(&FusedBlock) -> usize| blocks.iter().map(floats).max().unwrap_or(0);
        let pixels = |block: &FusedBlock| block.framed_rows().min(block.geometry.size) * block.geometry.size;
        let channels = |block: &FusedBlock| block.depthwise.layer.c_out;
        let depth = |block: &FusedBlock| block.widening().map_or(0, |widening| padded(widening.inputs));
        let stem_apart =
            |block: &FusedBlock| block.stem.is_some() && (block.expand.is_some() || block.projected() > 0);
        let patches = |block: &FusedBlock| usize::from(stem_apart(block)) * padded(STEM_INPUTS);
        let zeros = |length| vec![0.0; length];
        Scratch {
            rows: zeros(most(&|block| depth(block) * pixels(block))),
            patches: zeros(most(&|block| patches(block) * pixels(block))),
            expanded: zeros(most(&|block| channels(block) * block.framed_rows() * block.geometry.framed())),
            depthwise: zeros(most(&|block| block.project.inputs * block.band * block.size_out())),
            places: vec![0; most(&pixels)],
            profile: Profile::default(),
        }
    }

    /// Floats of all buffers.
    pub fn len(&self) -> usize {
        self.rows.len() + self.patches.len() + self.expanded.len() + self.depthwise.len()
    }
}
