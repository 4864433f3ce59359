//! Resizing like Pillow's `Image.resize(size, BILINEAR, box)`: the same filter, the same fixed-point arithmetic, the
//! same bytes.

/// A part of an image, in pixels from the top left corner; edges may lie inside pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    /// Left edge.
    pub left: f64,
    /// Upper edge.
    pub top: f64,
    /// Right edge.
    pub right: f64,
    /// Lower edge.
    pub bottom: f64,
}

impl Area {
    /// The square in the centre of `width` × `height` pixels whose side is `fraction` (0 – 1) of the shorter side.
    pub fn center(width: usize, height: usize, fraction: f32) -> Area {
        let side = f64::from(fraction) * width.min(height) as f64;
        let (x, y) = (width as f64 / 2.0, height as f64 / 2.0);
        Area { left: x - side / 2.0, top: y - side / 2.0, right: x + side / 2.0, bottom: y + side / 2.0 }
    }

    /// All of `width` × `height` pixels.
    pub fn whole(width: usize, height: usize) -> Area {
        Area { left: 0.0, top: 0.0, right: width as f64, bottom: height as f64 }
    }
}

/// Resizes a part of images of one size to a square: an antialiased triangle filter in two passes, along the rows and
/// along the columns, each rounded to bytes.
///
/// When it enlarges, this is bilinear interpolation. When it reduces, the triangle grows with the factor, so that every
/// source pixel counts.
pub struct Resampler {
    /// Bytes per row of the source.
    stride: usize,
    /// Offset of the part in the source, in bytes.
    origin: usize,
    horizontal: Vec<Taps>,
    vertical: Vec<Taps>,
    vertical_first: bool,
    /// Output of the first pass, (rows, columns, 3).
    between: Vec<u8>,
}

/// The taps along each axis, and the order of the passes.
pub(super) struct Passes {
    pub horizontal: Vec<Taps>,
    pub vertical: Vec<Taps>,
    pub vertical_first: bool,
}

impl Passes {
    /// As [`Resampler::new`], to `columns` × `rows` pixels.
    pub fn new(width: usize, height: usize, area: Area, (columns, rows): (usize, usize)) -> Self {
        let inside = |low: f64, high: f64, end: usize| 0.0 <= low && low < high && high <= end as f64;
        assert!(
            inside(area.left, area.right, width) && inside(area.top, area.bottom, height),
            "{area:?} must lie within {width} × {height} pixels"
        );
        assert!(columns > 0 && rows > 0, "a resized image has at least one pixel");
        // Pillow 13's rule (older ones always begin with the rows); it shows in the last bit.
        let reduction = |side: usize, resized: usize| side as i64 - resized as i64;
        let (across, down) = (reduction(width, columns), reduction(height, rows));
        Passes {
            horizontal: taps(area.left, area.right, width, columns),
            vertical: taps(area.top, area.bottom, height, rows),
            vertical_first: down > 0 && down > 2 * across,
        }
    }
}

/// One output pixel's source pixels and weights.
pub(super) struct Taps {
    pub first: usize,
    /// In units of 2^-[`PRECISION`]; in the horizontal pass each weight three times, once per colour, so that weights
    /// and bytes run in step ([`triple`]).
    pub weights: Vec<i32>,
}

/// Fractional bits: what products with bytes leave of a 32-bit sum, less 2 for safety (as in Pillow).
const PRECISION: u32 = 32 - 8 - 2;
const HALF: i32 = 1 << (PRECISION - 1);

impl Resampler {
    /// For images of `width` × `height`.
    ///
    /// # Panics
    /// If `area` is empty or reaches outside the image, or `resolution` is 0.
    pub fn new(width: usize, height: usize, area: Area, resolution: usize) -> Self {
        let Passes { mut horizontal, mut vertical, vertical_first } =
            Passes::new(width, height, area, (resolution, resolution));
        let (origin, read) = if vertical_first {
            let (first, columns) = rebase(&mut horizontal);
            (3 * first, columns)
        } else {
            let (first, rows) = rebase(&mut vertical);
            (3 * width * first, rows)
        };
        triple(&mut horizontal);
        let between = vec![0; read * resolution * 3];
        Resampler { stride: 3 * width, origin, horizontal, vertical, vertical_first, between }
    }

    /// Resizes one image, `rgb` (height, width, 3), into `out` (resolution, resolution, 3). Allocates nothing.
    pub fn run(&mut self, rgb: &[u8], out: &mut [u8]) {
        let source = &rgb[self.origin..];
        let resolution = self.vertical.len();
        assert_eq!(
            out.len(),
            3 * resolution * resolution,
            "the output is {resolution} × {resolution} pixels"
        );
        if self.vertical_first {
            vertical_pass(source, self.stride, &self.vertical, &mut self.between);
            horizontal_pass(&self.between, self.between.len() / resolution, &self.horizontal, out);
        } else {
            horizontal_pass(source, self.stride, &self.horizontal, &mut self.between);
            vertical_pass(&self.between, 3 * resolution, &self.vertical, out);
        }
    }
}

