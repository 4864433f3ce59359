//! Bytes as a file of the names of classes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mobilenetv2::weights::parse_labels;
use mobilenetv2_fuzz::within;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(labels) = within(bytes.len(), 0, || parse_labels(bytes)) {
        // What was read is read again from the JSON that weights keep it in.
        let kept = serde_json::to_vec(&labels).expect("strings are JSON");
        assert!(
            parse_labels(&kept).is_ok_and(|again| again == labels),
            "other labels after a way through JSON"
        );
    }
});
