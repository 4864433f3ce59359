//! A feature map in stripes of rows, one a thread, so that each thread writes memory of its own.

use std::ops::Range;

use crate::kernel::{Simd, SimdBase};
use crate::threads;

/// The channels of one image: stripe after stripe, each (C / L, rows · size, L).
#[derive(Default)]
pub struct Map {
    channels: usize,
    /// Height and width.
    pub size: usize,
    /// Rows of a stripe; the last may have fewer.
    stripe_rows: usize,
    values: Vec<f32>,
}

impl Map {
    /// Room for maps of up to `floats` values.
    pub fn with_capacity(floats: usize) -> Self {
        Map { values: vec![0.0; floats], ..Map::default() }
    }

    /// Values there is room for.
    pub fn capacity(&self) -> usize {
        self.values.len()
    }

    /// Becomes a map of this shape, to be written; cut into at most `stripes` stripes.
    pub fn shape(&mut self, channels: usize, size: usize, stripes: usize) {
        (self.channels, self.size, self.stripe_rows) = (channels, size, size.div_ceil(stripes));
    }

    /// Floats of a row of all channels.
    fn row(&self) -> usize {
        self.channels * self.size
    }

    /// Calls `work(rows, stripe, scratch)` for every stripe, on all threads.
    pub fn for_each_stripe<T: Send>(
        &mut self,
        scratch: &mut [T],
        work: impl Fn(Range<usize>, &mut [f32], &mut T) + Send + Sync,
    ) {
        let (size, stripe_rows) = (self.size, self.stripe_rows);
        let row = self.row();
        let stripes = self.values[..row * size].chunks_mut(row * stripe_rows);
        let mut stripes: Vec<_> = stripes.zip(scratch).enumerate().collect();
        threads::for_each(&mut stripes, |(index, (stripe, scratch))| {
            let first = *index * stripe_rows;
            work(first..size.min(first + stripe_rows), stripe, scratch);
        });
    }

    /// The rows from `first` on, within one stripe, of one block of channels: (rows · size, L).
    #[inline(always)]
    pub fn rows<S: Simd>(&self, _: S, block: usize, rows: Range<usize>) -> &[f32] {
        let width = self.size * S::f32s::LEN;
        let start = rows.start / self.stripe_rows * self.stripe_rows;
        let height = self.stripe_rows.min(self.size - start);
        let from = start * self.row() + (block * height + rows.start - start) * width;
        &self.values[from..from + rows.len() * width]
    }

    /// Copies rows of all channels to `out`, (C / L, rows · size, L).
    #[inline(always)]
    pub fn gather<S: Simd>(&self, simd: S, rows: Range<usize>, out: &mut [f32]) {
        let width = self.size * S::f32s::LEN;
        let blocks = self.channels / S::f32s::LEN;
        let mut row = rows.start;
        while row < rows.end {
            let end = rows.end.min((row / self.stripe_rows + 1) * self.stripe_rows);
            for block in 0..blocks {
                let to = (block * rows.len() + row - rows.start) * width;
                let out = &mut out[to..to + (end - row) * width];
                out.copy_from_slice(self.rows(simd, block, row..end));
            }
            row = end;
        }
    }
}
