//! The cost of a network: parameters, multiply-adds and activation memory, per layer and in total.
//!
//! Everything follows from [`Config::layers`]; no network is built for it.

use std::ops::Range;

use serde::Serialize;

use super::{Activation, Config, Kind, Layer, last_uses};

/// The cost of classifying one image.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// Trainable values: convolutions, batch norm's γ and β, the classifier with its bias.
    pub parameters: usize,
    /// Multiply-adds of the convolutions and the classifier. Batch norm is folded; pooling and additions are not
    /// counted, as in the paper.
    pub macs: u64,
    /// Peak activation memory: the largest of any layer.
    pub memory: Memory,
    /// The layers in execution order.
    pub layers: Vec<LayerCost>,
}

/// Bytes of 32-bit activations that must exist at once (paper §5.1): an operator's inputs and outputs, and earlier outputs
/// that a later operator still needs.
///
/// The image counts as an input. Weights do not count; neither do batch norm and activation, which are folded into the
/// convolution before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// Treats each convolution as an operator: its input and output, plus the tensors that a shortcut still needs. The
    /// shortcut is added in place.
    pub by_operation: u64,
    /// Treats each block as one operator: its input and output, plus the expansions that shortcuts carry past it. The other
    /// wide tensors are disposable: computed tile by tile they can be made arbitrarily small, so they are left out, as in
    /// the paper. (`Classifier::working_bytes` is the measured working memory of an implementation.)
    pub by_block: u64,
}

/// The cost of one layer, and its shape.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerCost {
    /// "stem", "block 0 depthwise" … "block 16 project", "last", "classifier".
    pub name: String,
    /// What it computes.
    pub kind: Kind,
    /// Index of its block, from 0.
    pub block: Option<usize>,
    /// The layer that it reads; none: the image.
    pub input: Option<usize>,
    /// The layer whose output is added to its own: a shortcut ends here.
    pub adds: Option<usize>,
    /// Channels read.
    pub c_in: usize,
    /// Channels written.
    pub c_out: usize,
    /// 1 or 2.
    pub stride: usize,
    /// Height and width of the input.
    pub size_in: usize,
    /// Height and width of the output.
    pub size_out: usize,
    /// What follows batch norm.
    pub activation: Activation,
    /// Trainable values, including batch norm's or the bias.
    pub parameters: usize,
    /// Multiply-adds.
    pub macs: u64,
    /// Size of the output as 32-bit floats.
    pub output_bytes: u64,
    /// Bytes that must exist while the layer, or its whole block, runs.
    pub memory: Memory,
}

impl Cost {
    /// The cost of the network of `config`.
    pub fn new(config: &Config) -> Self {
        let layers = config.layers();
        let last_uses = last_uses(&layers);
        let layers: Vec<LayerCost> =
            (0..layers.len()).map(|index| layer_cost(&layers, index, &last_uses)).collect();
        let largest =
            |memory: fn(&Memory) -> u64| layers.iter().map(|l| memory(&l.memory)).max().unwrap_or(0);
        Cost {
            parameters: layers.iter().map(|l| l.parameters).sum(),
            macs: layers.iter().map(|l| l.macs).sum(),
            memory: Memory { by_operation: largest(|m| m.by_operation), by_block: largest(|m| m.by_block) },
            layers,
        }
    }
}

