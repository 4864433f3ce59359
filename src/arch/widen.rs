//! A wider network that starts from a trained one and computes the same function (Net2WiderNet: Chen, Goodfellow and
//! Shlens 2016).
//!
//! Each channel of a wide tensor copies one channel of the narrow tensor. The layer that reads the copies splits the
//! original weight among them at random, differently for each output. So the copies get different gradients and diverge
//! in training.

use fastrand::Rng;

use super::{Config, Kind, Layer, Role, Tensor, Weights, tensors};
use crate::error::{Error, Result};

impl Weights {
    /// Widens the network to `width` without changing what it computes; `seed` decides which channels are copied.
    ///
    /// The result differs where a shortcut exists at only one of the widths. A shortcut needs equal numbers of channels at
    /// its ends, and rounding can make them differ (the second block has 8 and 8 at width 0.35 and stride 1). There the
    /// wide network has to learn anew.
    ///
    /// # Errors
    /// [`Error::Argument`] if the width is out of range, a layer would have fewer channels than before, or the two
    /// widths have projected shortcuts in different blocks; [`Error::Memory`] if there is not enough for so many
    /// weights.
    pub fn widened(&self, width: f64, seed: u64) -> Result<Weights> {
        let config = Config { width, ..self.config.clone() };
        config.validate()?;
        let (narrow, wide) = (self.config.layers(), config.layers());
        let from = self.config.width;
        let kinds = |layers: &[Layer]| layers.iter().map(|layer| layer.kind).collect::<Vec<_>>();
        if kinds(&narrow) != kinds(&wide) {
            return Err(Error::Argument(format!(
                "widths {from} and {width} have projected shortcuts in different blocks: choose another width"
            )));
        }
        if narrow.iter().zip(&wide).any(|(narrow, wide)| narrow.c_out > wide.c_out) {
            return Err(Error::Argument(format!(
                "cannot widen a network of width {from} to width {width}: choose a larger width"
            )));
        }

        let mut rng = Rng::with_seed(seed);
        let copies = copies(&narrow, &wide, &mut rng);
        let mut result = Weights { labels: self.labels.clone(), ..Weights::untrained(config, seed)? };
        let sources = tensors(&narrow);
        for (Tensor { role, span, layer }, source) in tensors(&wide).into_iter().zip(sources) {
            let Copies { input, output } = &copies[layer];
            let flat = if role.trainable() { &self.values } else { &self.statistics };
            let from = &flat[source.span];
            let to = if role.trainable() { &mut result.values[span] } else { &mut result.statistics[span] };
            match (role, wide[layer].kind) {
                (Role::Weight, Kind::Stem | Kind::Depthwise) => {
                    let rows = from.chunks_exact(narrow[layer].c_out);
                    for (to, from) in to.chunks_exact_mut(output.len()).zip(rows) {
                        copy(from, output, to);
                    }
                }
                (Role::Weight, _) => {
                    // A matrix a tap; most layers have one.
                    let columns = narrow[layer].c_out;
                    let taps = from.chunks_exact(narrow[layer].c_in * columns);
                    for (to, from) in to.chunks_exact_mut(input.len() * output.len()).zip(taps) {
                        share_out(from, columns, input, output, &mut rng, to);
                    }
                }
                _ => copy(from, output, to),
            }
        }
        Ok(result)
    }
}

/// The narrow channels that each channel of a layer's input and output copies.
struct Copies {
    input: Vec<usize>,
    output: Vec<usize>,
}

