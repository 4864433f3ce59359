//! MobileNetV2 to use, train and take apart.
#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod config;
pub mod error;
pub mod kernel;
pub mod parameters;
pub mod train;
pub mod weights;

pub use config::Config;
pub use error::{Error, Result};
pub use parameters::Weights;
