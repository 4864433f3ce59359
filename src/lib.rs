//! MobileNetV2 to use, train and take apart.
#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod augment;
pub mod block;
pub mod checkpoint;
pub mod config;
pub mod cost;
pub mod data;
pub mod error;
pub mod image;
pub mod infer;
pub mod kernel;
pub mod layer;
pub mod loss;
pub mod network;
pub mod optim;
pub mod parameters;
pub mod schedule;
pub mod threads;
pub mod train;
#[cfg(target_arch = "wasm32")]
pub mod wasm;
pub mod weights;
pub mod workspace;

pub use config::Config;
pub use error::{Error, Result};
pub use parameters::Weights;

#[cfg(all(test, target_arch = "wasm32"))]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
