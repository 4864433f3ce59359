//! The browser's clock; the core below has none.

use wasm_bindgen::prelude::*;
use web_sys::Performance;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(thread_local_v2, js_name = performance)]
    static PERFORMANCE: Performance;
}

/// Milliseconds since this thread began.
pub(super) fn now() -> f64 {
    PERFORMANCE.with(Performance::now)
}

/// The clock of a profile: the same on all threads, since a step moves between them.
pub(super) fn seconds() -> f64 {
    PERFORMANCE.with(|clock| (clock.time_origin() + clock.now()) / 1e3)
}
