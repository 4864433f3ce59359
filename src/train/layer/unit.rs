//! A convolution with its batch norm, over all shards of a batch: what a block is made of.

use std::mem::take;
use std::ops::Range;

use fearless_simd::Level;

use super::batch_norm::BatchNorm;
use super::{Gradient, Sink, Source, depthwise, pointwise, stem};
use crate::arch::{Config, Kind, Layer, Role, STEM_INPUTS, Tensor};
use crate::kernel::depthwise::Geometry;
use crate::kernel::{dispatch, matmul};
use crate::profile::{Operation, Profile};
use crate::threads::{for_each, for_each_chunk};
use crate::train::workspace::{SHARDS, Shard, Slot, Tensors, batch_sums, clear_sums, pixels_at_once};

/// What a forward pass works on.
pub struct Forward<'a> {
    /// Instruction set.
    pub level: Level,
    /// The batch.
    pub shards: &'a mut [Shard],
    /// All trainable values.
    pub values: &'a [f32],
    /// All running averages.
    pub statistics: &'a mut [f32],
    /// Stopwatch.
    pub profile: &'a mut Profile,
}

/// What a backward pass works on.
pub struct Backward<'a> {
    /// Instruction set.
    pub level: Level,
    /// The batch.
    pub shards: &'a mut [Shard],
    /// All trainable values.
    pub values: &'a [f32],
    /// Their gradients, laid out alike.
    pub gradients: &'a mut [f32],
    /// Stopwatch.
    pub profile: &'a mut Profile,
}

/// What a unit or a block reads.
#[derive(Clone, Copy)]
pub enum Input<'a> {
    /// The images.
    Image,
    /// Another unit's output, through its batch norm and activation.
    Unit(&'a Unit),
    /// The output of the block of this index.
    Bottleneck(usize),
}

impl<'a> Input<'a> {
    /// What to read of a shard: `floats` of the input's tensor.
    pub fn source(self, tensors: &'a Tensors, floats: usize) -> Source<'a> {
        match self {
            Input::Image => Source { x: &[], affine: None },
            Input::Unit(unit) => {
                Source { x: &tensors.outputs[unit.index][..floats], affine: Some(unit.norm.affine()) }
            }
            Input::Bottleneck(index) => Source { x: &tensors.bottlenecks[index][..floats], affine: None },
        }
    }

    /// The batch means that a sink of this input's gradient needs.
    fn mean(self) -> &'a [f32] {
        match self {
            Input::Unit(unit) => &unit.norm.mean,
            Input::Image | Input::Bottleneck(_) => &[],
        }
    }
}

/// A convolution followed by batch norm and an activation.
pub struct Unit {
    /// Index into [`Config::layers`].
    pub index: usize,
    /// Kind and shape.
    pub layer: Layer,
    /// Batch norm of the current batch.
    pub norm: BatchNorm,
    /// Whether batch norm goes by its running averages and leaves them as they are.
    pub frozen: bool,
    geometry: Geometry,
    weight: Range<usize>,
    gamma: Range<usize>,
    beta: Range<usize>,
    running_mean: Range<usize>,
    running_var: Range<usize>,
    epsilon: f32,
    momentum: f32,
    /// Weights (k, n) packed for the matrix product, and transposed for its gradient; empty for a depthwise.
    packed: [Vec<f32>; 2],
}

impl Unit {
    /// The unit of the layer `index`.
    pub fn new(config: &Config, index: usize, layer: Layer, tensors: &[Tensor]) -> Self {
        let span = |role| {
            let tensor = tensors.iter().find(|tensor| tensor.layer == index && tensor.role == role);
            tensor.expect("every convolution has all its tensors").span.clone()
        };
        let packed = match layer.kind {
            Kind::Depthwise => [0, 0],
            Kind::Stem => [matmul::packed_len(STEM_INPUTS, layer.c_out), 0],
            _ => [matmul::packed_len(layer.c_in, layer.c_out); 2],
        };
        Unit {
            index,
            layer,
            norm: BatchNorm::new(layer.c_out, layer.activation.range()),
            frozen: false,
            geometry: Geometry::of(config, &layer),
            weight: span(Role::Weight),
            gamma: span(Role::Gamma),
            beta: span(Role::Beta),
            running_mean: span(Role::RunningMean),
            running_var: span(Role::RunningVar),
            epsilon: config.epsilon,
            momentum: config.batch_norm_momentum,
            packed: packed.map(|length| vec![0.0; length]),
        }
    }

