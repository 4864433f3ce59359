//! MobileNetV2 to use, train and take apart: a network, its gradients and its kernels, without a framework.
//!
//! The same crate runs natively (the command line `mobilenetv2`) and, compiled to WebAssembly, in a browser tab.
//!
//! # A guided tour
//!
//! In the order in which to read:
//!
//! 1. [`config`]: what a MobileNetV2 is. Every knob, the paper's table, and the list of layers that follows.
//! 2. [`parameters`]: the network's numbers and where each tensor lies. [`cost`]: what a network takes to run.
//! 3. [`network`]: the whole network in training, forward and backward; made of [`block`]s, and those of
//!    [`layer`]s, one operation a file.
//! 4. [`kernel`]: the SIMD code that does the work, written once for every instruction set.
//! 5. [`recipe`], [`loss`], [`optim`], [`schedule`], [`augment`] and what ties them together, [`train`].
//! 6. [`infer`]: the same network run another way, each block as one operation. [`mod@evaluate`]: how often it is right.
//!    [`profile`]: where the time goes.
//! 7. [`weights`] and [`checkpoint`]: files. [`image`] and [`data`]: pictures.
//! 8. [`manifold`]: what ReLU destroys, as the paper's first figure shows it.
//!
//! # Example
//!
//! ```
//! use mobilenetv2::infer::{Classifier, top};
//! use mobilenetv2::{Config, Weights};
//!
//! let mut classifier = Classifier::new(&Weights::random(Config::cifar(), 1))?;
//! let mut logits = Vec::new();
//! classifier.forward(&[0.0; 32 * 32 * 3], &mut logits);
//! assert_eq!(top(&logits, 3).len(), 3);
//! # Ok::<(), mobilenetv2::Error>(())
//! ```
#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod augment;
pub mod block;
pub mod checkpoint;
pub mod config;
pub mod cost;
pub mod data;
pub mod error;
pub mod evaluate;
pub mod image;
pub mod infer;
pub mod json;
pub mod kernel;
pub mod layer;
pub mod loss;
pub mod manifold;
pub mod memory;
pub mod network;
pub mod optim;
pub mod parameters;
pub mod profile;
pub mod recipe;
pub mod schedule;
pub mod threads;
pub mod train;
#[cfg(target_arch = "wasm32")]
pub mod wasm;
pub mod weights;
pub mod widen;
pub mod workspace;

pub use config::Config;
pub use error::{Error, Result};
pub use parameters::Weights;

#[cfg(all(test, target_arch = "wasm32"))]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);
