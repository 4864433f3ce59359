//! Bytes as a weights file and as a checkpoint.
//!
//! Twice: as they are, and with a matching header length in front and zeros for missing data. So a corpus holds files
//! truncated after their headers, and libFuzzer's insertions leave them readable.
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
        // Weights that were read can be written, and are the same when read again.
        let again = weights::load(&weights::save(&weights, Precision::Full), &known);
        assert!(again.is_ok_and(|again| again == weights), "the network changed on the way through a file");
    }
    let _ = within(bytes.len(), 0, || checkpoint::load(bytes));
}
