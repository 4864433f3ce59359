//! Bytes as a zip: a project saved by the page, or class folders.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mobilenetv2_fuzz::data_set;

fuzz_target!(|bytes: &[u8]| data_set(bytes, ".zip"));
