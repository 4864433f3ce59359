//! What a MobileNetV2 is, and the networks that it is compared with.
//!
//! A [`Config`] is a plain value with every knob; [`Config::layers`] turns it into the list of layers. Everything else
//! is derived from that list: costs ([`Cost`]), the tensors and their spans ([`tensors`], [`Weights`]), buffers, the
//! network itself. [`Weights::widened`] turns a trained network into a wider one.

mod config;
mod cost;
pub mod json;
mod layers;
mod lifetimes;
mod networks;
mod parameters;
pub mod setting;
mod widen;

pub use config::{Activation, Architecture, Config, Padding, Shortcut, Stem};
pub use cost::{Cost, LayerCost, Memory};
pub use layers::{FEATURES, Kind, Layer, STEM_INPUTS};
pub(crate) use lifetimes::{Lifetime, last_uses, share_memory};
pub use networks::{round_channels, stage};
pub(crate) use parameters::normal;
pub use parameters::{Role, Tensor, Weights, folded_norm, tensors};
