//! Bytes as the JSON of a recipe and of a network's configuration.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mobilenetv2::arch::{Config, Cost, json};
use mobilenetv2::train::Recipe;
use mobilenetv2_fuzz::within;
use serde_json::{Map, Value};

fuzz_target!(|bytes: &[u8]| {
    within(bytes.len(), 0, || {
        let _ = str::from_utf8(bytes).map(json::doubled_key);
        let Ok(fields) = serde_json::from_slice::<Map<String, Value>>(bytes) else { return };
        if let Ok(recipe) = json::settings::<Recipe>(&fields)
            && recipe.validate().is_ok()
        {
            // as in a checkpoint, where non-finite numbers could not be read again
            let kept = serde_json::to_string(&recipe).expect("a recipe is plain data");
            let fields = serde_json::from_str(&kept).expect("JSON just written");
            assert!(json::settings::<Recipe>(&fields).is_ok_and(|again| again == recipe));
        }
        if let Ok(config) = json::settings::<Config>(&fields)
            && config.validate().is_ok()
        {
            assert!(Cost::new(&config).parameters > 0);
        }
    });
});
