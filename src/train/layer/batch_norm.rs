//! Batch norm, forward and backward: from sums over the batch to the coefficients that are applied to each value.
//!
//! The passes over the tensors are the convolutions' own (see [`super`]); everything here is per channel.

use crate::kernel::elementwise::{Affine, NormGradient};
use crate::kernel::sums::Sums;

/// One layer's batch norm in training: statistics of the batch and the coefficients that follow from them, (C) each.
pub struct BatchNorm {
    /// Mean of the batch.
    pub mean: Vec<f32>,
    /// Rounding error of the mean.
    residue: Vec<f64>,
    inverse_deviation: Vec<f32>,
    scale: Vec<f32>,
    shift: Vec<f32>,
    a: Vec<f32>,
    b: Vec<f32>,
    c: Vec<f32>,
    range: (f32, f32),
}

impl BatchNorm {
    /// Batch norm of `channels` channels, followed by an activation that clamps to `range`.
    pub fn new(channels: usize, range: (f32, f32)) -> Self {
        let zeros = || vec![0.0; channels];
        BatchNorm {
            mean: zeros(),
            residue: vec![0.0; channels],
            inverse_deviation: zeros(),
            scale: zeros(),
            shift: zeros(),
            a: zeros(),
            b: zeros(),
            c: zeros(),
            range,
        }
    }

    /// What the next layer applies to the convolution's output.
    pub fn affine(&self) -> Affine<'_> {
        Affine { scale: &self.scale, shift: &self.shift, range: self.range }
    }

    /// What the convolution's backward applies to the normalised value's gradient.
    pub fn gradient(&self) -> NormGradient<'_> {
        NormGradient { a: &self.a, b: &self.b, mean: &self.mean, c: &self.c }
    }

    /// Computes `z = γ · (y - mean) / √(variance + ε) + β` as scale and shift, from the batch's Σ y and Σ y² over
    /// `count` values per channel. Updates the running averages with weight `momentum` and clears the sums.
    pub fn forward(
        &mut self,
        sums: &mut Sums,
        count: usize,
        (gamma, beta): (&[f32], &[f32]),
        (running_mean, running_var): (&mut [f32], &mut [f32]),
        epsilon: f32,
        momentum: f32,
    ) {
        let count = count as f64;
        for channel in 0..self.mean.len() {
            let (total, square) = sums.take(channel);
            let mean = total / count;
            let variance = (square / count - mean * mean).max(0.0);
            let inverse_deviation = 1.0 / (variance + f64::from(epsilon)).sqrt();
            self.mean[channel] = mean as f32;
            self.residue[channel] = mean - f64::from(mean as f32);
            self.inverse_deviation[channel] = inverse_deviation as f32;
            self.set_affine(channel, (gamma[channel], beta[channel]), mean, inverse_deviation);
            // The running variance is the unbiased one, as in PyTorch.
            let unbiased = variance * count / (count - 1.0).max(1.0);
            running_mean[channel] += momentum * (mean as f32 - running_mean[channel]);
            running_var[channel] += momentum * (unbiased as f32 - running_var[channel]);
        }
    }

    /// The same by the running averages, which stay as they are; the batch's statistics are ignored.
    pub fn forward_frozen(
        &mut self,
        (gamma, beta): (&[f32], &[f32]),
        (running_mean, running_var): (&[f32], &[f32]),
        epsilon: f32,
    ) {
        for channel in 0..self.mean.len() {
            let inverse_deviation = 1.0 / (f64::from(running_var[channel]) + f64::from(epsilon)).sqrt();
            let mean = running_mean[channel].into();
            self.set_affine(channel, (gamma[channel], beta[channel]), mean, inverse_deviation);
        }
    }

    /// The shift uses the rounded scale: where the mean is large, the rounding of the scale would otherwise move the
    /// whole channel.
    fn set_affine(&mut self, channel: usize, (gamma, beta): (f32, f32), mean: f64, inverse_deviation: f64) {
        let scale = (f64::from(gamma) * inverse_deviation) as f32;
        self.scale[channel] = scale;
        self.shift[channel] = (f64::from(beta) - mean * f64::from(scale)) as f32;
    }

    /// Computes, from the batch's Σ dz and Σ dz · (y - mean): `dβ = Σ dz`, `dγ = Σ dz · x̂`, and `dy = γ / deviation ·
    /// (dz - mean(dz) - x̂ · mean(dz · x̂))` as factors of dz and of y - mean and a constant. Clears the sums. They use
    /// the rounded mean, which is corrected here. Forward was `z = γ · x̂ + β` with `x̂ = (y - mean) / deviation`.
    pub fn backward(&mut self, sums: &mut Sums, count: usize, (dgamma, dbeta): (&mut [f32], &mut [f32])) {
        let count = count as f64;
        for channel in 0..self.mean.len() {
            let (total, moment) = sums.take(channel);
            let inverse_deviation = f64::from(self.inverse_deviation[channel]);
            let residue = self.residue[channel];
            let normalised_moment = (moment - residue * total) * inverse_deviation;
            dbeta[channel] = total as f32;
            dgamma[channel] = normalised_moment as f32;
            let a = f64::from(self.scale[channel]);
            let b = -a * inverse_deviation * normalised_moment / count;
            self.a[channel] = a as f32;
            self.b[channel] = b as f32;
            self.c[channel] = (-a * total / count - b * residue) as f32;
        }
    }
}
