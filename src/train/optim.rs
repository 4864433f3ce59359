//! The optimisers: one update of every value.

use fearless_simd::Level;

use super::{Optimizer, Recipe};
use crate::arch::{Role, Tensor};
use crate::kernel::dispatch;

/// The optimiser's state, laid out like the values.
#[derive(Clone, Debug, PartialEq)]
pub struct OptimizerState {
    /// Decaying sum of past gradients.
    pub momentum: Vec<f32>,
    /// RMSProp's decaying mean of squared gradients; empty for the others.
    pub square: Vec<f32>,
}

impl OptimizerState {
    /// Empty state for `length` values.
    pub fn new(optimizer: Optimizer, length: usize) -> Self {
        let square = if optimizer == Optimizer::RmsProp { length } else { 0 };
        OptimizerState { momentum: vec![0.0; length], square: vec![0.0; square] }
    }
}

/// Updates all values at learning rate `rate`, with PyTorch's semantics.
pub fn update(
    level: Level,
    recipe: &Recipe,
    rate: f32,
    tensors: &[Tensor],
    values: &mut [f32],
    gradients: &[f32],
    state: &mut OptimizerState,
) {
    for tensor in tensors.iter().filter(|tensor| tensor.role.trainable()) {
        let span = tensor.span.clone();
        let decays = recipe.decay_norms || tensor.role == Role::Weight;
        let decay = if decays { recipe.weight_decay } else { 0.0 };
        let values = &mut values[span.clone()];
        let gradients = &gradients[span.clone()];
        let momentum = &mut state.momentum[span.clone()];
        dispatch!(level, _simd => match recipe.optimizer {
            Optimizer::Sgd => sgd::<false>(rate, recipe.momentum, decay, values, gradients, momentum),
            Optimizer::Nesterov => sgd::<true>(rate, recipe.momentum, decay, values, gradients, momentum),
            Optimizer::RmsProp => {
                rms_prop(rate, recipe, decay, values, gradients, momentum, &mut state.square[span]);
            }
        });
    }
}

/// Moves averaged weights towards those after `steps` steps: `average = past · average + (1 - past) · values`. `past`
/// is at most `recipe.average` and less at first, while there is little past to weigh (Polyak and Juditsky 1992; the
/// start is that of TensorFlow's `ExponentialMovingAverage`).
///
/// `average` and `values` are laid out alike.
pub fn average(level: Level, recipe: &Recipe, steps: u64, average: &mut [f32], values: &[f32]) {
    let steps = steps as f64;
    let past = f64::from(recipe.average).min((1.0 + steps) / (10.0 + steps));
    dispatch!(level, _simd => approach((1.0 - past) as f32, average, values));
}

// The loops below are free of branches, so that the compiler vectorises them for their caller's instruction set.

/// `g += decay · w; v = momentum · v + g; w -= rate · v` (Nesterov: `w -= rate · (g + momentum · v)`).
#[inline(always)]
fn sgd<const NESTEROV: bool>(rate: f32, momentum: f32, decay: f32, w: &mut [f32], dw: &[f32], v: &mut [f32]) {
    for ((w, dw), v) in w.iter_mut().zip(dw).zip(v) {
        let gradient = dw + decay * *w;
        *v = momentum * *v + gradient;
        *w -= rate * if NESTEROV { gradient + momentum * *v } else { *v };
    }
}

/// `g += decay · w; s = rms_decay · s + (1 - rms_decay) · g²; v = momentum · v + g / (√s + ε); w -= rate · v`
#[inline(always)]
fn rms_prop(rate: f32, recipe: &Recipe, decay: f32, w: &mut [f32], dw: &[f32], v: &mut [f32], s: &mut [f32]) {
    let Recipe { momentum, rms_decay, rms_epsilon, .. } = *recipe;
    for (((w, dw), v), s) in w.iter_mut().zip(dw).zip(v).zip(s) {
        let gradient = dw + decay * *w;
        *s = rms_decay * *s + (1.0 - rms_decay) * gradient * gradient;
        *v = momentum * *v + gradient / (s.sqrt() + rms_epsilon);
        *w -= rate * *v;
    }
}

/// `a += share · (w - a)`
#[inline(always)]
fn approach(share: f32, a: &mut [f32], w: &[f32]) {
    for (a, w) in a.iter_mut().zip(w) {
        *a += share * (w - *a);
    }
}