    /// Packs the weights for this step.
    pub fn pack(&mut self, level: Level, values: &[f32]) {
        let n = self.layer.c_out;
        let w = &values[self.weight.clone()];
        let [packed, transposed] = &mut self.packed;
        match self.layer.kind {
            Kind::Depthwise => {}
            Kind::Stem => dispatch!(level, simd => matmul::pack(simd, w, (STEM_INPUTS, n), false, packed)),
            _ => {
                let k = self.layer.c_in;
                dispatch!(level, simd => {
                    matmul::pack(simd, w, (k, n), false, packed);
                    matmul::pack(simd, w, (n, k), true, transposed);
                });
            }
        }
    }

    /// Floats of one image's input and output.
    fn floats(&self) -> (usize, usize) {
        let Layer { c_in, c_out, size_in, .. } = self.layer;
        (c_in * size_in * size_in, c_out * self.pixels())
    }

    /// Pixels of one image's output.
    pub fn pixels(&self) -> usize {
        self.layer.size_out() * self.layer.size_out()
    }

    /// Values of a channel in the whole batch.
    fn count(&self, shards: &[Shard]) -> usize {
        self.pixels() * shards.iter().map(|shard| shard.images).sum::<usize>()
    }

    /// Convolves, and takes batch norm's statistics.
    pub fn forward(&mut self, pass: &mut Forward, input: Input) {
        let level = pass.level;
        let (floats_in, floats_out) = self.floats();
        let Unit { index, layer, geometry, packed: [packed, _], .. } = &*self;
        let (k, n) = (layer.c_in, layer.c_out);
        let weights = &pass.values[self.weight.clone()];
        for_each(pass.shards, |shard| {
            let mut output = take(&mut shard.tensors.outputs[*index]);
            let y = &mut output[..shard.images * floats_out];
            let source = input.source(&shard.tensors, shard.images * floats_in);
            let scratch = &mut shard.scratch;
            let (rows, frame, sums) = (&mut scratch.rows[0], &mut scratch.frames[0], &mut shard.sums);
            match layer.kind {
                Kind::Stem => {
                    let image = &shard.input[..shard.images * floats_in];
                    dispatch!(level, simd => stem::forward(simd, *geometry, image, packed, n, y, rows, sums));
                }
                Kind::Depthwise => {
                    dispatch!(level, simd => depthwise::forward(simd, *geometry, source, weights, y, frame, sums));
                }
                _ => {
                    dispatch!(level, simd => pointwise::forward(simd, source, packed, (k, n), y, rows, sums))
                }
            }
            shard.tensors.outputs[*index] = output;
        });
        pass.profile.lap(self.index, Operation::Forward);
        let count = self.count(pass.shards);
        let affine = (&pass.values[self.gamma.clone()], &pass.values[self.beta.clone()]);
        let [mean, var] = pass
            .statistics
            .get_disjoint_mut([self.running_mean.clone(), self.running_var.clone()])
            .expect("spans of two tensors do not overlap");
        let channels = self.layer.c_out;
        if self.frozen {
            clear_sums(pass.shards, channels);
            self.norm.forward_frozen(affine, (mean, var), self.epsilon);
        } else {
            let sums = batch_sums(pass.shards, channels);
            self.norm.forward(sums, count, affine, (mean, var), self.epsilon, self.momentum);
        }
        pass.profile.lap(self.index, Operation::Normalize);
    }

