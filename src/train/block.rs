//! The inverted residual block: expand → depthwise → project, and a shortcut from bottleneck to bottleneck (paper §3.3,
//! figure 3), with the variants of `Config`.

use std::mem::take;

use super::layer::conv_bn_act::{Backward, ConvBnAct, Forward, Input};
use super::layer::{GradientWriter, shortcut};
use super::workspace::GradientBuffer;
use crate::arch::{Config, Kind, Layer, Tensor};
use crate::kernel::dispatch;
use crate::profile::Operation;
use crate::threads::for_each;

/// One block of the network.
pub struct Block {
    index: usize,
    /// None where the expansion factor is 1.
    expand: Option<ConvBnAct>,
    depthwise: ConvBnAct,
    project: ConvBnAct,
    shortcut: Shortcut,
}

/// The input that is added to a block's projection.
enum Shortcut {
    None,
    /// The block's input.
    Input,
    /// The block's input through a convolution.
    Projected(Box<ConvBnAct>),
}

impl Block {
    /// Builds block `index` from its layers.
    pub fn new(config: &Config, layers: &[Layer], tensors: &[Tensor], index: usize) -> Self {
        let conv = |kind| {
            let layer = layers.iter().position(|layer| layer.block == Some(index) && layer.kind == kind)?;
            Some(ConvBnAct::new(config, layer, layers[layer], tensors))
        };
        let own: Vec<Layer> = layers.iter().filter(|layer| layer.block == Some(index)).copied().collect();
        Block {
            index,
            expand: conv(Kind::Expand),
            depthwise: conv(Kind::Depthwise).expect("every block has a depthwise convolution"),
            project: conv(Kind::Project).expect("every block has a projection"),
            shortcut: match conv(Kind::Shortcut) {
                Some(conv) => Shortcut::Projected(Box::new(conv)),
                None if config.adds_input(&own) => Shortcut::Input,
                None => Shortcut::None,
            },
        }
    }

    /// All convolutions, first to last.
    pub fn convolutions_mut(&mut self) -> impl Iterator<Item = &mut ConvBnAct> {
        let shortcut = match &mut self.shortcut {
            Shortcut::Projected(conv) => Some(conv.as_mut()),
            _ => None,
        };
        self.expand.iter_mut().chain([&mut self.depthwise, &mut self.project]).chain(shortcut)
    }

    /// Runs the block on the batch and writes its output to the bottleneck of its index.
    pub fn forward(&mut self, pass: &mut Forward, input: Input) {
        let Block { index, expand, depthwise, project, shortcut } = self;
        let mut before = input;
        if let Some(expand) = expand {
            expand.forward(pass, input);
            before = Input::Convolution(expand);
        }
        depthwise.forward(pass, before);
        project.forward(pass, Input::Convolution(depthwise));
        let shortcut = match shortcut {
            Shortcut::None => None,
            Shortcut::Input => Some(input),
            Shortcut::Projected(conv) => {
                conv.forward(pass, input);
                Some(Input::Convolution(conv))
            }
        };

        let level = pass.level;
        let floats = project.layer.c_out * project.pixels();
        for_each(pass.micro_batches, |micro_batch| {
            let mut output = take(&mut micro_batch.tensors.bottlenecks[*index]);
            let out = &mut output[..micro_batch.images * floats];
            let y = &micro_batch.tensors.outputs[project.index][..out.len()];
            let shortcut = shortcut.map(|shortcut| shortcut.lazy(&micro_batch.tensors, out.len()));
            let pixels = micro_batch.images * project.pixels();
            dispatch!(level, simd => {
                shortcut::forward(simd, y, project.norm.affine(), shortcut, pixels, out);
            });
            micro_batch.tensors.bottlenecks[*index] = output;
        });
        pass.profile.lap(project.index, Operation::Shortcut);
    }

    /// Turns the gradient of the block's output in [`GradientBuffer::Output`] into that of its input, in the same
    /// buffer. If the input is a convolution (the stem), its normalised value's gradient goes to
    /// [`GradientBuffer::Expand`] instead. Each step reads one buffer, may add another, and writes a third:
    ///
    /// | step | reads | adds | writes |
    /// |---|---|---|---|
    /// | split, projected shortcut | Output | | Project, then Shortcut |
    /// | split | Output | | Project |
    /// | project | Project | | Depthwise |
    /// | depthwise | Depthwise | | Expand |
    /// | expand | Expand | Output, or Shortcut where it is projected | Input; to a convolution Depthwise |
    ///
    /// Without expand, depthwise takes its place and writes Input or, to a convolution, Expand. Buffers are swapped at
    /// the end, so that the next block finds its gradient in Output.
    pub fn backward(&mut self, pass: &mut Backward, input: Input) {
        let Block { expand, depthwise, project, shortcut, .. } = self;
        let add = match shortcut {
            Shortcut::None => None,
            Shortcut::Input => Some(GradientBuffer::Output),
            Shortcut::Projected(conv) => {
                split(pass, conv);
                conv.backward(pass, input, GradientBuffer::Project, GradientBuffer::Shortcut, None);
                Some(GradientBuffer::Shortcut)
            }
        };
        split(pass, project);
        project.backward(
            pass,
            Input::Convolution(depthwise),
            GradientBuffer::Project,
            GradientBuffer::Depthwise,
            None,
        );
        let from_convolution = matches!(input, Input::Convolution(_));
        if let Some(expand) = expand {
            depthwise.backward(
                pass,
                Input::Convolution(expand),
                GradientBuffer::Depthwise,
                GradientBuffer::Expand,
                None,
            );
            let to = if from_convolution { GradientBuffer::Depthwise } else { GradientBuffer::Input };
            expand.backward(pass, input, GradientBuffer::Expand, to, add);
            if from_convolution {
                pass.micro_batches.iter_mut().for_each(|micro_batch| {
                    micro_batch.gradients.swap(to as usize, GradientBuffer::Expand as usize)
                });
            }
        } else {
            let to = if from_convolution { GradientBuffer::Expand } else { GradientBuffer::Input };
            depthwise.backward(pass, input, GradientBuffer::Depthwise, to, add);
        }
        for micro_batch in &mut *pass.micro_batches {
            micro_batch.gradients.swap(GradientBuffer::Input as usize, GradientBuffer::Output as usize);
        }
    }
}

/// Writes the gradient of a convolution's normalised value to [`GradientBuffer::Project`], from the gradient of the
/// block's output, to which forward added the convolution's output.
fn split(pass: &mut Backward, conv: &ConvBnAct) {
    let level = pass.level;
    let floats = conv.layer.c_out * conv.pixels();
    for_each(pass.micro_batches, |micro_batch| {
        let mut target = take(&mut micro_batch.gradients[GradientBuffer::Project as usize]);
        let dout = &micro_batch.gradients[GradientBuffer::Output as usize][..micro_batch.images * floats];
        let y = &micro_batch.tensors.outputs[conv.index][..dout.len()];
        let dz = &mut target[..dout.len()];
        let writer = GradientWriter { dz, add: None, mean: &conv.norm.mean, sums: &mut micro_batch.sums };
        let pixels = micro_batch.images * conv.pixels();
        dispatch!(level, simd => shortcut::backward(simd, y, conv.norm.affine(), dout, pixels, writer));
        micro_batch.gradients[GradientBuffer::Project as usize] = target;
    });
    pass.profile.lap(conv.index, Operation::Shortcut);
}