/// Chooses the copies for each layer of the wide network. Both ends of a shortcut copy the same channels, and every
/// narrow channel is copied at least once.
fn copies(narrow: &[Layer], wide: &[Layer], rng: &mut Rng) -> Vec<Copies> {
    let mut copies: Vec<Copies> = Vec::new();
    for (narrow, wide) in narrow.iter().zip(wide) {
        let input = wide.input.map_or_else(|| (0..wide.c_in).collect(), |input| copies[input].output.clone());
        let output = match (wide.kind, wide.adds) {
            (Kind::Depthwise, _) => input.clone(),
            (_, Some(adds)) if narrow.adds == wide.adds => copies[adds].output.clone(),
            _ => {
                let more = std::iter::repeat_with(|| rng.usize(..narrow.c_out));
                (0..narrow.c_out).chain(more).take(wide.c_out).collect()
            }
        };
        copies.push(Copies { input, output });
    }
    copies
}

/// `to[c] = from[copies[c]]`
fn copy(from: &[f32], copies: &[usize], to: &mut [f32]) {
    for (to, copied) in to.iter_mut().zip(copies) {
        *to = from[*copied];
    }
}

/// Splits narrow weights with `columns` outputs into wide ones, (c_in, c_out): for each output, the rows that copy the
/// same input share its weight at random.
fn share_out(from: &[f32], columns: usize, input: &[usize], output: &[usize], rng: &mut Rng, to: &mut [f32]) {
    for narrow_row in 0..from.len() / columns {
        let rows: Vec<usize> = (0..input.len()).filter(|row| input[*row] == narrow_row).collect();
        for (column, copied) in output.iter().enumerate() {
            let noise: Vec<f32> = rows.iter().map(|_| rng.f32() - 0.5).collect();
            let mean = noise.iter().sum::<f32>() / noise.len() as f32;
            for (row, noise) in rows.iter().zip(&noise) {
                let share = 1.0 / rows.len() as f32 + noise - mean;
                to[row * output.len() + column] = share * from[narrow_row * columns + copied];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::{Architecture, Shortcut};
    use ndarray::Array4;

    use crate::infer::Classifier;

    fn trained(config: Config) -> Weights {
        let mut weights = Weights::random(config, 1);
        let mut rng = Rng::with_seed(2);
        // Batch norm with a different effect in every channel.
        weights.values.iter_mut().filter(|value| **value == 0.0).for_each(|beta| *beta = rng.f32() - 0.5);
        weights.statistics.iter_mut().for_each(|value| *value += 0.3 * rng.f32());
        weights
    }

    #[test]
    fn a_wider_network_computes_the_same() {
        let cifar = |width| Config { width, resolution: 16, ..Config::cifar() };
        let projected = Config { shortcut: Shortcut::Projected, expand_first: true, ..cifar(0.5) };
        let expansions = Config { shortcut: Shortcut::Expansions, ..cifar(0.5) };
        let [v1, plain] = [Architecture::MobilenetV1, Architecture::Plain]
            .map(|architecture| Config { architecture, ..cifar(0.25) });
        for (config, width) in [
            (cifar(0.5), 0.75),
            (cifar(0.75), 1.4),
            (projected, 1.0),
            (expansions, 0.75),
            (v1, 0.5),
            (plain, 0.35),
        ] {
            let narrow = trained(config);
            let wide = narrow.widened(width, 3).unwrap();
            assert_eq!(wide.config, Config { width, ..narrow.config.clone() });
            let mut values = (0..).map(|i| (i as f32 * 0.37).sin());
            let image = Array4::from_shape_simple_fn((1, 16, 16, 3), || values.next().unwrap());
            let logits = |weights: &Weights| Classifier::new(weights).unwrap().forward(image.view()).unwrap();
            for (narrow, wide) in logits(&narrow).iter().zip(logits(&wide)) {
                assert!((narrow - wide).abs() < 1e-4 * narrow.abs().max(0.1), "{width}: {narrow}, {wide}");
            }
        }
    }

    #[test]
    fn a_narrower_network_is_an_error() {
        let error =
            Weights::random(Config { width: 0.5, ..Config::cifar() }, 1).widened(0.35, 1).unwrap_err();
        let expected = "cannot widen a network of width 0.5 to width 0.35: choose a larger width";
        assert_eq!(error.to_string(), expected);
    }
}
