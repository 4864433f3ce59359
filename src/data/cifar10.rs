//! CIFAR-10: its official records, and the mosaics that a browser can load as images.
//!
//! An official record is a label and 32 × 32 pixels, colour by colour. A mosaic is one image of 25 rows × 40 columns of
//! tiles of 32 × 32 pixels, image i at row i / 40, column i mod 40; the labels are a file beside it, a byte an image.

use crate::data::image::Image;
use crate::error::{Error, Result};

/// The classes, in the order of the labels.
pub const NAMES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// Height and width of an image.
pub const SIZE: usize = 32;

/// Images in a mosaic.
pub const PER_MOSAIC: usize = ROWS * COLUMNS;

/// Rows of images in a mosaic.
pub const ROWS: usize = 25;

/// Columns of images in a mosaic.
pub const COLUMNS: usize = 40;

const PIXELS: usize = SIZE * SIZE;
const RECORD: usize = 1 + 3 * PIXELS;

/// Images and labels of a file of the binary distribution (`data_batch_1.bin` …): (N, 32, 32, 3) bytes and N labels.
///
/// # Errors
/// [`Error::Data`] if the length is not a whole number of records, or a label is above 9.
pub fn parse_records(bytes: &[u8]) -> Result<(Vec<u8>, Vec<u32>)> {
    if bytes.is_empty() || !bytes.len().is_multiple_of(RECORD) {
        return Err(Error::Data(format!(
            "CIFAR-10 batches consist of records of {RECORD} bytes, but {} bytes were found; the file may be cut \
             short or be another one",
            bytes.len()
        )));
    }
    let count = bytes.len() / RECORD;
    let (mut images, mut labels) = (Vec::with_capacity(count * 3 * PIXELS), Vec::with_capacity(count));
    for record in bytes.chunks_exact(RECORD) {
        let (label, planes) = (record[0], &record[1..]);
        labels.push(label);
        images.extend((0..PIXELS).flat_map(|i| [planes[i], planes[PIXELS + i], planes[2 * PIXELS + i]]));
    }
    Ok((images, parse_labels(&labels)?))
}

/// The labels of a `*_labels.bin` file, a byte an image.
///
/// # Errors
/// [`Error::Data`] if a label is above 9.
pub fn parse_labels(bytes: &[u8]) -> Result<Vec<u32>> {
    if let Some(place) = bytes.iter().position(|label| usize::from(*label) >= NAMES.len()) {
        return Err(Error::Data(format!(
            "label {place} is {}; CIFAR-10 has the labels 0 to 9",
            bytes[place]
        )));
    }
    Ok(bytes.iter().map(|label| u32::from(*label)).collect())
}

/// Lays out [`PER_MOSAIC`] images, (1000, 32, 32, 3), as a mosaic of 1280 × 800 pixels.
///
/// # Errors
/// [`Error::Data`] if there are more or fewer.
pub fn to_mosaic(images: &[u8]) -> Result<Image> {
    if images.len() != PER_MOSAIC * 3 * PIXELS {
        return Err(Error::Data(format!(
            "a mosaic takes {PER_MOSAIC} images of {SIZE} × {SIZE}, {} bytes, not {}",
            PER_MOSAIC * 3 * PIXELS,
            images.len()
        )));
    }
    let rows = images.chunks_exact(3 * SIZE).enumerate();
    let mut mosaic = vec![0; images.len()];
    for (row, pixels) in rows {
        mosaic[place(row)..][..3 * SIZE].copy_from_slice(pixels);
    }
    Image::from_rgb(COLUMNS * SIZE, ROWS * SIZE, mosaic)
}

/// Takes a mosaic apart: (1000, 32, 32, 3).
///
/// # Errors
/// [`Error::Data`] if its dimensions are not 1280 × 800.
pub fn from_mosaic(mosaic: &Image) -> Result<Vec<u8>> {
    let (width, height) = (mosaic.width(), mosaic.height());
    if (width, height) != (COLUMNS * SIZE, ROWS * SIZE) {
        return Err(Error::Data(format!(
            "a mosaic of CIFAR-10 has {} × {} pixels, not {width} × {height}",
            COLUMNS * SIZE,
            ROWS * SIZE
        )));
    }
    let rows = PER_MOSAIC * SIZE;
    Ok((0..rows).flat_map(|row| &mosaic.rgb()[place(row)..][..3 * SIZE]).copied().collect())
}

/// Where row `row` of all images' rows, one image below the other, begins in the mosaic.
fn place(row: usize) -> usize {
    let (image, y) = (row / SIZE, row % SIZE);
    ((image / COLUMNS * SIZE + y) * COLUMNS + image % COLUMNS) * 3 * SIZE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_become_pixels() {
        let mut bytes = vec![0; 2 * RECORD];
        bytes[RECORD] = 7;
        // pixel 33 (row 1, column 1) of the second image
        for (colour, value) in [10, 20, 30].into_iter().enumerate() {
            bytes[RECORD + 1 + colour * PIXELS + 33] = value;
        }
        let (images, labels) = parse_records(&bytes).unwrap();
        assert_eq!(labels, [0, 7]);
        assert_eq!(images.len(), 2 * 32 * 32 * 3);
        assert_eq!(images[(PIXELS + 33) * 3..][..3], [10, 20, 30]);
        assert_eq!(images.iter().map(|v| u32::from(*v)).sum::<u32>(), 60);
    }

    #[test]
    fn wrong_files_are_named() {
        let message = |bytes: &[u8]| parse_records(bytes).unwrap_err().to_string();
        assert!(message(&[]).contains("0 bytes"));
        assert!(message(&[0; 3072]).contains("records of 3073 bytes, but 3072"));
        let mut bytes = vec![0; 2 * RECORD];
        bytes[RECORD] = 10;
        assert_eq!(message(&bytes), "label 1 is 10; CIFAR-10 has the labels 0 to 9");
        assert!(to_mosaic(&bytes).unwrap_err().to_string().contains("1000 images"));
        let image = Image::from_rgb(8, 4, vec![0; 96]).unwrap();
        assert!(from_mosaic(&image).unwrap_err().to_string().contains("1280 × 800 pixels, not 8 × 4"));
    }

    #[test]
    fn mosaics_go_there_and_back() {
        let images: Vec<u8> = (0..PER_MOSAIC * 3 * PIXELS).map(|i| (i / 5 % 251) as u8).collect();
        let mosaic = to_mosaic(&images).unwrap();
        assert_eq!(from_mosaic(&mosaic).unwrap(), images);
        // image 41 is in the second row and column; its pixel (3, 2) in colour 1
        let there = ((32 + 3) * 1280 + 32 + 2) * 3 + 1;
        assert_eq!(mosaic.rgb()[there], images[(41 * PIXELS + 3 * 32 + 2) * 3 + 1]);
    }
}
