//! From pixels to the network's input: centre crop, resize, normalise.
//!
//! Every photo goes through [`Image::center_crop`], in the browser and on the command line alike. [`Resampler`] is its
//! inner part, for code that resizes many images of one size (augmentation).

#[cfg(feature = "cli")]
mod cmyk;
#[cfg(feature = "cli")]
mod decode;
mod orientation;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod properties;
mod resample;
mod rows;
#[cfg(feature = "cli")]
mod webp;

pub use self::orientation::Orientation;
pub use self::resample::{Area, Resampler};
pub use self::rows::{RowResampler, Span, View};

use ndarray::Array4;

use crate::error::{Error, Result};

/// Maximum number of pixels of an image: 8192 × 8192, which is 256 MiB as RGBA. Anything larger (a 12,000 × 12,000
/// scan) would exhaust a browser tab before it is resized to a few hundred pixels.
pub const MAX_PIXELS: usize = 1 << 26;

/// Maximum bytes of an image file: those of the largest image without compression, and a little more.
pub const MAX_FILE: u64 = 4 * MAX_PIXELS as u64 + (1 << 20);

/// Maximum side of an image, the limit of JPEG.
pub const MAX_SIDE: usize = 65_535;

/// An RGB image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

impl Image {
    /// Takes (height, width, 3) bytes, row by row.
    ///
    /// # Errors
    /// [`Error::Image`] if a side is 0 or above [`MAX_SIDE`], there are more than [`MAX_PIXELS`], or the length does
    /// not match.
    pub fn from_rgb(width: usize, height: usize, rgb: Vec<u8>) -> Result<Self> {
        check_dimensions(width, height)?;
        let (found, expected) = (rgb.len(), 3 * width * height);
        if found != expected {
            return Err(Error::Image(format!(
                "expected {expected} bytes for {width} × {height} RGB pixels, found {found}"
            )));
        }
        Ok(Image { width, height, rgb })
    }

