//! Bytes as a picture.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mobilenetv2::image::Image;
use mobilenetv2_fuzz::within;

fuzz_target!(|bytes: &[u8]| {
    let _ = within(bytes.len(), 0, || Image::decode(bytes).map(|image| image.center_crop(0.875, 32)));
});
