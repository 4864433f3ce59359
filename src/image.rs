//! Pixels to what the network sees: centre crop, resize, normalise.
//!
//! [`Image::center_crop`] is the way of every photo, in the browser and on the command line alike;
//! [`Resampler`] is its inner part, kept by those who resize many images of one size (augmentation).

mod resample;

pub use self::resample::{Area, Resampler};

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

    /// Reads a JPEG, PNG or WebP file, upright as its EXIF orientation says (browsers do so too). A JPEG gives the very
    /// bytes that libjpeg-turbo makes of it, and with it Chrome, Firefox and Pillow.
    ///
    /// # Errors
    /// [`Error::Image`] if `bytes` are none of these or damaged, or the image is larger than [`MAX_PIXELS`]; that
    /// is found out before memory is taken for the pixels.
    #[cfg(feature = "cli")]
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        use ::image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};
        use libjpeg_turbo_rs_image::JpegDecoder;

        if bytes.is_empty() {
            return Err(Error::Image("the file is empty, an image was expected".into()));
        }
        let unreadable =
            |e: ::image::ImageError| Error::Image(format!("not a readable JPEG, PNG or WebP image: {e}"));
        let reader = ImageReader::new(std::io::Cursor::new(bytes)).with_guessed_format();
        let reader = reader.map_err(|e| unreadable(e.into()))?;
        let mut decoder: Box<dyn ImageDecoder> = if reader.format() == Some(ImageFormat::Jpeg) {
            Box::new(JpegDecoder::new(bytes).map_err(unreadable)?)
        } else {
            Box::new(reader.into_decoder().map_err(unreadable)?)
        };
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
    /// pixels: the probabilities that PyTorch finds in the test's photos come out to the fourth digit that way and no other.
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
