//! A network op by op: each convolution reads whole tensors and writes another.
//!
//! All tensors lie in one arena, where those that are needed at the same time do not overlap. Threads share out the channels
//! that an operation writes.

use std::ops::Range;

use fearless_simd::Level;

use super::block::{Place, convolve_plane, product};
use super::fold::{Folded, fold};
use super::map::Map;
use crate::arch::{Config, Kind, Layer, Lifetime, Weights, last_uses, share_memory};
use crate::kernel::depthwise::{Geometry, pad};
use crate::kernel::im2col::{im2col, im2col_image};
use crate::kernel::{Isa, MAX_LANES, SimdBase, dispatch, lanes, padded};
use crate::profile::{self, Profile};
use crate::threads;

/// Pixels whose inputs a 3×3 convolution of all channels has as rows at once.
const ROWS: usize = 384;

/// What a thread does with the first of its blocks of output channels, its part of the output, and its working memory.
type Work<'a> = dyn Fn(usize, &mut [f32], &mut [f32]) + Sync + 'a;

/// Every convolution, in execution order.
pub struct Operations {
    operations: Vec<Operation>,
    /// Floats of all tensors; working memory lies behind them.
    tensors: usize,
    keeping: Option<Keeping>,
}

/// Every output stays until the next image, so that it can be looked at.
#[derive(Clone, Copy)]
pub struct Keeping {
    /// Bits to which outputs are rounded; 0: not rounded.
    pub bits: u32,
}

/// A convolution, and where its tensors lie.
pub struct Operation {
    folded: Folded,
    geometry: Geometry,
    /// None: the image.
    input: Option<Range<usize>>,
    added: Option<Range<usize>>,
    output: Range<usize>,
}

impl Operations {
    /// Folds and packs `weights`; returns the classifier apart.
    pub fn new(
        level: Level,
        weights: &Weights,
        layers: &[Layer],
        keeping: Option<Keeping>,
    ) -> (Self, Folded) {
        let mut folded = fold(level, weights, layers, false);
        let classifier = folded.pop().expect("a network ends with the classifier");
        let nothing = Geometry { size: 0, stride: 1, offset: 0 };
        let operations = folded.into_iter().map(|folded| Operation::alone(folded, nothing)).collect();
        (Operations { operations, tensors: 0, keeping }, classifier)
    }

    /// Computes shapes and places for the configuration's resolution and `threads` threads; returns the length of the arena.
    pub fn lay_out(&mut self, config: &Config, layers: &[Layer], threads: usize) -> usize {
        let last_uses = last_uses(layers);
        let lifetimes: Vec<Lifetime> = (0..self.operations.len())
            .map(|index| Lifetime {
                floats: layers[index].floats_out(),
                first: index,
                last: if self.keeping.is_some() { layers.len() } else { last_uses[index] },
            })
            .collect();
        let (places, tensors) = share_memory(&lifetimes);
        let place = |index: Option<usize>| index.map(|index| places[index].clone());
        self.tensors = tensors;
        let mut working = 0;
        for (index, operation) in self.operations.iter_mut().enumerate() {
            let layer = &layers[index];
            operation.geometry = Geometry::of(config, layer);
            (operation.input, operation.added) = (place(layer.input), place(layer.adds));
            operation.output = places[index].clone();
            working = working.max(operation.working_floats(threads));
        }
        tensors + working
    }

    /// Bytes of all tensors: of those, at each moment, that must exist at once.
    #[cfg(all(test, not(target_arch = "wasm32")))]
    pub fn tensor_bytes(&self) -> usize {
        self.tensors * size_of::<f32>()
    }

    /// Runs an image through the network up to the pooled features.
    pub fn features(
        &self,
        level: Level,
        image: &[f32],
        arena: &mut [f32],
        profiles: &mut [Profile],
        features: &mut [f32],
    ) {
        let last = self.run(level, image, self.operations.len(), arena, profiles);
        profiles[0].start();
        dispatch!(level, simd => pool(simd, &arena[last.output.clone()], last.pixels(), features));
        profiles[0].lap(last.folded.index, profile::Operation::Forward);
    }

