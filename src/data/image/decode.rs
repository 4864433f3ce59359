//! From image files to rows of pixels (native only; a page has the browser's decoders).
//!
//! Chromium, Pillow and this file agree: upright by EXIF, transparency over white, the upper 8 of 16 bits, colour
//! profiles ignored, JPEGs as libjpeg-turbo decodes them to the byte, the first frame of several. PNGs without
//! interlacing are read row by row; the decoders of other formats hold all pixels once.

use std::io::Cursor;

use image::codecs::{bmp::BmpDecoder, gif::GifDecoder, webp::WebPDecoder};
use image::{ColorType, ImageDecoder, Limits};
use libjpeg_turbo_rs::{DecodeLimits, Decoder as JpegDecoder, PixelFormat};
use png::Transformations;

use super::{Orientation, RowResampler, check_dimensions, cmyk, over_white, webp};
use crate::data::guard::quietly;
use crate::error::{Error, Result};

/// Limit on the scans of a JPEG, each of which may touch every pixel: programs write twenty or so at most.
const MOST_SCANS: usize = 100;

/// Receives a picture's rows, as RGB, from the top.
pub(super) trait Sink: Sized {
    /// Takes some whole rows.
    fn push(&mut self, rgb: &[u8]) -> Result<()>;
}

impl Sink for RowResampler {
    fn push(&mut self, rgb: &[u8]) -> Result<()> {
        self.push_rgb(rgb)
    }
}

impl Sink for Vec<u8> {
    fn push(&mut self, rgb: &[u8]) -> Result<()> {
        self.extend_from_slice(rgb);
        Ok(())
    }
}

/// Passes a file's rows to the sink that `begin` makes for its stored width, height and orientation.
///
/// # Errors
/// [`Error::Image`] if `bytes` are in a format that is not supported, damaged, or hold too large a picture;
/// [`Error::Memory`]; and the errors of `begin` and the sink.
pub(super) fn decode<S: Sink>(
    bytes: &[u8],
    begin: impl FnOnce(usize, usize, Orientation) -> Result<S>,
) -> Result<S> {
    let format = Format::of(bytes)?;
    let start = |width, height, exif: Option<&[u8]>| {
        check_dimensions(width, height)?;
        begin(width, height, orientation(exif))
    };
    guarded(format.name(), || match format {
        Format::Jpeg => jpeg(bytes, start),
        Format::Png => png(bytes, start),
        Format::WebP => {
            let exif = webp::check(bytes)?;
            whole(format, WebPDecoder::new(Cursor::new(bytes)), exif, start)
        }
        Format::Gif => whole(format, GifDecoder::new(Cursor::new(bytes)), None, start),
        Format::Bmp => whole(format, BmpDecoder::new(Cursor::new(bytes)), None, start),
    })
}

/// The supported formats.
#[derive(Clone, Copy)]
enum Format {
    Jpeg,
    Png,
    WebP,
    Gif,
    Bmp,
}

