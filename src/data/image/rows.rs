//! Cropping and resizing a picture that is never in memory as a whole.

use super::resample::{Passes, Taps, horizontal_pass, rebase, triple, vertical_line};
use super::{Area, Image, Orientation, check_dimensions, over_white};
use crate::error::{Error, Result};

/// The part of a picture that becomes a network's square input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum View {
    /// The centre crop, a square whose side is this fraction (0 – 1) of the shorter side. Published networks are evaluated so.
    Center(f32),
    /// This part, squeezed unless it is square.
    Part(Area),
    /// The whole picture in its own proportions, between bars of this colour.
    Bars([u8; 3]),
}

/// Some of a picture's pixels, as they are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Columns to the left of it.
    pub left: usize,
    /// Rows above it.
    pub top: usize,
    /// Its columns.
    pub width: usize,
    /// Its rows.
    pub height: usize,
}

/// Takes a picture's rows from the top, a few at a time, and produces the same bytes as [`Image::resize`] of the whole
/// picture. It holds only the rows that one row of the result needs.
pub struct RowResampler {
    width: usize,
    height: usize,
    orientation: Orientation,
    resolution: usize,
    /// The colour around a result that is not square.
    bars: [u8; 3],
    /// The pixels that are read.
    span: Span,
    /// Like `vertical`, counts pixels from the first that is read.
    horizontal: Vec<Taps>,
    vertical: Vec<Taps>,
    vertical_first: bool,
    /// Rows of the picture received, or not needed.
    came: usize,
    /// Finished rows of the result.
    done: usize,
    /// The rows of the span from number `first` on, already resized if the horizontal pass comes first.
    window: Vec<u8>,
    first: usize,
    /// Bytes per row of the window.
    stride: usize,
    /// A row between the passes.
    line: Vec<u8>,
    /// A row in RGB.
    rgb: Vec<u8>,
    out: Vec<u8>,
}

impl RowResampler {
    /// For a picture stored as `width` × `height`: resizes what `view` shows of it to `resolution` × `resolution`, upright. A
    /// view's area counts pixels of the upright picture.
    ///
    /// # Errors
    /// [`Error::Image`] if a side is 0 or above [`MAX_SIDE`](super::MAX_SIDE), or there are more than
    /// [`MAX_PIXELS`](super::MAX_PIXELS); [`Error::Argument`] if an area is empty or not within the picture.
    ///
    /// # Panics
    /// If a share is not above 0 and at most 1, or `resolution` is 0.
    pub fn new(
        width: usize,
        height: usize,
        orientation: Orientation,
        view: View,
        resolution: usize,
    ) -> Result<Self> {
        check_dimensions(width, height)?;
        let (seen_width, seen_height) = orientation.size(width, height);
        let square = (resolution, resolution);
        let (area, size, bars) = match view {
            View::Center(fraction) => (Area::center(seen_width, seen_height, fraction), square, [0; 3]),
            View::Part(area) => (inside(area, seen_width, seen_height)?, square, [0; 3]),
            View::Bars(colour) => {
                let whole = Area::whole(seen_width, seen_height);
                (whole, contained(seen_width, seen_height, resolution), colour)
            }
        };
        // First as the picture is seen, so that the passes have the upright picture's order; then as it is stored.
        let Passes { mut horizontal, mut vertical, mut vertical_first } =
            Passes::new(seen_width, seen_height, area, size);
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
        let (top, rows) = rebase(&mut vertical);
        let stride = 3 * if vertical_first { columns } else { horizontal.len() };
        let out = vec![0; 3 * horizontal.len() * vertical.len()];
        triple(&mut horizontal);
        Ok(RowResampler {
            width,
            height,
            orientation,
            resolution,
            bars,
            span: Span { left, top, width: columns, height: rows },
            horizontal,
            vertical,
            vertical_first,
            came: 0,
            done: 0,
            window: Vec::new(),
            first: 0,
            stride,
            line: Vec::new(),
            rgb: Vec::new(),
            out,
        })
    }

    /// [`RowResampler::new`] with [`View::Center`].
    ///
    /// # Errors
    /// [`Error::Image`] as there.
    ///
    /// # Panics
    /// As there.
    pub fn center_crop(
        width: usize,
        height: usize,
        orientation: Orientation,
        fraction: f32,
        resolution: usize,
    ) -> Result<Self> {
        RowResampler::new(width, height, orientation, View::Center(fraction), resolution)
    }

    /// The pixels that are read; [`RowResampler::push_span_rgba`] takes no others.
    pub fn span(&self) -> Span {
        self.span
    }

    /// Pushes the next whole rows as RGB.
    ///
    /// # Errors
    /// [`Error::Image`] unless these are whole rows, and not more than the picture has.
    pub fn push_rgb(&mut self, rows: &[u8]) -> Result<()> {
        check(rows, 3 * self.width, self.height - self.came)?;
        let Span { left, width, .. } = self.span;
        for row in rows.chunks_exact(3 * self.width) {
            if self.reads(self.came) {
                self.push(&row[3 * left..][..3 * width]);
            }
            self.came += 1;
        }
        Ok(())
    }