    /// Runs an image through the first `count` blocks, with one profile per thread; returns the last one's output.
    pub fn run_blocks<'a>(
        &self,
        level: Level,
        image: &[f32],
        count: usize,
        arena: &'a mut [f32],
        profiles: &mut [Profile],
    ) -> Map<'a> {
        let within = |operation: &Operation| operation.folded.layer.block.is_some_and(|block| block < count);
        let end = self.operations.iter().rposition(within).map_or(1, |last| last + 1);
        self.run(level, image, end, arena, profiles);
        self.map(end - 1, arena)
    }

    /// The output of operation `index`, if it still exists.
    pub fn map<'a>(&self, index: usize, arena: &'a [f32]) -> Map<'a> {
        let Operation { folded, geometry, output, .. } = &self.operations[index];
        let size = geometry.size_out();
        Map { channels: folded.layer.c_out, size, partition_rows: size, values: &arena[output.clone()] }
    }

    /// Runs the first `count` operations; returns the last of them.
    fn run(
        &self,
        level: Level,
        image: &[f32],
        count: usize,
        arena: &mut [f32],
        profiles: &mut [Profile],
    ) -> &Operation {
        let (tensors, working) = arena.split_at_mut(self.tensors);
        let operations = &self.operations[..count];
        for operation in operations {
            let Operation { input, added, output, .. } = operation;
            let place = |place: &Option<Range<usize>>| place.clone().unwrap_or(0..0);
            let [out, before, added] = tensors
                .get_disjoint_mut([output.clone(), place(input), place(added)])
                .expect("tensors that are needed at once do not overlap");
            let input = if input.is_some() { &*before } else { image };
            operation.run(level, input, out, working, profiles);
            if !added.is_empty() {
                profiles[0].start();
                out.iter_mut().zip(&*added).for_each(|(out, added)| *out += added);
                profiles[0].lap(operation.folded.index, profile::Operation::Shortcut);
            }
            if let Some(Keeping { bits: bits @ 1.. }) = self.keeping {
                round(out, bits);
            }
        }
        &operations[count - 1]
    }
}

impl Operation {
    /// One that reads and writes no tensor of a network.
    pub fn alone(folded: Folded, geometry: Geometry) -> Self {
        Operation { folded, geometry, input: None, added: None, output: 0..0 }
    }

    /// Its kind and shape.
    pub fn layer(&self) -> &Layer {
        &self.folded.layer
    }

    /// Floats of working memory for `threads` threads.
    pub fn working_floats(&self, threads: usize) -> usize {
        match self.folded.layer.kind {
            Kind::Depthwise => threads * MAX_LANES * self.geometry.padded_pixels(),
            Kind::Stem | Kind::Convolution => padded(self.folded.inputs) * self.pixels().min(ROWS),
            _ => 0,
        }
    }

    /// Pixels of the output.
    fn pixels(&self) -> usize {
        self.geometry.size_out() * self.geometry.size_out()
    }

    /// Computes the output, (C / L, pixels, L).
    pub fn run(
        &self,
        level: Level,
        input: &[f32],
        out: &mut [f32],
        working: &mut [f32],
        profiles: &mut [Profile],
    ) {
        let Folded { layer, inputs, .. } = &self.folded;
        let pixels = self.pixels();
        match layer.kind {
            Kind::Depthwise => {
                let plane = MAX_LANES * self.geometry.padded_pixels();
                self.share_out(level, out, working, plane, profiles, &|block, out, plane| {
                    dispatch!(level, simd => self.depthwise(simd, input, block, out, plane));
                });
            }
            Kind::Stem | Kind::Convolution => {
                for first in (0..pixels).step_by(ROWS) {
                    let count = ROWS.min(pixels - first);
                    let rows = &mut working[..padded(*inputs) * count];
                    profiles[0].start();
                    self.rows(level, input, first..first + count, rows);
                    profiles[0].lap(self.folded.index, profile::Operation::PackRows);
                    self.product(level, rows, out, Place { plane: pixels, first }, profiles);
                }
            }
            _ => self.product(level, input, out, Place { plane: pixels, first: 0 }, profiles),
        }
    }

