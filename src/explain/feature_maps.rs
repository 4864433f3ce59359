//! What a block makes of an image, channel by channel: to be looked at.

use crate::error::Result;
use crate::infer::Classifier;
use crate::kernel::dispatch;

/// A block's output for one image.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureMaps {
    /// C.
    pub channels: usize,
    /// Height and width of each, S.
    pub size: usize,
    /// One channel after the other, (C, S, S).
    pub values: Vec<f32>,
}

/// The output of block `index`, 0 – 16, of the network for an image (R, R, 3), normalised.
///
/// # Errors
/// [`Error::Argument`](crate::error::Error::Argument) if there is no such block.
///
/// # Panics
/// If `image` is not one image.
pub fn feature_maps(classifier: &mut Classifier, image: &[f32], index: usize) -> Result<FeatureMaps> {
    let (map, level) = classifier.bottleneck(image, index)?;
    let mut values = vec![0.0; map.values.len()];
    dispatch!(level, simd => map.planes(simd, &mut values));
    Ok(FeatureMaps { channels: map.channels, size: map.size, values })
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;
    use crate::arch::{Config, Kind, Layer, Role, Weights, tensors};
    use crate::kernel::reference;

    /// Layer `index` of `layers`, with its batch norm and activation, naively: (C, S, S) to (C, S, S).
    fn naive(weights: &Weights, layers: &[Layer], index: usize, x: &[f32]) -> Vec<f32> {
        let layer = &layers[index];
        let tensors = tensors(layers);
        let w = weights.tensor(&tensors, index, Role::Weight).unwrap();
        let (scale, shift) = weights.scale_and_shift(&tensors, index, layer.c_out);
        let (low, high) = layer.activation.range();
        let column =
            |channel: usize| w.iter().skip(channel).step_by(layer.c_out).copied().collect::<Vec<_>>();
        let pixels = layer.size_in * layer.size_in;
        let output = |channel: usize| {
            let y = if layer.kind == Kind::Depthwise {
                let plane = &x[channel * pixels..(channel + 1) * pixels];
                let taps = column(channel).try_into().unwrap();
                reference::depthwise(plane, layer.size_in, &taps, layer.stride, 1)
            } else {
                reference::matmul(&column(channel), x, (1, layer.c_in, pixels))
            };
            let (scale, shift) = (scale[channel], shift[channel]);
            y.into_iter().map(move |y| (y as f32 * scale + shift).clamp(low, high))
        };
        (0..layer.c_out).flat_map(output).collect()
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn each_block_follows_naively_from_the_one_before() {
        let mut classifier = follow(Config { width: 0.35, ..Config::cifar() }, 17);
        let error = feature_maps(&mut classifier, &[0.0; 32 * 32 * 3], 17).unwrap_err().to_string();
        assert_eq!(error, "blocks are numbered 0 to 16, found 17");
        // here the first block puts out more than what is left of the arena beside it
        follow(Config { width: 1.4, resolution: 224, ..Config::imagenet() }, 2);
    }

    /// Compares so many blocks.
    fn follow(config: Config, blocks: usize) -> Classifier {
        let weights = Weights::random(config, 4);
        let layers = weights.config.layers();
        let mut classifier = Classifier::new(&weights).unwrap();
        let side = weights.config.resolution;
        let image = reference::numbers(1, side * side * 3);
        let mut before = feature_maps(&mut classifier, &image, 0).unwrap();
        for block in 1..blocks {
            let found = feature_maps(&mut classifier, &image, block).unwrap();
            let own: Vec<usize> = (0..layers.len()).filter(|i| layers[*i].block == Some(block)).collect();
            let mut expected =
                own.iter().fold(before.values.clone(), |x, index| naive(&weights, &layers, *index, &x));
            if weights.config.adds_input(&own.iter().map(|i| layers[*i]).collect::<Vec<_>>()) {
                expected.iter_mut().zip(&before.values).for_each(|(y, x)| *y += x);
            }
            let project = &layers[own[own.len() - 1]];
            assert_eq!((found.channels, found.size), (project.c_out, project.size_out()), "block {block}");
            assert_eq!(found.values.len(), expected.len(), "block {block}");
            for (found, expected) in found.values.iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-4 * (1.0 + expected.abs()), "block {block}");
            }
            before = found;
        }
        classifier
    }
}
