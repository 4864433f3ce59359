//! Pixels to what the network sees: centre crop, resize, normalise.
//!
//! [`Image::center_crop`] is the way of every photo, in the browser and on the command line alike;
//! [`Resampler`] is its inner part, kept by those who resize many images of one size (augmentation). The filter
//! and its fixed-point arithmetic are those of Pillow's `Image.resize(size, BILINEAR, box)`, to the byte.

use crate::error::{Error, Result};

/// Most pixels an image may have: 8192 × 8192, which is 256 MiB as RGBA. What is larger (a 12,000 × 12,000 scan)
/// would exhaust a browser tab before it is resized to a few hundred pixels.
pub const MAX_PIXELS: usize = 1 << 26;

/// Longest side an image may have, the limit of JPEG.
pub const MAX_SIDE: usize = 65_535;

/// An image in RGB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

/// A part of an image, in pixels from its top left corner; edges may lie within pixels.
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

impl Image {
    /// Takes (height, width, 3) bytes, row by row.
    ///
    /// # Errors
    /// [`Error::Image`] if a side is 0 or above [`MAX_SIDE`], there are more than [`MAX_PIXELS`], or the length
    /// does not fit.
    pub fn from_rgb(width: usize, height: usize, rgb: Vec<u8>) -> Result<Self> {
        check_dimensions(width, height)?;
        check_length(rgb.len(), width, height, 3)?;
        Ok(Image { width, height, rgb })
    }

    /// Takes (height, width, 4) bytes, alpha not premultiplied, as the browser's `ImageData` has them.
    ///
    /// Transparent parts become white: pictures with transparency are mostly drawings and cut-out products, made
    /// for the white of a page, and white is what photos of such things have behind them. (Leaving alpha out
    /// would show whatever colour an editor left in the invisible pixels.)
    ///
    /// # Errors
    /// As [`Image::from_rgb`].
    pub fn from_rgba(width: usize, height: usize, rgba: &[u8]) -> Result<Self> {
        check_dimensions(width, height)?;
        check_length(rgba.len(), width, height, 4)?;
        let mut rgb = vec![0; 3 * width * height];
        for (rgb, rgba) in rgb.as_chunks_mut::<3>().0.iter_mut().zip(rgba.as_chunks::<4>().0) {
            let [r, g, b, alpha] = *rgba;
            *rgb = [r, g, b];
            if alpha < 255 {
                let alpha = u32::from(alpha);
                *rgb = rgb.map(|x| ((u32::from(x) * alpha + 255 * (255 - alpha) + 127) / 255) as u8);
            }
        }
        Ok(Image { width, height, rgb })
    }

    /// Reads a JPEG, PNG or WebP file, upright as its EXIF orientation says (browsers do so too).
    ///
    /// # Errors
    /// [`Error::Image`] if `bytes` are none of these or damaged, or the image is larger than [`MAX_PIXELS`]; that
    /// is found out before memory is taken for the pixels.
    #[cfg(feature = "cli")]
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        use ::image::{DynamicImage, ImageDecoder, ImageReader};

        if bytes.is_empty() {
            return Err(Error::Image("the file is empty, an image was expected".into()));
        }
        let unreadable =
            |e: ::image::ImageError| Error::Image(format!("not a readable JPEG, PNG or WebP image: {e}"));
        let reader = ImageReader::new(std::io::Cursor::new(bytes)).with_guessed_format();
        let reader = reader.map_err(|e| unreadable(e.into()))?;
        let mut decoder = reader.into_decoder().map_err(unreadable)?;
        let (width, height) = decoder.dimensions();
        check_dimensions(width as usize, height as usize)?;
        let orientation = decoder.orientation().map_err(unreadable)?;
        let mut image = DynamicImage::from_decoder(decoder).map_err(unreadable)?;
        image.apply_orientation(orientation);
        let (width, height) = (image.width() as usize, image.height() as usize);
        if image.color().has_alpha() {
            Image::from_rgba(width, height, &image.into_rgba8())
        } else {
            Image::from_rgb(width, height, image.into_rgb8().into_raw())
        }
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The (height, width, 3) bytes.
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// Gives away the (height, width, 3) bytes.
    pub fn into_rgb(self) -> Vec<u8> {
        self.rgb
    }

