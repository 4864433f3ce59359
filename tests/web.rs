//! What only a browser can show: `cargo xtask test wasm` runs these with every wasm variant.
#![cfg(target_arch = "wasm32")]

use mobilenetv2::{Config, Weights};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
fn parameter_counts_are_the_published_ones() {
    assert_eq!(Weights::random(Config::imagenet(), 1).values.len(), 3_504_872);
}
