//! MobileNetV2 to use, train and take apart: a network, its gradients and its kernels, without a framework.
//!
//! The same crate runs natively (the command line `mobilenetv2`) and, compiled to WebAssembly, in a browser tab.
//!
//! # A guided tour
//!
//! In reading order:
//!
//! 1. [`arch`]: what a MobileNetV2 is. Every knob, the paper's table, the list of layers that follows, the parameters
//!    and their layout, and the cost of a network.
//! 2. [`train`]: the whole network in training, forward and backward: a list of layers, one operation per file; then the
//!    loss, the optimiser, the schedule and checkpoints.
//! 3. [`kernel`]: the SIMD code that does the work, written once for every instruction set.
//! 4. [`infer`]: the same network run differently, each block as one operation. [`mod@evaluate`]: how often it is
//!    right. [`profile`]: where the time goes.
//! 5. [`data`]: pictures and data sets. [`weights`]: files.
//! 6. [`explain`]: a block's feature maps, and what ReLU destroys, as in the paper's first figure.
//!
//! # Example
//!
//! ```
//! use mobilenetv2::arch::{Config, Weights};
//! use mobilenetv2::infer::{Classifier, top};
//! use ndarray::Array4;
//!
//! let mut classifier = Classifier::new(&Weights::random(Config::cifar(), 1))?;
//! let logits = classifier.forward(Array4::zeros((1, 32, 32, 3)).view())?;
//! assert_eq!(top(logits.row(0), 3).len(), 3);
//! # Ok::<(), mobilenetv2::error::Error>(())
//! ```
//!
//! Whole programs are in `examples/`: `classify_photo`, `train_on_folder`, `read_tensor`, `export_onnx`. Arrays are
//! [`ndarray`]'s; a wrong shape is an [`error::Error::Shape`] that names the expected shape and the one found.
#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod arch;
mod arrays;
pub mod data;
pub mod error;
pub mod evaluate;
pub mod explain;
pub mod infer;
pub mod kernel;
pub mod profile;
pub mod threads;
pub mod train;
#[cfg(target_arch = "wasm32")]
pub mod wasm;
pub mod weights;

/// The arrays that go in and out.
pub use ndarray;

#[cfg(all(test, target_arch = "wasm32"))]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);