    /// The square in the centre whose side is `fraction` (0 – 1) of the shorter side. Its edges are not rounded to
    /// pixels: `../shared/data/imagenet/expected.json` is reproduced to its four digits that way and no other.
    pub fn center_area(&self, fraction: f32) -> Area {
        let side = f64::from(fraction) * self.width.min(self.height) as f64;
        let (x, y) = (self.width as f64 / 2.0, self.height as f64 / 2.0);
        Area { left: x - side / 2.0, top: y - side / 2.0, right: x + side / 2.0, bottom: y + side / 2.0 }
    }

    /// [`Image::center_area`], resized to `resolution` × `resolution`.
    pub fn center_crop(&self, fraction: f32, resolution: usize) -> Image {
        self.resize(self.center_area(fraction), resolution)
    }

    /// The `area`, resized to `resolution` × `resolution` as [`Resampler`] does.
    pub fn resize(&self, area: Area, resolution: usize) -> Image {
        let mut rgb = vec![0; 3 * resolution * resolution];
        Resampler::new(self.width, self.height, area, resolution).run(&self.rgb, &mut rgb);
        Image { width: resolution, height: resolution, rgb }
    }
}

fn check_dimensions(width: usize, height: usize) -> Result<()> {
    if width == 0 || height == 0 {
        return Err(Error::Image(format!("the image is empty: {width} × {height} pixels")));
    }
    if width > MAX_SIDE || height > MAX_SIDE || width * height > MAX_PIXELS {
        return Err(Error::Image(format!(
            "the image is too large: {width} × {height} pixels; at most {} million pixels and {MAX_SIDE} a side \
             can be read, so make it smaller first",
            MAX_PIXELS / 1_000_000
        )));
    }
    Ok(())
}

fn check_length(found: usize, width: usize, height: usize, channels: usize) -> Result<()> {
    let expected = width * height * channels;
    if found == expected {
        return Ok(());
    }
    Err(Error::Image(format!(
        "{width} × {height} pixels of {channels} bytes are {expected} bytes, but {found} were given"
    )))
}

/// Resizes a part of images of one size to a square: an antialiased triangle filter in two passes, along the rows
/// and along the columns, each rounded to bytes.
///
/// Enlarging, it is bilinear interpolation; reducing, the triangle grows with the factor, so that every source
/// pixel counts.
pub struct Resampler {
    /// Bytes from row to row of the source.
    stride: usize,
    /// Where the part that is read begins in the source, in bytes.
    origin: usize,
    horizontal: Vec<Taps>,
    vertical: Vec<Taps>,
    vertical_first: bool,
    /// What the first pass hands to the second, (rows, columns, 3).
    between: Vec<u8>,
}

/// One output pixel's source pixels and their weights.
struct Taps {
    first: usize,
    /// In units of 2^-[`PRECISION`]; in the horizontal pass each three times, once a colour, so that weights and
    /// bytes run in step.
    weights: Vec<i32>,
}

/// Bits after the point: what a 32-bit sum of products with bytes leaves, less 2 for safety (as in Pillow).
const PRECISION: u32 = 32 - 8 - 2;
const HALF: i32 = 1 << (PRECISION - 1);