impl Format {
    /// By the first bytes; a name may say anything.
    fn of(bytes: &[u8]) -> Result<Self> {
        let text = bytes.trim_ascii_start();
        let other = match bytes {
            [] => return Err(Error::Image("the file is empty; expected an image".into())),
            [0xff, 0xd8, 0xff, ..] => return Ok(Format::Jpeg),
            [0x89, b'P', b'N', b'G', ..] => return Ok(Format::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => return Ok(Format::WebP),
            [b'G', b'I', b'F', b'8', ..] => return Ok(Format::Gif),
            [b'B', b'M', ..] if bytes.len() > 26 => return Ok(Format::Bmp),
            [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => match brand {
                [b'a', b'v', b'i', b'f' | b's', ..] => "an AVIF image",
                [b'h', b'e', ..] | [b'm', b'i' | b's', b'f', b'1', ..] => "an HEIC image",
                _ => "a video",
            },
            [0xff, 0x0a, ..] | [0, 0, 0, 12, b'J', b'X', b'L', b' ', ..] => "a JPEG XL image",
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => "a TIFF image",
            [b'%', b'P', b'D', b'F', ..] => "a PDF file",
            [b'8', b'B', b'P', b'S', ..] => "a Photoshop file",
            [b'P', b'K', 3, 4, ..] => "a zip archive",
            _ if text.starts_with(b"<svg") || text.starts_with(b"<?xml") => "an SVG or XML file",
            _ if text.starts_with(b"<!") || text.starts_with(b"<html") => "an HTML page",
            _ => {
                return Err(Error::Image(
                    "not a readable image: expected a JPEG, PNG, WebP, GIF or BMP".into(),
                ));
            }
        };
        Err(Error::Image(format!("expected a JPEG, PNG, WebP, GIF or BMP, found {other}: convert it first")))
    }

    fn name(self) -> &'static str {
        match self {
            Format::Jpeg => "JPEG",
            Format::Png => "PNG",
            Format::WebP => "WebP",
            Format::Gif => "GIF",
            Format::Bmp => "BMP",
        }
    }
}

/// The error of a file whose first bytes are right.
pub(super) fn damaged(format: &str, error: impl std::fmt::Display) -> Error {
    Error::Image(format!("a damaged {format} image: {error}"))
}

/// Runs a decoder: if it panics, its file counts as damaged.
fn guarded<T>(format: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    quietly(work).unwrap_or_else(|_| Err(damaged(format, "its decoder failed")))
}

/// The orientation in an EXIF block; upright without one.
fn orientation(exif: Option<&[u8]>) -> Orientation {
    let found = exif.and_then(image::metadata::Orientation::from_exif_chunk);
    Orientation::from_exif(found.map_or(1, image::metadata::Orientation::to_exif))
}

/// A buffer for this many bytes, if there is memory for them.
pub(super) fn reserve(bytes: usize) -> Result<Vec<u8>> {
    let mut room = Vec::new();
    room.try_reserve_exact(bytes).map_err(|_| Error::Memory {
        task: "reading this image".into(),
        bytes: bytes as u64,
        remedy: "image",
    })?;
    Ok(room)
}

fn zeros(bytes: usize) -> Result<Vec<u8>> {
    let mut zeros = reserve(bytes)?;
    zeros.resize(bytes, 0);
    Ok(zeros)
}

/// Bytes per pixel that a decoder allocates at most: a progressive JPEG's coefficients and planes, an animated WebP's
/// canvas and frame.
const DECODING: usize = 12;

/// Checks the memory that a decoder will allocate: decoders do not, and a failed allocation aborts the program.
fn ask_for_decoding(width: usize, height: usize) -> Result<()> {
    reserve(DECODING * width * height).map(drop)
}

fn jpeg<S: Sink>(bytes: &[u8], start: impl FnOnce(usize, usize, Option<&[u8]>) -> Result<S>) -> Result<S> {
    let wrong = |error: libjpeg_turbo_rs::JpegError| damaged("JPEG", error);
    let limits = DecodeLimits { max_scans: MOST_SCANS, ..DecodeLimits::default() };
    let mut decoder = JpegDecoder::new_with_limits(bytes, limits).map_err(wrong)?;
    let (width, height) = (usize::from(decoder.header().width), usize::from(decoder.header().height));
    let mut sink = start(width, height, decoder.exif_data())?;
    ask_for_decoding(width, height)?;
    if decoder.header().components.len() == 4 {
        cmyk::decode(decoder, |row| sink.push(row), wrong)?;
        return Ok(sink);
    }
    decoder.set_output_format(PixelFormat::Rgb);
    let mut rgb = zeros(3 * width * height)?;
    decoder.decode_image_into(&mut rgb).map_err(wrong)?;
    sink.push(&rgb)?;
    Ok(sink)
}

fn png<S: Sink>(bytes: &[u8], start: impl FnOnce(usize, usize, Option<&[u8]>) -> Result<S>) -> Result<S> {
    let wrong = |error: png::DecodingError| damaged("PNG", error);
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let mut reader = decoder.read_info().map_err(wrong)?;
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    let mut sink = start(width, height, exif_of_png(bytes))?;
    let channels = reader.output_color_type().0.samples();
    let mut rgb = Vec::new();
    if reader.info().interlaced {
        let mut pixels = zeros(width * height * channels)?;
        reader.next_frame(&mut pixels).map_err(wrong)?;
        push(&mut sink, &pixels, width, channels, &mut rgb)?;
    } else {
        while let Some(row) = reader.next_row().map_err(wrong)? {
            push(&mut sink, row.data(), width, channels, &mut rgb)?;
        }
    }
    Ok(sink)
}

/// The EXIF block of a PNG, which may come after the pixels.
fn exif_of_png(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes.get(8..)?;
    while let Some((length, chunk)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        if chunk.starts_with(b"eXIf") {
            return chunk.get(4..4 + length);
        }
        rest = chunk.get(length.checked_add(8)?..)?;
    }
    None
}

/// Reads formats that can only be decoded as a whole.
fn whole<S: Sink>(
    format: Format,
    decoder: image::ImageResult<impl ImageDecoder>,
    exif: Option<&[u8]>,
    start: impl FnOnce(usize, usize, Option<&[u8]>) -> Result<S>,
) -> Result<S> {
    let wrong = |error: image::ImageError| match error {
        image::ImageError::Decoding(error) => damaged(format.name(), error),
        error => damaged(format.name(), error),
    };
    let mut decoder = decoder.map_err(wrong)?;
    let (width, height) = decoder.dimensions();
    let (width, height) = (width as usize, height as usize);
    let mut sink = start(width, height, exif)?;
    ask_for_decoding(width, height)?;
    let mut limits = Limits::default();
    // some pixels more than the picture has, since frames of GIFs may extend beyond it
    limits.max_alloc = Some((DECODING * width * height).max(1 << 20) as u64);
    decoder.set_limits(limits).map_err(wrong)?;
    let channels = match decoder.color_type() {
        ColorType::L8 => 1,
        ColorType::La8 => 2,
        ColorType::Rgb8 => 3,
        ColorType::Rgba8 => 4,
        other => return Err(damaged(format.name(), format!("unexpected colour type {other:?}"))),
    };
    // These decoders allocate as much again for themselves, without a check.
    drop(reserve(width * height * (channels + 4))?);
    let mut pixels = zeros(width * height * channels)?;
    decoder.read_image(&mut pixels).map_err(wrong)?;
    push(&mut sink, &pixels, width, channels, &mut Vec::new())?;
    Ok(sink)
}

/// Pushes rows of 1 (grey), 2 (grey and alpha), 3 or 4 bytes per pixel, a few at a time; `rgb` is a buffer for that.
fn push(sink: &mut impl Sink, rows: &[u8], width: usize, channels: usize, rgb: &mut Vec<u8>) -> Result<()> {
    if channels == 3 {
        return sink.push(rows);
    }
    for rows in rows.chunks(width * channels * (1 + (1 << 16) / width)) {
        rgb.clear();
        match channels {
            1 => rgb.extend(rows.iter().flat_map(|&grey| [grey; 3])),
            2 => {
                rgb.extend(rows.as_chunks().0.iter().flat_map(|&[grey, a]| over_white([grey, grey, grey, a])))
            }
            _ => rgb.extend(rows.as_chunks().0.iter().flat_map(|&pixel| over_white(pixel))),
        }
        sink.push(rgb)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::super::Image;
    use super::*;

    fn golden(name: &str) -> Vec<u8> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/pictures");
        fs::read(folder.join(name)).unwrap()
    }

    fn message(bytes: &[u8]) -> String {
        Image::decode(bytes).unwrap_err().to_string()
    }

    #[test]
    fn pictures_match_pillow_to_the_byte() {
        let mut wrong = Vec::new();
        for line in include_str!("../../../tests/golden/pictures.txt").lines().filter(|l| !l.starts_with('#'))
        {
            let [name, width, height, expected] = line.split(' ').collect::<Vec<_>>()[..] else {
                panic!("{line}")
            };
            let bytes = golden(name);
            let image = Image::decode(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(
                [image.width(), image.height()].map(|side| side.to_string()),
                [width, height],
                "{name}"
            );
            let found = image.rgb().iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
            });
            if format!("{found:016x}") != expected {
                wrong.push(name);
            }
            let cropped = Image::decode_center_crop(&bytes, 0.875, 8).unwrap();
            assert!(cropped == image.center_crop(0.875, 8), "{name}, row by row");
        }
        assert!(wrong.is_empty(), "not Pillow's: {wrong:?}");
    }