    /// Reads a JPEG, PNG, WebP, GIF (its first frame) or BMP file, whatever its name, upright by its EXIF orientation.
    /// A JPEG's bytes are those that libjpeg-turbo makes of it, and so Chrome, Firefox and Pillow.
    ///
    /// # Errors
    /// [`Error::Image`] if `bytes` are in another format (named, if known) or damaged, or the image has more than
    /// [`MAX_PIXELS`], which is checked before the pixels are allocated; [`Error::Memory`].
    #[cfg(feature = "cli")]
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let mut stored = (0, 0, Orientation::default());
        let rgb = decode::decode(bytes, |width, height, orientation| {
            stored = (width, height, orientation);
            decode::reserve(3 * width * height)
        })?;
        let (width, height, orientation) = stored;
        let rgb = orientation.apply(width, height, rgb);
        let (width, height) = orientation.size(width, height);
        Image::from_rgb(width, height, rgb)
    }

    /// [`Image::decode`] and [`Image::center_crop`] in one, without holding the whole image if its format allows that.
    ///
    /// # Errors
    /// As [`Image::decode`].
    #[cfg(feature = "cli")]
    pub fn decode_center_crop(bytes: &[u8], fraction: f32, resolution: usize) -> Result<Self> {
        decode::decode(bytes, |width, height, orientation| {
            RowResampler::center_crop(width, height, orientation, fraction, resolution)
        })?
        .finish()
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

    /// The network's input: a batch of one, (1, height, width, 3), of (x / 255 − mean) / std per colour.
    ///
    /// ```
    /// let image = mobilenetv2::data::image::Image::from_rgb(1, 1, vec![0, 255, 51])?;
    /// let input = image.normalized([0.5; 3], [0.5; 3]);
    /// assert_eq!(input.dim(), (1, 1, 1, 3));
    /// assert_eq!((input[[0, 0, 0, 0]], input[[0, 0, 0, 1]]), (-1.0, 1.0));
    /// # Ok::<(), mobilenetv2::error::Error>(())
    /// ```
    pub fn normalized(&self, mean: [f32; 3], std: [f32; 3]) -> Array4<f32> {
        let mut values = vec![0.0; self.rgb.len()];
        normalize(&self.rgb, mean, std, &mut values);
        Array4::from_shape_vec((1, self.height, self.width, 3), values).expect("three values per pixel")
    }

    /// The (height, width, 3) bytes, without a copy.
    pub fn into_rgb(self) -> Vec<u8> {
        self.rgb
    }

    /// The square in the centre whose side is `fraction` (0 – 1) of the shorter side. Its edges are not rounded to
    /// pixels: only so do the test photos get PyTorch's probabilities to the fourth digit.
    pub fn center_area(&self, fraction: f32) -> Area {
        Area::center(self.width, self.height, fraction)
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

    /// Centres the image in a square of `side` pixels, as Pillow's `ImageOps.pad` does; `side` is not smaller than its sides.
    fn padded(self, side: usize, colour: [u8; 3]) -> Image {
        if (self.width, self.height) == (side, side) {
            return self;
        }
        let before = |size: usize| ((side - size) as f64 / 2.0).round_ties_even() as usize;
        let (left, top) = (before(self.width), before(self.height));
        let mut rgb = colour.repeat(side * side);
        for (y, row) in self.rgb.chunks_exact(3 * self.width).enumerate() {
            rgb[3 * ((top + y) * side + left)..][..row.len()].copy_from_slice(row);
        }
        Image { width: side, height: side, rgb }
    }
}

/// An RGBA pixel over white; alpha is not premultiplied, as in the browser's `ImageData`.
///
/// Pictures with transparency are mostly drawings and cut-outs made for a white page, and photos of such things have a
/// white background. (Ignoring alpha would show whatever colour an editor left in the invisible pixels.)
fn over_white([r, g, b, alpha]: [u8; 4]) -> [u8; 3] {
    if alpha == 255 {
        return [r, g, b];
    }
    let alpha = u32::from(alpha);
    [r, g, b].map(|x| ((u32::from(x) * alpha + 255 * (255 - alpha) + 127) / 255) as u8)
}

fn check_dimensions(width: usize, height: usize) -> Result<()> {
    if width == 0 || height == 0 {
        return Err(Error::Image(format!("the image is empty: {width} × {height} pixels")));
    }
    if width > MAX_SIDE || height > MAX_SIDE || width * height > MAX_PIXELS {
        return Err(Error::Image(format!(
            "the image is too large: {width} × {height} pixels; the limits are {} million pixels and {MAX_SIDE} \
             per side, so make it smaller first",
            MAX_PIXELS / 1_000_000
        )));
    }
    Ok(())
}

/// From bytes to the network's input: (x / 255 − mean) / std per colour; `rgb` and `out` are (…, 3).
pub fn normalize(rgb: &[u8], mean: [f32; 3], std: [f32; 3], out: &mut [f32]) {
    assert_eq!(rgb.len(), out.len(), "as many numbers as bytes");
    let factor = std.map(|std| 1.0 / (255.0 * std));
    let offset: [f32; 3] = std::array::from_fn(|c| -mean[c] / std[c]);
    // Eight pixels at a time, as in `weigh_pixels`.
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
    fn resize_matches_pillow_to_the_byte() {
        let cases = include_str!("../../tests/golden/resize.txt");
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
    fn bars_are_pillows_to_the_byte() {
        let cases = include_str!("../../tests/golden/pad.txt");
        for line in cases.lines().filter(|line| !line.starts_with('#')) {
            let fields: Vec<&str> = line.split(' ').collect();
            let [width, height, resolution] = [0, 1, 2].map(|i| fields[i].parse().unwrap());
            let view = View::Bars([124, 116, 104]);
            let mut rows =
                RowResampler::new(width, height, Orientation::default(), view, resolution).unwrap();
            rows.push_rgb(noise(width, height).rgb()).unwrap();
            assert_eq!(format!("{:016x}", hash(rows.finish().unwrap().rgb())), fields[3], "{line}");
        }
    }

    #[test]
    fn parts_outside_are_named() {
        let new = |left, top, right, bottom| {
            let view = View::Part(Area { left, top, right, bottom });
            RowResampler::new(20, 10, Orientation::from_exif(6), view, 8).err().map(|error| error.to_string())
        };
        assert_eq!(new(0.0, 0.0, 10.0, 20.0), None, "the whole as it is seen");
        assert_eq!(new(-1e-9, 0.1, 10.0 + 1e-9, 5.0), None, "rounding");
        for (left, top, right, bottom) in [
            (0.0, 0.0, 10.1, 20.0),
            (-0.1, 0.0, 9.0, 20.0),
            (0.0, 0.0, 10.0, 20.1),
            (0.0, -0.1, 10.0, 20.0),
            (4.0, 4.0, 4.0, 8.0),
            (6.0, 6.0, 4.0, 8.0),
            (f64::NAN, 0.0, 10.0, 20.0),
            (0.0, 0.0, f64::INFINITY, 20.0),
        ] {
            let message = new(left, top, right, bottom).expect("it is not within the picture");
            assert!(message.contains("a part of the picture's 10 × 20 pixels"), "{message}");
            assert!(message.contains(&format!("at ({left}, {top})")), "{message}");
        }
    }

    #[test]
    fn resizing_to_the_same_size_changes_nothing() {
        let image = noise(33, 33);
        assert_eq!(image.center_crop(1.0, 33), image);
    }

    #[test]
    fn rows_give_the_same_as_the_whole_image() {
        // Wide and tall, either pass first, enlarged and reduced, the centre and the whole.
        let sides = [(1, 1), (5, 3), (40, 90), (90, 40), (61, 200), (200, 61), (128, 131), (9, 250)];
        for ((width, height), fraction, resolution) in sides
            .into_iter()
            .flat_map(|side| [0.3, 0.875, 1.0].map(|fraction| (side, fraction)))
            .flat_map(|(side, fraction)| [1, 8, 32, 100].map(|resolution| (side, fraction, resolution)))
        {
            let image = noise(width, height);
            for exif in 1..=8 {
                let orientation = Orientation::from_exif(exif);
                let (seen_width, seen_height) = orientation.size(width, height);
                let upright = orientation.apply(width, height, image.rgb.clone());
                let upright = Image::from_rgb(seen_width, seen_height, upright).unwrap();
                let new = || RowResampler::center_crop(width, height, orientation, fraction, resolution);
                let mut rows = new().unwrap();
                for band in image.rgb.chunks(3 * width * 7) {
                    rows.push_rgb(band).unwrap();
                }
                assert!(
                    rows.finish().unwrap() == upright.center_crop(fraction, resolution),
                    "{width} × {height}, {fraction}, {resolution}, orientation {exif}"
                );
                let rgba: Vec<u8> = image.rgb.chunks(3).flat_map(|p| [p[0], p[1], p[2], 255]).collect();
                let mut rows = new().unwrap();
                rows.push_rgba(&rgba).unwrap();
                assert!(rows.finish().unwrap() == upright.center_crop(fraction, resolution));
            }
        }
    }

    #[test]
    fn rows_are_counted() {
        let new = || RowResampler::center_crop(4, 3, Orientation::default(), 1.0, 2).unwrap();
        let message = |result: Result<()>| result.unwrap_err().to_string();
        assert!(message(new().push_rgb(&[0; 13])).contains("at most 3 rows of 12 bytes, found 13 bytes"));
        assert!(message(new().push_rgba(&[0; 64])).contains("at most 3 rows of 16 bytes, found 64"));
        let mut rows = new();
        rows.push_rgb(&[0; 24]).unwrap();
        assert!(rows.finish().unwrap_err().to_string().contains("expected 3 rows of pixels, found 2"));
    }

    #[test]
    fn center_area_is_not_rounded() {
        let area = noise(25, 35).center_area(0.875);
        assert_eq!(area, Area { left: 1.5625, top: 6.5625, right: 23.4375, bottom: 28.4375 });
    }

    #[test]
    fn transparency_becomes_white() {
        let pixels = [[10, 20, 30, 255], [10, 20, 30, 0], [0, 255, 51, 128]];
        assert_eq!(pixels.map(over_white), [[10, 20, 30], [255; 3], [127, 255, 153]]);
    }

    #[test]
    fn impossible_images_are_named() {
        let message = |result: Result<Image>| result.unwrap_err().to_string();
        assert!(message(Image::from_rgb(0, 4, vec![])).contains("empty: 0 × 4"));
        assert!(message(Image::from_rgb(12_000, 12_000, vec![])).contains("too large: 12000 × 12000"));
        assert!(message(Image::from_rgb(usize::MAX, 2, vec![])).contains("too large"));
        assert!(
            message(Image::from_rgb(2, 2, vec![0; 11]))
                .contains("expected 12 bytes for 2 × 2 RGB pixels, found 11")
        );
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
        fn other_files_are_refused() {
            let message = |bytes: &[u8]| Image::decode(bytes).unwrap_err().to_string();
            assert!(message(b"").contains("the file is empty"));
            assert!(message(b"plain words in a .png").contains("not a readable image"));
            assert!(message(b"\x89PNG\r\n\x1a\n then nonsense").contains("a damaged PNG image"));
        }

        #[test]
        fn a_huge_image_is_refused_before_it_is_decoded() {
            // Header of a PNG of 12,000 × 12,000; there are no pixels behind it.
            let png = include_bytes!("../../tests/golden/huge.png");
            let message = Image::decode(png).unwrap_err().to_string();
            assert!(message.contains("too large: 12000 × 12000"), "{message}");
        }
    }
}