fn layer_cost(layers: &[Layer], index: usize, last_uses: &[usize]) -> LayerCost {
    let layer = &layers[index];
    let kind = match layer.kind {
        Kind::Stem => "stem",
        Kind::Expand => "expand",
        Kind::Depthwise => "depthwise",
        Kind::Pointwise => "pointwise",
        Kind::Convolution => "convolution",
        Kind::Project => "project",
        Kind::Shortcut => "shortcut",
        Kind::Last => "last",
        Kind::Classifier => "classifier",
    };
    // γ and β, or the bias
    let per_channel = if layer.kind == Kind::Classifier { 1 } else { 2 };
    let own = |other: &Layer| layer.block.is_some() && other.block == layer.block;
    let first = layers.iter().position(own).unwrap_or(index);
    let last = layers.iter().rposition(own).unwrap_or(index);
    LayerCost {
        name: layer.block.map_or(kind.into(), |block| format!("block {block} {kind}")),
        kind: layer.kind,
        block: layer.block,
        input: layer.input,
        adds: layer.adds,
        c_in: layer.c_in,
        c_out: layer.c_out,
        stride: layer.stride,
        size_in: layer.size_in,
        size_out: layer.size_out(),
        activation: layer.activation,
        parameters: layer.weights() + per_channel * layer.c_out,
        macs: square(layer.size_out()) * layer.weights() as u64,
        output_bytes: output_bytes(layer),
        memory: Memory {
            by_operation: held(layers, index..index + 1, last_uses),
            by_block: held(layers, first..last + 1, last_uses),
        },
    }
}

/// Bytes that exist while the layers `operator` run as one operator: their input, the outputs that they leave, and earlier
/// outputs that are still needed.
fn held(layers: &[Layer], operator: Range<usize>, last_uses: &[usize]) -> u64 {
    let input = layers[operator.start].input;
    let held = |index: &usize| match *index {
        before if before < operator.start => Some(before) != input && last_uses[before] >= operator.start,
        own => own + 1 == operator.end || last_uses[own] >= operator.end,
    };
    let outputs = (0..operator.end).filter(held).map(|index| output_bytes(&layers[index]));
    input_bytes(&layers[operator.start]) + outputs.sum::<u64>()
}

fn input_bytes(layer: &Layer) -> u64 {
    square(layer.size_in) * layer.c_in as u64 * size_of::<f32>() as u64
}

fn output_bytes(layer: &Layer) -> u64 {
    layer.floats_out() as u64 * size_of::<f32>() as u64
}

