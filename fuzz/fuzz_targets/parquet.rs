//! Bytes as a Parquet file of labelled images.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mobilenetv2_fuzz::data_set;

fuzz_target!(|bytes: &[u8]| data_set(bytes, ".parquet"));
