//! Training: START HERE with [`network`], the whole network forward and backward.
//!
//! A network is a list of [`layer`]s, one operation per file; [`gradients`] plans the way back through them, and
//! [`workspace`] has every buffer. A
//! [`Trainer`] takes one step after another by a [`Recipe`]: it prepares images ([`augment`]), runs the network,
//! computes the loss ([`loss`]) and updates the weights ([`optim`]) at the learning rate of the [`schedule`]. A
//! [`checkpoint`] is a training as bytes.

pub mod augment;
pub mod checkpoint;
pub mod gradients;
pub mod layer;
pub mod loss;
pub mod network;
pub mod optim;
mod recipe;
pub mod schedule;
mod trainer;
pub mod workspace;

pub use recipe::{Optimizer, Recipe, Schedule};
pub use schedule::learning_rate;
pub use trainer::{State, Step, Trainer};