    /// The inputs of these pixels as rows of the matrix product.
    fn rows(&self, level: Level, input: &[f32], pixels: Range<usize>, rows: &mut [f32]) {
        let Layer { kind, c_in, .. } = self.folded.layer;
        let (geometry, lanes) = (self.geometry, lanes(level));
        if kind == Kind::Stem {
            let (first, count) = (pixels.start, pixels.len());
            return dispatch!(level, simd => im2col_image(simd, geometry, input, first, count, rows));
        }
        let blocks = (rows.len() / lanes / pixels.len()).div_ceil(threads::count());
        threads::for_each_chunk(rows, blocks * pixels.len() * lanes, |index, rows| {
            let pixels = pixels.clone();
            dispatch!(level, simd => im2col(simd, geometry, input, c_in, None, index * blocks, pixels, rows));
        });
    }

    /// The matrix product of rows, (K / L, pixels, L), into their places in all blocks of `out`.
    fn product(&self, level: Level, rows: &[f32], out: &mut [f32], place: Place, profiles: &mut [Profile]) {
        let folded = &self.folded;
        let pixels = rows.len() / padded(folded.inputs);
        self.share_out(level, out, &mut [], 0, profiles, &|block, out, _| {
            let blocks = block..block + out.len() / place.plane / lanes(level);
            dispatch!(level, simd => product(simd, folded, rows, pixels, blocks, out, place));
        });
    }

    /// Convolves the channels from `block` on that `out`, (blocks, pixels, L), has room for.
    #[inline(always)]
    fn depthwise<S: Isa>(
        &self,
        simd: S,
        input: &[f32],
        block: usize,
        out: &mut [f32],
        padded_plane: &mut [f32],
    ) {
        let lanes = S::Vector::LEN;
        let Geometry { size, offset, .. } = self.geometry;
        let (plane, out_plane) = (size * size * lanes, self.pixels() * lanes);
        padded_plane.fill(0.0);
        for (block, out) in (block..).zip(out.chunks_exact_mut(out_plane)) {
            let input = &input[block * plane..(block + 1) * plane];
            pad(
                simd,
                size,
                padded_plane,
                #[inline(always)]
                |row, out| out.copy_from_slice(&input[row]),
            );
            let from = &padded_plane[offset * (size + 2) * lanes..];
            convolve_plane(simd, &self.folded, self.geometry, block, from, self.geometry.size_out(), out);
        }
    }

    /// Has each thread `work` on some blocks of output channels, with `each` floats of working memory.
    fn share_out(
        &self,
        level: Level,
        out: &mut [f32],
        working: &mut [f32],
        each: usize,
        profiles: &mut [Profile],
        work: &Work,
    ) {
        // A thread takes whole panels of weights, which are two blocks wide.
        let panel = 2 * lanes(level);
        let panels = self.folded.layer.c_out.div_ceil(panel).div_ceil(profiles.len());
        let mut rest = working;
        let parts = out.chunks_mut(panels * panel * self.pixels()).zip(profiles).enumerate();
        let mut parts: Vec<_> = parts
            .map(|(index, (out, profile))| {
                (index, out, rest.split_off_mut(..each).expect("each thread has working memory"), profile)
            })
            .collect();
        threads::for_each(&mut parts, |(index, out, working, profile)| {
            profile.start();
            work(2 * *index * panels, out, working);
            profile.lap(self.folded.index, profile::Operation::Forward);
        });
    }
}

/// Rounds values to `bits` bits between 0, or minus the largest, and the largest of them.
pub fn round(values: &mut [f32], bits: u32) {
    let largest = values.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    let signed = values.iter().any(|value| *value < 0.0);
    let levels = ((1u64 << (bits - u32::from(signed))) - 1) as f32;
    if largest > 0.0 {
        let step = largest / levels.max(1.0);
        values.iter_mut().for_each(|value| *value = (*value / step).round_ties_even() * step);
    }
}

/// Averages over all pixels: `x` is (C / L, pixels, L), `averages` (C).
#[inline(always)]
fn pool<S: Isa>(simd: S, x: &[f32], pixels: usize, averages: &mut [f32]) {
    let lanes = S::Vector::LEN;
    for (x, average) in x.chunks_exact(pixels * lanes).zip(averages.chunks_exact_mut(lanes)) {
        let mut sum = S::Vector::splat(simd, 0.0);
        for x in x.chunks_exact(lanes) {
            sum += S::Vector::from_slice(simd, x);
        }
        (sum * (1.0 / pixels as f32)).store_slice(average);
    }
}
