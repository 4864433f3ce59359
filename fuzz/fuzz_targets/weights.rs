//! Bytes as a weights file and as a checkpoint.
//!
//! Once as they are, and once with a length in front that fits the header and zeros for the data that are not there:
//! so a corpus holds files that are cut off behind their headers, and what libFuzzer inserts into one leaves it readable.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mobilenetv2::train::checkpoint;
use mobilenetv2::weights::{self, PartialConfig, Precision};
use mobilenetv2_fuzz::{safetensors, within};

fuzz_target!(|bytes: &[u8]| {
    load(bytes);
    let body = bytes.get(8..).unwrap_or_default();
    let header = body.iter().rposition(|byte| *byte == b'}').map_or(0, |last| last + 1);
    load(&safetensors(&body[..header], &body[header..]));
});

fn load(bytes: &[u8]) {
    let known = PartialConfig::new();
    if let Ok(weights) = within(bytes.len(), 0, || weights::load(bytes, &known)) {
        // What was read can be written, and is the same when it is read again.
        let again = weights::load(&weights::save(&weights, Precision::Full), &known);
        assert!(again.is_ok_and(|again| again == weights), "another network after a way through a file");
    }
    let _ = within(bytes.len(), 0, || checkpoint::load(bytes));
}
