//! The inverted residual block: expand → depthwise → project, and a shortcut from bottleneck to bottleneck
//! (paper §3.3, figure 3), with the variants that `Config` names.

use std::mem::take;

use crate::config::{Config, Kind, Layer, Shortcut};
use crate::kernel::dispatch;
use crate::layer::unit::{Backward, Forward, Input, Unit};
use crate::layer::{Sink, shortcut};
use crate::parameters::Tensor;
use crate::profile::Operation;
use crate::threads::for_each;
use crate::workspace::Slot;

/// One block of the network.
pub struct Block {
    index: usize,
    /// Left out where the expansion factor is 1.
    expand: Option<Unit>,
    depthwise: Unit,
    project: Unit,
    shortcut: bool,
}

impl Block {
    /// The block `index`, from the layers that belong to it.
    pub fn new(config: &Config, layers: &[Layer], tensors: &[Tensor], index: usize) -> Self {
        let unit = |kind| {
            let layer = layers.iter().position(|layer| layer.block == Some(index) && layer.kind == kind)?;
            Some(Unit::new(config, layer, layers[layer], tensors))
        };
        let expand = unit(Kind::Expand);
        let depthwise = unit(Kind::Depthwise).expect("every block has a depthwise convolution");
        let project = unit(Kind::Project).expect("every block has a projection");
        let c_in = expand.as_ref().unwrap_or(&depthwise).layer.c_in;
        Block {
            index,
            shortcut: config.shortcut == Shortcut::Bottlenecks
                && depthwise.layer.stride == 1
                && c_in == project.layer.c_out,
            expand,
            depthwise,
            project,
        }
    }

    /// All units, first to last.
    pub fn units_mut(&mut self) -> impl Iterator<Item = &mut Unit> {
        self.expand.iter_mut().chain([&mut self.depthwise, &mut self.project])
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

        let level = pass.level;
        let floats = project.layer.c_out * project.pixels();
        for_each(pass.shards, |shard| {
            let mut output = take(&mut shard.tensors.bottlenecks[*index]);
            let out = &mut output[..shard.images * floats];
            let y = &shard.tensors.outputs[project.index][..out.len()];
            let shortcut = shortcut.then(|| input.source(&shard.tensors, out.len()));
            let pixels = shard.images * project.pixels();
            dispatch!(level, simd => {
                shortcut::forward(simd, y, project.norm.affine(), shortcut, pixels, out);
            });
            shard.tensors.bottlenecks[*index] = output;
        });
        pass.profile.lap(project.index, Operation::Shortcut);
    }

    /// From the gradient of the block's output in [`Slot::Output`] to that of its input, in the same slot; where the
    /// input is a unit (the stem), to that of its normalised value in [`Slot::Expand`].
    pub fn backward(&mut self, pass: &mut Backward, input: Input) {
        let Block { expand, depthwise, project, shortcut, .. } = self;
        let level = pass.level;
        let floats = project.layer.c_out * project.pixels();
        for_each(pass.shards, |shard| {
            let mut target = take(&mut shard.gradients[Slot::Project as usize]);
            let dout = &shard.gradients[Slot::Output as usize][..shard.images * floats];
            let y = &shard.tensors.outputs[project.index][..dout.len()];
            let dz = &mut target[..dout.len()];
            let sink = Sink { dz, add: None, mean: &project.norm.mean, sums: &mut shard.sums };
            let pixels = shard.images * project.pixels();
            dispatch!(level, simd => shortcut::backward(simd, y, project.norm.affine(), dout, pixels, sink));
            shard.gradients[Slot::Project as usize] = target;
        });
        pass.profile.lap(project.index, Operation::Shortcut);

        let add = shortcut.then_some(Slot::Output);
        let to = if matches!(input, Input::Unit(_)) { Slot::Expand } else { Slot::Input };
        project.backward(pass, Input::Unit(depthwise), Slot::Project, Slot::Depthwise, None);
        if let Some(expand) = expand {
            depthwise.backward(pass, Input::Unit(expand), Slot::Depthwise, Slot::Expand, None);
            expand.backward(pass, input, Slot::Expand, to, add);
        } else {
            depthwise.backward(pass, input, Slot::Depthwise, to, add);
        }
        for shard in &mut *pass.shards {
            shard.gradients.swap(Slot::Input as usize, Slot::Output as usize);
        }
    }
}
