//! A feature map in row partitions, one per thread, so that each thread writes its own memory.

use std::ops::Range;

use fearless_simd::Level;
use ndarray::Array3;

use crate::kernel::{Isa, SimdBase, dispatch};

/// One image's feature map: partition after partition, each (C / L, rows · size, L).
#[derive(Clone, Copy)]
pub struct Map<'a> {
    /// C.
    pub channels: usize,
    /// Height and width.
    pub size: usize,
    /// Rows of a partition; the last may have fewer.
    pub partition_rows: usize,
    /// The whole map.
    pub values: &'a [f32],
}

impl<'a> Map<'a> {
    /// Rows of one block of channels, all within one partition: (rows · size, L).
    #[inline(always)]
    pub fn rows<S: Isa>(self, _: S, block: usize, rows: Range<usize>) -> &'a [f32] {
        let width = self.size * S::Vector::LEN;
        let start = rows.start / self.partition_rows * self.partition_rows;
        let height = self.partition_rows.min(self.size - start);
        let from = start * self.channels * self.size + (block * height + rows.start - start) * width;
        &self.values[from..from + rows.len() * width]
    }

    /// Copies the whole map to the start of `room`, (C / L, size · size, L), and returns it.
    pub fn whole(self, level: Level, room: &mut [f32]) -> &[f32] {
        let out = &mut room[..self.values.len()];
        dispatch!(level, simd => self.pack_rows(simd, 0..self.size, out));
        out
    }

    /// The whole map, channel by channel: (C, size, size).
    pub fn to_planes(self, level: Level) -> Array3<f32> {
        let mut planes = Array3::zeros((self.channels, self.size, self.size));
        let values = planes.as_slice_mut().expect("a new array is contiguous");
        dispatch!(level, simd => self.planes(simd, values));
        planes
    }

    /// Copies the whole map to `out`, channel by channel: (C, size, size).
    #[inline(always)]
    fn planes<S: Isa>(self, simd: S, out: &mut [f32]) {
        let lanes = S::Vector::LEN;
        for (index, row) in out.chunks_exact_mut(self.size).enumerate() {
            let (channel, y) = (index / self.size, index % self.size);
            let pixels = self.rows(simd, channel / lanes, y..y + 1).chunks_exact(lanes);
            row.iter_mut().zip(pixels).for_each(|(value, pixel)| *value = pixel[channel % lanes]);
        }
    }

    /// Copies rows of all channels to `out`, (C / L, rows · size, L).
    #[inline(always)]
    pub fn pack_rows<S: Isa>(self, simd: S, rows: Range<usize>, out: &mut [f32]) {
        let width = self.size * S::Vector::LEN;
        let blocks = self.channels / S::Vector::LEN;
        let mut row = rows.start;
        while row < rows.end {
            let end = rows.end.min((row / self.partition_rows + 1) * self.partition_rows);
            for block in 0..blocks {
                let to = (block * rows.len() + row - rows.start) * width;
                let out = &mut out[to..to + (end - row) * width];
                out.copy_from_slice(self.rows(simd, block, row..end));
            }
            row = end;
        }
    }
}