/// Repeats each weight for the three colours.
pub(super) fn triple(taps: &mut [Taps]) {
    for Taps { weights, .. } in taps {
        *weights = weights.iter().flat_map(|&w| [w; 3]).collect();
    }
}

/// Counts pixels from the first one that is read; returns it and the number of pixels read.
pub(super) fn rebase(taps: &mut [Taps]) -> (usize, usize) {
    let first = taps[0].first;
    let end = taps.last().map_or(first, |last| last.first + last.weights.len());
    for taps in taps {
        taps.first -= first;
    }
    (first, end - first)
}

/// The triangle filter along one axis, for `low..high` of `size` pixels that become `resolution` pixels.
fn taps(low: f64, high: f64, size: usize, resolution: usize) -> Vec<Taps> {
    // Pillow keeps the edges in single precision.
    let (low, high) = (low as f32, high as f32);
    let scale = f64::from(high - low) / resolution as f64;
    let support = scale.max(1.0);
    let tap = |i| {
        let center = f64::from(low) + (i as f64 + 0.5) * scale;
        let first = (center - support + 0.5).max(0.0) as usize;
        let end = ((center + support + 0.5) as usize).min(size);
        let weight = |x| (1.0 - ((x as f64 - center + 0.5) * (1.0 / support)).abs()).max(0.0);
        let total: f64 = (first..end).map(weight).sum();
        let fixed = |x| (weight(x) / total * f64::from(1 << PRECISION) + 0.5) as i32;
        Taps { first, weights: (first..end).map(fixed).collect() }
    };
    (0..resolution).map(tap).collect()
}

/// Resizes rows: `source`, `stride` bytes per row → `out` (rows, taps, 3).
pub(super) fn horizontal_pass(source: &[u8], stride: usize, taps: &[Taps], out: &mut [u8]) {
    for (out, source) in out.chunks_exact_mut(3 * taps.len()).zip(source.chunks(stride)) {
        for (pixel, taps) in out.as_chunks_mut::<3>().0.iter_mut().zip(taps) {
            *pixel = weigh_pixels(&source[3 * taps.first..], &taps.weights);
        }
    }
}

/// Resizes columns: `source`, `stride` bytes per row → `out` (taps, columns, 3).
fn vertical_pass(source: &[u8], stride: usize, taps: &[Taps], out: &mut [u8]) {
    let out_stride = out.len() / taps.len();
    for (out, taps) in out.chunks_exact_mut(out_stride).zip(taps) {
        vertical_line(&source[taps.first * stride..], stride, &taps.weights, out);
    }
}

/// One row of the vertical pass: `source`, `stride` bytes per row and one row per weight → `out` (columns, 3).
pub(super) fn vertical_line(source: &[u8], stride: usize, weights: &[i32], out: &mut [u8]) {
    let columns = out.len();
    let (blocks, rest) = out.as_chunks_mut::<24>();
    let done = columns - rest.len();
    for (column, block) in blocks.iter_mut().enumerate() {
        *block = weigh_rows(&source[24 * column..], stride, weights);
    }
    for (column, byte) in rest.iter_mut().enumerate() {
        [*byte] = weigh_rows(&source[done + column..], stride, weights);
    }
}

/// The weighted sum of N columns of bytes; the sums stay in registers from row to row.
#[inline(always)]
fn weigh_rows<const N: usize>(source: &[u8], stride: usize, weights: &[i32]) -> [u8; N] {
    let mut sums = [HALF; N];
    for (row, &weight) in source.chunks(stride).zip(weights) {
        for (sum, &byte) in sums.iter_mut().zip(&row[..N]) {
            *sum += i32::from(byte) * weight;
        }
    }
    sums.map(to_byte)
}

/// The weighted sum of a row of pixels; `weights` holds every weight three times.
///
/// Eight pixels are summed side by side: 24 numbers are a whole number of both SIMD registers and pixels.
#[inline(always)]
fn weigh_pixels(pixels: &[u8], weights: &[i32]) -> [u8; 3] {
    let (weights, weights_rest) = weights.as_chunks::<24>();
    let (pixels, pixels_rest) = pixels.split_at(24 * weights.len());
    let mut lanes = [0; 24];
    for (pixels, weights) in pixels.as_chunks::<24>().0.iter().zip(weights) {
        for ((lane, &byte), &weight) in lanes.iter_mut().zip(pixels).zip(weights) {
            *lane += i32::from(byte) * weight;
        }
    }
    for ((lane, &byte), &weight) in lanes.iter_mut().zip(pixels_rest).zip(weights_rest) {
        *lane += i32::from(byte) * weight;
    }
    let mut sums = [HALF; 3];
    for pixel in lanes.as_chunks::<3>().0 {
        for (sum, lane) in sums.iter_mut().zip(pixel) {
            *sum += lane;
        }
    }
    sums.map(to_byte)
}

#[inline(always)]
fn to_byte(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}
