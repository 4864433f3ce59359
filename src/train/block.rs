//! The inverted residual block: expand → depthwise → project, and a shortcut from bottleneck to bottleneck
//! (paper §3.3, figure 3), with the variants that `Config` names.

use std::mem::take;

use super::layer::unit::{Backward, Forward, Input, Unit};
use super::layer::{Sink, shortcut};
use super::workspace::Slot;
use crate::arch::{Config, Kind, Layer, Tensor};
use crate::kernel::dispatch;
use crate::profile::Operation;
use crate::threads::for_each;

/// One block of the network.
pub struct Block {
    index: usize,
    /// Left out where the expansion factor is 1.
    expand: Option<Unit>,
    depthwise: Unit,
    project: Unit,
    shortcut: Shortcut,
}

/// What is added to the output of a block's projection.
enum Shortcut {
    None,
    /// The block's input.
    Input,
    /// The block's input through a convolution.
    Projected(Box<Unit>),
}

impl Block {
    /// The block `index`, from the layers that belong to it.
    pub fn new(config: &Config, layers: &[Layer], tensors: &[Tensor], index: usize) -> Self {
        let unit = |kind| {
            let layer = layers.iter().position(|layer| layer.block == Some(index) && layer.kind == kind)?;
            Some(Unit::new(config, layer, layers[layer], tensors))
        };
        let own: Vec<Layer> = layers.iter().filter(|layer| layer.block == Some(index)).copied().collect();
        Block {
            index,
            expand: unit(Kind::Expand),
            depthwise: unit(Kind::Depthwise).expect("every block has a depthwise convolution"),
            project: unit(Kind::Project).expect("every block has a projection"),
            shortcut: match unit(Kind::Shortcut) {
                Some(unit) => Shortcut::Projected(Box::new(unit)),
                None if config.adds_input(&own) => Shortcut::Input,
                None => Shortcut::None,
            },
        }
    }

    /// All units, first to last.
    pub fn units_mut(&mut self) -> impl Iterator<Item = &mut Unit> {
        let shortcut = match &mut self.shortcut {
            Shortcut::Projected(unit) => Some(unit.as_mut()),
            _ => None,
        };
        self.expand.iter_mut().chain([&mut self.depthwise, &mut self.project]).chain(shortcut)
    }

    /// Runs the block on the batch; its output is the bottleneck of its index.
    pub fn forward(&mut self, pass: &mut Forward, input: Input) {
        let Block { index, expand, depthwise, project, shortcut } = self;
        let mut before = input;
        if let Some(expand) = expand {
            expand.forward(pass, input);
            before = Input::Unit(expand);
        }
        depthwise.forward(pass, before);
        project.forward(pass, Input::Unit(depthwise));
        let shortcut = match shortcut {
            Shortcut::None => None,
            Shortcut::Input => Some(input),
            Shortcut::Projected(unit) => {
                unit.forward(pass, input);
                Some(Input::Unit(unit))
            }
        };

        let level = pass.level;
        let floats = project.layer.c_out * project.pixels();
        for_each(pass.shards, |shard| {
            let mut output = take(&mut shard.tensors.bottlenecks[*index]);
            let out = &mut output[..shard.images * floats];
            let y = &shard.tensors.outputs[project.index][..out.len()];
            let shortcut = shortcut.map(|shortcut| shortcut.source(&shard.tensors, out.len()));
            let pixels = shard.images * project.pixels();
            dispatch!(level, simd => {
                shortcut::forward(simd, y, project.norm.affine(), shortcut, pixels, out);
            });
            shard.tensors.bottlenecks[*index] = output;
        });
        pass.profile.lap(project.index, Operation::Shortcut);
    }

    /// From the gradient of the block's output in [`Slot::Output`] to that of its input, in the same slot; where the
    /// input is a unit (the stem), to that of its normalised value in [`Slot::Expand`]. Each step reads a slot, adds one
    /// perhaps, and writes another:
    ///
    /// | step | reads | adds | writes |
    /// |---|---|---|---|
    /// | split, projected shortcut | Output | | Project, then Shortcut |
    /// | split | Output | | Project |
    /// | project | Project | | Depthwise |
    /// | depthwise | Depthwise | | Expand |
    /// | expand | Expand | Output, or Shortcut where it is projected | Input; to a unit Depthwise |
    ///
    /// Without expand, depthwise takes its place, and writes Input or, to a unit, Expand. What lies elsewhere than it is looked
    /// for changes places at the end.
    pub fn backward(&mut self, pass: &mut Backward, input: Input) {
        let Block { expand, depthwise, project, shortcut, .. } = self;
        let add = match shortcut {
            Shortcut::None => None,
            Shortcut::Input => Some(Slot::Output),
            Shortcut::Projected(unit) => {
                split(pass, unit);
                unit.backward(pass, input, Slot::Project, Slot::Shortcut, None);
                Some(Slot::Shortcut)
            }
        };
        split(pass, project);
        project.backward(pass, Input::Unit(depthwise), Slot::Project, Slot::Depthwise, None);
        let from_unit = matches!(input, Input::Unit(_));
        if let Some(expand) = expand {
            depthwise.backward(pass, Input::Unit(expand), Slot::Depthwise, Slot::Expand, None);
            let to = if from_unit { Slot::Depthwise } else { Slot::Input };
            expand.backward(pass, input, Slot::Expand, to, add);
            if from_unit {
                pass.shards
                    .iter_mut()
                    .for_each(|shard| shard.gradients.swap(to as usize, Slot::Expand as usize));
            }
        } else {
            let to = if from_unit { Slot::Expand } else { Slot::Input };
            depthwise.backward(pass, input, Slot::Depthwise, to, add);
        }
        for shard in &mut *pass.shards {
            shard.gradients.swap(Slot::Input as usize, Slot::Output as usize);
        }
    }
}

/// The gradient of a unit's normalised value in [`Slot::Project`], from that of the block's output, to which the unit's
/// output was added.
fn split(pass: &mut Backward, unit: &Unit) {
    let level = pass.level;
    let floats = unit.layer.c_out * unit.pixels();
    for_each(pass.shards, |shard| {
        let mut target = take(&mut shard.gradients[Slot::Project as usize]);
        let dout = &shard.gradients[Slot::Output as usize][..shard.images * floats];
        let y = &shard.tensors.outputs[unit.index][..dout.len()];
        let dz = &mut target[..dout.len()];
        let sink = Sink { dz, add: None, mean: &unit.norm.mean, sums: &mut shard.sums };
        let pixels = shard.images * unit.pixels();
        dispatch!(level, simd => shortcut::backward(simd, y, unit.norm.affine(), dout, pixels, sink));
        shard.gradients[Slot::Project as usize] = target;
    });
    pass.profile.lap(unit.index, Operation::Shortcut);
}
