//! The paper's table 2, the rounding of channels, and the list of layers that follows from a [`Config`].

use serde::Serialize;

use super::config::{Activation, Config, Padding, Shortcut, Stem};

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
/// Inputs of one output pixel of the stem: 3 rows, 3 columns, 3 colours.
pub const STEM_INPUTS: usize = 27;
const STEM_CHANNELS: usize = 32;
const LAST_CHANNELS: usize = 1280;
/// Modules in torchvision's `features`: the stem, 17 blocks and the last convolution. Only the classifier follows.
pub const FEATURES: usize = 19;

impl Config {
    /// Whether a block adds its input, unprojected, to its output; `block` holds the block's layers.
    pub fn adds_input(&self, block: &[Layer]) -> bool {
        let ([first, ..], Some(project)) = (block, block.iter().find(|layer| layer.kind == Kind::Project))
        else {
            return false;
        };
        self.shortcut != Shortcut::None
            && block.iter().all(|layer| layer.stride == 1)
            && first.c_in == project.c_out
    }

    /// Rows and columns of zeros before the input of a 3×3 convolution: 0 where SAME pads only after it (stride 2, even
    /// size), else 1. After the input there is always 1.
    pub fn padding_before(&self, layer: &Layer) -> usize {
        let behind = self.padding == Padding::Same && layer.stride == 2 && layer.size_in.is_multiple_of(2);
        usize::from(!behind)
    }

    /// Every convolution and the classifier, in execution order.
    pub fn layers(&self) -> Vec<Layer> {
        let scale = |channels| round_channels(channels as f64 * self.width);
        let stem_stride = if self.stem == Stem::Imagenet { 2 } else { 1 };
        let mut layers = Vec::new();
        let mut size = self.resolution;
        let mut push = |kind, block, c_in, c_out, stride, activation| {
            let layer = Layer { kind, block, c_in, c_out, stride, size_in: size, activation };
            size = layer.size_out();
            layers.push(layer);
        };

        let mut c_in = scale(STEM_CHANNELS);
        push(Kind::Stem, None, 3, c_in, stem_stride, self.activation);
        let mut block = 0;
        for (stage, (t, c, n, s)) in STAGES.into_iter().enumerate() {
            let c_out = scale(c);
            for repeat in 0..n {
                let expansion = if t == 1 { 1 } else { self.expansion };
                let expanded = c_in * expansion;
                let stride = match (repeat, stage) {
                    (0, 1) => stem_stride,
                    (0, _) => s,
                    _ => 1,
                };
                if expansion > 1 || block == 0 && self.expand_first {
                    push(Kind::Expand, Some(block), c_in, expanded, 1, self.activation);
                }
                push(Kind::Depthwise, Some(block), expanded, expanded, stride, self.activation);
                push(Kind::Project, Some(block), expanded, c_out, 1, self.bottleneck);
                if self.shortcut == Shortcut::Projected && stride == 1 && c_in != c_out {
                    push(Kind::Shortcut, Some(block), c_in, c_out, 1, Activation::Linear);
                }
                c_in = c_out;
                block += 1;
            }
        }
        // The last convolution is not narrowed below width 1 (paper §4).
        let last = round_channels(LAST_CHANNELS as f64 * self.width.max(1.0));
        push(Kind::Last, None, c_in, last, 1, self.activation);
        layers.push(Layer {
            kind: Kind::Classifier,
            block: None,
            c_in: last,
            c_out: self.classes,
            stride: 1,
            size_in: 1,
            activation: Activation::Linear,
        });
        layers
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

/// What a layer computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// 3×3 convolution of the image.
    Stem,
    /// 1×1 convolution that widens a bottleneck.
    Expand,
    /// 3×3 convolution of each channel on its own.
    Depthwise,
    /// 1×1 convolution back to a bottleneck.
    Project,
    /// 1×1 convolution of the block's input, added to its output ([`Shortcut::Projected`]).
    Shortcut,
    /// 1×1 convolution before the average pool.
    Last,
    /// Matrix product with bias, after the average pool.
    Classifier,
}

/// One layer with its shape; batch norm follows every layer but the classifier.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layer {
    /// What it computes.
    pub kind: Kind,
    /// Index of the inverted residual block it belongs to, 0 – 16.
    pub block: Option<usize>,
    /// Channels read.
    pub c_in: usize,
    /// Channels written.
    pub c_out: usize,
    /// 1 or 2.
    pub stride: usize,
    /// Height and width of the input.
    pub size_in: usize,
    /// What follows batch norm.
    pub activation: Activation,
}

impl Layer {
    /// Height and width of the output: the input's divided by the stride, rounded up.
    pub fn size_out(&self) -> usize {
        self.size_in.div_ceil(self.stride)
    }

    /// Index in torchvision's `features`; the classifier's is [`FEATURES`].
    pub fn module(&self) -> usize {
        match (self.kind, self.block) {
            (Kind::Stem, _) => 0,
            (Kind::Last, _) => FEATURES - 1,
            (Kind::Classifier, _) => FEATURES,
            (_, block) => 1 + block.expect("every other layer is in a block"),
        }
    }

    /// Number of weights, without batch norm and bias.
    pub fn weights(&self) -> usize {
        match self.kind {
            Kind::Stem => 9 * self.c_in * self.c_out,
            Kind::Depthwise => 9 * self.c_out,
            Kind::Expand | Kind::Project | Kind::Shortcut | Kind::Last | Kind::Classifier => {
                self.c_in * self.c_out
            }
        }
    }
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
    fn modules_count_as_torchvision_does() {
        // layer: features.0, features.1.conv (two, without an expansion), features.2.conv (three), …
        let modules: Vec<usize> = Config::cifar().layers().iter().map(Layer::module).collect();
        assert_eq!(modules[..6], [0, 1, 1, 2, 2, 2]);
        assert_eq!(modules[modules.len() - 3..], [17, 18, 19]);
    }
}
