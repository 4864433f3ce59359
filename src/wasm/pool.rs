//! Rayon's threads in a browser: each is a worker, `www/engine/thread.js`, that loads this module again on the same memory.
//!
//! The crate wasm-bindgen-rayon creates such workers from a Blob, which a strict content policy forbids and on which
//! Firefox sometimes hung, or through an import that only a bundler resolves. Here the worker that owns the core starts
//! them from a plain address. The pool is built once all of them have loaded, so nothing waits for a worker that never
//! comes.

use std::sync::{Condvar, Mutex};

use rayon::{ThreadBuilder, ThreadPoolBuilder};
use wasm_bindgen::prelude::*;

/// Rayon's threads that no worker has taken on yet.
static WAITING: Mutex<Vec<ThreadBuilder>> = Mutex::new(Vec::new());
/// Notified when there is one more.
static MORE: Condvar = Condvar::new();

/// Builds the pool on which everything runs from now on, once `threads` workers have loaded the module.
///
/// # Errors
///
/// If there is a pool already.
#[wasm_bindgen(js_name = startPool)]
pub fn start_pool(threads: usize) -> Result<(), JsError> {
    let pool = ThreadPoolBuilder::new().num_threads(threads).spawn_handler(|thread| {
        WAITING.lock().expect("no thread panics").push(thread);
        MORE.notify_one();
        Ok(())
    });
    Ok(pool.build_global()?)
}

/// Makes this worker one of the pool's threads, for as long as it lives.
#[wasm_bindgen(js_name = joinPool)]
pub fn join_pool() {
    let waiting = WAITING.lock().expect("no thread panics");
    let mut waiting = MORE.wait_while(waiting, |waiting| waiting.is_empty()).expect("no thread panics");
    let thread = waiting.pop();
    drop(waiting);
    if let Some(thread) = thread {
        thread.run();
    }
}
