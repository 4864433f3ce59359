//! A convolution with its batch norm, over all micro-batches of a batch: what a block is made of.

use std::mem::take;
use std::ops::Range;

use fearless_simd::Level;

use super::batch_norm::BatchNorm;
use super::{Gradient, GradientWriter, LazyInput, depthwise, pointwise, stem};
use crate::arch::{Config, Kind, Layer, Role, STEM_INPUTS, Tensor};
use crate::kernel::depthwise::Geometry;
use crate::kernel::{dispatch, matmul};
use crate::profile::{Operation, Profile};
use crate::threads::{for_each, for_each_chunk};
use crate::train::workspace::{
    GradientBuffer, MICRO_BATCHES, MicroBatch, Tensors, batch_sums, clear_sums, pixels_at_once,
};

/// What a forward pass works on.
pub struct Forward<'a> {
    /// Instruction set.
    pub level: Level,
    /// The batch.
    pub micro_batches: &'a mut [MicroBatch],
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
    pub micro_batches: &'a mut [MicroBatch],
    /// All trainable values.
    pub values: &'a [f32],
    /// Their gradients, laid out alike.
    pub gradients: &'a mut [f32],
    /// Stopwatch.
    pub profile: &'a mut Profile,
}

/// The input of a convolution or a block.
#[derive(Clone, Copy)]
pub enum Input<'a> {
    /// The images.
    Image,
    /// Another convolution's output, through its batch norm and activation.
    Convolution(&'a ConvBnAct),
    /// The output of the block with this index.
    Bottleneck(usize),
}

impl<'a> Input<'a> {
    /// The input's tensor in a micro-batch, `floats` long.
    pub fn lazy(self, tensors: &'a Tensors, floats: usize) -> LazyInput<'a> {
        match self {
            Input::Image => LazyInput { x: &[], affine: None },
            Input::Convolution(conv) => {
                LazyInput { x: &tensors.outputs[conv.index][..floats], affine: Some(conv.norm.affine()) }
            }
            Input::Bottleneck(index) => LazyInput { x: &tensors.bottlenecks[index][..floats], affine: None },
        }
    }

    /// The batch means that the writer of this input's gradient needs.
    fn mean(self) -> &'a [f32] {
        match self {
            Input::Convolution(conv) => &conv.norm.mean,
            Input::Image | Input::Bottleneck(_) => &[],
        }
    }
}

/// A convolution followed by batch norm and an activation.
pub struct ConvBnAct {
    /// Index into [`Config::layers`].
    pub index: usize,
    /// Kind and shape.
    pub layer: Layer,
    /// Batch norm of the current batch.
    pub norm: BatchNorm,
    /// Whether batch norm uses its running averages and leaves them as they are.
    pub frozen: bool,
    geometry: Geometry,
    weight: Range<usize>,
    gamma: Range<usize>,
    beta: Range<usize>,
    running_mean: Range<usize>,
    running_var: Range<usize>,
    epsilon: f32,
    momentum: f32,
    /// Weights (k, n) packed for the matrix product, and transposed for its gradient; empty for a depthwise
    /// convolution.
    packed: [Vec<f32>; 2],
}

