//! A whole block, expand → depthwise → project and its shortcut, as one operation.
//!
//! Two blocks of channels at a time are expanded into padded planes, which fit the first-level cache, and convolved
//! depthwise from there; so the expanded tensor only ever exists for two vectors of channels. The projection reads
//! either a row tile or, where the map is small, all of it:
//!
//! - [Row partitions](FusedBlock::row_partition) give each thread its own rows, which it computes tile by tile;
//!   neighbours both expand the one or two rows between them.
//! - [Channel partitions](FusedBlock::channel_partitions) share out first the expanded, then the projected channels. On
//!   small maps this repeats no work, and each thread reads only its share of the weights, which are most of the data
//!   there.

use std::ops::Range;

use fearless_simd::Level;

use super::fold::Folded;
use super::map::Map;
use crate::arch::{Config, Kind, Layer, STEM_INPUTS};
use crate::kernel::depthwise::Geometry;
use crate::kernel::{Isa, MAX_LANES, SimdBase, dispatch, lanes, padded};
use crate::profile::Profile;
use crate::threads;

#[cfg(all(test, not(target_arch = "wasm32")))]
mod properties;
mod steps;

pub use steps::{convolve_plane, product};

/// Floats of a row tile of the depthwise output: half of a typical L2 cache, so that the weights fit beside it.
const ROW_TILE_FLOATS: usize = 64 << 10;

/// The input of a block.
#[derive(Clone, Copy)]
pub enum Input<'a> {
    /// The image, (R, R, 3): the first block, which runs the stem too.
    Image(&'a [f32]),
    /// The previous block's output.
    Map(Map<'a>),
}

/// A block as inference runs it.
pub struct FusedBlock {
    /// 0 – 16.
    pub index: usize,
    /// In the first block only.
    stem: Option<Folded>,
    /// None where the expansion factor is 1: the depthwise convolution then reads the block's input or the stem's
    /// output.
    expand: Option<Folded>,
    depthwise: Folded,
    /// Includes the projected shortcut, if there is one.
    project: Folded,
    /// Whether the block's input is added, unprojected, to its output.
    shortcut: bool,
    stem_geometry: Geometry,
    geometry: Geometry,
    /// Whether threads share out channels instead of rows.
    by_channels: bool,
    /// Output rows of a partition; the last may have fewer.
    partition_rows: usize,
    /// Output rows of a row tile.
    tile_rows: usize,
    /// Offset of each pixel in the rows of a padded plane.
    places: Vec<usize>,
}

/// A thread's buffers.
struct Scratch<'a> {
    /// Inputs of the rows to expand, (K / L, pixels, L); later the stem's output, if that is added.
    inputs: &'a mut [f32],
    /// Inputs of the stem, unless the padded planes hold its output, (32 / L, pixels, L).
    patches: &'a mut [f32],
    /// Two padded planes of expanded rows, (2, rows, size + 2, L).
    padded_planes: &'a mut [f32],
    /// The halo: the last rows of a tile, which the next tile reads first, (C / L, rows, size + 2, L).
    halo: &'a mut [f32],
    /// Output of the depthwise convolution, followed by the input of a projected shortcut, (C / L, pixels, L).
    depthwise: &'a mut [f32],
}

/// Output rows that are computed at once, and the padded rows that they read. Padded rows are counted from above the
/// image: padded row p holds image row p - 1. Two tiles of two output rows each, at stride 1:
///
/// ```text
/// padded row 0 ┐ zeros above the image         top = 0
///            1 │ ┐
///            2 │ │ new                        2 ┐ ┐ halo   top = 2
///            3 ┘ ┘                            3 │ ┘
///                                             4 │ ┐ new
///   output rows 0 and 1, bottom = 4           5 ┘ ┘
///
///                                               output rows 2 and 3, bottom = 6
/// ```
struct RowTile {
    /// Its output rows.
    rows: Range<usize>,
    /// The first padded row that it reads.
    top: usize,
    /// The end of the padded rows that it reads, exclusive.
    bottom: usize,
    /// Halo rows that the previous tile left.
    halo: usize,
    /// New padded rows, which it expands.
    new_rows: Range<usize>,
}

impl RowTile {
    /// The image rows that the new padded rows hold.
    fn new_image_rows(&self) -> Range<usize> {
        self.new_rows.start - 1..self.new_rows.end - 1
    }
}

/// Where outputs go: to the pixels from `first` on in each block of channels, (plane, L).
#[derive(Clone, Copy)]
pub struct Place {
    pub plane: usize,
    pub first: usize,
}