    /// Pushes the next whole rows as RGBA, alpha not premultiplied; transparent parts become white.
    ///
    /// # Errors
    /// As [`RowResampler::push_rgb`].
    pub fn push_rgba(&mut self, rows: &[u8]) -> Result<()> {
        check(rows, 4 * self.width, self.height - self.came)?;
        let Span { left, width, .. } = self.span;
        for row in rows.chunks_exact(4 * self.width) {
            if self.reads(self.came) {
                self.push_over_white(&row[4 * left..][..4 * width]);
            }
            self.came += 1;
        }
        Ok(())
    }

    /// Pushes the next rows of the [`span`](RowResampler::span) alone, as RGBA.
    ///
    /// # Errors
    /// As [`RowResampler::push_rgb`].
    pub fn push_span_rgba(&mut self, rows: &[u8]) -> Result<()> {
        let Span { top, width, height, .. } = self.span;
        let end = top + height;
        self.came = self.came.max(top);
        check(rows, 4 * width, end.saturating_sub(self.came))?;
        for row in rows.chunks_exact(4 * width) {
            self.push_over_white(row);
            self.came += 1;
        }
        if self.came == end {
            self.came = self.height;
        }
        Ok(())
    }

    /// The result, once all rows are pushed.
    ///
    /// # Errors
    /// [`Error::Image`] if some are missing.
    pub fn finish(self) -> Result<Image> {
        if self.came < self.height {
            return Err(Error::Image(format!(
                "expected {} rows of pixels, found {}",
                self.height, self.came
            )));
        }
        let (columns, rows) = (self.horizontal.len(), self.vertical.len());
        let rgb = self.orientation.apply(columns, rows, self.out);
        let (width, height) = self.orientation.size(columns, rows);
        Ok(Image { width, height, rgb }.padded(self.resolution, self.bars))
    }

    fn reads(&self, row: usize) -> bool {
        (self.span.top..self.span.top + self.span.height).contains(&row)
    }

    /// Takes one row of the span as RGBA.
    fn push_over_white(&mut self, row: &[u8]) {
        let mut rgb = std::mem::take(&mut self.rgb);
        rgb.clear();
        rgb.extend(row.as_chunks::<4>().0.iter().flat_map(|&pixel| over_white(pixel)));
        self.push(&rgb);
        self.rgb = rgb;
    }

    /// Takes one row of the span as RGB.
    fn push(&mut self, row: &[u8]) {
        let columns = self.horizontal.len();
        if self.vertical_first {
            self.window.extend_from_slice(row);
        } else {
            let end = self.window.len();
            self.window.resize(end + self.stride, 0);
            horizontal_pass(row, row.len(), &self.horizontal, &mut self.window[end..]);
        }
        let seen = self.first + self.window.len() / self.stride;
        while let Some(taps) = self.vertical.get(self.done)
            && taps.first + taps.weights.len() <= seen
        {
            let source = &self.window[(taps.first - self.first) * self.stride..];
            let out = &mut self.out[3 * columns * self.done..][..3 * columns];
            if self.vertical_first {
                self.line.resize(self.stride, 0);
                vertical_line(source, self.stride, &taps.weights, &mut self.line);
                horizontal_pass(&self.line, self.stride, &self.horizontal, out);
            } else {
                vertical_line(source, self.stride, &taps.weights, out);
            }
            self.done += 1;
        }
        let past = self.vertical.get(self.done).map_or(seen, |taps| taps.first.min(seen));
        if past > self.first {
            self.window.drain(..(past - self.first) * self.stride);
            self.first = past;
        }
    }
}

/// Checks that these are whole rows of `row` bytes, and not more than are left.
fn check(rows: &[u8], row: usize, left: usize) -> Result<()> {
    let found = rows.len();
    if found.is_multiple_of(row) && found / row <= left {
        return Ok(());
    }
    Err(Error::Image(format!("expected at most {left} rows of {row} bytes, found {found} bytes")))
}

/// Checks that the area lies within the picture. Edges that rounding has put outside are moved onto the picture's edge.
fn inside(area: Area, width: usize, height: usize) -> Result<Area> {
    const ROUNDING: f64 = 1e-6;
    let whole = Area::whole(width, height);
    let Area { left, top, right, bottom } = area;
    let is_inside = left >= -ROUNDING
        && top >= -ROUNDING
        && right <= whole.right + ROUNDING
        && bottom <= whole.bottom + ROUNDING;
    let (left, top) = (left.max(0.0), top.max(0.0));
    let (right, bottom) = (right.min(whole.right), bottom.min(whole.bottom));
    if is_inside && left < right && top < bottom {
        return Ok(Area { left, top, right, bottom });
    }
    let Area { left, top, right, bottom } = area;
    Err(Error::Argument(format!(
        "box: expected a part of the picture's {width} × {height} pixels, found {} × {} at ({left}, {top})",
        right - left,
        bottom - top
    )))
}

/// The largest size of these proportions within a square, rounded as Pillow's `ImageOps.contain` does; no side is 0.
fn contained(width: usize, height: usize, resolution: usize) -> (usize, usize) {
    let shorter = |short: usize, long: usize| {
        let side = (short as f64 / long as f64 * resolution as f64).round_ties_even();
        (side as usize).max(1)
    };
    if width < height { (shorter(width, height), resolution) } else { (resolution, shorter(height, width)) }
}

/// Counts pixels from the other end of `size`.
fn mirror(taps: &mut [Taps], size: usize) {
    taps.reverse();
    for Taps { first, weights } in taps {
        *first = size - *first - weights.len();
        weights.reverse();
    }
}
