//! A block's feature maps, to look at.

use ndarray::{Array3, ArrayView3};

use crate::error::Result;
use crate::infer::Classifier;

/// The output of block `index`, 0 – 16, for a normalised `image`, (R, R, 3): one channel after another, (C, S, S).
/// Values have either sign, since a block's last convolution has no activation.
///
/// # Errors
/// [`Error::Argument`](crate::error::Error::Argument) if there is no such block,
/// [`Error::Shape`](crate::error::Error::Shape) if `image` has another shape.
///
/// ```
/// use mobilenetv2::arch::{Config, Weights};
/// use mobilenetv2::explain::feature_maps;
/// use mobilenetv2::infer::Classifier;
/// use ndarray::Array3;
///
/// let mut classifier = Classifier::new(&Weights::random(Config::cifar(), 1))?;
/// let maps = feature_maps(&mut classifier, Array3::zeros((32, 32, 3)).view(), 16)?;
/// assert_eq!(maps.dim(), (320, 4, 4));
/// # Ok::<(), mobilenetv2::error::Error>(())
/// ```
pub fn feature_maps(
    classifier: &mut Classifier,
    image: ArrayView3<f32>,
    index: usize,
) -> Result<Array3<f32>> {
    let (map, level) = classifier.bottleneck(image, index)?;
    Ok(map.to_planes(level))
}

#[cfg(test)]
mod tests {
    use std::iter::zip;

    use ndarray::{ArrayView2, Axis, stack};
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;
    use crate::arch::{Config, Kind, Layer, Role, Weights, tensors};
    use crate::kernel::reference;

    /// Layer `index` of `layers`, with its batch norm and activation, computed naively: (C, S, S) to (C, S, S).
    fn naive(weights: &Weights, layers: &[Layer], index: usize, x: ArrayView3<f32>) -> Array3<f32> {
        let layer = &layers[index];
        let tensors = tensors(layers);
        let w = weights.tensor(&tensors, index, Role::Weight).unwrap();
        let (scale, shift) = weights.scale_and_shift(&tensors, index, layer.c_out);
        let (low, high) = layer.activation.range();
        let (pixels, out) = (layer.size_in * layer.size_in, layer.size_out());
        let y = if layer.kind == Kind::Depthwise {
            let taps = ArrayView3::from_shape((3, 3, layer.c_out), w).unwrap();
            let planes: Vec<_> = zip(x.outer_iter(), taps.axis_iter(Axis(2)))
                .map(|(plane, taps)| reference::depthwise(plane, taps, layer.stride, 1))
                .collect();
            stack(Axis(0), &planes.iter().map(|plane| plane.view()).collect::<Vec<_>>()).unwrap()
        } else {
            let w = ArrayView2::from_shape((layer.c_in, layer.c_out), w).unwrap();
            let y = reference::matmul(w.t(), x.to_shape((layer.c_in, pixels)).unwrap().view());
            y.into_shape_with_order((layer.c_out, out, out)).unwrap()
        };
        let mut y = y.mapv(|y| y as f32);
        for (channel, mut plane) in y.outer_iter_mut().enumerate() {
            plane.mapv_inplace(|y| (y * scale[channel] + shift[channel]).clamp(low, high));
        }
        y
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn each_block_matches_naive_code_on_the_block_before() {
        let mut classifier = follow(Config { width: 0.35, ..Config::cifar() }, 17);
        let error =
            feature_maps(&mut classifier, Array3::zeros((32, 32, 3)).view(), 17).unwrap_err().to_string();
        assert_eq!(error, "blocks are numbered 0 to 16, found 17");
        // here the first block's output is larger than the rest of the arena
        follow(Config { width: 1.4, resolution: 224, ..Config::imagenet() }, 2);
    }

    /// Compares the first `blocks` blocks.
    fn follow(config: Config, blocks: usize) -> Classifier {
        let weights = Weights::random(config, 4);
        let layers = weights.config.layers();
        let mut classifier = Classifier::new(&weights).unwrap();
        let side = weights.config.resolution;
        let image = Array3::from_shape_vec((side, side, 3), reference::numbers(1, side * side * 3)).unwrap();
        let mut before = feature_maps(&mut classifier, image.view(), 0).unwrap();
        for block in 1..blocks {
            let found = feature_maps(&mut classifier, image.view(), block).unwrap();
            let own: Vec<usize> = (0..layers.len()).filter(|i| layers[*i].block == Some(block)).collect();
            let layer = |x: Array3<f32>, index: &usize| naive(&weights, &layers, *index, x.view());
            let mut expected = own.iter().fold(before.clone(), layer);
            if own.iter().any(|index| layers[*index].adds.is_some()) {
                expected += &before;
            }
            let project = &layers[own[own.len() - 1]];
            let size = project.size_out();
            assert_eq!(found.dim(), (project.c_out, size, size), "block {block}");
            assert_eq!(found.dim(), expected.dim(), "block {block}");
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-4 * (1.0 + expected.abs()), "block {block}");
            }
            before = found;
        }
        classifier
    }
}