    /// From the gradient of the normalised value in `from`, whose sums the shards hold: the gradients of γ, β and
    /// the weights, and the input's in `to`, with `add` (a shortcut's) on top.
    pub fn backward(&mut self, pass: &mut Backward, input: Input, from: Slot, to: Slot, add: Option<Slot>) {
        let level = pass.level;
        let count = self.count(pass.shards);
        let [gamma, beta] = pass
            .gradients
            .get_disjoint_mut([self.gamma.clone(), self.beta.clone()])
            .expect("spans of two tensors do not overlap");
        self.norm.backward(batch_sums(pass.shards, self.layer.c_out), count, (gamma, beta));
        pass.profile.lap(self.index, Operation::Normalize);

        let (floats_in, floats_out) = self.floats();
        let Unit { index, layer, geometry, norm, packed: [_, transposed], .. } = &*self;
        let (k, n) = (layer.c_in, layer.c_out);
        let weights = &pass.values[self.weight.clone()];
        // Where a shard's rows all fit into its scratch, the weights' gradient can wait for those of the others.
        let product = !matches!(layer.kind, Kind::Stem | Kind::Depthwise);
        let at_once = product && pass.shards[0].images * self.pixels() <= pixels_at_once(k, n);
        for_each(pass.shards, |shard| {
            let (inputs, outputs) = (shard.images * floats_in, shard.images * floats_out);
            let mut target = take(&mut shard.gradients[to as usize]);
            let source = input.source(&shard.tensors, inputs);
            let gradient = Gradient {
                dz: &shard.gradients[from as usize][..outputs],
                y: &shard.tensors.outputs[*index][..outputs],
                norm: norm.gradient(),
            };
            let sink = Sink {
                dz: &mut target,
                add: add.map(|slot| &shard.gradients[slot as usize][..inputs]),
                // What a shortcut adds to another gradient of the same value passes batch norm together with that.
                mean: if matches!(to, Slot::Shortcut) { &[] } else { input.mean() },
                sums: &mut shard.sums,
            };
            let scratch = &mut shard.scratch;
            let dw = &mut scratch.dw[..weights.len()];
            let [rows_in, rows_out] = &mut scratch.rows;
            let rows = [rows_in.as_mut_slice(), rows_out.as_mut_slice()];
            match layer.kind {
                Kind::Stem => {
                    let image = &shard.input[..inputs];
                    dispatch!(level, simd => stem::backward(simd, *geometry, image, gradient, n, dw, rows));
                }
                Kind::Depthwise => {
                    let [x, dy] = &mut scratch.frames;
                    let frames = [x.as_mut_slice(), dy.as_mut_slice()];
                    dispatch!(level, simd => {
                        depthwise::backward(simd, *geometry, source, gradient, weights, sink, dw, frames);
                    });
                }
                _ => {
                    let dw = (!at_once).then_some(dw);
                    dispatch!(level, simd => {
                        pointwise::backward(simd, source, gradient, transposed, (k, n), sink, dw, rows);
                    });
                }
            }
            shard.gradients[to as usize] = target;
        });
        let dw = &mut pass.gradients[self.weight.clone()];
        if at_once {
            self.weights_gradient(level, pass.shards, dw);
            pass.profile.lap(self.index, Operation::Backward);
        } else {
            pass.profile.lap(self.index, Operation::Backward);
            sum_over_shards(pass.shards, dw, |shard| &shard.scratch.dw);
            pass.profile.lap(self.index, Operation::Sum);
        }
    }

    /// The weights' gradient of a product, from rows in which each shard has all of its pixels: threads share out the inputs
    /// and go through the shards in their order, instead of writing a gradient a shard. It is large where pixels are few.
    fn weights_gradient(&self, level: Level, shards: &[Shard], dw: &mut [f32]) {
        let (k, n, pixels) = (self.layer.c_in, self.layer.c_out, self.pixels());
        // whole blocks and whole tiles
        let height = k.div_ceil(SHARDS).next_multiple_of(24);
        for_each_chunk(dw, height * n, |index, dw| {
            dispatch!(level, simd => {
                for (i, shard) in shards.iter().enumerate() {
                    let [x, dy] = &shard.scratch.rows;
                    let rows = shard.images * pixels;
                    let x = &x[index * height * rows..][..dw.len() / n * rows];
                    matmul::accumulate(simd, x, &dy[..n * rows], rows, (dw.len() / n, n), i == 0, dw);
                }
            });
        });
    }
}

/// `sum = Σ part(shard)` over the shards in their order.
pub fn sum_over_shards(shards: &[Shard], sum: &mut [f32], part: impl Fn(&Shard) -> &[f32] + Sync) {
    const CHUNK: usize = 1 << 14;
    crate::threads::for_each_chunk(sum, CHUNK, |index, sum| {
        for (i, shard) in shards.iter().enumerate() {
            let part = &part(shard)[index * CHUNK..][..sum.len()];
            if i == 0 {
                sum.copy_from_slice(part);
            } else {
                for (sum, part) in sum.iter_mut().zip(part) {
                    *sum += part;
                }
            }
        }
    });
}