impl FusedBlock {
    /// Builds the block from its layers, with the stem if it is the first block.
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
            by_channels: false,
            partition_rows: 0,
            tile_rows: 0,
            places: Vec::new(),
        }
    }

    /// Computes shapes for the configuration's resolution and `threads` threads, and row tiles of `row_tile` rows or, if none
    /// are given, as many as the cache holds.
    pub fn lay_out(
        &mut self,
        level: Level,
        config: &Config,
        layers: &[Layer],
        threads: usize,
        row_tile: Option<usize>,
    ) {
        let own: Vec<Layer> =
            layers.iter().filter(|layer| layer.block == Some(self.index)).copied().collect();
        let depthwise = own.iter().find(|layer| layer.kind == Kind::Depthwise).expect("every block has one");
        self.shortcut = own.iter().any(|layer| layer.kind == Kind::Project && layer.adds.is_some());
        self.stem_geometry = Geometry::of(config, &layers[0]);
        self.geometry = Geometry::of(config, depthwise);
        let size = self.size_out();
        let row = depthwise.c_out * size;
        self.by_channels =
            depthwise.c_in * (self.project.inputs + self.widening().map_or(0, |w| w.inputs)) > row * size;
        let (partition_rows, tile_rows) = if self.by_channels {
            (size, size)
        } else {
            let rows = size.div_ceil(threads);
            (rows, row_tile.unwrap_or(ROW_TILE_FLOATS / row).clamp(1, rows))
        };
        self.divide(level, partition_rows, tile_rows);
    }

    /// Divides the output into partitions and tiles of these many rows.
    fn divide(&mut self, level: Level, partition_rows: usize, tile_rows: usize) {
        (self.partition_rows, self.tile_rows) = (partition_rows, tile_rows);
        let (width, lanes) = (self.geometry.padded_size(), lanes(level));
        let rows = 0..self.padded_rows();
        self.places = rows
            .flat_map(|row| (0..self.geometry.size).map(move |x| (row * width + 1 + x) * lanes))
            .collect();
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

    /// The output, as the next block reads it.
    pub fn map<'a>(&self, out: &'a [f32]) -> Map<'a> {
        Map {
            channels: self.channels_out(),
            size: self.size_out(),
            partition_rows: self.partition_rows,
            values: out,
        }
    }

    /// Padded rows that a full tile reads.
    fn padded_rows(&self) -> usize {
        (self.tile_rows - 1) * self.geometry.stride + 3
    }

    /// The layer that fills the padded planes: the expansion, else the stem.
    fn widening(&self) -> Option<&Folded> {
        self.expand.as_ref().or(self.stem.as_ref())
    }

    /// Inputs of a projected shortcut, which the projection reads after its own.
    fn projected(&self) -> usize {
        self.project.inputs - self.project.layer.c_in
    }

    /// Length of each buffer of [`Scratch`] in floats, in order.
    fn scratch_floats(&self) -> [usize; 5] {
        let tile = self.tile_rows * self.size_out();
        let pixels = self.padded_rows().min(self.geometry.size) * self.geometry.size;
        let stem = |used: bool, channels: usize| if used && self.stem.is_some() { channels } else { 0 };
        let depth = self.widening().map_or(0, |widening| padded(widening.inputs));
        let stem_apart = self.expand.is_some() || self.projected() > 0 || self.shortcut;
        let width = self.geometry.padded_size();
        let halo = if self.tile_rows < self.partition_rows { self.depthwise.layer.c_out } else { 0 };
        [
            (depth * pixels).max(stem(self.shortcut, self.channels_out()) * tile),
            stem(stem_apart, padded(STEM_INPUTS)) * pixels,
            2 * MAX_LANES * self.padded_rows() * width,
            halo * (3 - self.geometry.stride) * width,
            self.project.inputs * tile,
        ]
    }

    /// Floats of working memory for `threads` threads.
    pub fn working_floats(&self, threads: usize) -> usize {
        let [inputs, patches, padded_planes, halo, depthwise] = self.scratch_floats();
        if self.by_channels {
            inputs + patches + depthwise + threads * padded_planes
        } else {
            self.size_out().div_ceil(self.partition_rows)
                * (inputs + patches + padded_planes + halo + depthwise)
        }
    }

    /// Computes the output, [`Self::floats_out`] long, with one profile per thread and [`Self::working_floats`] of
    /// working memory.
    pub fn run(
        &self,
        level: Level,
        input: Input,
        out: &mut [f32],
        working: &mut [f32],
        profiles: &mut [Profile],
    ) {
        if self.by_channels {
            return self.channel_partitions(level, input, out, working, profiles);
        }
        let row = self.channels_out() * self.size_out();
        let partitions = out.chunks_mut(self.partition_rows * row);
        let working = working.chunks_exact_mut(self.scratch_floats().iter().sum());
        let mut partitions: Vec<_> = partitions.zip(working).zip(profiles).enumerate().collect();
        threads::for_each(&mut partitions, |(index, ((out, working), profile))| {
            let first = *index * self.partition_rows;
            let rows = first..self.size_out().min(first + self.partition_rows);
            let mut rest: &mut [f32] = working;
            let [inputs, patches, padded_planes, halo, depthwise] =
                self.scratch_floats().map(|floats| rest.split_off_mut(..floats).expect("room for each"));
            let scratch = Scratch { inputs, patches, padded_planes, halo, depthwise };
            dispatch!(level, simd => self.row_partition(simd, input, rows, out, scratch, profile));
        });
    }

    /// Computes the output rows `rows` into `out`, (C / L, rows · size_out, L), tile by tile.
    #[inline(always)]
    fn row_partition<S: Isa>(
        &self,
        simd: S,
        input: Input,
        rows: Range<usize>,
        out: &mut [f32],
        scratch: Scratch,
        profile: &mut Profile,
    ) {
        let lanes = S::Vector::LEN;
        let Scratch { inputs, patches, padded_planes, halo, depthwise } = scratch;
        let size = self.size_out();
        // The columns left and right of the image stay zero in every tile.
        padded_planes.fill(0.0);
        for first in rows.clone().step_by(self.tile_rows) {
            let row_tile = self.row_tile(first..rows.end.min(first + self.tile_rows), first > rows.start);
            let pixels = row_tile.rows.len() * size;
            profile.start();
            self.pack_inputs(simd, input, &row_tile, patches, inputs, profile);
            let channels = self.depthwise.layer.c_out;
            let (wide, shortcut) = depthwise[..self.project.inputs * pixels].split_at_mut(channels * pixels);
            self.widen_and_convolve(
                simd,
                input,
                0..channels / lanes,
                &row_tile,
                inputs,
                padded_planes,
                halo,
                wide,
                profile,
            );
            self.pack_projected(simd, input, &row_tile, patches, shortcut, profile);
            self.stem_output(simd, input, &row_tile, patches, inputs);
            let blocks = 0..self.channels_out() / lanes;
            let place = Place { plane: rows.len() * size, first: (first - rows.start) * size };
            self.project(simd, input, depthwise, &row_tile, blocks, inputs, out, place, profile);
        }
    }

    /// Computes the whole output; threads share out first the expanded, then the projected channels.
    fn channel_partitions(
        &self,
        level: Level,
        input: Input,
        out: &mut [f32],
        working: &mut [f32],
        profiles: &mut [Profile],
    ) {
        let row_tile = self.row_tile(0..self.size_out(), false);
        let pixels = self.size_out() * self.size_out();
        let mut rest = working;
        let [inputs, patches, padded_planes, _, depthwise] = self.scratch_floats();
        let [inputs, patches, depthwise] =
            [inputs, patches, depthwise].map(|floats| rest.split_off_mut(..floats).expect("room for each"));
        let channels = self.depthwise.layer.c_out;
        let (wide, shortcut) = depthwise.split_at_mut(channels * pixels);
        let profile = &mut profiles[0];
        profile.start();
        dispatch!(level, simd => {
            self.pack_inputs(simd, input, &row_tile, patches, inputs, profile);
            self.pack_projected(simd, input, &row_tile, patches, shortcut, profile);
        });

        // A thread takes whole panels of weights, two blocks wide.
        let panel = 2 * lanes(level);
        let threads = profiles.len();
        let per_thread = |channels: usize| channels.div_ceil(panel).div_ceil(threads) * panel;
        let each = per_thread(channels);
        let partitions =
            wide.chunks_mut(each * pixels).zip(rest.chunks_exact_mut(padded_planes)).zip(&mut *profiles);
        let mut partitions: Vec<_> = partitions.enumerate().collect();
        threads::for_each(&mut partitions, |(index, ((wide, padded_planes), profile))| {
            profile.start();
            padded_planes.fill(0.0);
            dispatch!(level, simd => {
                let first = *index * each / lanes(level);
                let blocks = first..first + wide.len() / pixels / lanes(level);
                self.widen_and_convolve(simd, input, blocks, &row_tile, inputs, padded_planes, &mut [], wide, profile);
            });
        });

        dispatch!(level, simd => self.stem_output(simd, input, &row_tile, patches, inputs));
        let (inputs, depthwise): (&[f32], &[f32]) = (inputs, depthwise);
        let each = per_thread(self.channels_out());
        let place = Place { plane: pixels, first: 0 };
        let partitions = out.chunks_mut(each * pixels).zip(profiles);
        let mut partitions: Vec<_> = partitions.enumerate().collect();
        threads::for_each(&mut partitions, |(index, (out, profile))| {
            profile.start();
            dispatch!(level, simd => {
                let first = *index * each / lanes(level);
                let blocks = first..first + out.len() / pixels / lanes(level);
                self.project(simd, input, depthwise, &row_tile, blocks, inputs, out, place, profile);
            });
        });
    }

    /// The tile of these output rows; `follows` says whether it follows another tile of the same partition.
    fn row_tile(&self, rows: Range<usize>, follows: bool) -> RowTile {
        let Geometry { size, stride, offset } = self.geometry;
        let top = rows.start * stride + offset;
        let bottom = top + (rows.len() - 1) * stride + 3;
        let halo = if follows { 3 - stride } else { 0 };
        RowTile { rows, top, bottom, halo, new_rows: (top + halo).max(1)..bottom.min(size + 1) }
    }
}
