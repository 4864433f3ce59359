//! Bytes as a file of class names.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mobilenetv2::weights::parse_labels;
use mobilenetv2_fuzz::within;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(labels) = within(bytes.len(), 0, || parse_labels(bytes)) {
        // Labels survive the JSON in which weights store them.
        let kept = serde_json::to_vec(&labels).expect("strings are JSON");
        assert!(
            parse_labels(&kept).is_ok_and(|again| again == labels),
            "the labels changed on the way through JSON"
        );
    }
});
