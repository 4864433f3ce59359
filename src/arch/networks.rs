//! The tables of the networks, the rounding of channels, and the list of layers that follows from a [`Config`].

use super::config::{Activation, Architecture, Config, Shortcut, Stem};
use super::layers::{Kind, Layer};

/// Rows of table 2 of the paper: expansion t, channels c, repeats n, stride s of the first repeat.
const STAGES: [(usize, usize, usize, usize); 7] = [
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
];
/// MobileNetV1's separable convolutions (arXiv 1704.04861, table 1): channels, stride. The paper prints stride 2 for the last,
/// which does not fit the sizes beside it.
const SEPARABLE: [(usize, usize); 13] = [
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (1024, 2),
    (1024, 1),
];
const STEM_CHANNELS: usize = 32;
const LAST_CHANNELS: usize = 1280;

impl Config {
    /// Every convolution and the classifier, in execution order.
    pub fn layers(&self) -> Vec<Layer> {
        let mut list = List { resolution: self.resolution, layers: Vec::new() };
        let stride = if self.stem == Stem::Imagenet { 2 } else { 1 };
        list.push(Kind::Stem, None, self.scale(STEM_CHANNELS), stride, self.activation);
        match self.architecture {
            Architecture::MobilenetV2 => self.inverted_residuals(stride, &mut list),
            Architecture::MobilenetV1 | Architecture::Plain => self.separable_convolutions(&mut list),
        }
        let classifier = list.push(Kind::Classifier, None, self.classes, 1, Activation::Linear);
        list.layers[classifier].size_in = 1;
        list.layers
    }

    /// MobileNetV2's blocks and its last convolution; `stem_stride` is that of the second stage, too.
    fn inverted_residuals(&self, stem_stride: usize, list: &mut List) {
        let (mut block, mut expansion_before) = (0, None);
        for (stage, (t, c, n, s)) in STAGES.into_iter().enumerate() {
            let c_out = self.scale(c);
            for repeat in 0..n {
                let expansion = if t == 1 { 1 } else { self.expansion };
                let before = list.layers.len() - 1;
                let c_in = list.layers[before].c_out;
                let stride = match (repeat, stage) {
                    (0, 1) => stem_stride,
                    (0, _) => s,
                    _ => 1,
                };
                let mut expanded = None;
                if expansion > 1 || block == 0 && self.expand_first {
                    let expand = list.push(Kind::Expand, Some(block), c_in * expansion, 1, self.activation);
                    if self.shortcut == Shortcut::Expansions {
                        // The block before has stride 1, so equal channels mean equal shapes.
                        let same = |other: &usize| list.layers[*other].c_out == c_in * expansion;
                        list.layers[expand].adds = expansion_before.filter(same);
                    }
                    expanded = Some(expand);
                }
                expansion_before = expanded.filter(|_| stride == 1);
                list.push(Kind::Depthwise, Some(block), c_in * expansion, stride, self.activation);
                let project = list.push(Kind::Project, Some(block), c_out, 1, self.bottleneck);
                match self.shortcut {
                    Shortcut::Bottlenecks | Shortcut::Projected if stride == 1 && c_in == c_out => {
                        list.layers[project].adds = Some(before);
                    }
                    Shortcut::Projected if stride == 1 => {
                        let shortcut = list.push(Kind::Shortcut, Some(block), c_out, 1, Activation::Linear);
                        let layer = &mut list.layers[shortcut];
                        (layer.input, layer.adds, layer.c_in) = (Some(before), Some(project), c_in);
                    }
                    _ => {}
                }
                block += 1;
            }
        }
        // The last convolution is not narrowed below width 1 (paper §4).
        let last = round_channels(LAST_CHANNELS as f64 * self.width.max(1.0));
        list.push(Kind::Last, None, last, 1, self.activation);
    }

    /// MobileNetV1's separable convolutions, or the plain ones in their place.
    fn separable_convolutions(&self, list: &mut List) {
        for (block, (channels, stride)) in SEPARABLE.into_iter().enumerate() {
            let (block, c_out) = (Some(block), self.scale(channels));
            if self.architecture == Architecture::Plain {
                list.push(Kind::Convolution, block, c_out, stride, self.activation);
            } else {
                let c_in = list.layers[list.layers.len() - 1].c_out;
                list.push(Kind::Depthwise, block, c_in, stride, self.activation);
                list.push(Kind::Pointwise, block, c_out, 1, self.activation);
            }
        }
    }

    fn scale(&self, channels: usize) -> usize {
        round_channels(channels as f64 * self.width)
    }
}

/// A list of layers in the making.
struct List {
    resolution: usize,
    layers: Vec<Layer>,
}

impl List {
    /// Adds a layer that reads the one before; returns its index.
    fn push(
        &mut self,
        kind: Kind,
        block: Option<usize>,
        c_out: usize,
        stride: usize,
        activation: Activation,
    ) -> usize {
        let index = self.layers.len();
        let (c_in, size_in) = self.layers.last().map_or((3, self.resolution), |l| (l.c_out, l.size_out()));
        let input = index.checked_sub(1);
        self.layers.push(Layer { kind, block, input, adds: None, c_in, c_out, stride, size_in, activation });
        index
    }
}

