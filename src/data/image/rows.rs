//! Cropping and resizing a picture that is never in memory as a whole.

use super::resample::{Passes, Taps, horizontal_pass, rebase, triple, vertical_line};
use super::{Area, Image, Orientation, check_dimensions, over_white};
use crate::error::{Error, Result};

/// Takes a picture's rows from the top, a few at a time, and produces the same bytes as [`Image::center_crop`] of the
/// whole picture. It holds only the rows that one row of the result needs.
pub struct RowResampler {
    width: usize,
    height: usize,
    orientation: Orientation,
    resolution: usize,
    /// First column that is read.
    left: usize,
    horizontal: Vec<Taps>,
    vertical: Vec<Taps>,
    vertical_first: bool,
    /// Rows received.
    seen: usize,
    /// Finished rows of the result.
    done: usize,
    /// The rows from number `first` on, cropped, and already resized if the horizontal pass comes first.
    window: Vec<u8>,
    first: usize,
    /// Bytes per row of the window.
    stride: usize,
    /// A row between the passes, or in RGB.
    line: Vec<u8>,
    out: Vec<u8>,
}

impl RowResampler {
    /// For a picture stored as `width` × `height`: crops a square whose side is `fraction` (0 – 1) of the shorter side
    /// from its centre, upright, at `resolution` × `resolution`.
    ///
    /// # Errors
    /// [`Error::Image`] if a side is 0 or above [`MAX_SIDE`](super::MAX_SIDE), or there are more than
    /// [`MAX_PIXELS`](super::MAX_PIXELS).
    ///
    /// # Panics
    /// If `fraction` is not above 0 and at most 1, or `resolution` is 0.
    pub fn center_crop(
        width: usize,
        height: usize,
        orientation: Orientation,
        fraction: f32,
        resolution: usize,
    ) -> Result<Self> {
        check_dimensions(width, height)?;
        let (seen_width, seen_height) = orientation.size(width, height);
        let area = Area::center(seen_width, seen_height, fraction);
        // First as the picture is seen, so that the passes have the upright picture's order; then as it is stored.
        let Passes { mut horizontal, mut vertical, mut vertical_first } =
            Passes::new(seen_width, seen_height, area, resolution);
        if orientation.transposed {
            std::mem::swap(&mut horizontal, &mut vertical);
            vertical_first = !vertical_first;
        }
        if orientation.mirrored_x {
            mirror(&mut horizontal, width);
        }
        if orientation.mirrored_y {
            mirror(&mut vertical, height);
        }
        let (left, columns) = rebase(&mut horizontal);
        triple(&mut horizontal);
        let stride = 3 * if vertical_first { columns } else { resolution };
        Ok(RowResampler {
            width,
            height,
            orientation,
            resolution,
            left,
            horizontal,
            vertical,
            vertical_first,
            seen: 0,
            done: 0,
            window: Vec::new(),
            first: 0,
            stride,
            line: Vec::new(),
            out: vec![0; 3 * resolution * resolution],
        })
    }

    /// Pushes the next whole rows as RGB.
    ///
    /// # Errors
    /// [`Error::Image`] unless these are whole rows, and not more than the picture has.
    pub fn push_rgb(&mut self, rows: &[u8]) -> Result<()> {
        self.check(rows, 3)?;
        rows.chunks_exact(3 * self.width).for_each(|row| self.push(row));
        Ok(())
    }

    /// Pushes the next whole rows as RGBA, alpha not premultiplied; transparent parts become white.
    ///
    /// # Errors
    /// As [`RowResampler::push_rgb`].
    pub fn push_rgba(&mut self, rows: &[u8]) -> Result<()> {
        self.check(rows, 4)?;
        let mut rgb = Vec::new();
        for row in rows.chunks_exact(4 * self.width) {
            rgb.clear();
            if self.needs(self.seen) {
                rgb.extend(row.as_chunks::<4>().0.iter().flat_map(|&pixel| over_white(pixel)));
            }
            self.push(&rgb);
        }
        Ok(())
    }

    /// The result, once all rows are pushed.
    ///
    /// # Errors
    /// [`Error::Image`] if some are missing.
    pub fn finish(self) -> Result<Image> {
        if self.seen < self.height {
            return Err(Error::Image(format!(
                "expected {} rows of pixels, found {}",
                self.height, self.seen
            )));
        }
        let rgb = self.orientation.apply(self.resolution, self.resolution, self.out);
        Ok(Image { width: self.resolution, height: self.resolution, rgb })
    }

    fn check(&self, rows: &[u8], channels: usize) -> Result<()> {
        let (row, left) = (channels * self.width, self.height - self.seen);
        if rows.len().is_multiple_of(row) && rows.len() / row <= left {
            return Ok(());
        }
        let found = rows.len();
        Err(Error::Image(format!("expected at most {left} rows of {row} bytes, found {found} bytes")))
    }

    /// Whether an unfinished row of the result needs row `row`.
    fn needs(&self, row: usize) -> bool {
        self.vertical.get(self.done).is_some_and(|taps| taps.first <= row)
    }

    /// Takes one row of RGB; ignores it if nothing needs it.
    fn push(&mut self, row: &[u8]) {
        let number = self.seen;
        self.seen += 1;
        if !self.needs(number) {
            return;
        }
        if self.window.is_empty() {
            self.first = number;
        }
        let row = &row[3 * self.left..];
        if self.vertical_first {
            self.window.extend_from_slice(&row[..self.stride]);
        } else {
            let end = self.window.len();
            self.window.resize(end + self.stride, 0);
            horizontal_pass(row, row.len(), &self.horizontal, &mut self.window[end..]);
        }
        while let Some(taps) = self.vertical.get(self.done)
            && taps.first + taps.weights.len() <= self.seen
        {
            let source = &self.window[(taps.first - self.first) * self.stride..];
            let out = &mut self.out[3 * self.resolution * self.done..][..3 * self.resolution];
            if self.vertical_first {
                self.line.resize(self.stride, 0);
                vertical_line(source, self.stride, &taps.weights, &mut self.line);
                horizontal_pass(&self.line, self.stride, &self.horizontal, out);
            } else {
                vertical_line(source, self.stride, &taps.weights, out);
            }
            self.done += 1;
        }
        let past = self.vertical.get(self.done).map_or(self.seen, |taps| taps.first.min(self.seen));
        if past > self.first {
            self.window.drain(..(past - self.first) * self.stride);
            self.first = past;
        }
    }
}

/// Counts pixels from the other end of `size`.
fn mirror(taps: &mut [Taps], size: usize) {
    taps.reverse();
    for Taps { first, weights } in taps {
        *first = size - *first - weights.len();
        weights.reverse();
    }
}