    #[test]
    fn other_formats_are_named() {
        assert!(message(b"\0\0\0\x20ftypavif\0\0\0\0").contains("found an AVIF image: convert it first"));
        assert!(message(b"\0\0\0\x20ftypheic\0\0\0\0").contains("an HEIC image"));
        assert!(message(b"II*\0\x08\0\0\0").contains("a TIFF image"));
        assert!(message(b" <!DOCTYPE html>").contains("an HTML page"));
    }

    #[test]
    fn damage_is_an_error_and_not_a_panic() {
        for entry in fs::read_dir("tests/golden/pictures").unwrap() {
            let path = entry.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            for end in (0..bytes.len()).step_by(7) {
                // Either result will do.
                let _ = Image::decode(&bytes[..end]);
                let mut wrong = bytes.clone();
                wrong[end] ^= 0x55;
                let _ = Image::decode_center_crop(&wrong, 1.0, 8);
            }
        }
        let png = golden("rgba.png");
        assert!(message(&png[..png.len() / 2]).contains("a damaged PNG image"));
        let gif = golden("palette.gif");
        assert!(message(&gif[..gif.len() / 2]).contains("a damaged GIF image"));
    }

    #[test]
    fn a_frame_takes_little_more_than_the_picture() {
        // one pixel, with a frame of 8,000 × 8,000
        let mut gif = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff".to_vec();
        gif.extend([0x2c, 0, 0, 0, 0, 0x40, 0x1f, 0x40, 0x1f, 0, 2, 2, 0x4c, 1, 0, 0x3b]);
        let message = message(&gif);
        assert!(message.to_lowercase().contains("memory limit"), "{message}");
    }

    #[test]
    fn a_decoder_that_panics_is_a_damaged_file() {
        let result = guarded("PNG", || -> Result<()> { panic!("of somebody else's") });
        assert!(result.unwrap_err().to_string().contains("a damaged PNG image"));
    }
}