impl Resampler {
    /// For images of `width` × `height`.
    ///
    /// # Panics
    /// If `area` is empty or reaches outside the image, or `resolution` is 0.
    pub fn new(width: usize, height: usize, area: Area, resolution: usize) -> Self {
        let inside = |low: f64, high: f64, end: usize| 0.0 <= low && low < high && high <= end as f64;
        assert!(
            inside(area.left, area.right, width) && inside(area.top, area.bottom, height),
            "{area:?} must lie within {width} × {height} pixels"
        );
        assert!(resolution > 0, "a resized image has at least one pixel");
        let mut horizontal = taps(area.left, area.right, width, resolution);
        let mut vertical = taps(area.top, area.bottom, height, resolution);
        // Pillow 13's rule (older ones always begin with the rows); it shows in the last bit.
        let reduction = |side: usize| side as i64 - resolution as i64;
        let vertical_first = reduction(height) > 0 && reduction(height) > 2 * reduction(width);
        let (origin, read) = if vertical_first {
            let (first, columns) = rebase(&mut horizontal);
            (3 * first, columns)
        } else {
            let (first, rows) = rebase(&mut vertical);
            (3 * width * first, rows)
        };
        for Taps { weights, .. } in &mut horizontal {
            *weights = weights.iter().flat_map(|&w| [w; 3]).collect();
        }
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

/// Counts pixels from the first that is read; returns that and how many are read.
fn rebase(taps: &mut [Taps]) -> (usize, usize) {
    let first = taps[0].first;
    let end = taps.last().map_or(first, |last| last.first + last.weights.len());
    for taps in taps {
        taps.first -= first;
    }
    (first, end - first)
}

/// The triangle filter along one axis: where `low..high` of `size` pixels goes when it becomes `resolution` pixels.
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

/// Resizes rows: `source` in steps of `stride` bytes → `out` (rows, taps, 3).
fn horizontal_pass(source: &[u8], stride: usize, taps: &[Taps], out: &mut [u8]) {
    for (out, source) in out.chunks_exact_mut(3 * taps.len()).zip(source.chunks(stride)) {
        for (pixel, taps) in out.as_chunks_mut::<3>().0.iter_mut().zip(taps) {
            *pixel = weigh_pixels(&source[3 * taps.first..], &taps.weights);
        }
    }
}

/// Resizes columns: `source` in steps of `stride` bytes → `out` (taps, columns, 3).
fn vertical_pass(source: &[u8], stride: usize, taps: &[Taps], out: &mut [u8]) {
    let out_stride = out.len() / taps.len();
    for (out, taps) in out.chunks_exact_mut(out_stride).zip(taps) {
        let source = &source[taps.first * stride..];
        let (blocks, rest) = out.as_chunks_mut::<24>();
        let done = out_stride - rest.len();
        for (column, block) in blocks.iter_mut().enumerate() {
            *block = weigh_rows(&source[24 * column..], stride, &taps.weights);
        }
        for (column, byte) in rest.iter_mut().enumerate() {
            [*byte] = weigh_rows(&source[done + column..], stride, &taps.weights);
        }
    }
}

/// The weighted sum of N columns of bytes, whose sums stay in registers on the way down.
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
/// Eight pixels are summed side by side, since 24 numbers are a whole number of SIMD registers and of pixels.
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

/// Bytes to the numbers the network takes: (x / 255 − mean) / std, colour by colour; `rgb` and `out` are (…, 3).
pub fn normalize(rgb: &[u8], mean: [f32; 3], std: [f32; 3], out: &mut [f32]) {
    assert_eq!(rgb.len(), out.len(), "as many numbers as bytes");
    let factor = std.map(|std| 1.0 / (255.0 * std));
    let offset: [f32; 3] = std::array::from_fn(|c| -mean[c] / std[c]);
    // Eight pixels a step, as in `weigh_pixels`.
    let factors: [f32; 24] = std::array::from_fn(|i| factor[i % 3]);
    let offsets: [f32; 24] = std::array::from_fn(|i| offset[i % 3]);
    for (out, rgb) in out.chunks_mut(24).zip(rgb.chunks(24)) {
        for (((out, &x), factor), offset) in out.iter_mut().zip(rgb).zip(&factors).zip(&offsets) {
            *out = f32::from(x) * factor + offset;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of a linear congruential generator, as in tests/golden/resize.py.
    fn noise(width: usize, height: usize) -> Image {
        let mut state = (width * 1000 + height) as u32;
        let byte = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        Image::from_rgb(width, height, (0..3 * width * height).map(byte).collect()).unwrap()
    }

    /// FNV-1a, as in tests/golden/resize.py.
    fn hash(bytes: &[u8]) -> u64 {
        bytes
            .iter()
            .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
    }

    #[test]
    fn resize_is_pillows_to_the_byte() {
        let cases = include_str!("../tests/golden/resize.txt");
        for line in cases.lines().filter(|line| !line.starts_with('#')) {
            let fields: Vec<&str> = line.split(' ').collect();
            let number = |i: usize| fields[i].parse::<f64>().unwrap();
            let image = noise(number(0) as usize, number(1) as usize);
            let area = Area { left: number(2), top: number(3), right: number(4), bottom: number(5) };
            let resized = image.resize(area, number(6) as usize);
            assert_eq!(format!("{:016x}", hash(resized.rgb())), fields[7], "{line}");
        }
    }

    #[test]
    fn the_whole_at_its_own_size_stays() {
        let image = noise(33, 33);
        assert_eq!(image.center_crop(1.0, 33), image);
    }

    #[test]
    fn center_area_is_not_rounded() {
        let area = noise(25, 35).center_area(0.875);
        assert_eq!(area, Area { left: 1.5625, top: 6.5625, right: 23.4375, bottom: 28.4375 });
    }

    #[test]
    fn transparency_becomes_white() {
        let image = Image::from_rgba(3, 1, &[10, 20, 30, 255, 10, 20, 30, 0, 0, 255, 51, 128]).unwrap();
        assert_eq!(image.rgb(), [10, 20, 30, 255, 255, 255, 127, 255, 153]);
    }

    #[test]
    fn impossible_images_are_named() {
        let message = |result: Result<Image>| result.unwrap_err().to_string();
        assert!(message(Image::from_rgb(0, 4, vec![])).contains("empty: 0 × 4"));
        assert!(message(Image::from_rgb(12_000, 12_000, vec![])).contains("too large: 12000 × 12000"));
        assert!(message(Image::from_rgb(usize::MAX, 2, vec![])).contains("too large"));
        assert!(message(Image::from_rgba(2, 2, &[0; 15])).contains("16 bytes, but 15"));
    }

    #[test]
    fn normalize_is_the_formula() {
        let (mean, std) = ([0.4914, 0.4822, 0.4465], [0.2023, 0.1994, 0.2010]);
        for pixels in [1, 7, 8, 9, 256] {
            let rgb: Vec<u8> = (0..3 * pixels).map(|i| (i * 7 % 256) as u8).collect();
            let mut out = vec![f32::NAN; rgb.len()];
            normalize(&rgb, mean, std, &mut out);
            for (i, (x, y)) in rgb.iter().zip(out).enumerate() {
                let expected = (f32::from(*x) / 255.0 - mean[i % 3]) / std[i % 3];
                assert!((y - expected).abs() < 1e-5, "pixel {}: {y}, expected {expected}", i / 3);
            }
        }
    }

    #[cfg(feature = "cli")]
    mod decode {
        use super::*;

        #[test]
        fn what_is_no_image_is_refused() {
            let message = |bytes: &[u8]| Image::decode(bytes).unwrap_err().to_string();
            assert!(message(b"").contains("the file is empty"));
            assert!(message(b"plain words in a .png").contains("not a readable JPEG, PNG or WebP"));
            assert!(message(b"\x89PNG\r\n\x1a\n then nonsense").contains("not a readable"));
        }

        #[test]
        fn a_huge_image_is_refused_before_it_is_decoded() {
            // Header of a PNG of 12,000 × 12,000; there are no pixels behind it.
            let png = include_bytes!("../tests/golden/huge.png");
            let message = Image::decode(png).unwrap_err().to_string();
            assert!(message.contains("too large: 12000 × 12000"), "{message}");
        }
    }
}