/// The stage (row of the paper's table 2) of block `block`, and the block's index within the stage, both from 0.
pub fn stage(block: usize) -> (usize, usize) {
    let mut place = block;
    for (stage, (_, _, repeats, _)) in STAGES.into_iter().enumerate() {
        if place < repeats {
            return (stage, place);
        }
        place -= repeats;
    }
    (STAGES.len(), place)
}

/// Rounds to the nearest multiple of 8, at least 8, but never down by more than 10 % (`_make_divisible` of the
/// reference implementations).
pub fn round_channels(channels: f64) -> usize {
    let rounded = ((channels + 4.0) as usize / 8 * 8).max(8);
    if (rounded as f64) < 0.9 * channels { rounded + 8 } else { rounded }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_of_the_width_table() {
        // torchvision.models.mobilenet_v2(width_mult=…) has these
        let rows: [(f64, usize, [usize; 7], usize); 8] = [
            (0.10, 8, [8, 8, 8, 8, 16, 16, 32], 1280),
            (0.25, 8, [8, 8, 8, 16, 24, 40, 80], 1280),
            (0.35, 16, [8, 8, 16, 24, 32, 56, 112], 1280),
            (0.50, 16, [8, 16, 16, 32, 48, 80, 160], 1280),
            (0.75, 24, [16, 24, 24, 48, 72, 120, 240], 1280),
            (1.00, 32, [16, 24, 32, 64, 96, 160, 320], 1280),
            (1.30, 40, [24, 32, 40, 80, 128, 208, 416], 1664),
            (1.40, 48, [24, 32, 48, 88, 136, 224, 448], 1792),
        ];
        for (width, stem, stages, last) in rows {
            let layers = Config { width, ..Config::imagenet() }.layers();
            assert_eq!(layers[0].c_out, stem, "stem at width {width}");
            let projected: Vec<usize> =
                layers.iter().filter(|l| l.kind == Kind::Project).map(|l| l.c_out).collect();
            let firsts = [0, 1, 3, 6, 10, 13, 16].map(|block| projected[block]);
            assert_eq!(firsts, stages, "stages at width {width}");
            assert_eq!(layers[layers.len() - 2].c_out, last, "last at width {width}");
        }
    }

    #[test]
    fn sizes_end_as_the_paper_says() {
        let end = |config: Config| {
            let layers = config.layers();
            layers[layers.len() - 2].size_out()
        };
        assert_eq!(end(Config::imagenet()), 7);
        assert_eq!(end(Config::cifar()), 4);
    }

    #[test]
    fn shortcuts_between_expansions_skip_a_projection() {
        let ends = |shortcut| {
            let layers = Config { shortcut, ..Config::imagenet() }.layers();
            let ends =
                layers.iter().filter_map(|layer| Some((layer.kind, layer.block?, layers[layer.adds?])));
            ends.map(|(kind, block, from)| (kind, block, from.kind, from.block)).collect::<Vec<_>>()
        };
        let residual = [2, 4, 5, 7, 8, 9, 11, 12, 14, 15];
        // a block's input is the projection before; its expansion is added to that of the next
        let bottlenecks = residual.map(|block| (Kind::Project, block, Kind::Project, Some(block - 1)));
        assert_eq!(ends(Shortcut::Bottlenecks), bottlenecks);
        let expansions = residual.map(|block| (Kind::Expand, block + 1, Kind::Expand, Some(block)));
        assert_eq!(ends(Shortcut::Expansions), expansions);
        let none = Config { shortcut: Shortcut::Expansions, expansion: 1, ..Config::imagenet() };
        assert!(none.layers().iter().all(|layer| layer.adds.is_none()), "nothing is expanded");
    }

    #[test]
    fn mobilenet_v1_is_its_table() {
        let layers = |config: Config| Config { architecture: Architecture::MobilenetV1, ..config }.layers();
        let imagenet = layers(Config::imagenet());
        assert_eq!(imagenet.len(), 1 + 2 * 13 + 1);
        let sizes: Vec<usize> = imagenet.iter().map(Layer::size_out).collect();
        let pairs = [112, 56, 56, 28, 28, 14, 14, 14, 14, 14, 14, 7, 7].map(|size| [size, size]);
        assert_eq!(sizes, [&[112][..], pairs.as_flattened(), &[1]].concat());
        // the public collection's network for 32² ends at 2²
        let cifar = layers(Config::cifar());
        assert_eq!(cifar[cifar.len() - 2].size_out(), 2);
        // the width multiplier narrows every layer, the last too
        let narrow = layers(Config { width: 0.25, ..Config::imagenet() });
        assert!(narrow.iter().zip(&imagenet).rev().skip(1).all(|(n, whole)| 4 * n.c_out == whole.c_out));
    }

    #[test]
    fn modules_count_as_torchvision_does() {
        // layer: features.0, features.1.conv (two, without an expansion), features.2.conv (three), …
        let modules: Vec<usize> = Config::cifar().layers().iter().map(Layer::module).collect();
        assert_eq!(modules[..6], [0, 1, 1, 2, 2, 2]);
        assert_eq!(modules[modules.len() - 3..], [17, 18, 19]);
    }
}