impl ConvBnAct {
    /// Builds the convolution of layer `index`.
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
        ConvBnAct {
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

    /// Floats per image of the input and of the output.
    fn floats(&self) -> (usize, usize) {
        let Layer { c_in, c_out, size_in, .. } = self.layer;
        (c_in * size_in * size_in, c_out * self.pixels())
    }

    /// Pixels per image of the output.
    pub fn pixels(&self) -> usize {
        self.layer.size_out() * self.layer.size_out()
    }

    /// Values per channel in the whole batch.
    fn count(&self, micro_batches: &[MicroBatch]) -> usize {
        self.pixels() * micro_batches.iter().map(|micro_batch| micro_batch.images).sum::<usize>()
    }

    /// Convolves, and computes batch norm's statistics.
    pub fn forward(&mut self, pass: &mut Forward, input: Input) {
        let level = pass.level;
        let (floats_in, floats_out) = self.floats();
        let ConvBnAct { index, layer, geometry, packed: [packed, _], .. } = &*self;
        let (k, n) = (layer.c_in, layer.c_out);
        let weights = &pass.values[self.weight.clone()];
        for_each(pass.micro_batches, |micro_batch| {
            let mut output = take(&mut micro_batch.tensors.outputs[*index]);
            let y = &mut output[..micro_batch.images * floats_out];
            let lazy = input.lazy(&micro_batch.tensors, micro_batch.images * floats_in);
            let scratch = &mut micro_batch.scratch;
            let (rows, padded_plane, sums) =
                (&mut scratch.rows[0], &mut scratch.padded_planes[0], &mut micro_batch.sums);
            match layer.kind {
                Kind::Stem => {
                    let image = &micro_batch.input[..micro_batch.images * floats_in];
                    dispatch!(level, simd => stem::forward(simd, *geometry, image, packed, n, y, rows, sums));
                }
                Kind::Depthwise => {
                    dispatch!(level, simd => depthwise::forward(simd, *geometry, lazy, weights, y, padded_plane, sums));
                }
                _ => {
                    dispatch!(level, simd => pointwise::forward(simd, lazy, packed, (k, n), y, rows, sums))
                }
            }
            micro_batch.tensors.outputs[*index] = output;
        });
        pass.profile.lap(self.index, Operation::Forward);
        let count = self.count(pass.micro_batches);
        let affine = (&pass.values[self.gamma.clone()], &pass.values[self.beta.clone()]);
        let [mean, var] = pass
            .statistics
            .get_disjoint_mut([self.running_mean.clone(), self.running_var.clone()])
            .expect("spans of two tensors do not overlap");
        let channels = self.layer.c_out;
        if self.frozen {
            clear_sums(pass.micro_batches, channels);
            self.norm.forward_frozen(affine, (mean, var), self.epsilon);
        } else {
            let sums = batch_sums(pass.micro_batches, channels);
            self.norm.forward(sums, count, affine, (mean, var), self.epsilon, self.momentum);
        }
        pass.profile.lap(self.index, Operation::Normalize);
    }

    /// Takes the gradient of the normalised value in `from`, whose sums the micro-batches hold. Computes the gradients
    /// of γ, β and the weights, and writes the input's to `to`, with `add` (a shortcut's) on top.
    pub fn backward(
        &mut self,
        pass: &mut Backward,
        input: Input,
        from: GradientBuffer,
        to: GradientBuffer,
        add: Option<GradientBuffer>,
    ) {
        let level = pass.level;
        let count = self.count(pass.micro_batches);
        let [gamma, beta] = pass
            .gradients
            .get_disjoint_mut([self.gamma.clone(), self.beta.clone()])
            .expect("spans of two tensors do not overlap");
        self.norm.backward(batch_sums(pass.micro_batches, self.layer.c_out), count, (gamma, beta));
        pass.profile.lap(self.index, Operation::Normalize);

        let (floats_in, floats_out) = self.floats();
        let ConvBnAct { index, layer, geometry, norm, packed: [_, transposed], .. } = &*self;
        let (k, n) = (layer.c_in, layer.c_out);
        let weights = &pass.values[self.weight.clone()];
        // If each micro-batch's rows fit into its scratch as a whole, the weights' gradient is computed afterwards for
        // all of them.
        let product = !matches!(layer.kind, Kind::Stem | Kind::Depthwise);
        let at_once = product && pass.micro_batches[0].images * self.pixels() <= pixels_at_once(k, n);
        for_each(pass.micro_batches, |micro_batch| {
            let (inputs, outputs) = (micro_batch.images * floats_in, micro_batch.images * floats_out);
            let mut target = take(&mut micro_batch.gradients[to as usize]);
            let lazy = input.lazy(&micro_batch.tensors, inputs);
            let gradient = Gradient {
                dz: &micro_batch.gradients[from as usize][..outputs],
                y: &micro_batch.tensors.outputs[*index][..outputs],
                norm: norm.gradient(),
            };
            let writer = GradientWriter {
                dz: &mut target,
                add: add.map(|buffer| &micro_batch.gradients[buffer as usize][..inputs]),
                // A gradient that a shortcut adds to another of the same value passes batch norm together with it.
                mean: if matches!(to, GradientBuffer::Shortcut) { &[] } else { input.mean() },
                sums: &mut micro_batch.sums,
            };
            let scratch = &mut micro_batch.scratch;
            let dw = &mut scratch.dw[..weights.len()];
            let [rows_in, rows_out] = &mut scratch.rows;
            let rows = [rows_in.as_mut_slice(), rows_out.as_mut_slice()];
            match layer.kind {
                Kind::Stem => {
                    let image = &micro_batch.input[..inputs];
                    dispatch!(level, simd => stem::backward(simd, *geometry, image, gradient, n, dw, rows));
                }
                Kind::Depthwise => {
                    let [x, dy] = &mut scratch.padded_planes;
                    let padded_planes = [x.as_mut_slice(), dy.as_mut_slice()];
                    dispatch!(level, simd => {
                        depthwise::backward(simd, *geometry, lazy, gradient, weights, writer, dw, padded_planes);
                    });
                }
                _ => {
                    let dw = (!at_once).then_some(dw);
                    dispatch!(level, simd => {
                        pointwise::backward(simd, lazy, gradient, transposed, (k, n), writer, dw, rows);
                    });
                }
            }
            micro_batch.gradients[to as usize] = target;
        });
        let dw = &mut pass.gradients[self.weight.clone()];
        if at_once {
            self.weights_gradient(level, pass.micro_batches, dw);
            pass.profile.lap(self.index, Operation::Backward);
        } else {
            pass.profile.lap(self.index, Operation::Backward);
            sum_over_micro_batches(pass.micro_batches, dw, |micro_batch| &micro_batch.scratch.dw);
            pass.profile.lap(self.index, Operation::Sum);
        }
    }

    /// The weights' gradient of a product, from rows that hold all pixels of each micro-batch. Threads share out the
    /// inputs and go through the micro-batches in order, which saves a gradient per micro-batch. That gradient is large
    /// where pixels are few.
    fn weights_gradient(&self, level: Level, micro_batches: &[MicroBatch], dw: &mut [f32]) {
        let (k, n, pixels) = (self.layer.c_in, self.layer.c_out, self.pixels());
        // whole blocks and whole tiles
        let height = k.div_ceil(MICRO_BATCHES).next_multiple_of(24);
        for_each_chunk(dw, height * n, |index, dw| {
            dispatch!(level, simd => {
                for (i, micro_batch) in micro_batches.iter().enumerate() {
                    let [x, dy] = &micro_batch.scratch.rows;
                    let rows = micro_batch.images * pixels;
                    let x = &x[index * height * rows..][..dw.len() / n * rows];
                    matmul::accumulate(simd, x, &dy[..n * rows], rows, (dw.len() / n, n), i == 0, dw);
                }
            });
        });
    }
}

/// `sum = Σ part(micro_batch)` over the micro-batches, in order.
pub fn sum_over_micro_batches(
    micro_batches: &[MicroBatch],
    sum: &mut [f32],
    part: impl Fn(&MicroBatch) -> &[f32] + Sync,
) {
    const CHUNK: usize = 1 << 14;
    crate::threads::for_each_chunk(sum, CHUNK, |index, sum| {
        for (i, micro_batch) in micro_batches.iter().enumerate() {
            let part = &part(micro_batch)[index * CHUNK..][..sum.len()];
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
