//! Bytes as a zip: a project saved by the page, or class folders.
#![no_main]

use std::io::Write;

use libfuzzer_sys::fuzz_target;
use mobilenetv2::arch::Config;
use mobilenetv2::data::load_train_and_test;
use mobilenetv2_fuzz::{file, within};

fuzz_target!(|bytes: &[u8]| {
    let mut file = file();
    file.write_all(bytes).expect("room for a file");
    let config = Config { resolution: 8, ..Config::cifar() };
    if let Ok((train, test)) = within(bytes.len(), 0, || load_train_and_test(file.path(), &config)) {
        for data in [train, test] {
            assert_eq!(data.images.dim(), (data.len(), data.size(), data.size(), 3));
            assert!(data.labels.iter().all(|label| (*label as usize) < data.names.len()));
        }
    }
});
