//! A MobileNetV2 with each block as one operation.

use fearless_simd::Level;

use super::block::{FusedBlock, Input};
use super::fold::{Folded, fold};
use super::map::Map;
use crate::arch::{Config, Layer, Weights};
use crate::kernel::elementwise::clamp;
use crate::kernel::matmul::{matmul, panels};
use crate::kernel::{Isa, SimdBase, dispatch, lanes};
use crate::profile::{Operation, Profile};
use crate::threads;

/// The blocks and the last convolution. In an arena a block's input lies at one end, its output at the other, and working
/// memory between. The next block reads that output in place.
pub struct Fused {
    pub blocks: Vec<FusedBlock>,
    last: Folded,
    /// Output rows of a row tile; none: as many as the cache holds.
    pub row_tile: Option<usize>,
}

impl Fused {
    /// Folds and packs `weights`; returns the classifier apart.
    pub fn new(level: Level, weights: &Weights, layers: &[Layer]) -> (Self, Folded) {
        let mut folded = fold(level, weights, layers, true).into_iter().peekable();
        let mut stem = folded.next();
        let mut blocks = Vec::new();
        while let Some(index) = folded.peek().and_then(|next| next.layer.block) {
            let parts = std::iter::from_fn(|| folded.next_if(|next| next.layer.block == Some(index)));
            blocks.push(FusedBlock::new(index, stem.take(), parts));
        }
        let (Some(last), Some(classifier)) = (folded.next(), folded.next()) else {
            unreachable!("two layers are left")
        };
        (Fused { blocks, last, row_tile: None }, classifier)
    }

    /// Computes shapes for the configuration's resolution and `threads` threads; returns the length of the arena.
    pub fn lay_out(&mut self, level: Level, config: &Config, layers: &[Layer], threads: usize) -> usize {
        // A block's input lies where the block before left its output.
        let (mut input, mut arena) = (0, 0);
        for block in &mut self.blocks {
            block.lay_out(level, config, layers, threads, self.row_tile);
            arena = arena.max(input + block.working_floats(threads) + block.floats_out());
            input = block.floats_out();
        }
        arena.max(2 * input)
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
        let (map, room) = self.run_blocks(level, image, self.blocks.len(), arena, profiles);
        let profile = &mut profiles[0];
        profile.start();
        let rows = map.whole(level, room);
        profile.lap(self.last.index, Operation::PackRows);
        average_product(level, &self.last, rows, map.size * map.size, features);
        profile.lap(self.last.index, Operation::Forward);
    }

    /// Runs an image through the first `count` blocks, with one profile per thread; returns the last one's output and the
    /// rest of the arena.
    pub fn run_blocks<'a>(
        &self,
        level: Level,
        image: &[f32],
        count: usize,
        arena: &'a mut [f32],
        profiles: &mut [Profile],
    ) -> (Map<'a>, &'a mut [f32]) {
        let mut before: Option<&FusedBlock> = None;
        for block in &self.blocks[..count] {
            let (input, working, out) =
                ends(arena, block.index, before.map_or(0, FusedBlock::floats_out), block.floats_out());
            let input = before.map_or(Input::Image(image), |before| Input::Map(before.map(input)));
            block.run(level, input, out, working, profiles);
            before = Some(block);
        }
        let before = before.expect("a network has blocks");
        let (out, room, _) = ends(arena, count, before.floats_out(), 0);
        (before.map(out), room)
    }
}

/// Splits an arena into (input, working memory, output). The block before block `index` left the `input` floats of its
/// output at one end; this block's output goes to the other.
fn ends(arena: &mut [f32], index: usize, input: usize, out: usize) -> (&[f32], &mut [f32], &mut [f32]) {
    let length = arena.len();
    if index.is_multiple_of(2) {
        let (input, rest) = arena.split_at_mut(input);
        let (room, out) = rest.split_at_mut(rest.len() - out);
        (input, room, out)
    } else {
        let (rest, input) = arena.split_at_mut(length - input);
        let (out, room) = rest.split_at_mut(out);
        (input, room, out)
    }
}

/// A 1×1 convolution that averages its output over all pixels instead of writing it: the last convolution with the pool
/// and, over a single pixel, the classifier.
///
/// `x` is (K / L, pixels, L), `averages` (N) padded to whole blocks.
pub fn average_product(level: Level, layer: &Folded, x: &[f32], pixels: usize, averages: &mut [f32]) {
    let width = 2 * lanes(level);
    let per_thread = averages.len().div_ceil(threads::count()).next_multiple_of(width);
    threads::for_each_chunk(averages, per_thread, |index, averages| {
        let panel_floats = x.len() / pixels * width;
        let packed = &layer.weights[index * per_thread / width * panel_floats..];
        let bias = &layer.bias[index * per_thread..];
        dispatch!(level, simd => average(simd, &layer.layer, x, pixels, packed, bias, averages));
    });
}

#[inline(always)]
fn average<S: Isa>(
    simd: S,
    layer: &Layer,
    x: &[f32],
    pixels: usize,
    packed: &[f32],
    bias: &[f32],
    averages: &mut [f32],
) {
    let lanes = S::Vector::LEN;
    let (low, high) = layer.activation.range();
    let (low, high) = (S::Vector::splat(simd, low), S::Vector::splat(simd, high));
    for (block, panel) in panels(simd, packed, x.len() / pixels, averages.len()) {
        let mut sums = [S::Vector::splat(simd, 0.0); 2];
        let bias = &bias[block * lanes..];
        matmul(
            simd,
            x,
            pixels,
            panel,
            #[inline(always)]
            |column, _, tile| {
                let bias = S::Vector::from_slice(simd, &bias[column * lanes..(column + 1) * lanes]);
                for value in tile {
                    sums[column] += clamp(simd, *value + bias, low, high);
                }
            },
        );
        for (sum, average) in sums.iter().zip(averages[block * lanes..].chunks_exact_mut(lanes)) {
            (*sum * (1.0 / pixels as f32)).store_slice(average);
        }
    }
}