fn square(side: usize) -> u64 {
    (side * side) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::{Architecture, Shortcut};

    fn cost(width: f64, resolution: usize, classes: usize) -> Cost {
        Cost::new(&Config { width, resolution, classes, ..Config::imagenet() })
    }

    /// Parameters without batch norm's.
    fn weights(cost: &Cost) -> usize {
        let without_norm = |layer: &LayerCost| {
            layer.parameters - if layer.kind == Kind::Classifier { 0 } else { 2 * layer.c_out }
        };
        cost.layers.iter().map(without_norm).sum()
    }

    #[test]
    fn parameters_are_torchvisions() {
        // sum(p.numel() for p in torchvision.models.mobilenet_v2(width_mult=…, num_classes=…).parameters())
        for (width, thousand, ten) in [
            (0.10, 1_367_080, 98_890),
            (0.25, 1_519_112, 250_922),
            (0.35, 1_677_128, 408_938),
            (0.50, 1_968_680, 700_490),
            (0.75, 2_636_424, 1_368_234),
            (1.00, 3_504_872, 2_236_682),
            (1.30, 5_386_792, 3_738_442),
            (1.40, 6_108_776, 4_333_706),
        ] {
            assert_eq!(cost(width, 224, 1000).parameters, thousand, "width {width}, 1000 classes");
            assert_eq!(cost(width, 224, 10).parameters, ten, "width {width}, 10 classes");
        }
    }

    #[test]
    fn parameters_and_macs_match_googles() {
        // github.com/tensorflow/models, research/slim/nets/mobilenet/README.md: millions of parameters (convolutions
        // and classifier only) and of multiply-adds at each resolution; 1001 classes
        let resolutions = [224, 192, 160, 128, 96];
        let table: [(f64, f64, &[f64]); 6] = [
            (1.4, 6.06, &[582.0]),
            (1.3, 5.34, &[509.0]),
            (1.0, 3.47, &[300.0, 221.0, 154.0, 99.0, 56.0]),
            (0.75, 2.61, &[209.0, 153.0, 107.0, 69.0, 39.0]),
            (0.5, 1.95, &[97.0, 71.0, 50.0, 32.0, 18.0]),
            (0.35, 1.66, &[59.0, 43.0, 30.0, 20.0, 11.0]),
        ];
        for (width, parameters, macs) in table {
            let found = weights(&cost(width, 224, 1001)) as f64 / 1e6;
            assert!(
                (found - parameters).abs() < 0.01,
                "width {width}: {found} M parameters, not {parameters}"
            );
            for (resolution, macs) in resolutions.into_iter().zip(macs) {
                let found = cost(width, resolution, 1001).macs as f64 / 1e6;
                assert!(
                    (found - macs).abs() < 1.0,
                    "{width} at {resolution}: {found} M multiply-adds, not {macs}"
                );
            }
        }
    }

    #[test]
    fn the_cifar_network() {
        let cost = Cost::new(&Config::cifar());
        assert_eq!(cost.parameters, 2_236_682);
        assert_eq!(cost.macs, 87_976_448);
        let public = Cost::new(&Config {
            shortcut: Shortcut::Projected,
            expand_first: true,
            activation: Activation::Relu,
            ..Config::cifar()
        });
        // sum(p.numel() for p in net.parameters()) of the public collection's network
        assert_eq!(public.parameters, 2_296_922);
        assert!((public.macs as f64 / 1e6 - 91.2).abs() < 0.05, "{}", public.macs);
        assert_eq!(public.layers.iter().filter(|l| l.adds.is_some()).count(), 14);
    }

    #[test]
    fn a_block_costs_what_the_paper_says() {
        // h·w·d'·t·(d' + k² + d''), §3.3, at stride 1
        let cost = cost(1.0, 224, 1000);
        let block: u64 = cost.layers.iter().filter(|l| l.block == Some(2)).map(|l| l.macs).sum();
        assert_eq!(block, 56 * 56 * 24 * 6 * (24 + 9 + 24));
    }

    #[test]
    fn mobilenet_v1_is_googles_and_its_twin_the_papers() {
        // research/slim/nets/mobilenet_v1.md: millions of parameters, here with batch norm's, and of multiply-adds; 1001
        // classes. Two of its numbers do not fit: 34 at 0.25 and 192, and the row of 0.75, which begins with 317; tables 6
        // and 7 of arXiv 1704.04861 have 325 there, and otherwise the same.
        let resolutions = [224, 192, 160, 128];
        let table: [(f64, f64, [f64; 4]); 4] = [
            (1.0, 4.24, [569.0, 418.0, 291.0, 186.0]),
            (0.75, 2.59, [325.0, 239.0, 166.0, 106.0]),
            (0.5, 1.34, [150.0, 110.0, 77.0, 49.0]),
            (0.25, 0.47, [41.0, 30.0, 21.0, 14.0]),
        ];
        let cost = |architecture, width, resolution, classes| {
            Cost::new(&Config { architecture, width, resolution, classes, ..Config::imagenet() })
        };
        for (width, parameters, macs) in table {
            for (resolution, macs) in resolutions.into_iter().zip(macs) {
                let cost = cost(Architecture::MobilenetV1, width, resolution, 1001);
                let found = cost.parameters as f64 / 1e6;
                assert!((found - parameters).abs() < 0.01, "{width}: {found} M parameters, not {parameters}");
                let found = cost.macs as f64 / 1e6;
                assert!((found - macs).abs() < 1.0, "{width} at {resolution}: {found} M, not {macs}");
            }
        }
        // sum(p.numel() …) of timm's mobilenetv1_100, whose layers are the same
        assert_eq!(cost(Architecture::MobilenetV1, 1.0, 224, 1000).parameters, 4_231_976);
        // table 4 of arXiv 1704.04861; its number is that without the classifier's million
        let plain = cost(Architecture::Plain, 1.0, 224, 1000);
        assert!((plain.macs as f64 / 1e6 - 1.0 - 4866.0).abs() < 0.5, "{}", plain.macs);
        assert!((weights(&plain) as f64 / 1e6 - 29.3).abs() < 0.05, "{}", weights(&plain));
        // sum(p.numel() …) of the public collection's MobileNet for CIFAR-10
        let cifar = Cost::new(&Config { architecture: Architecture::MobilenetV1, ..Config::cifar() });
        assert_eq!(cifar.parameters, 3_217_226);
    }

    #[test]
    fn memory_by_operation_and_by_block() {
        let floats = |bytes: u64| bytes / 4;
        let cost = cost(1.0, 224, 1000);
        // the first strided depthwise convolution: 112² × 96 to 56² × 96
        assert_eq!(floats(cost.memory.by_operation), (112 * 112 + 56 * 56) * 96);
        // the first block: 112² × 32 to 112² × 16
        assert_eq!(floats(cost.memory.by_block), 112 * 112 * (32 + 16));

        let layer = |name: &str| cost.layers.iter().find(|l| l.name == name).unwrap();
        // a block with a shortcut keeps its input until the end, one without does not
        assert!(layer("block 2 project").adds.is_some());
        assert_eq!(floats(layer("block 2 expand").memory.by_operation), 56 * 56 * (24 + 144));
        assert_eq!(floats(layer("block 2 depthwise").memory.by_operation), 56 * 56 * (24 + 144 + 144));
        assert_eq!(floats(layer("block 2 project").memory.by_operation), 56 * 56 * (24 + 144 + 24));
        assert!(layer("block 3 project").adds.is_none());
        assert_eq!(floats(layer("block 3 depthwise").memory.by_operation), 56 * 56 * 144 + 28 * 28 * 144);

        let of = |shortcut| Cost::new(&Config { shortcut, ..Config::imagenet() });
        assert!(of(Shortcut::None).layers.iter().all(|l| l.adds.is_none()));

        // An expansion that is to be added to the next one is kept, and no block disposes of it.
        let expansions = of(Shortcut::Expansions);
        let memory = |name: &str| expansions.layers.iter().find(|l| l.name == name).unwrap().memory;
        assert_eq!(floats(memory("block 2 depthwise").by_operation), 56 * 56 * (144 + 144));
        assert_eq!(floats(memory("block 2 project").by_operation), 56 * 56 * (144 + 144 + 24));
        assert_eq!(floats(memory("block 3 expand").by_operation), 56 * 56 * (24 + 144 + 144));
        assert_eq!(floats(memory("block 2 expand").by_block), 56 * 56 * (24 + 24 + 144));
        assert_eq!(floats(memory("block 3 expand").by_block), 56 * 56 * (24 + 144) + 28 * 28 * 32);
    }

    /// Table 3 of the paper: the largest tensor kept at each resolution, with 16-bit activations.
    ///
    /// The table lists single tensors between operators, not inputs and outputs together, and treats the stem and the
    /// first block as one operator (the stem's 112² × 32 would be 800 KB). Its rows for 112² (16 channels, 400 KB), 7²
    /// (320, 32 KB) and 1² (1280, 2 KB) match the network. At 56², 28² and 14² it prints 32 / 200, 64 / 100 and 160 /
    /// 62: the channels of the *next* stage, whose blocks read that size but write half of it. The network of table 2
    /// keeps 24, 32 and 96 channels there: 150, 50 and 37 KB.
    #[test]
    fn table_3_where_it_matches_table_2() {
        let cost = cost(1.0, 224, 1000);
        let bottleneck = |size| {
            let kept = cost.layers.iter().filter(|l| matches!(l.kind, Kind::Project | Kind::Classifier));
            kept.filter(|l| l.size_out == size).map(|l| (l.c_out, l.output_bytes / 2)).max()
        };
        assert_eq!(bottleneck(112), Some((16, 401_408)));
        assert_eq!(bottleneck(56), Some((24, 150_528)));
        assert_eq!(bottleneck(28), Some((32, 50_176)));
        assert_eq!(bottleneck(14), Some((96, 37_632)));
        assert_eq!(bottleneck(7), Some((320, 31_360)));
        // what enters the classifier
        assert_eq!(cost.layers.last().map(|l| l.c_in * 2), Some(2_560));
    }
}
