//! Where the time goes, by layer and operation.
//!
//! The core has no clock; a shell that wants to know passes one in. Without a clock, a lap costs one test of an option
//! between operations that take microseconds.

use serde::Serialize;

use crate::arch::{Cost, Kind};

/// Seconds since some fixed moment.
pub type Clock = fn() -> f64;

/// An operation on a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Crop, mirror and normalise training images; counts for the whole network.
    Augment,
    /// Pack weights for the matrix product.
    Pack,
    /// Pack the inputs of a row tile.
    PackRows,
    /// The convolution, with bias and activation in inference and with batch norm's sums in training.
    Forward,
    /// Compute batch norm's coefficients from the sums of all micro-batches, forward and backward.
    Normalize,
    /// Add a shortcut's output; in training also write an output and split its gradient.
    Shortcut,
    /// The loss and its gradient.
    Loss,
    /// Gradients of the convolution's weights and input.
    Backward,
    /// Add up the micro-batches' weight gradients.
    Sum,
    /// The optimiser; counts for the whole network.
    Update,
}

/// Number of operations.
const OPERATIONS: usize = Operation::Update as usize + 1;

/// A row of a profile.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The layer's name as in [`Cost`]; "network" for operations on all layers.
    pub layer: String,
    /// What the layer computes; none for the whole network.
    pub kind: Option<Kind>,
    /// The operation.
    pub operation: Operation,
    /// Seconds spent on it, summed over all laps.
    pub seconds: f64,
    /// Multiply-adds per image: those of the forward pass once, of the backward pass twice.
    pub macs: u64,
}

/// A stopwatch with a sum for each operation of each layer.
#[derive(Clone, Default)]
pub struct Profile {
    clock: Option<Clock>,
    last: f64,
    /// (layers + 1, operations), none for operations that never ran; the last row is the whole network's.
    seconds: Vec<Option<f64>>,
}

impl Profile {
    /// Times a network of `layers` layers with this clock, or not at all without one.
    pub fn new(layers: usize, clock: Option<Clock>) -> Self {
        let rows = if clock.is_some() { layers + 1 } else { 0 };
        Profile { clock, last: 0.0, seconds: vec![None; rows * OPERATIONS] }
    }

    /// Starts a lap.
    pub fn start(&mut self) {
        if let Some(clock) = self.clock {
            self.last = clock();
        }
    }

    /// Ends a lap: the time since the last one went to this operation of layer `layer`.
    pub fn lap(&mut self, layer: usize, operation: Operation) {
        if let Some(clock) = self.clock {
            let now = clock();
            *self.seconds[layer * OPERATIONS + operation as usize].get_or_insert(0.0) += now - self.last;
            self.last = now;
        }
    }

    /// Ends a lap that went to the whole network.
    pub fn lap_network(&mut self, operation: Operation) {
        if self.clock.is_some() {
            self.lap(self.seconds.len() / OPERATIONS - 1, operation);
        }
    }

    /// Adds another profile of the same network.
    pub fn add(&mut self, other: &Profile) {
        for (sum, seconds) in self.seconds.iter_mut().zip(&other.seconds) {
            if let Some(seconds) = seconds {
                *sum.get_or_insert(0.0) += seconds;
            }
        }
    }

    /// All operations that ran, in the order of the layers of `cost`, which must be the same network's.
    pub fn rows(&self, cost: &Cost) -> Vec<Row> {
        let row = |(index, seconds): (usize, &Option<f64>)| {
            let seconds = (*seconds)?;
            let layer = cost.layers.get(index / OPERATIONS);
            let operation = ALL[index % OPERATIONS];
            let passes = match (operation, layer.map(|layer| layer.kind)) {
                (Operation::Forward, _) | (Operation::Backward, Some(Kind::Stem)) => 1,
                (Operation::Backward, _) => 2,
                _ => 0,
            };
            Some(Row {
                layer: layer.map_or("network", |layer| &layer.name).into(),
                kind: layer.map(|layer| layer.kind),
                operation,
                seconds,
                macs: layer.map_or(0, |layer| passes * layer.macs),
            })
        };
        self.seconds.iter().enumerate().filter_map(row).collect()
    }
}

/// The operations by index.
const ALL: [Operation; OPERATIONS] = [
    Operation::Augment,
    Operation::Pack,
    Operation::PackRows,
    Operation::Forward,
    Operation::Normalize,
    Operation::Shortcut,
    Operation::Loss,
    Operation::Backward,
    Operation::Sum,
    Operation::Update,
];
