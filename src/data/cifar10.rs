//! CIFAR-10: its official records, and the mosaics that a browser can load as images.
//!
//! An official record is a label and 32 × 32 pixels, colour by colour. A mosaic is one image of 25 rows × 40 columns of
//! tiles of 32 × 32 pixels, with image i at row i / 40, column i mod 40. Its labels are a file beside it, one byte per
//! image.

use ndarray::{Array1, Array4, ArrayView, ArrayView4};

use crate::data::image::Image;
use crate::error::{Error, Result};

/// Class names in the order of the labels.
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

const RECORD: usize = 1 + 3 * SIZE * SIZE;

/// Images and labels in a file of the binary distribution (`data_batch_1.bin` …): (N, 32, 32, 3) bytes and (N) labels.
///
/// # Errors
/// [`Error::Data`] if the length is not a whole number of records, or a label is above 9.
///
/// ```
/// let record = [[7].as_slice(), &[255; 3072]].concat();
/// let (images, labels) = mobilenetv2::data::cifar10::parse_records(&record)?;
/// assert_eq!((images.dim(), labels[0]), ((1, 32, 32, 3), 7));
/// # Ok::<(), mobilenetv2::error::Error>(())
/// ```
pub fn parse_records(bytes: &[u8]) -> Result<(Array4<u8>, Array1<u32>)> {
    if bytes.is_empty() || !bytes.len().is_multiple_of(RECORD) {
        return Err(Error::Data(format!(
            "expected CIFAR-10 records of {RECORD} bytes, found {} bytes; the file may be truncated or another one",
            bytes.len()
        )));
    }
    let records = bytes.chunks_exact(RECORD);
    let labels: Vec<u8> = records.clone().map(|record| record[0]).collect();
    let planes: Vec<u8> = records.flat_map(|record| &record[1..]).copied().collect();
    let planes = Array4::from_shape_vec((labels.len(), 3, SIZE, SIZE), planes).expect("whole records");
    let images = planes.permuted_axes([0, 2, 3, 1]).as_standard_layout().into_owned();
    Ok((images, parse_labels(&labels)?))
}

/// The labels in a `*_labels.bin` file, one byte per image: (N).
///
/// # Errors
/// [`Error::Data`] if a label is above 9.
pub fn parse_labels(bytes: &[u8]) -> Result<Array1<u32>> {
    if let Some(place) = bytes.iter().position(|label| usize::from(*label) >= NAMES.len()) {
        return Err(Error::Data(format!("label {place} is {}; expected 0 to 9", bytes[place])));
    }
    Ok(bytes.iter().map(|label| u32::from(*label)).collect())
}

/// Lays out [`PER_MOSAIC`] images, (1000, 32, 32, 3), as a mosaic of 1280 × 800 pixels.
///
/// # Errors
/// [`Error::Shape`] if their number or size is wrong.
///
/// ```
/// use mobilenetv2::data::cifar10::{from_mosaic, to_mosaic};
///
/// let images = ndarray::Array4::from_elem((1000, 32, 32, 3), 7);
/// let mosaic = to_mosaic(images.view())?;
/// assert_eq!((mosaic.width(), mosaic.height()), (1280, 800));
/// assert_eq!(from_mosaic(&mosaic)?, images);
/// # Ok::<(), mobilenetv2::error::Error>(())
/// ```
pub fn to_mosaic(images: ArrayView4<u8>) -> Result<Image> {
    let expected = [PER_MOSAIC, SIZE, SIZE, 3];
    if images.shape() != expected {
        let (expected, found) = (format!("{expected:?}"), format!("{:?}", images.shape()));
        return Err(Error::Shape { what: "images of a mosaic", expected, found });
    }
    // (row of tiles, column of tiles, y, x, colour) to (row, y, column, x, colour)
    let tiles = images.to_shape((ROWS, COLUMNS, SIZE, SIZE, 3)).expect("as many images as tiles");
    let mosaic = tiles.permuted_axes([0, 2, 1, 3, 4]);
    Image::from_rgb(COLUMNS * SIZE, ROWS * SIZE, mosaic.iter().copied().collect())
}

/// Cuts a mosaic into its images: (1000, 32, 32, 3).
///
/// # Errors
/// [`Error::Data`] if its dimensions are not 1280 × 800.
pub fn from_mosaic(mosaic: &Image) -> Result<Array4<u8>> {
    let (width, height) = (mosaic.width(), mosaic.height());
    if (width, height) != (COLUMNS * SIZE, ROWS * SIZE) {
        return Err(Error::Data(format!(
            "expected a CIFAR-10 mosaic of {} × {} pixels, found {width} × {height}",
            COLUMNS * SIZE,
            ROWS * SIZE
        )));
    }
    let rows =
        ArrayView::from_shape((ROWS, SIZE, COLUMNS, SIZE, 3), mosaic.rgb()).expect("a mosaic's pixels");
    let tiles = rows.permuted_axes([0, 2, 1, 3, 4]).iter().copied().collect();
    Ok(Array4::from_shape_vec((PER_MOSAIC, SIZE, SIZE, 3), tiles).expect("a mosaic's pixels"))
}

#[cfg(test)]
mod tests {
    use ndarray::s;

    use super::*;

    const PIXELS: usize = SIZE * SIZE;

    #[test]
    fn records_become_pixels() {
        let mut bytes = vec![0; 2 * RECORD];
        bytes[RECORD] = 7;
        // pixel 33 (row 1, column 1) of the second image
        for (colour, value) in [10, 20, 30].into_iter().enumerate() {
            bytes[RECORD + 1 + colour * PIXELS + 33] = value;
        }
        let (images, labels) = parse_records(&bytes).unwrap();
        assert_eq!(labels.to_vec(), [0, 7]);
        assert_eq!(images.dim(), (2, 32, 32, 3));
        assert_eq!(images.slice(s![1, 1, 1, ..]).to_vec(), [10, 20, 30]);
        assert_eq!(images.iter().map(|v| u32::from(*v)).sum::<u32>(), 60);
    }

    #[test]
    fn wrong_files_are_named() {
        let message = |bytes: &[u8]| parse_records(bytes).unwrap_err().to_string();
        assert!(message(&[]).contains("0 bytes"));
        assert!(message(&[0; 3072]).contains("records of 3073 bytes, found 3072"));
        let mut bytes = vec![0; 2 * RECORD];
        bytes[RECORD] = 10;
        assert_eq!(message(&bytes), "label 1 is 10; expected 0 to 9");
        let message = to_mosaic(Array4::zeros((999, 32, 32, 3)).view()).unwrap_err().to_string();
        let expected = "images of a mosaic have the shape [999, 32, 32, 3]; expected [1000, 32, 32, 3]";
        assert_eq!(message, expected);
        let image = Image::from_rgb(8, 4, vec![0; 96]).unwrap();
        assert!(from_mosaic(&image).unwrap_err().to_string().contains("1280 × 800 pixels, found 8 × 4"));
    }

    #[test]
    fn mosaics_make_a_round_trip() {
        let images = (0..PER_MOSAIC * 3 * PIXELS).map(|i| (i / 5 % 251) as u8).collect();
        let images = Array4::from_shape_vec((PER_MOSAIC, SIZE, SIZE, 3), images).unwrap();
        let mosaic = to_mosaic(images.view()).unwrap();
        assert_eq!(from_mosaic(&mosaic).unwrap(), images);
        // image 41 is in the second row and column; its pixel (3, 2) in colour 1
        let there = ((32 + 3) * 1280 + 32 + 2) * 3 + 1;
        assert_eq!(mosaic.rgb()[there], images[[41, 3, 2, 1]]);
    }
}
