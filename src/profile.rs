//! Where the time goes, by layer and operation.
//!
//! The core has no clock: a shell that wants to know passes one in. Without it a lap is one test of an option, between
//! operations that take microseconds.

use serde::Serialize;

use crate::arch::{Cost, Kind};

/// Seconds since some moment, always the same one.
pub type Clock = fn() -> f64;

/// What is done to a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Crop, mirror and normalise training images; of the whole network.
    Augment,
    /// Lay weights out for the matrix product.
    Pack,
    /// Copy the inputs of a row tile into one piece.
    PackRows,
    /// The convolution, with bias and activation in inference and with batch norm's sums in training.
    Forward,
    /// Batch norm's factors from the sums of all micro-batches, forward and backward.
    Normalize,
    /// Add the block's input; in training, write the block's normalised output, and its gradient.
    Shortcut,
    /// The loss and its gradient.
    Loss,
    /// Gradients of the convolution's weights and input.
    Backward,
    /// Add up the micro-batches' gradients of the weights.
    Sum,
    /// The optimiser; of the whole network.
    Update,
}

/// Operations there are.
const OPERATIONS: usize = Operation::Update as usize + 1;

/// A row of a profile.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The layer's name as in [`Cost`]; "network" for what concerns all layers.
    pub layer: String,
    /// What the layer computes; none for the whole network.
    pub kind: Option<Kind>,
    /// What was done.
    pub operation: Operation,
    /// Time taken since the profile began.
    pub seconds: f64,
    /// Multiply-adds of an image: those of the forward pass once, of the backward pass twice.
    pub macs: u64,
}

/// A stopwatch with a sum for each operation of each layer.
#[derive(Clone, Default)]
pub struct Profile {
    clock: Option<Clock>,
    last: f64,
    /// (layers + 1, operations), of those that ran; the last row is the whole network's.
    seconds: Vec<Option<f64>>,
}

impl Profile {
    /// Watches a network of so many layers by this clock; not at all without one.
    pub fn new(layers: usize, clock: Option<Clock>) -> Self {
        let rows = if clock.is_some() { layers + 1 } else { 0 };
        Profile { clock, last: 0.0, seconds: vec![None; rows * OPERATIONS] }
    }

    /// The next lap begins.
    pub fn start(&mut self) {
        if let Some(clock) = self.clock {
            self.last = clock();
        }
    }

    /// A lap ends: the time since the last one was spent on this operation of the layer of this index.
    pub fn lap(&mut self, layer: usize, operation: Operation) {
        if let Some(clock) = self.clock {
            let now = clock();
            *self.seconds[layer * OPERATIONS + operation as usize].get_or_insert(0.0) += now - self.last;
            self.last = now;
        }
    }

    /// A lap ends that was spent on the whole network.
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

    /// All operations that ran, in the order of the layers of `cost`, the network's.
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

/// The operations by their numbers.
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
