//! Training: START HERE with [`network`], the whole network forward and backward.
//!
//! A network is made of [`block`]s, and those of [`layer`]s, one operation a file; [`workspace`] has every buffer. A
//! [`Trainer`] takes one step after another by a [`Recipe`]: it prepares images ([`augment`]), runs the network, takes the
//! loss ([`loss`]) and moves the weights ([`optim`]) at the rate of the [`schedule`]. A [`checkpoint`] is a training as
//! bytes.

pub mod augment;
pub mod block;
pub mod checkpoint;
pub mod layer;
pub mod loss;
pub mod network;
pub mod optim;
mod recipe;
pub mod schedule;
mod trainer;
pub mod workspace;

pub use recipe::{Optimizer, Recipe, Schedule};
pub use trainer::{State, Step, Trainer};
