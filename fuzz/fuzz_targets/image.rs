//! Bytes as a picture.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mobilenetv2::data::image::Image;
use mobilenetv2_fuzz::within;

fuzz_target!(|bytes: &[u8]| {
    let whole = within(bytes.len(), 0, || Image::decode(bytes).map(|image| image.center_crop(0.875, 32)));
    let rows = within(bytes.len(), 0, || Image::decode_center_crop(bytes, 0.875, 32));
    if let (Ok(whole), Ok(rows)) = (whole, rows) {
        assert!(whole == rows, "the picture differs when it is read row by row");
    }
});
